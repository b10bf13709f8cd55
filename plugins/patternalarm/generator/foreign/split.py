"""The time-blocked split of a foreign file, as times."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from patternalarm.contracts.domain_pack import SourceFile


class ForeignFileError(ValueError):
    """The file cannot be read as the pack says; the message names cause and remedy."""


@dataclass(frozen=True)
class Split:
    """Edges of the pack's split, epoch milliseconds: rows up to the first train, rows from the second are graded."""

    train_until_ms: int
    test_from_ms: int


def _edge(text: str, *, end_of_day: bool) -> int:
    try:
        if len(text) == len("2025-04-30"):
            day = date.fromisoformat(text) + timedelta(days=1 if end_of_day else 0)
            midnight = round(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)
            return midnight - (1 if end_of_day else 0)
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise ForeignFileError(f"source.split: {text!r} is neither a date nor an ISO 8601 time") from error
    return round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)


def split_of(source: SourceFile) -> Split:
    """The split as times; a bare date means its end for ``train_until`` and its begin for ``test_from``, UTC.

    Raises:
        ForeignFileError: a time is unreadable, or training would reach into what is graded.
    """
    train_until = _edge(source.split.train_until, end_of_day=True)
    test_from = _edge(source.split.test_from, end_of_day=False)
    if train_until >= test_from:
        raise ForeignFileError(
            f"source.split: test_from {source.split.test_from} must come after train_until {source.split.train_until}"
        )
    return Split(train_until, test_from)
