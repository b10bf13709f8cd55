"""A model of a shipped domain, small enough to know its scores by heart."""

import hashlib
import json
from pathlib import Path

from alert_material import split

from patternalarm.contracts.domain_pack import DomainPack
from patternalarm.models.forest import write_forest

DOMAIN = "iot"


def write_model(directory: Path, pack: DomainPack, version: str) -> Path:
    """A whole model of ``pack``: one tree, for whose first fraud type a first feature over 10 speaks."""
    directory.mkdir(parents=True)
    classes = len(pack.classes)
    legitimate = (1.0, *(0.0 for _ in range(classes - 1)))
    fraud = (0.2, 0.8, *(0.0 for _ in range(classes - 2)))
    write_forest(directory / "forest.npz", [split(0, 10.0, legitimate, fraud)])
    metadata = {
        "domain": pack.name,
        "version": version,
        "scope": "live",
        "feature_set": pack.feature_set,
        "pack_version": pack.version,
        "feature_names": pack.feature_names,
        "classes": pack.classes,
        "thresholds": {**dict.fromkeys(pack.fraud_types, 0.5), "suspicious_activity": 0.7},
        "metrics": {"average_precision": 0.9},
        "trained_at": "2026-11-01T00:00:00Z",
        "files": {"forest.npz": hashlib.sha256((directory / "forest.npz").read_bytes()).hexdigest()},
    }
    (directory / "metadata.json").write_text(json.dumps(metadata))
    return directory
