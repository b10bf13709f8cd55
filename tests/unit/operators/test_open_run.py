"""A run is refused, with one message, before anything is written or started."""

from types import SimpleNamespace

import pytest
from airflow.sdk.exceptions import AirflowFailException

from patternalarm.contracts.domain_pack import PACKS_DIR, SourceFile, SourceLabel, SourceSplit, load_pack
from patternalarm.contracts.runs import RunKind
from patternalarm.hooks.kafka_topics import KafkaTopicsError
from patternalarm.operators import open_run
from patternalarm.operators.open_run import OpenRunOperator


class Untouchable:
    """A database that must not be reached."""

    def __call__(self):
        raise AssertionError("the database was asked before everything else was checked")


@pytest.fixture
def engines(monkeypatch):
    """All engines up, unless a test says otherwise; no database."""

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


@pytest.mark.parametrize(("rate", "minutes", "events"), [("100", "0.5", 50), ("384", "0.5", 192)])
def test_a_run_too_short_for_a_fraud_is_refused(engines, rate, minutes, events):
    def opening(rate, minutes):
        return OpenRunOperator(
            task_id="t",
            kind=RunKind.LOAD_TEST,
            pack="payments",
            level="mini",
            events_per_minute=rate,
            minutes=minutes,
            seed="1",
        )

    with pytest.raises(AirflowFailException, match=rf"of {events} events holds less than one .* 193 events or more"):
        opening(rate, minutes).execute({})
    with pytest.raises(AssertionError, match="the database was asked"):
        opening("386", "0.5").execute({})


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
    mine = tmp_path / "mine.yaml"
    mine.write_text((PACKS_DIR / "iot.yaml").read_text())
    with pytest.raises(AirflowFailException, match=r"mine\.yaml: its name iot is taken .* give it another name"):
        execute(RunKind.REPLAY, str(mine))


@pytest.mark.parametrize("strict", [True, False])
def test_the_runs_row_holds_its_parameters_strict_among_them(engines, strict):
    opened = []

    class Database:
        def write(self, _, work):
            return work(None)

    engines.setattr(open_run, "PlatformDatabaseHook", Database)
    engines.setattr(OpenRunOperator, "_promoted_model", lambda *_: SimpleNamespace(version="m-1", path="/m-1"))
    engines.setattr(open_run.runs, "open_run", lambda _, run: opened.append(run))
    engines.setattr(open_run.runs, "acquire_lease", lambda *_: None)
    operator = OpenRunOperator(
        task_id="t", kind=RunKind.LOAD_TEST, pack="payments", level="mini", minutes="1", seed="1"
    )
    dag_run = SimpleNamespace(dag_id="run_load_test", run_id="manual__1")
    values = operator.execute({"dag_run": dag_run, "params": {"level": "mini", "strict": strict}})
    assert opened[0].params["strict"] is strict
    assert values["model_dir"] == "/m-1"
