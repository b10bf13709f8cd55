"""A small pack, a model of it and findings about it, for every test of the alert writer."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from patternalarm.contracts.domain_pack import DomainPack, load_pack
from patternalarm.contracts.pack_folder import PACK_FILE
from patternalarm.models.forest import Tree, write_forest

EPISODE_MS = 600_000
NOON_MS = 1_795_521_600_000
"""2026-11-24 12:00 UTC, the start of an episode."""

PACK: dict[str, Any] = {
    "name": "toll",
    "version": "7",
    "description": "Toll roads.",
    "disorder": "1s",
    "lateness": "60s",
    "shared_key_delay": "2s",
    "episode": "10m",
    "fields": [{"name": "lane", "type": "string", "description": "Kind of lane."}],
    "currency": {"base": "EUR", "as_of": "2026-11-01", "source": "made for the tests", "rates": {"USD": "0.86"}},
    "fraud_types": {
        "plate_swap": {"severity": "high", "description": "Two cars, one plate.", "label_delay": "1d"},
        "gate_run": {"severity": "low", "description": "Never pays.", "label_delay": "1d"},
    },
    "money_out": [{"lane": ["cash", "tag"]}],
    "money_tried": [{"lane": ["video"]}],
    "much_money": 1000,
    "features": [
        {"name": "amount", "op": "field", "field": "amount", "unit": "EUR", "description": "Amount.",
         "reason": "the toll is {value:,.2f} {currency}"},
        {"name": "lane_kind", "op": "category", "field": "lane", "categories": ["cash", "tag", "video"],
         "unit": "index", "description": "Lane.", "reason": "it passed a {lane} lane in {country}"},
        {"name": "passes_5m", "op": "count", "key": "actor_id", "window": "5m", "unit": "events",
         "description": "Passes.", "reason": "{value:.0f} {value:pass|passes} within 5 minutes"},
    ],
}  # fmt: skip


def write_pack(directory: Path, **changes: Any) -> Path:
    """The pack's folder, with ``changes`` to the top level of its file."""
    folder = directory / "toll"
    folder.mkdir(exist_ok=True)
    (folder / PACK_FILE).write_text(yaml.safe_dump({**PACK, **changes}, sort_keys=False))
    return folder


def split(feature: int, threshold: float, low: tuple[float, ...], high: tuple[float, ...]) -> Tree:
    """A tree of one split over 100 rows, half of them on each side; ``low`` and ``high`` hold the class shares."""
    leaves = np.array([low, high])
    return Tree(
        children_left=np.array([1, -1, -1], np.int32),
        children_right=np.array([2, -1, -1], np.int32),
        feature=np.array([feature, -1, -1], np.int32),
        threshold=np.array([threshold, np.nan, np.nan]),
        value=np.array([leaves.mean(axis=0) * 100, *(leaves * 50)]),
        node_sample_weight=np.array([100.0, 50.0, 50.0]),
    )


def forest() -> list[Tree]:
    """Amounts over 50 speak for plate_swap, so do more than 3 passes, video lanes for gate_run."""
    return [
        split(0, 50.0, (1.0, 0.0, 0.0), (0.2, 0.8, 0.0)),
        split(2, 3.0, (0.9, 0.1, 0.0), (0.5, 0.5, 0.0)),
        split(1, 1.5, (1.0, 0.0, 0.0), (0.6, 0.0, 0.4)),
    ]


def write_model(directory: Path, pack: DomainPack, version: str = "m-1") -> Path:
    """A whole model directory of ``pack``."""
    directory.mkdir(parents=True, exist_ok=True)
    write_forest(directory / "forest.npz", forest())
    (directory / "pipeline").mkdir(exist_ok=True)
    (directory / "pipeline" / "part-0").write_bytes(b"trees")
    files = {
        name: hashlib.sha256((directory / name).read_bytes()).hexdigest() for name in ("forest.npz", "pipeline/part-0")
    }
    metadata = {
        "domain": pack.name,
        "version": version,
        "scope": "live",
        "feature_set": pack.feature_set,
        "pack_version": pack.version,
        "feature_names": pack.feature_names,
        "classes": pack.classes,
        "thresholds": {"plate_swap": 0.5, "gate_run": 0.5, "suspicious_activity": 0.6},
        "metrics": {"average_precision": 0.9},
        "trained_at": "2026-11-01T00:00:00Z",
        "seed": 1,
        "files": files,
    }
    (directory / "metadata.json").write_text(json.dumps(metadata))
    return directory


def toll_pack(directory: Path, **changes: Any) -> DomainPack:
    """The pack itself."""
    return load_pack(write_pack(directory, **changes))


def evidence_record(pack: DomainPack, event_id: str, /, **changes: Any) -> dict[str, Any]:
    """A record of the evidence topic: a pass at noon that took 80.00 EUR, plate_swap with 0.7."""
    return {
        "event_id": event_id,
        "event_type": "pass",
        "event_time_ms": NOON_MS,
        "actor_id": "car-1",
        "counterparty_id": None,
        "device_id": None,
        "country": "AT",
        "channel": None,
        "money_out": True,
        "amount": 80.0,
        "currency": "EUR",
        "amount_base": 80.0,
        "feature_set": pack.feature_set,
        "values": [80.0, 2.0, 5.0],
        "source_topic": "events.toll",
        "source_partition": 0,
        "source_offset": 1,
        "source_crc": 1,
        "sent_at_ms": NOON_MS + 5,
        "behind_watermark": False,
        "identity_forgotten": False,
        "score": 0.75,
        "scores": [0.25, 0.7, 0.05],
        "fraud_type": "plate_swap",
        "type_score": 0.7,
        "model_version": "m-1",
        **changes,
    }


def hit_record(
    events: list[tuple[str, int, float | None]], /, actor_id: str = "car-1", **changes: Any
) -> dict[str, Any]:
    """A record of the pattern hits topic over ``events`` (event_id, event_time_ms, amount) of one actor, whose money moved."""
    return {
        "pattern": "two_gates",
        "pattern_version": "2",
        "fraud_type": "plate_swap",
        "severity": "critical",
        "subject_type": "actor",
        "subject_id": "car-1",
        "first_event_time_ms": events[0][1],
        "last_event_time_ms": events[-1][1],
        "events": [
            {"actor_id": actor_id, "event_id": event_id, "event_time_ms": time_ms, "amount": amount, "money_out": True}
            for event_id, time_ms, amount in events
        ],
        "currency": "EUR",
        **changes,
    }
