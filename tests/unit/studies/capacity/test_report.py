from xml.etree import ElementTree

import pytest

from patternalarm.studies.capacity.conclusions import conclusions
from patternalarm.studies.capacity.report import PLOT, document, plots
from patternalarm.studies.capacity.result import CapacityResult
from patternalarm.studies.publication import README_FILE, RESULT_FILE, publish


@pytest.mark.parametrize(
    ("held_out", "words"),
    [(7_400.0, "within the 15%"), (4_000.0, "too much: missing"), (12_000.0, "too little: missing")],
)
def test_the_error_at_the_held_out_point_is_judged(evaluated, held_out, words):
    assert words in " ".join(conclusions(evaluated(held_out)))


def test_what_lies_beyond_the_measured_is_marked(evaluated):
    told = document(evaluated())
    assert (
        "| MINI, 1,000 events a minute | 0.5 or fewer | 2.0 GiB | measured range | 1, batches of 100 (3,700 a minute) |"
        in told
    )
    extreme = next(line for line in told.splitlines() if line.startswith("| EXTREME"))
    assert "extrapolated" in extreme
    assert "Extrapolated beyond 2 cores" in told or "no number of workers" in told


def test_a_line_is_told_as_a_line(evaluated):
    assert "throughput is linear" in " ".join(conclusions(evaluated(fitted=(2_000.0, 4_000.0, 6_000.0))))


def test_a_point_of_which_the_limit_was_not_found_is_told(evaluated):
    result = evaluated()
    assert "may hold more" not in " ".join(conclusions(result))
    result.fitted[1].holds.pop()
    assert "With 1 cores every rate tried was held" in " ".join(conclusions(result))


def test_a_quota_that_was_not_what_limited_is_told(evaluated):
    result = evaluated()
    assert "something else set the limit" not in " ".join(conclusions(result))
    result.fitted[2].cores_used = 0.6
    assert "could have had of 1.5 (0.60 used) cores" in " ".join(conclusions(result))


def test_a_quota_that_the_generator_shares_is_told(evaluated):
    assert "could not be had in full" in " ".join(conclusions(evaluated()))


def test_the_write_up_is_made_of_the_result_file_alone(evaluated, tmp_path):
    result = evaluated()
    publish(tmp_path, result, document(result), plots(result))

    read = CapacityResult.model_validate_json((tmp_path / RESULT_FILE).read_bytes())
    assert document(read) == (tmp_path / README_FILE).read_text()
    ElementTree.parse(tmp_path / PLOT)
