"""A run_id is a function of its attempt, and tells what is ours."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from patternalarm.contracts.runs import RunKind, check_run_id, is_run_id, run_id_of

ATTEMPT = {
    "dag_id": "run_load_test",
    "airflow_run_id": "manual__2026-11-26T18:06:30.123456+00:00_x1",
    "run_after": datetime(2026, 11, 26, 18, 6, 30, 123456, tzinfo=UTC),
    "map_index": -1,
    "clear_number": 0,
}


def test_the_same_attempt_has_the_same_id():
    first = run_id_of(RunKind.LOAD_TEST, "payments", **ATTEMPT)
    elsewhere = ATTEMPT["run_after"].astimezone(timezone(timedelta(hours=2)))
    assert run_id_of(RunKind.LOAD_TEST, "payments", **{**ATTEMPT, "run_after": elsewhere}) == first
    assert first.startswith("load-test-payments-20261126-180630-")


@pytest.mark.parametrize(
    "change",
    [
        {"airflow_run_id": "manual__2"},
        {"dag_id": "another"},
        {"map_index": 0},
        {"clear_number": 1},
        {"run_after": ATTEMPT["run_after"] + timedelta(microseconds=1)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_another_attempt_has_another_id(change):
    ids = {run_id_of(RunKind.LOAD_TEST, "payments", **attempt) for attempt in (ATTEMPT, {**ATTEMPT, **change})}
    assert len(ids) == 2


def test_domains_of_one_dag_run_differ_though_they_are_written_alike():
    ids = {run_id_of(RunKind.RETRAIN, domain, **ATTEMPT) for domain in ("a_b", "a__b", "x" * 60, "x" * 61)}
    assert len(ids) == 4
    assert all(check_run_id(run_id) and is_run_id(run_id) for run_id in ids)


@pytest.mark.parametrize(
    "name",
    [
        "live",
        "backup",
        "load-test-toll-1",
        "load-test-payments-20261126-180630",
        "kafka",
        "",
        "replay-x-20261126-180630-G1",
    ],
)
def test_other_names_are_not_ours(name):
    assert not is_run_id(name)
