"""Exit codes that more than one room knows."""

from typing import Final

# As EX_TEMPFAIL of sysexits.h, and no verdict: an engine stayed away for longer than patience, or the process lost a part of
# its own, like its JVM. Nothing is wrong with what it was asked for, so whoever supervises it starts it again.
START_AGAIN: Final = 75
