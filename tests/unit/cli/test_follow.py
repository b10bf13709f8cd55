"""Progress of a run, told against an Airflow whose states are scripted and a clock that is not real."""

import io
import itertools

import pytest
from rich.console import Console

from patternalarm.cli.airflow_api import TaskState
from patternalarm.cli.errors import AirflowError
from patternalarm.cli.follow import Follower


class ScriptedAirflow:
    """One moment per poll: the run's state and its tasks' states by name."""

    def __init__(self, *moments, paused=(False,)):
        self.moments = list(moments)
        self.paused = list(paused)
        self.triggered = []

    def is_paused(self, dag_id):
        return self.paused.pop(0) if len(self.paused) > 1 else self.paused[0]

    def import_errors(self):
        return ["run_load_test.py: SyntaxError: invalid syntax"]

    def trigger(self, dag_id, conf):
        self.triggered.append((dag_id, conf))
        return "manual__1"

    def url_of(self, dag_id, run_id):
        return f"http://airflow/dags/{dag_id}/runs/{run_id}"

    def run_state(self, dag_id, run_id):
        return self.moments[0][0]

    def tasks(self, dag_id, run_id):
        states = (self.moments.pop(0) if len(self.moments) > 1 else self.moments[0])[1]
        return [
            TaskState(name.partition("[")[0], int(name.partition("[")[2][:-1] or -1), s, 1)
            for name, s in states.items()
        ]

    def failure(self, dag_id, run_id, task):
        return "Kafka does not answer"


@pytest.fixture
def follow():
    """Follows a scripted run; gives what was followed and what was told, line by line."""

    def run(airflow):
        now = [0.0]
        output = io.StringIO()
        follower = Follower(
            airflow,
            Console(file=output, width=200),
            clock=lambda: now[0],
            sleep=lambda seconds: now.__setitem__(0, now[0] + seconds),
        )
        try:
            followed = follower.run("run_load_test", {"domain": "payments", "minutes": 2.0})
        except AirflowError as error:
            return error, output.getvalue().splitlines()
        return followed, output.getvalue().splitlines()

    return run


def test_every_change_is_one_line_with_the_time(follow):
    airflow = ScriptedAirflow(
        ("running", {"open_run": "queued"}),
        ("running", {"open_run": "running", "generate[0]": ""}),
        ("running", {"open_run": "success", "generate[0]": "running"}),
        ("running", {"open_run": "success", "generate[0]": "deferred"}),
        ("success", {"open_run": "success", "generate[0]": "success"}),
    )
    followed, lines = follow(airflow)
    assert airflow.triggered == [("run_load_test", {"domain": "payments", "minutes": 2.0})]
    assert lines[:2] == [
        "run_load_test domain payments, minutes 2.0",
        "  http://airflow/dags/run_load_test/runs/manual__1",
    ]
    assert [line.split() for line in lines[2:]] == [
        ["1", "s", "open_run", "started"],
        ["2", "s", "open_run", "done", "after", "1", "s"],
        ["2", "s", "generate", "[0]", "started"],
        ["4", "s", "generate", "[0]", "done", "after", "2", "s"],
    ]
    assert followed.succeeded
    assert followed.seconds == 4


def test_a_training_that_a_run_waits_for_is_told_in_words(follow):
    _, lines = follow(
        ScriptedAirflow(
            ("running", {"train_missing_model": "running"}),
            ("running", {"train_missing_model": "deferred"}),
            ("running", {"train_missing_model": "running"}),
            ("success", {"train_missing_model": "success"}),
        )
    )
    assert [line.partition(" s  ")[2] for line in lines[2:]] == [
        "train_missing_model started",
        "train_missing_model: the domain has no model that fits: retrain_model trains one first, which takes about two minutes",
        "train_missing_model done after 3 s",
    ]


def test_a_run_that_waits_for_room_says_so(follow):
    _, lines = follow(ScriptedAirflow(("running", {"open_run": "deferred"}), ("success", {"open_run": "success"})))
    assert "open_run: no room yet: other runs hold Flink's task slots, or go first; its log names them" in lines[2]


def test_a_training_that_is_not_needed_is_told_as_skipped(follow):
    _, lines = follow(ScriptedAirflow(("success", {"train_missing_model": "skipped"})))
    assert lines[-1].endswith("train_missing_model skipped")


