"""The teardown tries every step, whatever became of the others, and says what it could not do."""

from types import SimpleNamespace

import pytest
from airflow.sdk.exceptions import AirflowException

from patternalarm.engines.local.files import LocalFiles
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

        def remove(self, name):
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

    monkeypatch.setattr(close_run.target, "processes", Processes)
    monkeypatch.setattr(close_run.target, "flink", Flink)
    monkeypatch.setattr(close_run, "KafkaTopicsHook", Kafka)
    monkeypatch.setattr(close_run, "PlatformDatabaseHook", Database)
    monkeypatch.setattr(close_run.target, "files", lambda: LocalFiles(Settings(home=tmp_path)))
    monkeypatch.setattr(
        close_run.runs, "finish_run", lambda _, run_id, verdict, reason: state.ended.append((run_id, verdict, reason))
    )
    monkeypatch.setattr(close_run.runs, "release_lease", lambda _, run_id: state.released.append(run_id))
    return state


def task_states(instances, wanted):
    """What Airflow's own route of the Execution API makes of these task instances, beneath its database session."""
    from airflow.api_fastapi.execution_api.routes.task_instances import get_task_instance_states

    rows = [
        SimpleNamespace(run_id="airflow-run", task_id=task_id, map_index=map_index, state=state)
        for task_id, map_index, state in instances
        if wanted is None or map_index == wanted
    ]
    session = SimpleNamespace(scalars=lambda _: SimpleNamespace(all=lambda: rows))
    answer = get_task_instance_states(
        dag_id="run_load_test",
        session=session,
        dag_bag=None,
        map_index=wanted,
        task_ids=None,
        task_group_id=None,
        logical_dates=None,
        run_ids=["airflow-run"],
    )
    return dict(answer.task_states)


def close(*instances, map_index=-1, **options):
    """Close run-1 in an Airflow run with these task instances, each a task id, a map index and a state."""
    ti = SimpleNamespace(
        dag_id="run_load_test",
        run_id="airflow-run",
        map_index=map_index,
        get_task_states=lambda dag_id, run_ids, map_index: task_states(instances, map_index),
    )
    operator = CloseRunOperator(task_id="close_run", run_id="run-1", domain="payments", **options)
    operator.execute({"ti": ti})


def test_everything_of_the_run_and_nothing_of_another_goes(world):
    close(("grade", -1, "success"))
    assert world.programs == ["run-10.scorer"]
    assert world.jobs == {"j2": "detect-payments-run-10"}
    assert not world.topics
    assert not world.scratch.exists()
    assert world.released == ["run-1"]


def test_again_is_no_error(world):
    close()
    close()


def test_topics_can_be_kept(world):
    close(keep_topics="True")
    assert world.topics


@pytest.mark.parametrize("broken", ["supervisor", "Flink", "Kafka", "PostgreSQL"])
def test_one_engine_that_is_down_keeps_nothing_else_up(world, broken):
    world.broken = {broken}
    with pytest.raises(AirflowException, match=f"run run-1 is not closed: .*{broken} is down"):
        close()
    assert (len(world.programs) == 1) is (broken != "supervisor")
    assert (len(world.jobs) == 1) is (broken != "Flink")
    assert (not world.topics) is (broken != "Kafka")
    assert (world.released == ["run-1"]) is (broken != "PostgreSQL")
    assert not world.scratch.exists()


def test_a_run_that_nobody_graded_failed_where_its_tasks_did(world):
    close(("start_scorer", -1, "failed"), ("start_flink", -1, "success"), ("grade", -1, "upstream_failed"))
    assert world.ended == [("run-1", RunState.FAILED, "failed at start_scorer")]


def test_a_mapped_task_is_named_with_its_number(world):
    close(("generate", 0, "success"), ("generate", 1, "failed"))
    assert world.ended == [("run-1", RunState.FAILED, "failed at generate_1")]


@pytest.mark.parametrize("map_index", [0, 1, 12])
def test_a_retraining_passes_when_its_own_model_was_promoted(world, map_index):
    others = [("retrain.promote_model", other, "failed") for other in range(13) if other != map_index]
    mine = [("retrain.open_run", map_index, "success"), ("retrain.promote_model", map_index, "success")]
    close(*others, *mine, map_index=map_index, succeeded="retrain.promote_model")
    assert world.ended == [("run-1", RunState.PASSED, None)]


def test_a_retraining_fails_where_its_own_tasks_did(world):
    close(
        ("retrain.promote_model", 0, "success"),
        ("retrain.validate_model", 1, "failed"),
        ("retrain.promote_model", 1, "upstream_failed"),
        map_index=1,
        succeeded="retrain.promote_model",
    )
    assert world.ended == [("run-1", RunState.FAILED, "failed at retrain.validate_model")]
