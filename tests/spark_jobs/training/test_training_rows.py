"""Who knew which label when."""

import pytest
from history import DAY_MS, write_log
from running.bad_input import BadInputError
from training.training_rows import check_verdicts, labelled_rows, read_features, read_labels

from patternalarm.contracts.records import FEATURES_COLUMNS

AS_OF = 100 * DAY_MS
# The longest label delay of the test pack is two days.
SETTLED = AS_OF - 2 * DAY_MS


def known(features, labels, pack, as_of=AS_OF):
    return {row["event_id"]: row["label"] for row in labelled_rows(features, labels, pack, as_of).collect()}


def test_an_old_event_without_a_label_is_legitimate_and_a_young_one_is_left_out(features_frame, labels_frame, pack):
    features = features_frame(
        {"event_id": "old", "event_time_ms": SETTLED}, {"event_id": "young", "event_time_ms": SETTLED + 1}
    )

    assert known(features, labels_frame(), pack) == {"old": 0}


def test_a_young_event_is_left_out_even_when_its_label_has_come(features_frame, labels_frame, pack):
    features = features_frame({"event_id": "young", "event_time_ms": SETTLED + 1})

    assert known(features, labels_frame({"event_id": "young", "label_time_ms": AS_OF}), pack) == {}


def test_a_label_counts_from_its_own_time_on(features_frame, labels_frame, pack):
    features = features_frame({"event_id": "e", "event_time_ms": 0})
    labels = labels_frame({"event_id": "e", "label_time_ms": AS_OF, "verdict": "beta"})

    assert known(features, labels, pack, as_of=AS_OF - 1) == {"e": 0}
    assert known(features, labels, pack, as_of=AS_OF) == {"e": 3}


def test_a_label_is_for_the_event_of_its_own_actor(pack, features_frame, labels_frame):
    features = features_frame({"event_id": "e", "actor_id": "anna"}, {"event_id": "e", "actor_id": "otto"})
    labels = labels_frame(
        {"event_id": "e", "actor_id": "anna", "verdict": "alpha"},
        {"event_id": "e", "actor_id": "otto", "verdict": "beta"},
        {"event_id": "e", "actor_id": "nobody", "verdict": "beta", "label_time_ms": 1},
    )
    rows = labelled_rows(features, labels, pack, AS_OF).collect()
    assert {(row["actor_id"], pack.classes[row["label"]]) for row in rows} == {("anna", "alpha"), ("otto", "beta")}
    assert len(rows) == 2


def test_the_newest_verdict_counts_and_fraud_wins_a_tie(features_frame, labels_frame, pack):
    features = features_frame({"event_id": "appeal"}, {"event_id": "tie"})
    labels = labels_frame(
        {"event_id": "appeal", "label_time_ms": 1, "verdict": "alpha"},
        {"event_id": "appeal", "label_time_ms": 2, "verdict": "legitimate"},
        {"event_id": "tie", "label_time_ms": 1, "verdict": "legitimate"},
        {"event_id": "tie", "label_time_ms": 1, "verdict": "beta"},
    )

    assert known(features, labels, pack) == {"appeal": 0, "tie": 3}


def test_a_verdict_that_the_pack_does_not_know_is_refused(labels_frame, pack):
    with pytest.raises(BadInputError, match=r"arson.*knows legitimate, alpha"):
        check_verdicts(labels_frame({"verdict": "arson"}, {"verdict": "alpha"}), pack)


def test_rows_of_another_feature_set_are_left_out(spark, tmp_path, pack):
    log = [
        {"event_id": "own", "feature_set": pack.feature_set, "values": [0.0] * 4},
        {"event_id": "foreign", "feature_set": "0123456789abcdef", "values": [0.0]},
    ]
    write_log(tmp_path, log, FEATURES_COLUMNS)

    assert [row["event_id"] for row in read_features(spark, tmp_path, pack).collect()] == ["own"]


def test_a_log_of_another_feature_set_alone_is_refused(spark, tmp_path, pack):
    write_log(tmp_path, [{"event_id": "e", "feature_set": "0123456789abcdef"}], FEATURES_COLUMNS)

    with pytest.raises(BadInputError, match=f"0123456789abcdef.*{pack.feature_set}"):
        read_features(spark, tmp_path, pack)


def test_an_empty_or_missing_log_is_refused(spark, tmp_path, pack):
    write_log(tmp_path / "empty", [], FEATURES_COLUMNS)

    with pytest.raises(BadInputError, match="holds no rows"):
        read_features(spark, tmp_path / "empty", pack)
    with pytest.raises(BadInputError, match="extract_features"):
        read_labels(spark, tmp_path / "nowhere")
