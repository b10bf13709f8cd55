"""What interrupted a run, in ``platform.run_interruption``: which part, how, from when to when; and when detection paused."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

import psycopg
from psycopg.rows import class_row

from patternalarm.contracts.jobs import ProcessKind
from patternalarm.contracts.tables import RUN_INTERRUPTION


class What(StrEnum):
    """How a part was interrupted, in words that follow its name. ``PAUSED`` is an effect: it names no cause."""

    RESTARTED = "ended, was started again and was away"
    DOWN = "was down"
    SILENT = "did not answer"
    STOOD_STILL = "stood still"
    PAUSED = "paused"


@dataclass(frozen=True)
class Interruption:
    """One row of ``platform.run_interruption``; ``component`` is the name of a part, or of a stage of detection."""

    component: str
    what: What
    began_at: datetime
    ended_at: datetime | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "what", What(self.what))

    @property
    def told(self) -> str:
        """It in words, as ``kafka did not answer for 61.2 s from 05:30:02 UTC``."""
        length = "to the end" if self.seconds is None else f"for {self.seconds:.1f} s"
        return f"{self.component} {self.what} {length} from {self.began_at.astimezone(UTC):%H:%M:%S} UTC"

    @property
    def seconds(self) -> float | None:
        """How long it lasted; None when it had not ended."""
        return None if self.ended_at is None else (self.ended_at - self.began_at).total_seconds()


# Profiles are kept beside the way of an event: their loss is told, and is no excuse for an alert that came late.
_BESIDE_DETECTION: Final = frozenset({"redis", ProcessKind.ONLINE_STORE.value})

_RECORD: Final = f"""
INSERT INTO {RUN_INTERRUPTION} (run_id, component, what, began_at, ended_at) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (run_id, component, began_at) DO UPDATE SET what = excluded.what, ended_at = excluded.ended_at
"""

_LOAD: Final = f"""
SELECT component, what, began_at, ended_at FROM {RUN_INTERRUPTION} WHERE run_id = %s ORDER BY began_at, component
"""


def record_interruptions(connection: psycopg.Connection[Any], run_id: str, found: Sequence[Interruption]) -> None:
    """Write ``found``, each in place of what was known of it before; the caller commits."""
    with connection.cursor() as cursor:
        cursor.executemany(_RECORD, [(run_id, one.component, one.what, one.began_at, one.ended_at) for one in found])


def load_interruptions(connection: psycopg.Connection[Any], run_id: str) -> list[Interruption]:
    """What is known of the run, by its begin."""
    with connection.cursor(row_factory=class_row(Interruption)) as cursor:
        return cursor.execute(_LOAD, (run_id,)).fetchall()


def causes(found: Sequence[Interruption]) -> list[Interruption]:
    """Those that name a part: without one, a pause of detection is the platform's own slowness."""
    return [one for one in found if one.what is not What.PAUSED]


def touch_detection(found: Sequence[Interruption]) -> bool:
    """Whether one of them names a part that events pass through on their way to an alert."""
    return any(one.component not in _BESIDE_DETECTION for one in causes(found))


def told_together(found: Sequence[Interruption]) -> str:
    """All of them in one line."""
    return "; ".join(one.told for one in found)


def pauses(found: Sequence[Interruption]) -> list[tuple[datetime, timedelta]]:
    """When detection paused, and for how long: the stages' own pauses, joined where they touch."""
    joined: list[tuple[datetime, datetime]] = []
    ended = [(one.began_at, one.ended_at) for one in found if one.what is What.PAUSED and one.ended_at is not None]
    for began, end in sorted(ended):
        if joined and began <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((began, end))
    return [(began, end - began) for began, end in joined]
