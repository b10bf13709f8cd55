"""Training on a planted history, and validating what came of it."""

import json
import shutil

import pytest
from history import DAY_MS, START_MS, planted, write_log
from pyspark.sql import functions as F  # noqa: N812
from running.bad_input import BadInputError
from train_model import allowed_rows, train
from training.training_rows import labelled_rows, read_features, read_labels
from training_command import iso, training_options
from validate_model import arguments as validation_arguments
from validate_model import validate

from patternalarm.contracts.records import FEATURES_COLUMNS, LABEL_COLUMNS
from patternalarm.models.forest import read_forest
from patternalarm.models.verify import verify_model


def test_the_model_knows_the_planted_fraud(model, pack):
    metadata = verify_model(model, pack)

    pooled, types = metadata.metrics["all"], metadata.metrics["types"]
    assert metadata.metrics["block"] == "test"
    assert pooled["campaign_recall"] >= 0.8 and pooled["alert_precision"] >= 0.8
    assert types["alpha"]["average_precision"] > 0.6 and types["beta"]["average_precision"] > 0.6
    assert types["ghost"]["campaigns"] == 0
    assert set(metadata.thresholds) == {"alpha", "ghost", "beta", "suspicious_activity"}
    assert len(read_forest(model)) == pack.training.trees


def test_the_blocks_follow_each_other_and_hold_every_settled_row(model):
    metadata = json.loads((model / "metadata.json").read_text())
    edges = list(metadata["split"].values())

    assert edges == sorted(edges)
    rows = metadata["rows"]
    assert rows["train"] + rows["validation"] + rows["test"] + rows["gap"] == 3_000
    assert rows["gap"] > 0 and rows["label_ghost"] == 0


def test_a_sound_model_passes_all_gates_but_that_of_enough_campaigns(spark, model, pack, logs):
    verdict = validate(spark, pack, validation(model, logs))

    missed = [gate["name"] for gate in verdict["gates"] if not gate["passed"]]
    assert missed == ["campaigns in the held-out block"]
    assert not verdict["promotable"]


def test_validation_notices_thresholds_that_the_report_does_not_belong_to(spark, model, pack, logs, tmp_path):
    copy = tmp_path / "v1"
    shutil.copytree(model, copy)
    metadata = json.loads((copy / "metadata.json").read_text())
    metadata["thresholds"] = dict.fromkeys(metadata["thresholds"], 0.01)
    (copy / "metadata.json").write_text(json.dumps(metadata))

    verdict = validate(spark, pack, validation(copy, logs))

    missed = [gate["name"] for gate in verdict["gates"] if not gate["passed"]]
    assert "difference to the saved report" in missed and "alert precision" in missed


def validation(model, logs):
    features, labels = logs
    return validation_arguments(
        ["--pack", "shop", "--model", str(model), "--features", str(features), "--labels", str(labels)]
    )


def test_a_replay_uses_nothing_after_train_until(spark, pack, tmp_path):
    train_until, test_from = START_MS + 6 * DAY_MS, START_MS + 8 * DAY_MS
    features, labels = planted(pack)
    poison = [
        {**label, "event_id": feature["event_id"], "label_time_ms": feature["event_time_ms"], "verdict": "alpha"}
        for feature, label in zip(features, labels * 100, strict=False)
        if feature["event_time_ms"] > train_until
    ]
    late = [{**label, "label_time_ms": test_from + 1, "verdict": "beta"} for label in labels]
    forests = []
    for name, extra in (("clean", []), ("poisoned", poison + late)):
        logs = (
            write_log(tmp_path / name / "features", features, FEATURES_COLUMNS),
            write_log(tmp_path / name / "labels", labels + extra, LABEL_COLUMNS),
        )
        replay = ("--train-until", iso(train_until), "--test-from", iso(test_from))
        rows, as_of = allowed_rows(spark, pack, training_options(logs, tmp_path / name / "v1", *replay))
        assert as_of == test_from
        assert rows.agg(F.max("event_time_ms")).first()[0] <= train_until
        forests.append(sorted(map(str, rows.select("event_id", "label").collect())))

    assert forests[0] == forests[1]


def test_a_replay_reports_the_tail_of_its_training_rows(spark, pack, logs, tmp_path):
    replay = ("--train-until", iso(START_MS + 7 * DAY_MS), "--test-from", iso(START_MS + 9 * DAY_MS))

    train(spark, pack, training_options(logs, tmp_path / "v1", *replay))

    metadata = json.loads((tmp_path / "v1" / "metadata.json").read_text())
    assert metadata["metrics"]["block"] == "validation"
    assert metadata["rows"]["test"] == 0 and metadata["split"]["test_from_ms"] is None
    assert metadata["split"]["validation_until_ms"] <= START_MS + 7 * DAY_MS


def test_no_fraud_that_was_known_is_refused(spark, pack, logs, tmp_path):
    log = (logs[0], write_log(tmp_path / "labels", [], LABEL_COLUMNS))

    with pytest.raises(BadInputError, match="no labelled fraud of any type of pack shop"):
        train(spark, pack, training_options(log, tmp_path / "v1"))
    assert not (tmp_path / "v1").exists()


def test_a_history_younger_than_its_labels_is_refused(spark, pack, logs, tmp_path):
    with pytest.raises(BadInputError, match="as-of"):
        train(spark, pack, training_options(logs, tmp_path / "v1", as_of_ms=START_MS))


def test_a_model_is_never_replaced(spark, pack, logs, model):
    with pytest.raises(BadInputError, match="already holds a model"):
        train(spark, pack, training_options(logs, model))


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--seed", "-1"), "no seed"),
        (("--seed", "seven"), "no seed"),
        (("--as-of", "yesterday"), "no ISO 8601 time"),
        (("--train-until", "2025-01-01"), "go together"),
        (("--train-until", "2025-01-02", "--test-from", "2025-01-01"), "before"),
    ],
)
def test_bad_arguments_are_refused(logs, tmp_path, capsys, more, message):
    with pytest.raises(SystemExit) as refusal:
        training_options(logs, tmp_path, *more)

    assert refusal.value.code == 2
    assert message in capsys.readouterr().err


def test_rows_are_labelled_as_known_at_the_as_of(spark, pack, logs):
    features, labels = read_features(spark, logs[0], pack), read_labels(spark, logs[1])

    early = labelled_rows(features, labels, pack, START_MS + 4 * DAY_MS)

    assert early.agg(F.max("event_time_ms")).first()[0] <= START_MS + 2 * DAY_MS
