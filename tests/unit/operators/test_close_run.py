"""The teardown tries every step, whatever became of the others, and says what it could not do."""

from types import SimpleNamespace

import pytest
from airflow.sdk.exceptions import AirflowException

from patternalarm.operators import close_run
from patternalarm.operators.close_run import CloseRunOperator
from patternalarm.runs.registry import RunState
from patternalarm.settings import Settings


class World:
    """What is up, and what was done about it."""

    def __init__(self):
        self.programs = ["run-1.generator-0", "run-1.scorer", "run-10.scorer"]
        self.jobs = {"j1": "detect-payments-run-1", "j2": "detect-payments-run-10"}
        self.topics = True
        self.ended = []
        self.released = []
        self.broken = set()

    def fail_if(self, part):
        if part in self.broken:
            raise RuntimeError(f"{part} is down")


@pytest.fixture
def world(monkeypatch, tmp_path):
    state = World()
    (tmp_path / "runs" / "run-1" / "scorer-checkpoint").mkdir(parents=True)
    state.scratch = tmp_path / "runs" / "run-1"

    class Processes:
        def names(self, prefix):
            state.fail_if("supervisor")
            return [name for name in state.programs if name.startswith(prefix)]

        def stop_and_remove(self, name):
            state.programs.remove(name)

    class Flink:
        def jobs_named(self, name):
            state.fail_if("Flink")
            return [job for job, known in state.jobs.items() if known == name]

        def cancel(self, job):
            del state.jobs[job]

    class Kafka:
        def drop(self, domain, scope):
            state.fail_if("Kafka")
            assert (domain, scope) == ("payments", "run-1")
            state.topics = False
            return ["events.payments.run-1"]

    class Database:
        def write(self, what, work):
            state.fail_if("PostgreSQL")
            return work(SimpleNamespace(execute=lambda *_: None))

    monkeypatch.setattr(close_run.targets, "processes", Processes)
    monkeypatch.setattr(close_run.targets, "flink", Flink)
    monkeypatch.setattr(close_run, "KafkaTopicsHook", Kafka)
    monkeypatch.setattr(close_run, "PlatformDatabaseHook", Database)
    monkeypatch.setattr(close_run, "get_settings", lambda: Settings(home=tmp_path))
    monkeypatch.setattr(
        close_run.runs, "finish_run", lambda _, run_id, verdict, reason: state.ended.append((run_id, verdict, reason))
    )
    monkeypatch.setattr(close_run.runs, "release_lease", lambda _, run_id: state.released.append(run_id))
    return state


def context(map_index=-1, **states):
    found = {"airflow-run": {task.replace("__", "."): task_state for task, task_state in states.items()}}
    ti = SimpleNamespace(
        dag_id="run_load_test",
        run_id="airflow-run",
        map_index=map_index,
        get_task_states=lambda **_: found,
    )
    return {"ti": ti}


def close(states, **options):
    CloseRunOperator(task_id="close_run", run_id="run-1", domain="payments", **options).execute(context(**states))


def test_everything_of_the_run_and_nothing_of_another_goes(world):
    close({"grade": "success"})
    assert world.programs == ["run-10.scorer"]
    assert world.jobs == {"j2": "detect-payments-run-10"}
    assert not world.topics
    assert not world.scratch.exists()
    assert world.released == ["run-1"]


def test_again_is_no_error(world):
    close({})
    close({})


def test_topics_can_be_kept(world):
    close({}, keep_topics="True")
    assert world.topics


@pytest.mark.parametrize("broken", ["supervisor", "Flink", "Kafka", "PostgreSQL"])
def test_one_engine_that_is_down_keeps_nothing_else_up(world, broken):
    world.broken = {broken}
    with pytest.raises(AirflowException, match=f"run run-1 is not closed: .*{broken} is down"):
        close({})
    assert (len(world.programs) == 1) is (broken != "supervisor")
    assert (len(world.jobs) == 1) is (broken != "Flink")
    assert (not world.topics) is (broken != "Kafka")
    assert (world.released == ["run-1"]) is (broken != "PostgreSQL")
    assert not world.scratch.exists()


def test_a_run_that_nobody_graded_failed_where_its_tasks_did(world):
    close({"start_scorer": "failed", "start_flink": "success", "grade": "upstream_failed"})
    assert world.ended == [("run-1", RunState.FAILED, "failed at start_scorer")]


def test_a_retraining_passes_when_its_model_was_promoted(world):
    close({"retrain__promote_model": "success"}, succeeded="retrain.promote_model")
    assert world.ended == [("run-1", RunState.PASSED, None)]
