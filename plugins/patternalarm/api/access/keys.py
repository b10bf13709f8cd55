"""API keys in ``platform.api_key``: what is kept of one is a digest, a role and an end.

A key is ``pa_<key id>_<secret>``. The secret has 256 random bits, so a plain SHA-256 of it cannot be guessed back, and
needs none of the slow digests that passwords need (OWASP, "Password Storage Cheat Sheet", on high-entropy tokens).
"""

import hashlib
import hmac
import re
import secrets
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from patternalarm.api.access.roles import Principal, Role
from patternalarm.api.database import Pool
from patternalarm.contracts.tables import API_KEY

if TYPE_CHECKING:
    import psycopg

MOST_DAYS: Final = 366

# Who calls without a key, from this very machine.
LOCAL_NAME: Final = "local"

_KEY: Final = re.compile(r"pa_([a-z0-9]{12})_([A-Za-z0-9_-]{43})")

_SELECT: Final = f"SELECT name, role, digest, expires_at, revoked_at FROM {API_KEY} WHERE key_id = %s"
_TAKEN: Final = f"SELECT 1 FROM {API_KEY} WHERE name = %s AND revoked_at IS NULL AND expires_at > now()"
_INSERT: Final = f"""
INSERT INTO {API_KEY} (key_id, name, role, digest, created_by, expires_at) VALUES (%s, %s, %s, %s, %s, %s)
"""
_REVOKE: Final = f"UPDATE {API_KEY} SET revoked_at = clock_timestamp() WHERE key_id = %s AND revoked_at IS NULL"
_LIST: Final = f"SELECT key_id, name, role, created_at, expires_at, revoked_at FROM {API_KEY} ORDER BY created_at"


class KeyRefusedError(ValueError):
    """The key is none, or not one any more; the message says which, and never more than its holder may know."""


def key_id_of(key: str) -> str | None:
    """The public part of a key; None when it does not have the form of one."""
    match = _KEY.fullmatch(key)
    return match[1] if match else None


def digest_of(key: str) -> bytes:
    """What is kept of a key."""
    return hashlib.sha256(key.encode()).digest()


def create_key(connection: "psycopg.Connection[Any]", name: str, role: Role, days: float, created_by: str) -> str:
    """A new key, which is told here and never again.

    Raises:
        ValueError: it would end at once, or outlive ``MOST_DAYS``; or its name is taken, for a name is who somebody is.
    """
    if not 0 < days <= MOST_DAYS:
        raise ValueError(f"a key lives for up to {MOST_DAYS} days, and not {days:g}")
    if name == LOCAL_NAME or connection.execute(_TAKEN, (name,)).fetchone():
        raise ValueError(f"the name {name} is taken: give the key another one, or revoke the one that has it")
    key_id = secrets.token_hex(6)
    key = f"pa_{key_id}_{secrets.token_urlsafe(32)}"
    ends = datetime.now(UTC) + timedelta(days=days)
    connection.execute(_INSERT, (key_id, name, role.value, digest_of(key), created_by, ends))
    return key


def revoke_key(connection: "psycopg.Connection[Any]", key_id: str) -> bool:
    """End a key now; False when there is no such key, or none any more."""
    return connection.execute(_REVOKE, (key_id,)).rowcount > 0


def list_keys(connection: "psycopg.Connection[Any]") -> list[tuple[Any, ...]]:
    """(key id, name, role, made, ends, revoked) of every key, the oldest first."""
    return connection.execute(_LIST).fetchall()


async def find_key(pool: Pool, key: str) -> Principal:
    """Whose key this is.

    Raises:
        KeyRefusedError: nobody's.
    """
    key_id = key_id_of(key)
    row = await _row(pool, key_id) if key_id else None
    if row is None or not hmac.compare_digest(bytes(row[2]), digest_of(key)):
        raise KeyRefusedError("the key is not known here")
    return _principal(str(key_id), row)


async def principal_of(pool: Pool, key_id: str) -> Principal:
    """Whose session this is, which was begun with the key of this id.

    Raises:
        KeyRefusedError: the key has ended.
    """
    row = await _row(pool, key_id)
    if row is None:
        raise KeyRefusedError("the session's key is not known here")
    return _principal(key_id, row)


async def _row(pool: Pool, key_id: str) -> tuple[Any, ...] | None:
    async with pool.connection() as connection:
        return await (await connection.execute(_SELECT, (key_id,))).fetchone()


def _principal(key_id: str, row: tuple[Any, ...]) -> Principal:
    name, role, _, expires_at, revoked_at = row
    if revoked_at is not None:
        raise KeyRefusedError(f"the key {key_id} was revoked on {revoked_at:%Y-%m-%d}")
    if expires_at <= datetime.now(UTC):
        raise KeyRefusedError(f"the key {key_id} expired on {expires_at:%Y-%m-%d}")
    return Principal(name, Role(role), key_id)
