"""Bounds of the event contract: what no field of any event exceeds, so that every later stage has room for it.

Amounts leave ``DECIMAL(18, 4)`` room for the sum of 99 of the largest; ids fit an index of PostgreSQL, also three of them.
"""

from typing import Final

# Kafka's default for one record is 1 MB; a fraud event is under 1 KB, so anything past this is a producer's fault.
MAX_EVENT_BYTES: Final = 65_536

# How far an event may be ahead of the broker's clock. No pack's lateness is shorter: what one event is ahead must not
# make its actor's honest events late.
MAX_FUTURE_SECONDS: Final = 30

MAX_AMOUNT: Final = 10**12
"""Of an amount as sent and in the base currency, either sign."""

AMOUNT_PLACES: Final = 4
"""Decimal places of an amount; one with more is refused, never rounded."""

MAX_NUMBER: Final = 10**15
"""Of numbers and integers, either sign: integers up to it are exact as doubles."""

MAX_NUMBER_CHARACTERS: Final = 64
MAX_ID_CHARACTERS: Final = 128
MAX_TEXT_CHARACTERS: Final = 256
MAX_NAME_CHARACTERS: Final = 256
"""Of the name of any field, also one that the contract does not know."""

MAX_NESTING: Final = 32
"""Levels of objects and arrays, the event's own among them."""

MAX_DETAIL_CHARACTERS: Final = 300
"""Of a dead letter's detail."""

FIRST_TIME_MS: Final = -62_135_596_800_000
LAST_TIME_MS: Final = 253_402_300_799_999
"""0001-01-01 to 9999-12-31: what times of Python, Spark and PostgreSQL all hold. The settings' own bounds are narrower."""
