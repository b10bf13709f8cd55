import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patternalarm.studies.capacity.scalability_law import ScalabilityLaw, fit, relative_error


def costs(most):
    """None at all, or one that can be told from none."""
    return st.just(0.0) | st.floats(1e-6, most)


LAWS = st.builds(ScalabilityLaw, rate=st.floats(10, 1e5), contention=costs(0.6), coherency=costs(0.1))


def throughput_told_in_words(law, workers):
    """The law as its article writes it, a step at a time."""
    ideal = law.rate * workers
    waiting = law.contention * (workers - 1)
    talking = law.coherency * workers * (workers - 1)
    return ideal / (1 + waiting + talking)


def worst_relative_error(law, workers, throughputs):
    return sum((n / law.throughput(n) * x / n - 1) ** 2 for n, x in zip(workers, throughputs, strict=True))


@settings(deadline=None)
@given(LAWS, st.floats(0.1, 64))
def test_the_law_is_the_article_s(law, workers):
    assert law.throughput(workers) == pytest.approx(throughput_told_in_words(law, workers))


@settings(deadline=None)
@given(LAWS)
def test_a_curve_without_noise_is_found_again(law):
    workers = [0.5, 1, 1.5, 2, 4, 8]
    found = fit(workers, [law.throughput(n) for n in workers])
    assert found.rate == pytest.approx(law.rate, rel=1e-4)
    assert found.contention == pytest.approx(law.contention, abs=1e-4)
    assert found.coherency == pytest.approx(law.coherency, abs=1e-4)


@settings(deadline=None)
@given(LAWS, st.lists(st.floats(-0.1, 0.1), min_size=4, max_size=4))
def test_no_law_of_a_grid_fits_noisy_points_better(law, noise):
    workers = [0.5, 1.0, 1.5, 2.0]
    throughputs = [law.throughput(n) * (1 + error) for n, error in zip(workers, noise, strict=True)]
    best = worst_relative_error(fit(workers, throughputs), workers, throughputs)
    for rate in np.linspace(0.8, 1.2, 9) * law.rate:
        for contention in np.linspace(0, 0.6, 7):
            for coherency in np.linspace(0, 0.1, 5):
                other = ScalabilityLaw(rate, contention, coherency)
                assert best <= worst_relative_error(other, workers, throughputs) + 1e-9


@settings(deadline=None)
@given(LAWS, st.floats(0.2, 0.95))
def test_workers_for_a_throughput_give_it(law, share):
    most = law.most_workers if law.most_workers is not None else 50.0
    wanted = law.throughput(max(most, 0.1)) * share
    workers = law.workers_for(wanted)
    assert workers is not None
    assert workers <= max(most, 0.1) + 1e-6
    assert law.throughput(workers) == pytest.approx(wanted, rel=1e-4)


def test_no_number_of_workers_gives_more_than_the_peak():
    law = ScalabilityLaw(rate=100, contention=0.1, coherency=0.01)
    assert law.most_workers == pytest.approx(math.sqrt(90))
    peak = law.throughput(law.most_workers)
    assert law.workers_for(peak * 1.01) is None
    assert law.workers_for(peak * 0.99) < law.most_workers


def test_contention_alone_has_a_ceiling_that_is_never_reached():
    law = ScalabilityLaw(rate=100, contention=0.5, coherency=0)
    assert law.most_workers is None
    assert law.workers_for(199) == pytest.approx(199)
    assert law.workers_for(200) is None


def test_more_than_linear_growth_is_fitted_by_a_line_and_not_by_negative_costs():
    found = fit([0.5, 1, 1.5], [40, 100, 160])
    assert (found.contention, found.coherency) == (0, 0)


@pytest.mark.parametrize(
    ("workers", "throughputs"), [([1, 2], [1, 2]), ([1, 2, 3], [1, 2]), ([1, 2, 3], [1, 0, 2]), ([0, 1, 2], [1, 2, 3])]
)
def test_points_that_tell_no_law_are_refused(workers, throughputs):
    with pytest.raises(ValueError, match=r"three points|positive"):
        fit(workers, throughputs)


def test_an_error_is_positive_where_too_much_was_promised():
    assert relative_error(110, 100) == pytest.approx(0.1)
    assert relative_error(90, 100) == pytest.approx(-0.1)
