"""Sentences of a pack, told with the numbers of one event.

A sentence is a text with ``{name}`` or ``{name:format}`` in it. A number also takes ``{value:payment|payments}``: the word
before the bar for one, the other for any other number, as it is shown without decimals. Words of a vocabulary are told
with spaces for their underscores.
"""

from collections.abc import Collection, Mapping
from string import Formatter
from typing import Final

# Fields of an event that every sentence may name. ``amount`` is told in the pack's base currency, and so is ``currency``.
COMMON_TEXTS: Final = frozenset(
    {"event_type", "actor_id", "counterparty_id", "device_id", "country", "channel", "currency"}
)
COMMON_NUMBERS: Final = frozenset({"amount"})


class SentenceError(ValueError):
    """A sentence cannot be told; the message says why."""


class Number(float):
    """A number that knows its plural."""

    def __format__(self, spec: str) -> str:
        one, bar, many = spec.partition("|")
        if not bar:
            # No "-0": what rounds to nothing is nothing.
            return f"{float(self):z{spec}}" if spec else f"{float(self):g}"
        return one if f"{abs(float(self)):.0f}" == "1" else many


class Words(str):
    """A word of a vocabulary, like an event type."""

    def __format__(self, spec: str) -> str:
        return format(self.replace("_", " "), spec)


class Unknown:
    """A field that the event does not have, whatever format its sentence asks for."""

    def __format__(self, spec: str) -> str:
        return "unknown"


def tell(sentence: str, fields: Mapping[str, object]) -> str:
    """``sentence`` with the values of ``fields``: ``Number`` for numbers, text or ``Words`` for texts."""
    return sentence.format_map(fields)


def check_sentence(sentence: str, numbers: Collection[str], texts: Collection[str]) -> None:
    """Check that ``sentence`` can be told with fields of those names.

    Raises:
        SentenceError: it is no format, names another field, or asks for a format that the field's kind does not have.
    """
    known = {name: Number(1) for name in numbers} | {name: Words("x") for name in texts}
    try:
        named = [name for _, name, _, _ in Formatter().parse(sentence) if name is not None]
        unknown = [name for name in named if name not in known]
        if unknown:
            raise SentenceError(
                f"{sentence!r} names {', '.join(repr(name) for name in unknown)}; it may name {', '.join(sorted(known))}"
            )
        told = tell(sentence, known)
    except (ValueError, TypeError, AttributeError, KeyError, IndexError) as error:
        raise error if isinstance(error, SentenceError) else SentenceError(f"{sentence!r}: {error}") from error
    if not told.strip():
        raise SentenceError(f"{sentence!r} says nothing")