def test_never_more_than_ten_seconds_of_silence(follow):
    waiting = ("running", {"start_scorer": "deferred"})
    _, lines = follow(ScriptedAirflow(*[waiting] * 35, ("success", {"start_scorer": "success"})))
    told = [int(line.split()[0]) for line in lines[2:]]
    assert all(after - before <= 10 for before, after in itertools.pairwise(told))
    assert any("start_scorer 24 s" in line for line in lines)


def silence():
    error = AirflowError("no answer")
    error.__cause__ = TimeoutError()
    return error


def test_an_airflow_that_refuses_ends_it_at_once(follow, monkeypatch):
    airflow, asked = ScriptedAirflow(("running", {})), []

    def run_state(*_):
        asked.append(1)
        raise AirflowError("Airflow refuses the password")

    monkeypatch.setattr(airflow, "run_state", run_state)
    error, _ = follow(airflow)
    assert (str(error), len(asked)) == ("Airflow refuses the password", 1)


def test_an_airflow_that_is_away_for_a_moment_is_waited_for(follow, monkeypatch):
    airflow = ScriptedAirflow(("running", {}), ("success", {"grade": "success"}))
    answers = iter([silence(), silence(), "running", "success"])

    def run_state(*_):
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(airflow, "run_state", run_state)
    followed, lines = follow(airflow)
    assert followed.succeeded
    assert sum("Airflow does not answer" in line for line in lines) == 2


def test_an_airflow_that_stays_away_ends_it(follow, monkeypatch):
    airflow = ScriptedAirflow(("running", {}))

    def run_state(*_):
        raise silence()

    monkeypatch.setattr(airflow, "run_state", run_state)
    error, _ = follow(airflow)
    assert str(error) == "no answer"


def test_a_failure_is_told_with_its_reason(follow):
    airflow = ScriptedAirflow(("failed", {"open_run": "failed", "grade": "upstream_failed"}))
    followed, lines = follow(airflow)
    assert not followed.succeeded
    assert lines[-1] == "open_run failed: Kafka does not answer"
    assert not any("grade" in line for line in lines)


def test_a_dag_that_airflow_has_not_read_yet_is_waited_for(follow):
    airflow = ScriptedAirflow(("success", {}), paused=[None, None, False])
    followed, lines = follow(airflow)
    assert followed.succeeded
    assert lines[0] == "waiting until Airflow has read run_load_test"


def test_a_dag_that_airflow_cannot_read_is_told_with_the_reason(follow):
    airflow = ScriptedAirflow(("success", {}), paused=[None])
    error, _ = follow(airflow)
    assert "does not know run_load_test: run_load_test.py: SyntaxError" in str(error)
    assert airflow.triggered == []


def test_a_paused_dag_is_not_started(follow):
    airflow = ScriptedAirflow(("success", {}), paused=[True])
    error, _ = follow(airflow)
    assert "run_load_test is paused: unpause it" in str(error)
    assert airflow.triggered == []


def test_a_dag_that_is_paused_in_the_middle_of_a_run_is_told_with_the_remedy(follow):
    between = ("running", {"open_run": "success", "create_topics": "scheduled"})
    moments = [("running", {"open_run": "running"}), *[between] * 20, ("success", {"open_run": "success"})]
    airflow = ScriptedAirflow(*moments, paused=[False, True, False])
    _, lines = follow(airflow)
    paused, later = [line for line in lines if "create_topics" not in line and "open_run" not in line][2:4]
    assert (
        "run_load_test is paused, so no task of it begins: unpause it in Airflow, or `.local/bin/airflow dags" in paused
    )
    assert later.endswith("waiting for a free worker")


def test_a_training_whose_dag_is_paused_is_told_too(follow, monkeypatch):
    waiting = ("running", {"train_missing_model": "deferred"})
    airflow = ScriptedAirflow(*[waiting] * 12, ("success", {"train_missing_model": "success"}))
    monkeypatch.setattr(airflow, "is_paused", lambda dag_id: dag_id == "retrain_model")
    _, lines = follow(airflow)
    assert any("retrain_model is paused, so no task of it begins" in line for line in lines)


def test_an_airflow_that_does_not_tell_whether_it_is_paused_does_not_disturb(follow, monkeypatch):
    waiting = ("running", {"start_scorer": "deferred"})
    airflow = ScriptedAirflow(*[waiting] * 12, ("success", {"start_scorer": "success"}))
    answers = iter([False])

    def is_paused(dag_id):
        for answer in answers:
            return answer
        raise silence()

    monkeypatch.setattr(airflow, "is_paused", is_paused)
    followed, lines = follow(airflow)
    assert followed.succeeded
    assert any("start_scorer 8 s" in line for line in lines)
