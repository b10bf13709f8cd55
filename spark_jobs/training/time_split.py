"""Time-blocked split with gaps: train | gap | validation | gap | test.

Neighbouring events share windows, actors and campaigns, so a random split would measure memory. The forest is grown on
``train``, thresholds are chosen on ``validation``, and only ``test`` is reported.
"""

from dataclasses import asdict, dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812
from running.bad_input import BadInputError

from patternalarm.contracts.domain_pack import DomainPack

TRAIN, VALIDATION, TEST, GAP = "train", "validation", "test", "gap"

TRAIN_SHARE, VALIDATION_SHARE = 0.6, 0.2
# A replay is graded on rows that training never gets, so its tail is all validation.
REPLAY_TRAIN_SHARE = 0.8
# A gap as long as the longest window would leave nothing of a short history.
MAX_GAP_SHARE = 0.05


@dataclass(frozen=True)
class TimeSplit:
    """Edges of the blocks, epoch milliseconds, all inclusive; ``test_from_ms`` is None when there is no test block."""

    train_until_ms: int
    validation_from_ms: int
    validation_until_ms: int
    test_from_ms: int | None
    test_until_ms: int | None

    def as_dict(self) -> dict[str, int | None]:
        """The edges by name."""
        return asdict(self)

    @property
    def reported(self) -> str:
        """The block that a model is reported on."""
        return VALIDATION if self.test_from_ms is None else TEST

    def block(self, event_time_ms: Column) -> Column:
        """Name of the block that an event time falls into."""
        block = F.when(event_time_ms <= self.train_until_ms, TRAIN).when(
            event_time_ms.between(self.validation_from_ms, self.validation_until_ms), VALIDATION
        )
        if self.test_from_ms is not None:
            block = block.when(event_time_ms.between(self.test_from_ms, self.test_until_ms), TEST)
        return block.otherwise(GAP)


def longest_window_ms(pack: DomainPack) -> int:
    """The longest window of any feature, milliseconds; 0 without windows."""
    return max((feature.window or 0 for feature in pack.features), default=0)


def split_by_time(rows: DataFrame, pack: DomainPack, *, with_test: bool) -> TimeSplit:
    """Split ``rows`` (``event_time_ms``) by their own time quantiles; with or without a test block.

    Raises:
        BadInputError: the rows do not span enough time to be split.
    """
    shares = [TRAIN_SHARE, TRAIN_SHARE + VALIDATION_SHARE] if with_test else [REPLAY_TRAIN_SHARE]
    first, last, edges = rows.agg(
        F.min("event_time_ms"), F.max("event_time_ms"), F.percentile("event_time_ms", F.array(*map(F.lit, shares)))
    ).first()
    if first is None:
        raise BadInputError("no event is old enough for its label to be settled: take a later --as-of or older events")
    gap = min(max(longest_window_ms(pack), pack.episode), int((last - first) * MAX_GAP_SHARE))
    edges = [int(edge) for edge in edges]
    if with_test:
        split = TimeSplit(edges[0], edges[0] + gap + 1, edges[1], edges[1] + gap + 1, last)
        whole = first < edges[0] < edges[0] + gap < edges[1] < edges[1] + gap < last
    else:
        split = TimeSplit(edges[0], edges[0] + gap + 1, last, None, None)
        whole = first < edges[0] < edges[0] + gap < last
    if not whole:
        raise BadInputError(
            f"{(last - first) / 1_000:.0f} s of settled history are too short to be split into blocks of training, "
            "validation and test: bring more days"
        )
    return split
