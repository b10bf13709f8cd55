"""A spec is JSON, and back from it the same."""

import json

import pytest

from patternalarm.engines.job_spec import JobSpec, Program, Size

SPEC = JobSpec(
    "run-1.scorer",
    Program.SPARK,
    "score_features",
    {"score_from_ms": 7, "mode": "realtime"},
    flags=("--check",),
    restarts=True,
    tells_ready=True,
    secrets=("scorer_password",),
    size=Size.LARGE,
)


@pytest.mark.parametrize("spec", [SPEC, JobSpec("a", Program.DBT, "run")])
def test_a_spec_survives_the_way_through_json(spec):
    assert JobSpec.of(json.loads(json.dumps(spec.to_json()))) == spec


def test_more_options_come_on_top():
    more = SPEC.with_options({"mode": "microbatch", "shard": "3"})
    assert more.arguments() == ["--score-from-ms", "7", "--mode", "microbatch", "--shard", "3", "--check"]
    assert SPEC.options["mode"] == "realtime"


def test_a_spec_is_told_in_one_line():
    assert SPEC.describe() == "run-1.scorer: spark score_features --score-from-ms 7 --mode realtime --check"


def test_a_program_that_nobody_knows_is_refused():
    with pytest.raises(ValueError, match="cobol"):
        JobSpec.of({**SPEC.to_json(), "program": "cobol"})
