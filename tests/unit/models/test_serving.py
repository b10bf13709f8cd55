"""The model that serves a domain is the one that was promoted, thresholds and all."""

import json

import pytest

from patternalarm.models import serving
from patternalarm.models.metadata import ModelError, read_metadata
from patternalarm.models.registry import ModelVersion


def test_thresholds_that_were_changed_after_the_promotion_are_refused(model, pack, monkeypatch):
    registered = ModelVersion.of(read_metadata(model), str(model))
    monkeypatch.setattr(serving, "promoted", lambda _, domain: registered if domain == pack.name else None)
    assert serving.serving_model(None, pack) is registered
    path = model / "metadata.json"
    told = json.loads(path.read_text())
    told["thresholds"] = {name: value + 1e-9 for name, value in told["thresholds"].items()}
    path.write_text(json.dumps(told))
    with pytest.raises(ModelError, match=r"not those it was promoted with; .*retrain_model"):
        serving.serving_model(None, pack)
