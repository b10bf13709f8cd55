"""Whether a stage of detection moves while it has work, look by look."""

from datetime import UTC, datetime
from typing import Final

from patternalarm.runs.interruptions import Interruption, What

# Longer than a busy machine's hiccups and than the boundary of a batch; shorter pauses are delays.
PAUSE_SECONDS: Final = 3.0
# A stage that gives out nothing at all for so long, though it has work, is not slow: it hangs.
STILL_SECONDS: Final = 10.0
# Work that keeps coming comes at least this often.
_LULL_SECONDS: Final = 3.0


class Stage:
    """Compares what a stage was given with what it gave out. Times are epoch seconds.

    Args:
        name: the stage's name.
        holds_back: whether its last results come only with later work, so that it may rest with work when no more comes.
        counts: whether it gives out as much as it is given, so that who has given out as much has no work.
    """

    def __init__(self, name: str, *, holds_back: bool = False, counts: bool = False) -> None:
        self.name = name
        self._holds_back, self._counts = holds_back, counts
        self._given = self._done = 0
        self._seen_at: float | None = None
        self._given_at = 0.0
        self._waiting_since: float | None = None
        self._gifts = 0
        self._unseen = self._has_moved = False

    def look(self, now: float, given: int, done: int) -> Interruption | None:
        """Take in how much it was given and gave out so far; the pause that ended with this look, if one did."""
        pause = None
        if self._seen_at is None:
            self._given_at = now
        elif done != self._done:
            since = self._waiting_since
            if self._has_moved and since is not None and now - since >= PAUSE_SECONDS:
                pause = Interruption(self.name, What.PAUSED, _utc(since), _utc(now))
            self._waiting_since, self._has_moved, self._gifts = None, True, 0
        elif given != self._given:
            self._waiting_since = self._waiting_since or self._seen_at
        elif self._unseen or (self._holds_back and now - self._given_at > _LULL_SECONDS):
            self._waiting_since = None
        # What was given and what was done are asked of two engines, one after the other: what was done may be seen first.
        if self._counts and done >= given:
            self._waiting_since = None
        if given != self._given:
            self._given_at, self._gifts = now, self._gifts + 1
        self._seen_at, self._given, self._done, self._unseen = now, given, done, False
        return pause

    def miss(self) -> None:
        """The stage cannot be seen because what it works with is away: it waits, as far as anybody knows."""
        self._unseen = True
        self._waiting_since = self._waiting_since or self._seen_at

    def still_since(self, now: float) -> float | None:
        """Since when it has given out nothing, if that is long, though it is seen to have work."""
        since = self._waiting_since
        if not self._has_moved or self._unseen or since is None or now - since < STILL_SECONDS:
            return None
        # Given and done are told an instant apart: one gift without a result may have had it before.
        return since if self._counts or self._gifts > 1 else None

    def forgive(self) -> None:
        """Nothing was looked at for a while, for reasons of our own."""
        self._waiting_since = None
        self._seen_at = None


def _utc(epoch_seconds: float) -> datetime:
    return datetime.fromtimestamp(epoch_seconds, UTC)
