import numpy as np
import pyarrow as pa

from patternalarm.grading.topic_reader import Batch, decode

SCHEMA = pa.schema([("source_offset", pa.int64()), ("reason", pa.string())])


def batch(*values: bytes) -> Batch:
    return Batch(np.zeros(len(values), np.int32), np.arange(100, 100 + len(values)), list(values))


def test_fields_outside_the_schema_are_skipped_whatever_they_hold() -> None:
    decoded = decode(
        batch(b'{"values":[1.5,"NaN",NaN],"source_offset":7}', b'{"reason":"late","source_offset":8}'), SCHEMA
    )
    assert decoded.rows.to_pylist() == [
        {"source_offset": 7, "reason": None},
        {"source_offset": 8, "reason": "late"},
    ]
    assert decoded.broken == ()


def test_broken_records_are_named_and_spare_the_others() -> None:
    decoded = decode(
        batch(
            b'{"source_offset":1}',
            b"{broken",
            b"",
            b'{"source_offset":"one"}',
            b'{"source_offset":4}\n{"source_offset":44}',
            b"[5]",
            b'{"source_offset":\n6}',
        ),
        SCHEMA,
    )
    assert decoded.rows["source_offset"].to_pylist() == [1, 6]
    assert decoded.offset.tolist() == [100, 106]
    assert decoded.broken == tuple((0, offset) for offset in (101, 102, 103, 104, 105))


def test_batch_of_only_broken_records() -> None:
    decoded = decode(batch(b"x", b"y"), SCHEMA)
    assert decoded.rows.num_rows == 0
    assert len(decoded.broken) == 2
