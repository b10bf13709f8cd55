import pytest

from patternalarm.contracts.runs import Level
from patternalarm.studies.capacity.result import level_needs
from patternalarm.studies.capacity.scalability_law import ScalabilityLaw

LINEAR = ScalabilityLaw(rate=500, contention=0, coherency=0)


@pytest.fixture
def points(point):
    return [point(0.5, 250, 1_000), point(1, 500, 1_100), point(2, 1_000, 1_200)]


def test_levels_are_told_in_workers_and_what_was_not_measured_is_marked(points):
    needs = {need.level: need for need in level_needs(LINEAR, points)}
    # 17 and 167 events a second: the smallest quota holds them, less was not tried.
    assert (needs[Level.MINI].workers, needs[Level.MINI].extrapolated) == (0.5, False)
    assert (needs[Level.NORMAL].workers, needs[Level.NORMAL].memory_mib) == (0.5, 1_000)
    # 833 a second by the line are 1.67 workers.
    assert (needs[Level.PEAK].workers, needs[Level.PEAK].extrapolated, needs[Level.PEAK].memory_mib) == (
        2,
        False,
        1_200,
    )
    # 16,667 a second are 33.3 workers, 17 machines.
    assert (needs[Level.EXTREME].workers, needs[Level.EXTREME].extrapolated) == (33.5, True)
    assert needs[Level.EXTREME].memory_mib == 17 * 1_200


def test_a_level_beyond_the_peak_of_the_law_has_no_workers(points):
    needs = level_needs(ScalabilityLaw(rate=500, contention=0.1, coherency=0.05), points)
    assert needs[-1].level is Level.EXTREME
    assert needs[-1].workers is None
    assert needs[-1].memory_mib is None
    assert needs[-1].extrapolated


def test_a_whole_step_is_not_rounded_up_by_the_last_digit_of_a_float(point):
    needs = level_needs(
        ScalabilityLaw(rate=50_000 / 60 / 1.5, contention=0, coherency=0), [point(0.5, 10), point(2, 900)]
    )
    assert next(need for need in needs if need.level is Level.PEAK).workers == 1.5


def test_the_held_out_point_takes_no_part_in_the_fit(evaluated):
    once, again = evaluated(held_out=7_400.0), evaluated(held_out=3_700.0)
    assert once.law == again.law
    assert once.predicted_per_second == again.predicted_per_second
    assert again.error > once.error
