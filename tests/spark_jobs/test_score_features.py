"""What the scorer refuses before it starts, and what it makes of a batch of records."""

import base64
import json
import math
import shutil
import socket

import pytest
import score_features
from history import SHOP
from pyspark.ml import PipelineModel
from pyspark.sql import functions as F  # noqa: N812
from running.bad_input import BadInputError, EngineAwayError, run_job
from scoring.evidence import to_kafka_records

from patternalarm import retrying
from patternalarm.alerts.findings import read_evidence
from patternalarm.contracts.bounds import MAX_EVENT_BYTES
from patternalarm.contracts.quarantine import QUARANTINE_COLUMNS, Stage
from patternalarm.models.metadata import ModelError
from patternalarm.models.verify import verify_model


def records(spark, *events):
    values = [event if isinstance(event, bytes) else json.dumps(event).encode() for event in events]
    rows = [(value, "features.shop", 0, offset) for offset, value in enumerate(values)]
    return spark.createDataFrame(rows, "value binary, topic string, partition int, offset long")


def record(pack, number, values, **more):
    return {
        "event_id": f"e{number}",
        "event_time_ms": 1_000 + number,
        "actor_id": "anna",
        "feature_set": pack.feature_set,
        "values": ["NaN" if math.isnan(value) else value for value in values],
        "source_topic": "events.shop",
        "source_partition": 0,
        "source_offset": number,
        **more,
    }


@pytest.fixture
def apply(spark, pack, model):
    metadata = verify_model(model, pack)
    pipeline = PipelineModel.load(str(model / "pipeline"))

    def run(*events, from_ms=0):
        rows = score_features.scored_records(records(spark, *events), from_ms, pipeline, metadata)
        return to_kafka_records(rows, "S", "E").collect()

    return run


def test_every_event_is_scored_and_the_fraud_is_evidence(apply, pack):
    calm, fraud = record(pack, 1, [0.1, 0.2, math.nan, 0.0]), record(pack, 2, [8.0, 0.0, 0.0, 0.0])

    sent = apply(calm, fraud)

    scores = {json.loads(r["value"])["event_id"]: json.loads(r["value"]) for r in sent if r["topic"] == "S"}
    evidence = [json.loads(r["value"]) for r in sent if r["topic"] == "E"]
    assert set(scores) == {"e1", "e2"}
    assert [found["event_id"] for found in evidence] == ["e2"]
    assert evidence[0]["fraud_type"] == "alpha" and evidence[0]["model_version"] == "v1"
    assert len(scores["e1"]["scores"]) == len(pack.classes)
    assert sum(scores["e1"]["scores"]) == pytest.approx(1.0)
    assert scores["e1"]["score"] == pytest.approx(1 - scores["e1"]["scores"][0])


def test_history_is_not_scored(apply, pack):
    sent = apply(*[record(pack, number, [0.0] * 4) for number in (1, 2, 3)], from_ms=1_002)

    assert sorted(json.loads(r["value"])["event_id"] for r in sent) == ["e2", "e3"]


def test_a_record_that_cannot_be_read_goes_to_quarantine_and_the_others_are_scored(apply, pack):
    short = json.dumps(record(pack, 3, [0.0] * 3)).encode()

    sent = apply(record(pack, 1, [0.0] * 4), b'{"event_id": ', record(pack, 2, [0.0] * 4), short, from_ms=1_002)

    assert [json.loads(r["value"])["event_id"] for r in sent if r["topic"] == "S"] == ["e2"]
    found = [json.loads(r["value"]) for r in sent if r["topic"] == "E"]
    assert [list(one) for one in found] == [list(QUARANTINE_COLUMNS)] * 2
    assert [(one["stage"], one["topic"], one["partition"], one["offset"]) for one in found] == [
        ("scorer", "features.shop", 0, 1),
        ("scorer", "features.shop", 0, 3),
    ]
    assert [base64.b64decode(one["raw"]) for one in found] == [b'{"event_id": ', short]


