"""These tests need Airflow's hooks, so they are collected in its environment alone. What runs own is a world of names."""

from importlib.util import find_spec

import pytest

collect_ignore_glob = [] if find_spec("airflow") else ["test_*.py"]

MINE = "load-test-payments-20261126-180630-0a1b2c3d"
OTHER = "load-test-payments-20261126-180630-ffffffff"
LOST = "retrain-iot-20261101-030000-00000001"


class World:
    """What is up on the engines, by name. A part that is ``broken`` answers nothing."""

    def __init__(self, home):
        self.home = home
        self.programs = [
            "kafka",
            "live.scorer",
            *(f"{run}.{what}" for run in (MINE, OTHER) for what in ("a", "scorer")),
        ]
        self.jobs = {
            "j0": "detect-payments-live",
            "j1": f"detect-payments-{MINE}",
            "j2": f"detect-payments-{OTHER}",
            "j3": "somebody-elses",
        }
        self.ended_jobs = {f"detect-payments-{MINE}"}
        self.topics = [
            "__consumer_offsets",
            "events.payments",
            "events.payments.backup",
            f"events.payments.{MINE}",
            f"events.payments.{OTHER}",
            f"scores.payments.{MINE}",
            f"thing.payments.{MINE}",
        ]
        for run in (MINE, OTHER, "notes"):
            (home / "runs" / run / "deep").mkdir(parents=True)
        self.broken = set()
        self.refused_cancels = 0

    @property
    def folders(self):
        return sorted(folder.name for folder in (self.home / "runs").iterdir())

    def fail_if(self, part):
        if part in self.broken:
            raise RuntimeError(f"{part} is down")


@pytest.fixture
def world(monkeypatch, tmp_path):
    """Engines of which only names are known, in place of those that belongings are looked for on."""
    from patternalarm.engines.errors import FlinkError
    from patternalarm.engines.local.files import LocalFiles
    from patternalarm.runs import belongings
    from patternalarm.settings import Settings

    state = World(tmp_path)

    class Processes:
        def names(self, prefix):
            state.fail_if("supervisor")
            return [name for name in state.programs if name.startswith(prefix)]

        def remove(self, name):
            state.programs.remove(name)

    class Flink:
        def running_jobs(self):
            state.fail_if("Flink")
            return dict(state.jobs)

        def cancel(self, job):
            if state.refused_cancels:
                state.refused_cancels -= 1
                raise FlinkError("Flink answers 409")
            state.ended_jobs.add(state.jobs.pop(job))

        def ended_jobs(self):
            return sorted(state.ended_jobs)

        def forget(self, name):
            state.ended_jobs.remove(name)

    class Kafka:
        def names(self):
            state.fail_if("Kafka")
            return list(state.topics)

        def drop_named(self, names):
            state.topics = [topic for topic in state.topics if topic not in names]
            return names

    monkeypatch.setattr(belongings.target, "processes", Processes)
    monkeypatch.setattr(belongings.target, "flink", Flink)
    monkeypatch.setattr(belongings, "KafkaTopicsHook", Kafka)
    monkeypatch.setattr(belongings.target, "files", lambda: LocalFiles(Settings(home=tmp_path)))
    monkeypatch.setattr(belongings.time, "sleep", lambda _: None)
    return state


@pytest.fixture
def mine():
    """The run that is closed."""
    return MINE


@pytest.fixture
def other():
    """A run that lives beside it."""
    return OTHER
