"""Columns -> the bytes of events, without touching single events in Python.

Every field becomes an Arrow array of JSON pieces, and Arrow joins the pieces row by row.
"""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from patternalarm.contracts.events import SCHEMA_VERSION
from patternalarm.generator.batch import Array, Column, ColumnKind, EventBatch

ID_DIGITS = 12
_ISO_WIDTH = len("2026-11-24 05:30:00.123")


def hex_digits(values: Array, digits: int) -> pa.Array:
    """The lowest ``digits`` hex digits of unsigned 64-bit ``values``, zero-padded, as an Arrow binary array."""
    raw = np.frombuffer(values.astype(">u8").tobytes().hex().encode(), dtype=np.uint8).reshape(-1, 16)
    return _fixed(raw[:, 16 - digits :])


def iso_time(time_ms: Array) -> pa.Array:
    """Epoch milliseconds as ISO-8601 UTC with milliseconds, ``2026-11-24T05:30:00.123Z``."""
    # A cast without a time zone is fifty times faster, and always 23 characters wide.
    plain = pa.array(time_ms, pa.timestamp("ms")).cast(pa.string())
    text = np.frombuffer(plain.buffers()[2], dtype=np.uint8, count=len(time_ms) * _ISO_WIDTH).reshape(-1, _ISO_WIDTH)
    text = text.copy()
    text[:, 10] = ord("T")
    return pc.binary_join_element_wise(_fixed(text), b"Z", b"")


def _fixed(text: Array) -> pa.Array:
    """Rows of bytes, all of one width, as an Arrow binary array."""
    rows, width = text.shape
    fixed = pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(width), rows, [None, pa.py_buffer(np.ascontiguousarray(text))]
    )
    return fixed.cast(pa.binary())


def json_number(values: Array, decimals: int) -> pa.Array:
    """Numbers as JSON text, rounded to ``decimals``; NaN is null."""
    missing = np.isnan(values)
    if decimals == 0:
        whole = np.where(missing, 0, np.round(values)).astype(np.int64)
        return pa.array(whole, mask=missing).cast(pa.string()).cast(pa.binary())
    return pa.array(np.round(values, decimals), mask=missing).cast(pa.string()).cast(pa.binary())


def _dotted_quad(values: Array) -> pa.Array:
    octets = pa.array([str(n).encode() for n in range(256)], pa.binary())
    parts = [octets.take(pa.array(((values >> shift) & 255).astype(np.int16))) for shift in (24, 16, 8, 0)]
    joined = pc.binary_join_element_wise(*parts, b".")
    return pc.if_else(pa.array(values == 0), pa.scalar(None, pa.binary()), joined)


def _words(words: Sequence[str], codes: Array) -> pa.Array:
    quoted = pa.array([json.dumps(word, ensure_ascii=False).encode() for word in words], pa.binary())
    return quoted.take(pa.array(codes, pa.int16(), mask=codes < 0))


def _piece(column: Column, values: Array) -> pa.Array:
    """JSON text of a column's values; null where the field is missing."""
    match column.kind:
        case ColumnKind.ID:
            text = pc.binary_join_element_wise(
                b'"' + column.prefix.encode(), hex_digits(values, ID_DIGITS), b'"', b"", null_handling="emit_null"
            )
            return pc.if_else(pa.array(values == 0), pa.scalar(None, pa.binary()), text)
        case ColumnKind.CATEGORY:
            return _words(column.vocabulary, values)
        case ColumnKind.NUMBER:
            return json_number(values, column.decimals)
        case ColumnKind.BOOLEAN:
            return _bare(("false", "true"), values)
        case ColumnKind.IP:
            return pc.binary_join_element_wise(b'"', _dotted_quad(values), b'"', b"", null_handling="emit_null")


def _bare(words: Sequence[str], codes: Array) -> pa.Array:
    return pa.array([word.encode() for word in words], pa.binary()).take(pa.array(codes, pa.int16(), mask=codes < 0))


def join_fields(head: Sequence[pa.Array | bytes], fields: Sequence[tuple[str, pa.Array]]) -> pa.Array:
    """JSON objects row by row: the pieces of ``head`` as they are, then ``,"name":value`` for every non-null value."""
    pieces: list[pa.Array | bytes] = list(head)
    for name, text in fields:
        label = f',"{name}":'.encode()
        if text.null_count:
            pieces.append(pc.binary_join_element_wise(label, text, b"", null_handling="emit_null"))
        else:
            pieces += [label, text]
    return pc.binary_join_element_wise(*pieces, b"}", b"", null_handling="skip")


def render(
    domain: str, columns: Sequence[Column], event_ids: Array, batch: EventBatch, actor: Column
) -> tuple[list[bytes], list[bytes]]:
    """Kafka keys (actor ids) and values (JSON objects) of ``batch``.

    ``event_ids`` has two uint64 per event: 32 hex digits.
    """
    if not len(batch):
        return [], []
    keys = pc.binary_join_element_wise(
        actor.prefix.encode(), hex_digits(batch.actor, ID_DIGITS), b"", null_handling="emit_null"
    )
    head: list[Any] = [
        b'{"event_id":"',
        hex_digits(event_ids[:, 0], 16),
        hex_digits(event_ids[:, 1], 16),
        f'","schema_version":"{SCHEMA_VERSION}","domain":"{domain}","event_time":"'.encode(),
        iso_time(batch.time_ms),
        b'","actor_id":"',
        keys,
        b'"',
    ]
    fields = [(column.name, _piece(column, batch.values[column.name])) for column in columns]
    return keys.to_pylist(), join_fields(head, fields).to_pylist()
