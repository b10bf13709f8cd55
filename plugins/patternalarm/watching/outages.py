"""Interruptions of a run's parts, from what is seen of them look by look."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from patternalarm.runs.interruptions import Interruption, What

# A busy machine answers late; only a silence longer than this is an interruption.
SILENCE_SECONDS: Final = 8.0


@dataclass
class _Part:
    well_at: float
    started_at: int | None
    interruption: Interruption | None = None


class Outages:
    """Follows any number of parts by name. Times are epoch seconds."""

    def __init__(self) -> None:
        self._parts: dict[str, _Part] = {}

    def see(
        self,
        part: str,
        now: float,
        trouble: What | None,
        started_at: int | None = None,
        since: float | None = None,
    ) -> Interruption | None:
        """Take in one look at ``part``: what is wrong with it, if something is, and when its process was started.

        ``since`` is when the trouble began, if that is known better than by when the part was last seen well.

        Returns:
            The interruption that began, changed or ended with this look; None when none did. Nobody is watched before it
            was well once: until then it has not begun.
        """
        known = self._parts.get(part)
        if known is None:
            if trouble is None:
                self._parts[part] = _Part(now, started_at)
            return None
        before = known.interruption
        if started_at is not None and started_at != known.started_at:
            known.started_at = started_at
            known.interruption = self._begun(part, known, What.RESTARTED, None)
        elif (
            before is None and trouble is not None and (trouble is not What.SILENT or self._is_long(now, known, since))
        ):
            known.interruption = self._begun(part, known, trouble, since)
        changed = known.interruption
        if trouble is None:
            if changed is not None:
                changed = replace(changed, ended_at=_utc(now))
            known.well_at, known.interruption = now, None
        return changed if changed != before else None

    def forgive(self, now: float) -> None:
        """Nothing was seen for a while, for reasons of our own: who was well is taken for well ``now``."""
        for part in self._parts.values():
            if part.interruption is None:
                part.well_at = now

    @staticmethod
    def _is_long(now: float, known: _Part, since: float | None) -> bool:
        return now - (known.well_at if since is None else since) >= SILENCE_SECONDS

    @staticmethod
    def _begun(part: str, known: _Part, what: What, since: float | None) -> Interruption:
        if known.interruption is not None:
            return replace(known.interruption, what=what)
        return Interruption(part, what, _utc(known.well_at if since is None else since))


def _utc(epoch_seconds: float) -> datetime:
    return datetime.fromtimestamp(epoch_seconds, UTC)
