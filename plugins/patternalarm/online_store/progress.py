"""What the online store's process did, told in one log line every ten seconds."""

import logging
import time
from collections.abc import Callable
from typing import Final

EVERY_SECONDS: Final = 10.0

logger = logging.getLogger(__name__)


class Progress:
    """Counts since the start; ``clock`` gives seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._due = clock() + EVERY_SECONDS
        self._newest_age_ms: int | None = None
        self.records = self.profiles = self.batches = self.unreadable = self.generations = 0

    def written(self, records: int, profiles: int, unreadable: int, newest_ms: int) -> None:
        """Count a batch that Redis has, whose newest record has Kafka's timestamp ``newest_ms``."""
        self.records += records
        self.profiles += profiles
        self.unreadable += unreadable
        self.batches += 1
        self._newest_age_ms = int(time.time() * 1000) - newest_ms

    def tell_if_due(self, behind: Callable[[], int]) -> None:
        """Log the counts if ten seconds have passed; ``behind`` gives the unread records."""
        if self._clock() >= self._due:
            self._due = self._clock() + EVERY_SECONDS
            self.tell(behind())

    def tell(self, behind: int) -> None:
        """Log the counts."""
        age = "none yet" if self._newest_age_ms is None else f"{self._newest_age_ms} ms old when written"
        logger.info(
            "read %d records in %d batches, %d of them unreadable; %d updates of profiles, built %d times from the "
            "beginning; %d records behind; newest record %s",
            *(self.records, self.batches, self.unreadable, self.profiles, self.generations, behind, age),
        )