def test_a_record_of_another_feature_set_goes_to_quarantine_with_the_remedy(apply, pack):
    other = record(pack, 1, [0.0] * 4, feature_set="0123456789abcdef")
    large = b"x" * 900_000

    sent = apply(other, record(pack, 2, [0.0] * 4), large)

    assert [json.loads(r["value"])["event_id"] for r in sent if r["topic"] == "S"] == ["e2"]
    found = [json.loads(r["value"]) for r in sent if r["topic"] == "E"]
    assert [base64.b64decode(one["raw"]) for one in found] == [json.dumps(other).encode(), large[:MAX_EVENT_BYTES]]
    assert f"feature set {pack.feature_set}, which the model reads: restart the Flink job" in found[0]["detail"]
    assert read_evidence(json.dumps(found[0]).encode(), pack).stage == Stage.SCORER


def test_the_stream_gives_what_the_batch_gives(spark, pack, model, apply, tmp_path):
    events = [record(pack, number, [number % 7, number % 5, 0.0, 1.0]) for number in range(50)]
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text("".join(json.dumps(event) + "\n" for event in events))
    lines = spark.readStream.format("text").load(str(tmp_path / "in"))
    metadata, pipeline = verify_model(model, pack), PipelineModel.load(str(model / "pipeline"))

    coordinates = {"topic": F.lit("features.shop"), "partition": F.lit(0), "offset": F.lit(0)}

    rows = score_features.scored_records(lines.withColumns(coordinates), 0, pipeline, metadata)
    query = (
        to_kafka_records(rows, "S", "E")
        .writeStream.format("memory")
        .queryName("streamed")
        .trigger(availableNow=True)
        .start()
    )
    query.awaitTermination()

    assert sorted(spark.table("streamed").collect()) == sorted(apply(*events))


def test_a_partition_without_a_slot_is_refused():
    with pytest.raises(BadInputError, match=r"features.shop has 4 partitions and the scorer 2 task slots.*--slots 4"):
        score_features.check_slots(2, 4, "features.shop")

    score_features.check_slots(2, 2, "features.shop")


@pytest.fixture
def command(tmp_path):
    """The scorer's command line; no session may be built for a refusal."""

    def line(model_directory):
        return [
            *("--pack", str(SHOP), "--scope", "live", "--model", str(model_directory), "--score-from-ms", "0"),
            *("--mode", "realtime", "--checkpoint", str(tmp_path / "c"), "--ready-file", str(tmp_path / "ready")),
        ]

    return line


def test_a_model_cut_short_is_refused_before_anything_starts(model, command, tmp_path, monkeypatch):
    copy = tmp_path / "model"
    shutil.copytree(model, copy)
    part = next((copy / "pipeline" / "stages").rglob("*.parquet"))
    part.write_bytes(part.read_bytes()[:-100])
    monkeypatch.setattr(score_features, "build_session", lambda *_, **__: pytest.fail("a session was built"))

    with pytest.raises(ModelError, match="cut short"):
        score_features.main(command(copy))


def test_kafka_that_is_down_is_named(model, command, monkeypatch):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    monkeypatch.setattr(
        score_features,
        "get_settings",
        lambda: type("S", (), {"kafka_bootstrap": f"127.0.0.1:{port}", "scorer_mode": "realtime"}),
    )
    monkeypatch.setattr(score_features, "build_session", lambda *_, **__: pytest.fail("a session was built"))
    monkeypatch.setattr(retrying, "patience_of_settings", lambda: 0.3)

    with pytest.raises(EngineAwayError, match=rf"Kafka at 127.0.0.1:{port} does not answer.*make up"):
        score_features.main(command(model))


def test_a_refusal_is_one_line_and_exit_code_2(capsys):
    def refuse():
        raise ModelError("model x: forest.npz is missing; train again")

    with pytest.raises(SystemExit) as refusal:
        run_job(refuse)

    assert refusal.value.code == 2
    error = capsys.readouterr().err
    assert error.endswith("model x: forest.npz is missing; train again\n") and error.count("\n") == 1
