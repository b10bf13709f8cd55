"""A run is refused, with one message, before anything is written or started."""

import pytest
from airflow.sdk.exceptions import AirflowFailException

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
    monkeypatch.setattr(open_run.targets, "flink", Flink)
    monkeypatch.setattr(open_run.targets, "processes", Processes)
    monkeypatch.setattr(open_run, "PlatformDatabaseHook", Untouchable())
    return monkeypatch


def execute(kind=RunKind.LOAD_TEST, pack="payments"):
    OpenRunOperator(task_id="t", kind=kind, pack=pack, level="mini", minutes="1", seed="1").execute({})


def test_an_unknown_domain(engines):
    with pytest.raises(AirflowFailException, match=r"no domain pack 'paymets': use one of .*payments"):
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


def test_the_database_is_asked_last(engines):
    with pytest.raises(AssertionError, match="the database was asked"):
        execute()


@pytest.mark.parametrize(
    ("text", "hour"), [("2020-05-08", 0), ("2020-05-08T06:00:00Z", 6), ("2020-05-08T08:00:00+02:00", 6)]
)
def test_times_of_a_split_are_utc_unless_they_say_otherwise(text, hour):
    parsed = open_run._utc(text)
    assert parsed.utcoffset() is not None
    assert parsed.astimezone(open_run.UTC).isoformat() == f"2020-05-08T{hour:02d}:00:00+00:00"


def test_a_time_that_is_none_is_named():
    with pytest.raises(AirflowFailException, match=r"'May 2020' .* is no ISO 8601 time"):
        open_run._utc("May 2020")
