"""Roles of callers, and which of them may do what another may."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """What a caller may do. An engineer may all that an analyst may, and an analyst all that a viewer may."""

    VIEWER = "viewer"
    """Reads, with personal fields masked."""
    ANALYST = "analyst"
    """Works on cases and allow-lists, and may unmask."""
    ENGINEER = "engineer"
    """Starts and stops load tests."""
    INGEST = "ingest"
    """Sends events, and reads nothing: a gateway's key that leaks shows nobody's alerts."""


_INCLUDES: Final[dict[Role, frozenset[Role]]] = {
    Role.VIEWER: frozenset({Role.VIEWER}),
    Role.ANALYST: frozenset({Role.VIEWER, Role.ANALYST}),
    Role.ENGINEER: frozenset({Role.VIEWER, Role.ANALYST, Role.ENGINEER}),
    Role.INGEST: frozenset({Role.INGEST}),
}


def includes(role: Role, wanted: Role) -> bool:
    """Whether who has ``role`` may do what ``wanted`` may."""
    return wanted in _INCLUDES[role]


@dataclass(frozen=True)
class Principal:
    """Who calls: a name for the record, a role, and the key that proved it (empty for the loopback without a key)."""

    name: str
    role: Role
    key_id: str = ""
