"""A run is refused, with one message, before anything is written or started; opened, it is that of its attempt."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from uuid import UUID

import pytest
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred

from patternalarm.contracts.domain_pack import SourceFile, SourceLabel, SourceSplit, load_pack
from patternalarm.contracts.pack_folder import PACKS_DIR
from patternalarm.contracts.runs import RunKind
from patternalarm.engines.local.files import LocalFiles
from patternalarm.hooks.kafka_topics import KafkaTopicsError
from patternalarm.operators import open_run
from patternalarm.operators.open_run import OpenRunOperator
from patternalarm.patterns import load_patterns, pattern_set_of
from patternalarm.runs.registry import OpenRun, RunState
from patternalarm.runs.room import Room
from patternalarm.settings import Settings


class Untouchable:
    """A database that must not be reached."""

    def __call__(self):
        raise AssertionError("the database was asked before everything else was checked")


@pytest.fixture
def engines(monkeypatch, tmp_path):
    """All engines up, unless a test says otherwise; no database, and nothing in the home yet."""

    class Kafka:
        def check(self):
            """Up."""

    class Processes:
        def names(self, prefix):
            return []

    monkeypatch.setattr(open_run, "KafkaTopicsHook", Kafka)
    monkeypatch.setattr(Room, "now", classmethod(lambda cls: cls(needed=2, free=8, total=8)))
    monkeypatch.setattr(open_run.target, "processes", Processes)
    monkeypatch.setattr(open_run, "PlatformDatabaseHook", Untouchable())
    settings = Settings(home=tmp_path / "home")
    monkeypatch.setattr(open_run, "get_settings", lambda: settings)
    monkeypatch.setattr(open_run.target, "files", lambda: LocalFiles(settings))
    return monkeypatch


def attempt(clear_number=0, map_index=-1, states=None, **params):
    """Context of an attempt of ``open_run``, which ``create_topics`` and ``grade`` follow; ``states`` are those of tasks."""
    return {
        "task": SimpleNamespace(get_flat_relative_ids=lambda upstream: {"create_topics", "grade"}),
        "dag_run": SimpleNamespace(
            dag_id="run_load_test",
            run_id="manual__1",
            clear_number=clear_number,
            run_after=datetime(2026, 11, 26, 18, 6, 30, tzinfo=UTC),
        ),
        "ti": SimpleNamespace(
            dag_id="run_load_test",
            run_id="manual__1",
            map_index=map_index,
            dag_version_id=UUID(int=7),
            get_task_states=lambda dag_id, run_ids, map_index: {run_ids[0]: states or {}},
        ),
        "params": params,
    }


def load_test(**options):
    given = {"pack": "payments", "level": "mini", "minutes": "1", "seed": "1", **options}
    return OpenRunOperator(task_id="t", kind=RunKind.LOAD_TEST, execution_timeout=timedelta(hours=3), **given)


def execute(kind=RunKind.LOAD_TEST, pack="payments"):
    OpenRunOperator(task_id="t", kind=kind, pack=pack, level="mini", minutes="1", seed="1").execute(attempt())


def test_an_unknown_domain(engines):
    with pytest.raises(AirflowFailException, match=r"unknown domain pack paymets: did you mean payments"):
        execute(pack="paymets")


def test_a_replay_with_a_pack_that_maps_no_file(engines):
    with pytest.raises(AirflowFailException, match="pack payments maps no file: give it a `source`"):
        execute(RunKind.REPLAY)


def test_kafka_is_down(engines):
    class Down:
        def check(self):
            raise KafkaTopicsError("Kafka does not answer: start the platform with `make up`")

    engines.setattr(open_run, "KafkaTopicsHook", Down)
    with pytest.raises(KafkaTopicsError, match="make up"):
        execute()


@pytest.mark.parametrize(("own", "expected"), [("", 1_000), ("600000", 600_000)])
def test_a_rate_of_ones_own_takes_the_place_of_the_levels(own, expected):
    operator = OpenRunOperator(
        task_id="t", kind=RunKind.LOAD_TEST, pack="payments", level="mini", events_per_minute=own
    )
    assert operator._rate() == expected


def test_the_database_is_asked_last(engines):
    with pytest.raises(AssertionError, match="the database was asked"):
        execute()


def split_of_pack(train_until, test_from):
    source = SourceFile(
        columns={},
        label=SourceLabel(column="is_fraud", fraud_type="card_testing"),
        split=SourceSplit(train_until=train_until, test_from=test_from),
    )
    pack = load_pack("payments").model_copy(update={"source": source})
    return OpenRunOperator(task_id="t", kind=RunKind.REPLAY, pack="payments")._split(pack)


def test_a_bare_date_of_a_split_trains_to_its_end_and_tests_from_its_begin():
    train_until, test_from = split_of_pack("2025-04-30", "2025-05-08")
    assert train_until.isoformat() == "2025-04-30T23:59:59.999000+00:00"
    assert test_from.isoformat() == "2025-05-08T00:00:00+00:00"


def test_a_split_that_trains_on_what_it_grades_is_refused():
    with pytest.raises(AirflowFailException, match=r"pack payments: .*test_from 2025-05-08 must come after"):
        split_of_pack("2025-05-08", "2025-05-08")


def test_a_pack_of_ones_own_does_not_go_by_a_shipped_ones_name(engines, tmp_path):
    mine = shutil.copytree(PACKS_DIR / "iot", tmp_path / "mine")
    with pytest.raises(AirflowFailException, match=r"mine/pack\.yaml: its name iot is taken .* give it another name"):
        execute(RunKind.REPLAY, str(mine))


class Registry:
    """Runs as the registry keeps them, and what was closed."""

    def __init__(self):
        self.runs = {}
        self.open = []
        self.leases = []
        self.closed = []

    def write(self, _, work):
        return work(None)


@pytest.fixture
def registry(engines):
    """A registry that keeps what is opened, and a promoted model m-1."""
    state = Registry()
    state.promoted = "m-1"
    engines.setattr(open_run, "PlatformDatabaseHook", lambda: state)
    engines.setattr(
        OpenRunOperator,
        "_promoted_model",
        lambda *_: SimpleNamespace(version=state.promoted, path=f"/{state.promoted}"),
    )
    engines.setattr(
        open_run, "get_model", lambda _, domain, version: SimpleNamespace(version=version, path=f"/{version}")
    )
    engines.setattr(open_run.runs, "alone_to_open", lambda _: None)
    engines.setattr(open_run.runs, "open_runs", lambda _: state.open)
    engines.setattr(open_run.runs, "open_run", lambda _, run: state.runs.setdefault(run.run_id, run))
    engines.setattr(open_run.runs, "acquire_lease", lambda _, run_id, duration: state.leases.append(run_id))

    class Closer:
        def __init__(self, log):
            """Log as you like."""

        def close(self, run_id, verdict, reason, *, keep_topics=False):
            state.closed.append((run_id, verdict, reason, keep_topics))

    engines.setattr(open_run, "RunCloser", Closer)
    return state


def still_open(run_id, *, domain="payments", airflow_run_id="manual__1", dag_id="run_load_test"):
    return OpenRun(run_id, domain, dag_id, airflow_run_id, keep_topics=True, live=True, closing=False)


@pytest.mark.parametrize("strict", [True, False])
def test_the_runs_row_holds_its_parameters_and_the_version_of_its_dag(registry, strict):
    values = load_test().execute(attempt(level="mini", strict=strict))
    assert registry.runs[values["run_id"]].params["strict"] is strict
    assert registry.runs[values["run_id"]].dag_version == "00000000-0000-0000-0000-000000000007"
    assert values["model_dir"] == "/m-1"


def test_the_same_attempt_opened_twice_is_one_run_with_the_model_and_the_time_of_its_opening(registry):
    first = load_test().execute(attempt())
    registry.promoted = "m-2"
    registry.open = [still_open(first["run_id"])]
    assert load_test().execute(attempt()) == first
    assert len(registry.runs) == 1
    assert registry.closed == []


def test_an_attempt_after_a_clearing_closes_the_one_before_and_opens_a_run_of_its_own(registry):
    first = load_test().execute(attempt())["run_id"]
    others = [still_open("run-8", airflow_run_id="manual__2"), still_open("run-9", domain="iot")]
    registry.open = [still_open(first), *others]
    second = load_test().execute(attempt(clear_number=1))
    assert second["run_id"] != first
    assert registry.closed == [(first, RunState.FAILED, f"was cleared; the next attempt is {second['run_id']}", True)]


@pytest.mark.parametrize("state", ["success", "failed", "upstream_failed", "skipped"])
def test_a_task_that_was_cleared_alone_opens_nothing_and_ends_the_attempt_before(registry, state):
    first = load_test().execute(attempt())["run_id"]
    registry.open = [still_open(first)]
    with pytest.raises(
        AirflowFailException, match=r"create_topics ran for the attempt before.*Trigger the DAG again, or"
    ):
        load_test().execute(attempt(clear_number=1, states={"create_topics": state, "train_missing_model": "success"}))
    assert [run_id for run_id, *_ in registry.closed] == [first]
    assert len(registry.runs) == 1


@pytest.mark.parametrize("state", ["restarting", "running", "queued", "scheduled", "deferred", "removed"])
def test_what_follows_and_has_not_ended_is_no_hindrance(registry, state):
    assert load_test().execute(attempt(states={"create_topics": state}))


def test_a_closed_run_is_not_opened_again(registry, engines):
    def refuse(_, run):
        raise open_run.runs.closed(run.run_id)

    engines.setattr(open_run.runs, "open_run", refuse)
    with pytest.raises(AirflowFailException, match=r"is closed.*trigger the DAG again"):
        load_test().execute(attempt())


def test_a_model_is_versioned_by_the_run_that_trains_it(registry):
    values = [
        OpenRunOperator(task_id="t", kind=RunKind.RETRAIN, pack="payments").execute(attempt(map_index=index))
        for index in (0, 1)
    ]
    assert [value["new_version"] for value in values] == [value["run_id"] for value in values]
    assert values[0]["model_dir"] != values[1]["model_dir"]
    assert values[0]["model_dir"].endswith(f"/payments/{values[0]['run_id']}")


def test_room_is_waited_for_without_a_lease_and_then_the_run_is_opened(registry):
    registry.open = [still_open(f"run-{number}", airflow_run_id="manual__2") for number in range(4)]
    with pytest.raises(TaskDeferred) as deferred:
        load_test().execute(attempt())
    waiting = deferred.value
    assert (registry.runs, registry.leases) == ({}, [])
    assert 9_000 - 60 < waiting.trigger.patience <= 9_000
    assert waiting.timeout == timedelta(hours=3)
    registry.open.pop()
    values = getattr(load_test(), waiting.method_name)(attempt(), event={}, **waiting.kwargs)
    assert registry.leases == [values["run_id"]]


def test_a_wait_for_room_that_lasts_too_long_ends_with_its_reason(registry):
    with pytest.raises(AirflowFailException, match="nothing moved"):
        load_test().resume(attempt(), {"reason": "nothing moved for 9000 s: no room", "log": []}, until=0)


def test_domains_that_train_one_after_another_wait_for_each_other_and_not_for_other_dag_runs(registry):
    def retrain():
        return OpenRunOperator(task_id="t", kind=RunKind.RETRAIN, pack="payments", alone=True)

    registry.open = [still_open("run-0", domain="iot", airflow_run_id="manual__2")]
    retrain().execute(attempt(map_index=0))
    registry.open = [still_open("run-0", domain="iot")]
    with pytest.raises(TaskDeferred):
        retrain().execute(attempt(map_index=0))


@pytest.fixture
def mine(tmp_path):
    """A pack's folder of somebody's own, with patterns."""
    folder = tmp_path / "mine"
    shutil.copytree(PACKS_DIR / "iot", folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "pack.yaml").write_text((folder / "pack.yaml").read_text().replace("name: iot", "name: my_toll", 1))
    return folder


def all_files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_an_edit_of_a_pack_does_not_reach_a_run_that_is_open(registry, mine, tmp_path):
    values = load_test(pack=str(mine)).execute(attempt())
    copy = Path(values["pack"])
    # In the folder that the run's teardown removes.
    assert copy == Path(values["run_dir"]) / "pack" == tmp_path / "home" / "runs" / values["run_id"] / "pack"
    assert values["run_id"].startswith("load-test-my-toll-")
    before = all_files(copy)
    assert before == all_files(mine)
    pack = load_pack(copy)
    patterns = load_patterns(copy, pack)
    run = registry.runs[values["run_id"]]
    assert (run.domain, run.feature_set) == (pack.name, pack.feature_set) == ("my_toll", pack.feature_set)
    assert run.pattern_set == pattern_set_of(patterns)
    assert len(patterns) == 3

    (mine / "pack.yaml").write_text("name: other")
    (mine / "patterns" / "botnet.sql").write_text("SELECT 1")
    (mine / "patterns" / "more.sql").write_text("SELECT 1")
    (mine / "activity.py").unlink()
    assert all_files(copy) == before
    assert (load_pack(copy), load_patterns(copy, pack)) == (pack, patterns)


def test_a_run_that_is_not_recorded_has_no_copy(registry, mine, engines, tmp_path):
    # What is found under a run_id before its lease is written, would be taken for a leftover.
    def refuse(*_):
        raise AirflowFailException("no")

    engines.setattr(OpenRunOperator, "_promoted_model", refuse)
    with pytest.raises(AirflowFailException, match="no"):
        load_test(pack=str(mine)).execute(attempt())
    assert not list((tmp_path / "home").rglob("*pack*"))


def test_a_pack_that_is_edited_while_its_run_is_opened_closes_it(registry, mine, engines):
    copy_pack = open_run.copy_pack

    def edited(folder, copy):
        (folder / "patterns" / "botnet.sql").unlink()
        copy_pack(folder, copy)

    engines.setattr(open_run, "copy_pack", edited)
    with pytest.raises(AirflowFailException, match=r"mine was edited while the run was opened: start it again"):
        load_test(pack=str(mine)).execute(attempt())
    ((run_id, verdict, reason, _),) = registry.closed
    assert (run_id, verdict) == (next(iter(registry.runs)), RunState.FAILED)
    assert reason.endswith("was edited while the run was opened: start it again")


def test_a_pattern_of_ones_own_is_checked_first(engines, mine):
    (mine / "patterns" / "more.sql").write_text("-- nam: x")
    with pytest.raises(AirflowFailException, match=r"more\.sql: line 1: unknown header key nam: did you mean name\?"):
        execute(pack=str(mine))


def test_what_is_generated_needs_an_activity(engines, mine):
    (mine / "activity.py").unlink()
    with pytest.raises(AirflowFailException, match=r"mine has no activity\.py"):
        execute(pack=str(mine))
    with pytest.raises(AirflowFailException, match=r"pack my_toll maps no file"):
        execute(RunKind.REPLAY, str(mine))
