"""Bad input to the Spark jobs: one line, exit code 2, nothing started."""

import shutil

import pytest
from history import SHOP
from spark_run import run_job


def refused(finished, *parts):
    assert finished.returncode == 2, finished.stderr
    last = finished.stderr.strip().splitlines()[-1]
    for part in parts:
        assert part in last
    assert "Traceback" not in finished.stderr


def score(topics_scope, model, tmp_path, **more):
    options = {
        "pack": SHOP,
        "scope": topics_scope,
        "model": model,
        "score_from_ms": 0,
        "mode": "realtime",
        "checkpoint": tmp_path / "checkpoint",
        "ready_file": tmp_path / "ready",
        **more,
    }
    return run_job("score_features.py", **options)


def test_topics_that_do_not_exist(model, tmp_path):
    finished = score("load-test-shop-nowhere", model, tmp_path)

    refused(finished, "features.shop.load-test-shop-nowhere", "create the run's topics")


def test_more_partitions_than_slots(new_topics, model, tmp_path):
    finished = score(new_topics(features_partitions=4).scope, model, tmp_path)

    refused(finished, "has 4 partitions and the scorer 2 task slots", "--slots 4")


def test_a_model_file_cut_short(model, tmp_path):
    copy = tmp_path / "v1"
    shutil.copytree(model, copy)
    part = next((copy / "pipeline" / "stages").rglob("*.parquet"))
    part.write_bytes(part.read_bytes()[:-100])

    refused(score("live", copy, tmp_path), "cut short or altered", "retrain_model")


@pytest.mark.parametrize("unknown", ["nosuch", "no/such.yaml"])
def test_an_unknown_pack(unknown, model, tmp_path):
    refused(score("live", model, tmp_path, pack=unknown), "domain pack")


def test_an_empty_topic_gives_no_log(new_topics, tmp_path):
    finished = run_job(
        "extract_features.py",
        pack=SHOP,
        scope=new_topics().scope,
        features=tmp_path / "features",
        labels=tmp_path / "labels",
    )

    refused(finished, "holds no records", "Flink job")
