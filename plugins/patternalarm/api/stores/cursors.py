"""Keyset cursors: where a page ended, and of which question; opaque to who holds one."""

import base64
import binascii
import hashlib
from typing import Any, Final

import orjson

_LONGEST: Final = 2_000


class CursorError(ValueError):
    """The cursor is none of ours, or one of another question; the message says which."""


def encode(question: object, keys: list[Any]) -> str:
    """A cursor after the row of these keys, in the answer to ``question`` (JSON: filters and sort)."""
    content = orjson.dumps([_fingerprint(question), keys])
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def decode(question: object, cursor: str, count: int) -> list[Any]:
    """The ``count`` keys that a cursor of ``question`` holds.

    Raises:
        CursorError: it is none, or one of another question.
    """
    try:
        if len(cursor) > _LONGEST:
            raise ValueError
        fingerprint, keys = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if not isinstance(keys, list) or len(keys) != count:
            raise ValueError
    except (ValueError, TypeError, binascii.Error) as error:
        raise CursorError("the cursor is none that this API gave") from error
    if fingerprint != _fingerprint(question):
        raise CursorError("the cursor belongs to other filters or another sort")
    return keys


def _fingerprint(question: object) -> str:
    return hashlib.sha256(orjson.dumps(question, option=orjson.OPT_SORT_KEYS, default=str)).hexdigest()[:16]
