"""What leaves for the scores and the evidence topic."""

import json
import math
from decimal import Decimal

from kafka.records import UNREADABLE
from pyspark.sql import functions as F  # noqa: N812
from scoring.evidence import to_kafka_records

from patternalarm.contracts.records import EVIDENCE_COLUMNS, FEATURES_COLUMNS, SCORE_COLUMNS


def decided(features_frame, *fraud_types):
    frame = features_frame(
        *[
            {
                "event_id": f"e{number}",
                "actor_id": f"actor{number}",
                "amount": Decimal("12345678901234.5678"),
                "currency": "EUR",
                "country": "FR",
                "values": [1.5, math.nan, None, 0.25],
                "source_offset": 9_007_199_254_740_993,
            }
            for number in range(len(fraud_types))
        ]
    )
    chosen = F.element_at(F.array(*map(F.lit, fraud_types)), F.substring("event_id", 2, 1).cast("int") + 1)
    return frame.withColumns(
        {
            "scores": F.array(F.lit(0.25), F.lit(0.75)),
            "score": F.lit(0.75),
            "fraud_type": chosen,
            "type_score": F.when(chosen.isNotNull(), 0.75),
            "model_version": F.lit("v9"),
            UNREADABLE: F.lit(None),
        }
    )


def test_every_row_gives_a_score_and_only_alerts_give_evidence(features_frame):
    records = to_kafka_records(decided(features_frame, "alpha", None), "S", "E").collect()

    assert sorted((record["topic"], record["key"]) for record in records) == [
        ("E", "actor0"),
        ("S", "actor0"),
        ("S", "actor1"),
    ]


def test_records_hold_exactly_the_columns_of_their_contracts(features_frame):
    # JSON leaves out what is null.
    rows = decided(features_frame, "alpha").withColumns(
        {
            name: F.coalesce(F.col(name), F.lit(1).cast(kind))
            for name, kind in FEATURES_COLUMNS.items()
            if not kind.startswith("ARRAY")
        }
    )

    values = {record["topic"]: json.loads(record["value"]) for record in to_kafka_records(rows, "S", "E").collect()}

    assert list(values["S"]) == list(SCORE_COLUMNS)
    assert list(values["E"]) == list(EVIDENCE_COLUMNS)


def test_evidence_keeps_numbers_exact_and_writes_missing_as_null(features_frame):
    records = to_kafka_records(decided(features_frame, "beta"), "S", "E").where("topic = 'E'").collect()

    evidence = json.loads(records[0]["value"], parse_float=Decimal)

    assert evidence["values"] == [Decimal("1.5"), None, None, Decimal("0.25")]
    assert evidence["amount"] == Decimal("12345678901234.5678")
    assert evidence["source_offset"] == 9_007_199_254_740_993
    assert (evidence["fraud_type"], evidence["type_score"]) == ("beta", Decimal("0.75"))
