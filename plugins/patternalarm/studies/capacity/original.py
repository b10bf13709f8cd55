"""The capacity table of the system that this one succeeds, as it was told; not measured here."""

from typing import Final

from patternalarm.contracts.runs import Level

# Load level -> (workers, events a minute that they held).
TABLE: Final[dict[Level, tuple[str, int]]] = {
    Level.MINI: ("1, batches of 100", 3_700),
    Level.NORMAL: ("3 to 4", 12_000),
    Level.PEAK: ("10 and more", 35_000),
}
