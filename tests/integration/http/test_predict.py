"""Scores over HTTP."""

import json

import psycopg
import pytest
from served_model import DOMAIN, write_model
from waiting import wait_for

from patternalarm.contracts.tables import PLATFORM_ROLE
from patternalarm.models.metadata import read_metadata
from patternalarm.models.registry import ModelVersion, promote, register


def ask(client, rows, **changes):
    return client.post("/api/predict", json={"domain": DOMAIN, "rows": rows, **changes})


def test_a_row_is_scored_with_its_reasons(client, model, pack, rows):
    answer = ask(client, rows(1, 12.0), featureSet=pack.feature_set)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["modelVersion"], told["featureSet"]) == (model, pack.feature_set)
    (prediction,) = told["predictions"]
    assert prediction["score"] == 0.8
    assert prediction["fraudType"] == pack.classes[1]
    assert prediction["scores"] == {**dict.fromkeys(pack.classes, 0.0), "legitimate": 0.2, pack.classes[1]: 0.8}
    (reason,) = prediction["reasons"]
    assert (reason["code"], reason["contribution"]) == (pack.features[0].name, 0.4)
    assert reason["text"]


@pytest.mark.parametrize("count", [2, 9, 1000])
def test_a_batch_is_scored_in_its_order(client, model, rows, count):
    mixed = [rows(1, 12.0 if number % 2 else 1.0)[0] for number in range(count)]
    predictions = ask(client, mixed).json()["predictions"]
    assert [one["score"] for one in predictions] == [0.8 if number % 2 else 0.0 for number in range(count)]
    assert predictions[0]["fraudType"] is None
    assert predictions[0]["reasons"] == []


def test_what_no_vector_is_is_refused(client, model, pack, rows):
    assert "rows.1 has 2 values" in ask(client, [*rows(1, 1.0), [1.0, 2.0]]).json()["detail"]
    assert ask(client, []).status_code == 422
    assert ask(client, rows(1001, 1.0)).status_code == 422
    assert ask(client, [["a"]]).status_code == 422
    assert ask(client, rows(1, 1.0), extra=1).status_code == 422
    for word in ("NaN", "Infinity", "-Infinity", "1e999"):
        body = json.dumps({"domain": DOMAIN, "rows": rows(1, 5.5)}).replace("5.5", word)
        answer = client.post("/api/predict", content=body, headers={"content-type": "application/json"})
        assert answer.status_code in (400, 422), (word, answer.text)
        assert answer.json()["remedy"]
    broken = client.post("/api/predict", content="{", headers={"content-type": "application/json"})
    assert (broken.status_code, broken.json()["title"]) == (400, "broken JSON")


def test_another_feature_set_is_refused(client, model, pack, rows):
    answer = ask(client, rows(1, 1.0), featureSet="0123456789abcdef")
    assert answer.status_code == 409
    assert answer.json()["featureSet"] == pack.feature_set


def test_a_domain_without_a_model_says_what_to_do(client, model):
    answer = client.post("/api/predict", json={"domain": "payments", "rows": [[1.0]]})
    assert answer.status_code == 409
    assert "retrain_model" in answer.json()["remedy"]
    unknown = client.post("/api/predict", json={"domain": "poker", "rows": [[1.0]]})
    assert unknown.status_code == 422
    assert "payments" in unknown.json()["domains"]


def test_a_promotion_is_served_without_a_restart(client, settings, model, pack, rows, monkeypatch):
    monkeypatch.setattr("patternalarm.api.prediction.served._FRESH_SECONDS", 0.0)
    directory = write_model(settings.models_dir / DOMAIN / "m-2", pack, "m-2")
    with psycopg.connect(settings.dsn(PLATFORM_ROLE, settings.platform_password), autocommit=True) as connection:
        register(connection, ModelVersion.of(read_metadata(directory), str(directory)))
        promote(connection, DOMAIN, "m-2")
        # Who asks first has the one before, while the new one is loaded.
        wait_for(lambda: ask(client, rows(1, 1.0)).json()["modelVersion"] == "m-2")
        promote(connection, DOMAIN, model)
        wait_for(lambda: ask(client, rows(1, 1.0)).json()["modelVersion"] == model)
