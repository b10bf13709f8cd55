"""Every trigger is rebuilt in the triggerer from what it serializes."""

import json

import pytest
from airflow.sdk.module_loading import import_string

from patternalarm.triggers.alert_writer_drained import AlertWriterDrainedTrigger
from patternalarm.triggers.features_complete import FeaturesCompleteTrigger
from patternalarm.triggers.flink_caught_up import FlinkCaughtUpTrigger
from patternalarm.triggers.flink_drained import FlinkDrainedTrigger
from patternalarm.triggers.flink_running import FlinkRunningTrigger
from patternalarm.triggers.process_exit import ProcessExitTrigger
from patternalarm.triggers.process_ready import ProcessReadyTrigger
from patternalarm.triggers.room_to_run import RoomToRunTrigger
from patternalarm.triggers.scorer_drained import ScorerDrainedTrigger
from patternalarm.triggers.watch_jobs import WatchJobsTrigger

SCOPE = {"domain": "payments", "scope": "run-1"}

TRIGGERS = [
    ProcessExitTrigger(name="p", accepted=[0, 3], remove=False),
    ProcessReadyTrigger(name="p", patience=7),
    FlinkRunningTrigger(submission="p", **SCOPE, patience=9),
    FlinkDrainedTrigger(**SCOPE, savepoints="/savepoints"),
    FlinkCaughtUpTrigger(**SCOPE),
    FeaturesCompleteTrigger(**SCOPE),
    ScorerDrainedTrigger(name="p", **SCOPE, score_from_ms=1),
    AlertWriterDrainedTrigger(name="p", **SCOPE),
    RoomToRunTrigger(run_id="run-1", dag_id="d", airflow_run_id="manual__1", alone=True, patience=7),
    WatchJobsTrigger(**SCOPE, jobs=["p"], generators=["g-0"], until=1.5),
]


@pytest.mark.parametrize("trigger", TRIGGERS, ids=lambda trigger: type(trigger).__name__)
def test_a_trigger_survives_the_way_to_the_triggerer(trigger):
    path, arguments = json.loads(json.dumps(trigger.serialize()))
    assert import_string(path)(**arguments).serialize() == trigger.serialize()
    assert trigger.waiting_for.__doc__
