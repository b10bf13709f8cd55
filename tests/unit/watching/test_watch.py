"""From what is seen of a whole run to its interruptions."""

from dataclasses import replace

import pytest
from infra.local import health

from patternalarm.contracts.topics import TopicKind
from patternalarm.runs.interruptions import What
from patternalarm.watching.surroundings import PLATFORM_PROGRAMS, Program, TopicEnds
from patternalarm.watching.watcher import Sight, Watch

BOTH = ("scorer", "alert-writer")


class Run:
    """A run that works at an event a second; tests take parts away from it."""

    def __init__(self):
        self.noted = []
        self.watch = Watch(self.noted.append)
        self.second = 1_000.0
        programs = dict.fromkeys(
            (*PLATFORM_PROGRAMS, *BOTH), Program(alive=True, suspended=False, ready=True, ended=False, started_at=50)
        )
        self.sight = Sight(
            programs=programs,
            ends=dict.fromkeys(TopicEnds.KINDS, 0),
            committed=0,
            flink_job=True,
            heartbeats={},
            answered_at={},
        )

    def change(self, name, **changes):
        program = replace(self.sight.programs[name], **changes)
        self.sight = replace(self.sight, programs={**self.sight.programs, name: program})

    def work(self, seconds, without=(), **changes):
        """Let time pass; ``without`` are stages that do nothing, ``changes`` what else is seen."""
        goes_on = True
        for _ in range(seconds):
            self.second += 1
            ends = dict(self.sight.ends)
            ends[TopicKind.EVENTS] += 1
            if "features" not in without:
                ends[TopicKind.FEATURES] = ends[TopicKind.EVENTS]
            if "scores" not in without:
                ends[TopicKind.SCORES] = ends[TopicKind.EVIDENCE] = ends[TopicKind.FEATURES]
            committed = self.sight.committed if "alerts" in without else ends[TopicKind.EVIDENCE]
            heartbeats = {"airflow-scheduler": self.second - 3}
            self.sight = replace(self.sight, ends=ends, committed=committed, heartbeats=heartbeats)
            goes_on = self.watch.look(self.second, replace(self.sight, **changes))
        return goes_on

    def told(self):
        """Last word on each interruption, as (component, what, seconds)."""
        last = {(one.component, one.began_at): one for one in self.noted}
        return {(one.component, one.what, one.seconds) for one in last.values()}


@pytest.fixture
def run():
    run = Run()
    run.work(5)
    return run


def test_a_run_that_nothing_interrupts_has_nothing_to_tell(run):
    assert run.work(100)
    assert run.told() == set()


def test_a_killed_scorer_is_away_until_it_is_ready_and_does_not_hang_meanwhile(run):
    run.change("scorer", alive=False)
    run.work(2, without=("scores", "alerts"))
    run.change("scorer", alive=True, ready=False, started_at=1_008)
    run.work(80, without=("scores", "alerts"))
    run.change("scorer", ready=True)
    run.work(1, without=("scores", "alerts"))
    run.work(5)
    assert run.told() == {("scorer", What.RESTARTED, 83.0), ("scores", What.PAUSED, 84.0)}


def test_a_process_that_a_signal_halts_is_told_at_once(run):
    run.change("airflow-triggerer", suspended=True)
    run.work(5)
    run.change("airflow-triggerer", suspended=False)
    run.work(5)
    assert run.told() == {("airflow-triggerer", What.STOOD_STILL, 6.0)}


def test_a_scorer_that_hangs_is_told_by_its_missing_scores(run):
    run.work(60, without=("scores", "alerts"))
    run.work(5)
    assert run.told() == {("scorer", What.STOOD_STILL, 61.0), ("scores", What.PAUSED, 61.0)}


def test_an_alert_writer_that_hangs_is_told_by_its_missing_commits(run):
    run.work(60, without=("alerts",))
    run.work(5)
    assert run.told() == {("alert-writer", What.STOOD_STILL, 61.0), ("alerts", What.PAUSED, 61.0)}


