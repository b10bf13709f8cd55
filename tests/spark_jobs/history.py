"""A planted history: ten days of events, a campaign of ``alpha`` or ``beta`` in every twentieth slot."""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from patternalarm.contracts.domain_pack import DomainPack

SHOP = Path(__file__).resolve().parent / "shop"

DAY_MS = 86_400_000
START_MS = 1_700_000_000_000
DAYS = 10
SLOTS = 1_000
EVENTS_PER_SLOT = 3


def planted(pack: DomainPack, seed: int = 1) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Feature records and label records. A fraud raises its own feature, a look-alike raises it far less."""
    draw = random.Random(seed)
    features, labels = [], []
    for slot in range(SLOTS):
        fraud = ("alpha", "beta")[slot // 20 % 2] if slot % 20 == 0 else None
        raised = {"alpha": 0, "beta": 1}.get(fraud) if fraud else (draw.randrange(2) if slot % 97 == 1 else None)
        for step in range(EVENTS_PER_SLOT):
            number = slot * EVENTS_PER_SLOT + step
            values = [draw.gauss(0.0, 1.0) for _ in pack.features]
            if raised is not None:
                values[raised] += 8.0 if fraud else 2.0
            if draw.random() < 0.1:
                values[2] = float("nan")
            event_time = START_MS + slot * (DAYS * DAY_MS // SLOTS) + step * 10_000
            event = {"event_id": f"e{number:05}", "actor_id": f"actor{slot}", "event_time_ms": event_time}
            features.append(
                {
                    **event,
                    "event_type": "purchase",
                    "feature_set": pack.feature_set,
                    "values": values,
                    "source_topic": "events.shop",
                    "source_partition": number % 4,
                    "source_offset": number // 4,
                    "source_crc": number,
                    "sent_at_ms": event_time,
                }
            )
            if fraud:
                delay = pack.fraud_types[fraud].label_delay
                labels.append(
                    {
                        **event,
                        "label_time_ms": event_time + delay,
                        "campaign_id": f"c{slot}",
                        "verdict": fraud,
                        "source": "ground_truth",
                    }
                )
    return features, labels


def write_log(directory: Path, records: Sequence[dict[str, Any]], columns: dict[str, str]) -> Path:
    """Write ``records`` as the Parquet log that ``extract_features`` would make."""
    types = {
        "STRING": pa.string(),
        "BIGINT": pa.int64(),
        "INT": pa.int32(),
        "DECIMAL(18, 4)": pa.decimal128(18, 4),
        "BOOLEAN": pa.bool_(),
        "ARRAY<DOUBLE>": pa.list_(pa.float64()),
    }
    schema = pa.schema([(name, types[kind]) for name, kind in columns.items()])
    directory.mkdir(parents=True, exist_ok=True)
    rows = [{name: record.get(name) for name in columns} for record in records]
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), directory / "part-0.parquet")
    return directory
