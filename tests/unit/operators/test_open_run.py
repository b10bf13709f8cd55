"""A run is refused, with one message, before anything is written or started."""

import shutil
from pathlib import Path
from types import SimpleNamespace
from uuid import UUID

import pytest
from airflow.sdk.exceptions import AirflowFailException

from patternalarm.contracts.domain_pack import SourceFile, SourceLabel, SourceSplit, load_pack
from patternalarm.contracts.pack_folder import PACKS_DIR
from patternalarm.contracts.runs import RunKind
from patternalarm.engines.local.files import LocalFiles
from patternalarm.hooks.kafka_topics import KafkaTopicsError
from patternalarm.operators import open_run
from patternalarm.operators.open_run import OpenRunOperator
from patternalarm.patterns import load_patterns, pattern_set_of
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

    class Flink:
        def free_slots(self):
            return 8

    class Processes:
        def names(self, prefix):
            return []

    monkeypatch.setattr(open_run, "KafkaTopicsHook", Kafka)
    monkeypatch.setattr(open_run.target, "flink", Flink)
    monkeypatch.setattr(open_run.target, "processes", Processes)
    monkeypatch.setattr(open_run, "PlatformDatabaseHook", Untouchable())
    settings = Settings(home=tmp_path / "home")
    monkeypatch.setattr(open_run, "get_settings", lambda: settings)
    monkeypatch.setattr(open_run.target, "files", lambda: LocalFiles(settings))
    return monkeypatch


def execute(kind=RunKind.LOAD_TEST, pack="payments"):
    OpenRunOperator(task_id="t", kind=kind, pack=pack, level="mini", minutes="1", seed="1").execute({})


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


@pytest.fixture
def opened(engines):
    """Runs that were recorded, on a machine whose database takes them."""
    rows = []

    class Database:
        def write(self, _, work):
            return work(None)

    engines.setattr(open_run, "PlatformDatabaseHook", Database)
    engines.setattr(OpenRunOperator, "_promoted_model", lambda *_: SimpleNamespace(version="m-1", path="/m-1"))
    engines.setattr(open_run.runs, "open_run", lambda _, run: rows.append(run))
    engines.setattr(open_run.runs, "acquire_lease", lambda *_: None)
    return rows


def opening(kind=RunKind.LOAD_TEST, pack="payments", **params):
    operator = OpenRunOperator(task_id="t", kind=kind, pack=pack, level="mini", minutes="1", seed="1")
    dag_run = SimpleNamespace(dag_id="a_dag", run_id="manual__1")
    ti = SimpleNamespace(dag_version_id=UUID(int=7))
    return operator.execute({"dag_run": dag_run, "ti": ti, "params": params})


@pytest.mark.parametrize("strict", [True, False])
def test_the_runs_row_holds_its_parameters_and_the_version_of_its_dag(opened, strict):
    values = opening(level="mini", strict=strict)
    assert opened[0].params["strict"] is strict
    assert opened[0].dag_version == "00000000-0000-0000-0000-000000000007"
    assert values["model_dir"] == "/m-1"


@pytest.fixture
def mine(tmp_path):
    """A pack's folder of somebody's own, with patterns."""
    folder = tmp_path / "mine"
    shutil.copytree(PACKS_DIR / "iot", folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "pack.yaml").write_text((folder / "pack.yaml").read_text().replace("name: iot", "name: my_toll", 1))
    return folder


def all_files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_an_edit_of_a_pack_does_not_reach_a_run_that_is_open(opened, mine, tmp_path):
    values = opening(pack=str(mine))
    copy = Path(values["pack"])
    # In the folder that the run's teardown removes.
    assert copy == Path(values["run_dir"]) / "pack" == tmp_path / "home" / "runs" / values["run_id"] / "pack"
    assert values["run_id"].startswith("load-test-my-toll-")
    before = all_files(copy)
    assert before == all_files(mine)
    pack = load_pack(copy)
    patterns = load_patterns(copy, pack)
    assert (opened[0].domain, opened[0].feature_set) == (pack.name, pack.feature_set) == ("my_toll", pack.feature_set)
    assert opened[0].pattern_set == pattern_set_of(patterns)
    assert len(patterns) == 3

    (mine / "pack.yaml").write_text("name: other")
    (mine / "patterns" / "botnet.sql").write_text("SELECT 1")
    (mine / "patterns" / "more.sql").write_text("SELECT 1")
    (mine / "activity.py").unlink()
    assert all_files(copy) == before
    assert (load_pack(copy), load_patterns(copy, pack)) == (pack, patterns)


@pytest.mark.parametrize("failing", ["_promoted_model", "_copy"])
def test_a_run_that_could_not_be_opened_leaves_no_copy(opened, mine, engines, failing, tmp_path):
    def refuse(*_):
        raise AirflowFailException("no")

    engines.setattr(OpenRunOperator, failing, refuse)
    with pytest.raises(AirflowFailException, match="no"):
        opening(pack=str(mine))
    assert not list((tmp_path / "home").rglob("*pack*"))
    assert opened == []


def test_a_pack_that_is_edited_while_its_run_is_opened_opens_none(opened, mine, engines, tmp_path):
    copy_pack = open_run.copy_pack

    def edited(folder, copy):
        (folder / "patterns" / "botnet.sql").unlink()
        copy_pack(folder, copy)

    engines.setattr(open_run, "copy_pack", edited)
    with pytest.raises(AirflowFailException, match=r"mine was edited while the run was opened: start it again"):
        opening(pack=str(mine))
    assert opened == []
    assert not list((tmp_path / "home").rglob("*pack*"))


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