def test_who_is_under_no_supervisor_of_ours_is_told_by_his_silence(run):
    """In containers, Kafka has one of its own."""
    programs = {name: program for name, program in run.sight.programs.items() if name in BOTH}
    run.sight = replace(run.sight, programs=programs)
    for _ in range(3):
        run.work(1, answered_at={"kafka": run.second + 1})
    run.work(20, answered_at={"kafka": run.second})
    run.work(1, answered_at={"kafka": run.second + 1})
    assert run.told() == {("kafka", What.SILENT, 21.0)}


def test_kafka_that_does_not_answer_pauses_all_and_accuses_nobody_else(run):
    run.work(60, ends=None, answered_at={"kafka": run.second})
    run.work(5)
    assert run.told() == {
        ("kafka", What.SILENT, 61.0),
        *((stage, What.PAUSED, 61.0) for stage in ("features", "scores", "alerts")),
    }


def test_a_killed_kafka_is_away_until_it_answers(run):
    answered_at = {"kafka": run.second}
    run.change("kafka", alive=False)
    run.work(1, ends=None, answered_at=answered_at)
    run.change("kafka", alive=True, started_at=int(run.second))
    run.work(15, ends=None, answered_at=answered_at)
    run.work(5)
    assert run.told() == {
        ("kafka", What.RESTARTED, 17.0),
        *((stage, What.PAUSED, 17.0) for stage in ("features", "scores", "alerts")),
    }


def test_postgresql_that_does_not_answer_pauses_the_alerts(run):
    run.work(60, without=("alerts",), committed=None, answered_at={"postgres": run.second})
    run.work(5)
    assert run.told() == {("postgres", What.SILENT, 61.0), ("alerts", What.PAUSED, 61.0)}


def test_slow_answers_are_no_interruption(run):
    for _ in range(10):
        silent = dict.fromkeys(("kafka", "postgres", "flink-jobmanager", "airflow-api-server"), run.second)
        run.work(7, ends=None, committed=None, heartbeats=None, answered_at=silent)
        run.work(2)
    assert {what for _, what, _ in run.told()} <= {What.PAUSED}


def test_a_scheduler_that_reports_no_more_is_told(run):
    run.work(60, heartbeats={"airflow-scheduler": run.second})
    run.work(5)
    assert run.told() == {("airflow-scheduler", What.SILENT, 61.0)}


def test_a_killed_triggerer_is_away_until_it_reports(run):
    run.change("airflow-triggerer", started_at=int(run.second) + 1)
    run.work(19, heartbeats={"airflow-triggerer": run.second - 1})
    run.work(5)
    assert run.told() == {("airflow-triggerer", What.RESTARTED, 20.0)}


def test_a_flink_job_that_starts_again_is_told_and_one_that_was_drained_is_not(run):
    run.work(10, without=("features", "scores", "alerts"), flink_job=False)
    run.work(5)
    run.work(50, flink_job=None)
    assert run.told() == {("flink job", What.DOWN, 11.0), ("features", What.PAUSED, 11.0)}


def test_a_killed_taskmanager_is_not_accused_of_hanging_while_its_job_begins_again(run):
    run.change("flink-taskmanager", started_at=int(run.second))
    run.work(3, without=("features", "scores", "alerts"))
    run.work(15, without=("features", "scores", "alerts"), flink_job=False)
    run.work(3, without=("features", "scores", "alerts"))
    run.work(5)
    whats = {(component, what) for component, what, _ in run.told()}
    assert whats == {("flink-taskmanager", What.RESTARTED), ("flink job", What.DOWN), ("features", What.PAUSED)}


def test_what_is_stopped_on_purpose_is_no_interruption_and_the_writer_s_stop_is_the_end(run):
    run.change("scorer", alive=False, ended=True)
    assert run.work(20, without=("scores", "alerts"))
    run.change("alert-writer", alive=False, ended=True)
    assert not run.work(1, without=("scores", "alerts"))
    assert run.told() == set()


def test_a_writer_that_was_removed_is_the_end_too(run):
    programs = {name: program for name, program in run.sight.programs.items() if name != "alert-writer"}
    assert not run.work(1, programs=programs)


def test_every_program_that_a_run_needs_is_watched():
    # A run that was interrupted by one that nobody watches would be graded as if nothing had happened.
    assert {*PLATFORM_PROGRAMS, "api", "superset"} == health.CHECKS.keys()
