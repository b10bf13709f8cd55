"""Keyset cursors: where a page ended, and of which question it was a page."""

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

_LONGEST: Final = 2_000


class CursorError(ValueError):
    """The cursor is none, or one of another question; the message says which."""


def fingerprint_of(question: Mapping[str, Any]) -> str:
    """16 hex digits that tell one question, its filters and its order, from any other."""
    text = json.dumps(question, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def encode_cursor(fingerprint: str, key: Sequence[Any]) -> str:
    """The cursor of a page that ended with ``key``, the values that its rows are ordered by."""
    text = json.dumps([fingerprint, *map(_plain, key)], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_cursor(cursor: str, fingerprint: str, kind: TypeAdapter[Any]) -> tuple[Any, ...]:
    """The values that ``encode_cursor`` was given, as ``kind``, a tuple's, says.

    Raises:
        CursorError: it is no cursor, or that of another question than ``fingerprint``.
    """
    try:
        raw = base64.b64decode(cursor[:_LONGEST] + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        found, *key = json.loads(raw)
    except (ValueError, TypeError, binascii.Error, RecursionError) as error:
        raise CursorError("this is no cursor of ours") from error
    if found != fingerprint:
        raise CursorError("the cursor belongs to other filters or another order")
    try:
        values: tuple[Any, ...] = kind.validate_python(tuple(key))
    except ValidationError as error:
        raise CursorError("this is no cursor of ours") from error
    return values


def _plain(value: Any) -> Any:
    return value if isinstance(value, int | float) else str(value)
