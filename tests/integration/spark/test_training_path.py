"""Topics to validated model, by the command lines."""

import json

from history import DAYS, EVENTS_PER_SLOT, SHOP, SLOTS
from spark_run import run_job

from patternalarm.models.verify import verify_model


def test_the_logs_hold_each_record_once(logs):
    import pyarrow.dataset as ds

    features = ds.dataset(logs / "features", partitioning="hive").to_table()
    labels = ds.dataset(logs / "labels", partitioning="hive").to_table()

    assert features.num_rows == len(set(features["event_id"].to_pylist())) == SLOTS * EVENTS_PER_SLOT
    assert labels.num_rows == SLOTS // 20 * EVENTS_PER_SLOT
    assert DAYS <= len(set(features["event_date"].to_pylist())) <= DAYS + 1


def test_the_model_is_whole_and_validation_names_the_missed_gate(model, logs, pack):
    assert verify_model(model, pack).metrics["all"]["campaign_recall"] >= 0.8

    finished = run_job("validate_model.py", pack=SHOP, model=model, features=logs / "features", labels=logs / "labels")

    assert finished.returncode == 3, finished.stderr
    verdict = json.loads(finished.stdout)
    (missed,) = [gate for gate in verdict["gates"] if not gate["passed"]]
    assert missed["name"] == "campaigns in the held-out block"
    assert 0 < missed["value"] < 20
    assert f"{missed['name']} is {missed['value']}, asked is at least 20: missed" in finished.stderr
