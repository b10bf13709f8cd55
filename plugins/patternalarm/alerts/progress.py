"""What the alert writer did, told in one log line every ten seconds."""

import logging
import time
from collections.abc import Callable
from typing import Final

from patternalarm.alerts.store import Written

EVERY_SECONDS: Final = 10.0

logger = logging.getLogger(__name__)


class Progress:
    """Counts since the start; ``clock`` gives seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._due = clock() + EVERY_SECONDS
        self._newest_age_ms: int | None = None
        self.evidence = self.hits = self.batches = self.created = self.updated = 0

    def committed(self, evidence: int, hits: int, written: Written, newest_ms: int) -> None:
        """Count a committed batch, whose newest record has Kafka's timestamp ``newest_ms``."""
        self.evidence += evidence
        self.hits += hits
        self.batches += 1
        self.created += written.created
        self.updated += written.updated
        self._newest_age_ms = int(time.time() * 1000) - newest_ms

    def tell_if_due(self, behind: Callable[[], int]) -> None:
        """Log the counts if ten seconds have passed; ``behind`` gives the unread records."""
        if self._clock() >= self._due:
            self._due = self._clock() + EVERY_SECONDS
            self.tell(behind())

    def tell(self, behind: int) -> None:
        """Log the counts."""
        age = "none yet" if self._newest_age_ms is None else f"{self._newest_age_ms} ms old when committed"
        logger.info(
            "read %d evidence and %d pattern hits in %d batches; %d alerts raised, %d updates of alerts; "
            "%d records behind; newest record %s",
            self.evidence,
            self.hits,
            self.batches,
            self.created,
            self.updated,
            behind,
            age,
        )
