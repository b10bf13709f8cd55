"""The ledger of a run: is every generated event accounted for, once and unaltered?

This module is the arithmetic alone: it takes what was read from topics and tables as arrays and knows neither Kafka nor
PostgreSQL. A record's identity is its source coordinates, the partition and offset of the event it came from.

* lost = generated events that are neither featurised nor dead-lettered, measured events that are not scored, scores
  over a threshold of the model that are no evidence, and findings (evidence, pattern hits) that no alert holds as they
  are: of their type, about their subject, with their event;
* invented = evidence that no score makes and alert events that no finding makes, which fail a ledger like losses;
* duplicated = rows - distinct identities in what users read (score log, alerts, alert events), and events that stand
  on the topic twice;
* altered = records whose CRC-32 of the raw event is not the event's own, or events whose CRC sum is not the
  generator's;
* overlapping = events both featurised and dead-lettered;
* redelivered = further copies on the topics between the engines. Delivery there is at-least-once, so they are
  reported and fail nothing.

Not every offset is a record: the markers that end a producer's transactions take offsets, and so do the records of
aborted ones, which nobody may read. So records are counted as they were read, and what is left of the offsets is named.
"""

from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Int64s = NDArray[np.int64]

MAX_EXAMPLES: Final = 5

# Kafka numbers partitions with 31 bits and no run comes near 2^40 records in one partition.
_OFFSET_BITS: Final = 40


def identities(partition: NDArray[np.integer[Any]], offset: Int64s) -> Int64s:
    """Source coordinates as one sortable number each."""
    return (partition.astype(np.int64) << _OFFSET_BITS) | offset


def identity_of(partition: int, offset: int) -> int:
    """One of ``identities``."""
    return partition << _OFFSET_BITS | offset


def coordinates(identity: int) -> dict[str, int]:
    """The partition and offset behind one of ``identities``."""
    return {"partition": int(identity) >> _OFFSET_BITS, "offset": int(identity) & ((1 << _OFFSET_BITS) - 1)}


@dataclass(frozen=True)
class GeneratorBooks:
    """Sums of a run's shard_ledger rows: events generated and acknowledged, and the sum of their CRC-32."""

    generated: int
    acknowledged: int
    crc_sum: int


@dataclass(frozen=True)
class EventRecords:
    """The events topic: one element per committed record, any order.

    ``span`` is the sum of end minus begin offsets; ``content`` a 64-bit hash of the record's bytes, by which a record
    that was written twice is told from two events.
    """

    topic: str
    span: int
    partition: NDArray[np.int32]
    offset: Int64s
    crc: Int64s
    content: Int64s


@dataclass(frozen=True)
class DerivedRecords:
    """A topic of records made from events, one element per record as read, copies included.

    ``event_time_ms`` is needed of the features only. ``unreadable`` lists (partition, offset) on the topic itself of
    records that name no source coordinates of the run's events topic.
    """

    topic: str
    partition: NDArray[np.int32]
    offset: Int64s
    crc: Int64s
    event_time_ms: Int64s | None = None
    unreadable: Sequence[tuple[int, int]] = ()

    @cached_property
    def identity(self) -> Int64s:
        """Source coordinates of every record."""
        return identities(self.partition, self.offset)

    @classmethod
    def empty(cls, topic: str) -> "DerivedRecords":
        """No records."""
        none = np.empty(0, np.int64)
        return cls(topic, none.astype(np.int32), none, none, none)


class Finding(NamedTuple):
    """One event of a finding: what it is alerted as, about whom, and the event, which is one of its actor's."""

    fraud_type: str
    subject_type: str
    subject_id: str
    actor_id: str
    event_id: str


@dataclass(frozen=True)
class Findings:
    """What should have become alert events of one source, and where it was read.

    ``found`` are those on the topic, ``alerted`` those that the scope's alerts hold by this source; ``unreadable`` lists
    (partition, offset) of records that name no type, subject or event.
    """

    topic: str
    found: frozenset[Finding]
    alerted: frozenset[Finding]
    unreadable: Sequence[tuple[int, int]] = ()


@dataclass(frozen=True)
class Decisions:
    """What scores alert on by the thresholds of their model, against the evidence that the scorer wrote.

    ``decided`` maps the identity of an event to what its score alerts as; ``evidence`` holds every such pair on the
    topic, of which an event may wrongly have several. ``without_model`` says why the scores cannot be held against
    thresholds.
    """

    topic: str
    decided: Mapping[int, Finding]
    evidence: Set[tuple[int, Finding]]
    without_model: str | None = None


@dataclass(frozen=True)
class Repeated:
    """Rows of a table that are more than their distinct identities: how many too many, and examples of them."""

    table: str
    surplus: int
    examples: Sequence[dict[str, Any]] = ()


@dataclass(frozen=True)
class Quarantined:
    """A record that a stage put aside: where it lies, and the identity of the event it was made from, if it tells."""

    stage: str
    topic: str
    partition: int
    offset: int
    source: int | None = None


class ProblemKind(StrEnum):
    """What can be wrong with a ledger. Those of ``NOTES`` do not keep it from closing."""

    UNACKNOWLEDGED = "unacknowledged"
    LOST_BEFORE_KAFKA = "lost_before_kafka"
    UNEXPECTED_EVENT = "unexpected_event"
    DUPLICATED_EVENT = "duplicated_event"
    ALTERED_ON_TOPIC = "altered_on_topic"
    LOST_EVENT = "lost_event"
    LOST_SCORE = "lost_score"
    LOST_EVIDENCE = "lost_evidence"
    UNDECIDED_EVIDENCE = "undecided_evidence"
    UNKNOWN_MODEL = "unknown_model"
    LOST_FINDING = "lost_finding"
    UNFOUND_ALERT = "unfound_alert"
    UNPLANNED = "unplanned"
    OVERLAPPING = "overlapping"
    ALTERED = "altered"
    UNKNOWN_SOURCE = "unknown_source"
    UNEXPECTED_SCORE = "unexpected_score"
    UNREADABLE = "unreadable"
    DUPLICATED_SCORE = "duplicated_score"
    DUPLICATED_ROW = "duplicated_row"
    DEAD_LETTERED = "dead_lettered"
    REPEATED_BY_PRODUCER = "repeated_by_producer"
    REDELIVERED = "redelivered"
    BEHIND_WATERMARK = "behind_watermark"
    IDENTITY_FORGOTTEN = "identity_forgotten"
    QUARANTINED = "quarantined"
    NO_RECORD = "no_record"


NOTES: Final = frozenset(
    {
        ProblemKind.DEAD_LETTERED,
        ProblemKind.REPEATED_BY_PRODUCER,
        ProblemKind.REDELIVERED,
        ProblemKind.BEHIND_WATERMARK,
        ProblemKind.IDENTITY_FORGOTTEN,
        ProblemKind.QUARANTINED,
        ProblemKind.NO_RECORD,
    }
)

# Dead letters of events that came once more, as they were or changed: not bad by themselves, so they are told apart.
REPEATS: Final[tuple[str, ...]] = ("duplicate", "conflicting")


@dataclass(frozen=True)
class Problem:
    """One thing found: ``count`` of it, a sentence about it, and up to five examples with their coordinates."""

    kind: ProblemKind
    count: int
    text: str
    examples: tuple[dict[str, Any], ...] = ()

    @property
    def fails(self) -> bool:
        """Whether it keeps the ledger from closing."""
        return self.kind not in NOTES

    def as_json(self) -> dict[str, Any]:
        """The form stored in ``run_ledger.problems``."""
        return {**asdict(self), "kind": str(self.kind), "examples": list(self.examples), "fails": self.fails}


@dataclass(frozen=True)
class Ledger:
    """The closed or unclosed ledger of a run; the fields are the columns of ``platform.run_ledger``.

    ``offset_span`` counts the committed records of the events topic.
    """

    generated: int
    acknowledged: int
    offset_span: int
    featurised: int
    dead_lettered: int
    to_score: int
    scored: int
    lost: int
    duplicated: int
    altered: int
    overlapping: int
    redelivered: int
    problems: tuple[Problem, ...]

    @property
    def closed(self) -> bool:
        """Nothing is lost, duplicated, altered, overlapping or unexplained."""
        return not any(problem.fails for problem in self.problems)

    def failure(self) -> str:
        """One line naming every failing problem with its first example; empty when the ledger is closed."""
        parts = []
        for problem in self.problems:
            if problem.fails:
                example = f" (for example {_inline(problem.examples[0])})" if problem.examples else ""
                parts.append(f"{problem.text}{example}")
        return "; ".join(parts)


@dataclass(frozen=True)
class Readings:
    """All that the ledger of a run is made from.

    ``measured_from_ms`` is the first event time that is scored; without one nothing is. ``score_log`` holds the
    identities in the score log that users read, ``dead_letter_reasons`` how many dead letters gave which reason.
    ``planned`` is how many events the run was to publish, where that was known before; ``behind_watermark`` holds the
    identities of featurised events that patterns did not see, ``identity_forgotten`` those of events for which an older
    one of the actor was forgotten before its time, ``quarantined`` the records that a stage put aside: what
    became of them is known, so they are counted apart and not lost.
    """

    books: GeneratorBooks
    events: EventRecords
    features: DerivedRecords
    dead_letters: DerivedRecords
    scores: DerivedRecords
    score_log: Int64s
    measured_from_ms: int | None
    dead_letter_reasons: dict[str, int] = field(default_factory=dict)
    decisions: Decisions | None = None
    findings: Sequence[Findings] = ()
    repeated: Sequence[Repeated] = ()
    planned: int | None = None
    behind_watermark: Int64s = field(default_factory=lambda: np.empty(0, np.int64))
    identity_forgotten: Int64s = field(default_factory=lambda: np.empty(0, np.int64))
    quarantined: Sequence[Quarantined] = ()


class _Account:
    """One pass over the readings; every step adds its problems and returns its count."""

    def __init__(self, readings: Readings) -> None:
        self.readings = readings
        self.topic = readings.events.topic
        self.problems: list[Problem] = []
        keys = identities(readings.events.partition, readings.events.offset)
        order = np.argsort(keys)
        self.events = keys[order]
        self.event_crc = readings.events.crc[order]
        self.event_content = readings.events.content[order]

    def note(self, kind: ProblemKind, count: int, text: str, examples: Sequence[dict[str, Any]] = ()) -> int:
        if count:
            self.problems.append(Problem(kind, count, text, tuple(examples[:MAX_EXAMPLES])))
        return count

    def at(self, keys: Int64s | Sequence[int], topic: str | None = None) -> list[dict[str, Any]]:
        return [{"topic": topic or self.topic, **coordinates(int(key))} for key in keys[:MAX_EXAMPLES]]

    def note_unreadable(self, topic: str, unreadable: Sequence[tuple[int, int]]) -> None:
        self.note(
            ProblemKind.UNREADABLE,
            len(unreadable),
            f"{len(unreadable):,} records on {topic} name no event of {self.topic}",
            [{"topic": topic, "partition": p, "offset": o} for p, o in unreadable[:MAX_EXAMPLES]],
        )

    def check_topic(self) -> tuple[int, int, int]:
        """Generator's books against the events topic: (lost, duplicated, altered)."""
        books, events, records = self.readings.books, self.readings.events, len(self.events)
        self.note(
            ProblemKind.UNACKNOWLEDGED,
            abs(books.generated - books.acknowledged),
            f"{books.generated:,} events were generated but {books.acknowledged:,} acknowledged by Kafka",
        )
        planned = self.readings.planned
        if planned is not None:
            self.note(
                ProblemKind.UNPLANNED,
                abs(planned - books.generated),
                f"{planned:,} events were planned from the file but {books.generated:,} published",
            )
        topic_sum = int(self.event_crc.sum(dtype=np.int64))
        repeats = np.empty(0, np.int64)
        repeated_sum = 0
        # Rows of a file have ids that differ, so equal bytes are one row, though the books count what was sent. Of other
        # producers equal bytes may be two events: they are a repeat only when the books disagree too.
        if planned is not None or records != books.acknowledged or topic_sum != books.crc_sum:
            _, first = np.unique(self.event_content, return_index=True)
            again = np.ones(len(self.events), dtype=bool)
            again[first] = False
            repeats, repeated_sum = self.events[again], int(self.event_crc[again].sum(dtype=np.int64))
        distinct = records - len(repeats)
        duplicated = self.note(
            ProblemKind.DUPLICATED_EVENT,
            len(repeats),
            f"{len(repeats):,} events stand more than once on {self.topic}",
            self.at(repeats),
        )
        missing = max(0, books.generated - distinct)
        lost = self.note(
            ProblemKind.LOST_BEFORE_KAFKA,
            missing,
            f"{missing:,} generated events are not on {self.topic}: {distinct:,} of {books.generated:,} are",
        )
        surplus = max(0, distinct - books.generated)
        self.note(
            ProblemKind.UNEXPECTED_EVENT,
            surplus,
            f"{surplus:,} events on {self.topic} are more than the generator wrote: somebody else writes to it",
        )
        gaps = events.span - records
        self.note(
            ProblemKind.NO_RECORD,
            gaps,
            f"{gaps:,} of {events.span:,} offsets of {self.topic} hold no record: transactions ended or aborted there",
        )
        changed = distinct == books.acknowledged and topic_sum - repeated_sum != books.crc_sum
        altered = self.note(
            ProblemKind.ALTERED_ON_TOPIC,
            int(changed),
            f"at least one event on {self.topic} is not what the generator wrote: CRC sum "
            f"{topic_sum - repeated_sum}, the generator's {books.crc_sum}",
        )
        return lost, duplicated, altered

    def compare(self, records: DerivedRecords) -> Int64s:
        """Check records against their events; the identities of altered ones."""
        self.note_unreadable(records.topic, records.unreadable)
        if not len(self.events):
            unknown = np.unique(records.identity)
            altered = np.empty(0, np.int64)
        else:
            position = np.minimum(np.searchsorted(self.events, records.identity), len(self.events) - 1)
            known = self.events[position] == records.identity
            unknown = np.unique(records.identity[~known])
            differs = known & (self.event_crc[position] != records.crc)
            altered, first = np.unique(records.identity[differs], return_index=True)
            examples = [
                {
                    "topic": self.topic,
                    **coordinates(int(key)),
                    "found_on": records.topic,
                    "crc": int(records.crc[differs][index]),
                    "event_crc": int(self.event_crc[position][differs][index]),
                }
                for key, index in zip(altered[:MAX_EXAMPLES], first[:MAX_EXAMPLES], strict=True)
            ]
            self.note(
                ProblemKind.ALTERED,
                len(altered),
                f"{len(altered):,} events reached {records.topic} altered: their CRC-32 is not the event's",
                examples,
            )
        self.note(
            ProblemKind.UNKNOWN_SOURCE,
            len(unknown),
            f"{len(unknown):,} sources named on {records.topic} are not on {self.topic}",
            self.at(unknown),
        )
        return altered

    def run(self) -> Ledger:
        readings = self.readings
        lost, duplicated, altered_on_topic = self.check_topic()
        made = (readings.features, readings.dead_letters, readings.scores)
        altered = np.unique(np.concatenate([self.compare(records) for records in made]))

        featurised, first = np.unique(readings.features.identity, return_index=True)
        dead = np.unique(readings.dead_letters.identity)
        scored = np.unique(readings.scores.identity)
        redelivered = sum(len(records.identity) for records in made) - len(featurised) - len(dead) - len(scored)

        overlap = np.intersect1d(featurised, dead, assume_unique=True)
        self.note(
            ProblemKind.OVERLAPPING,
            len(overlap),
            f"{len(overlap):,} events are both featurised and dead-lettered",
            self.at(overlap),
        )
        missing = np.setdiff1d(self.events, np.union1d(featurised, dead), assume_unique=True)
        lost += self.note(
            ProblemKind.LOST_EVENT,
            len(missing),
            f"{len(missing):,} events are neither featurised nor dead-lettered",
            self.at(missing),
        )

        to_score = np.empty(0, np.int64)
        if readings.measured_from_ms is not None and readings.features.event_time_ms is not None:
            to_score = featurised[readings.features.event_time_ms[first] >= readings.measured_from_ms]
        aside = self.put_aside(readings.features.topic)
        absent = np.setdiff1d(to_score, scored, assume_unique=True)
        unscored = np.array([key for key in absent.tolist() if key not in aside], np.int64)
        lost += self.note(
            ProblemKind.LOST_SCORE,
            len(unscored),
            f"{len(unscored):,} of {len(to_score):,} featurised events to be scored have no score",
            self.at(unscored),
        )
        unexpected = np.intersect1d(np.setdiff1d(scored, to_score, assume_unique=True), self.events, assume_unique=True)
        self.note(
            ProblemKind.UNEXPECTED_SCORE,
            len(unexpected),
            f"{len(unexpected):,} events are scored that are history or were never featurised",
            self.at(unexpected),
        )
        lost += self.missing_in_score_log(scored)
        lost += self.lost_evidence()
        lost += sum(self.lost_findings(findings) for findings in readings.findings)
        duplicated += self.duplicated_rows()

        self.note_asides(dead)
        self.note(
            ProblemKind.REDELIVERED, redelivered, f"{redelivered:,} further copies were delivered between the engines"
        )
        return Ledger(
            generated=readings.books.generated,
            acknowledged=readings.books.acknowledged,
            offset_span=len(self.events),
            featurised=len(featurised),
            dead_lettered=len(dead),
            to_score=len(to_score),
            scored=len(scored),
            lost=lost,
            duplicated=duplicated,
            altered=altered_on_topic + len(altered),
            overlapping=len(overlap),
            redelivered=redelivered,
            problems=tuple(self.problems),
        )

    def put_aside(self, topic: str) -> set[int]:
        """Identities of the events whose records on ``topic``, and on no other, are in quarantine."""
        return {one.source for one in self.readings.quarantined if one.topic == topic and one.source is not None}

    def lost_findings(self, findings: Findings) -> int:
        """Findings that no alert holds; alert events that are no finding."""
        self.note_unreadable(findings.topic, findings.unreadable)
        unfound = sorted(findings.alerted - findings.found)
        self.note(
            ProblemKind.UNFOUND_ALERT,
            len(unfound),
            f"{len(unfound):,} events in alerts are no finding on {findings.topic} of that type and subject",
            [{"topic": findings.topic, **finding._asdict()} for finding in unfound[:MAX_EXAMPLES]],
        )
        missing = sorted(findings.found - findings.alerted)
        return self.note(
            ProblemKind.LOST_FINDING,
            len(missing),
            f"{len(missing):,} of {len(findings.found):,} findings on {findings.topic} are in no alert of their type and "
            "subject",
            [{"topic": findings.topic, **finding._asdict()} for finding in missing[:MAX_EXAMPLES]],
        )

    def lost_evidence(self) -> int:
        """Scores over a threshold that are no evidence, or evidence of another type; evidence that no score makes."""
        decisions = self.readings.decisions
        if decisions is None:
            return 0
        if decisions.without_model:
            self.note(
                ProblemKind.UNKNOWN_MODEL, 1, f"scores cannot be held against thresholds: {decisions.without_model}"
            )
            return 0
        decided, aside = set(decisions.decided.items()), self.put_aside(decisions.topic)
        missing = sorted(pair for pair in decided - decisions.evidence if pair[0] not in aside)
        undecided = sorted(decisions.evidence - decided)
        self.note(
            ProblemKind.UNDECIDED_EVIDENCE,
            len(undecided),
            f"{len(undecided):,} findings on {decisions.topic} have no score over a threshold of the model",
            self.pairs(undecided),
        )
        return self.note(
            ProblemKind.LOST_EVIDENCE,
            len(missing),
            f"{len(missing):,} of {len(decided):,} scores over a threshold of the model are not on {decisions.topic}",
            self.pairs(missing),
        )

    def pairs(self, pairs: Sequence[tuple[int, Finding]]) -> list[dict[str, Any]]:
        return [{"topic": self.topic, **coordinates(key), **one._asdict()} for key, one in pairs[:MAX_EXAMPLES]]

    def note_asides(self, dead: Int64s) -> None:
        """What is told and fails nothing by itself: dead letters, copies, what a flag tells, quarantine."""
        readings = self.readings
        reasons = dict(sorted(readings.dead_letter_reasons.items()))
        repeats = {reason: reasons.pop(reason) for reason in REPEATS if reason in reasons}
        bad = len(dead) - sum(repeats.values())
        topic = readings.dead_letters.topic
        self.note(
            ProblemKind.DEAD_LETTERED,
            bad,
            f"{bad:,} events went to {topic}" + (f": {_listed(reasons)}" if reasons else ""),
            self.at(dead),
        )
        self.note(
            ProblemKind.REPEATED_BY_PRODUCER,
            sum(repeats.values()),
            f"{sum(repeats.values()):,} events came again under an identity that had come before, and went to {topic}: "
            f"{_listed(repeats)}",
        )
        behind = np.unique(readings.behind_watermark)
        self.note(
            ProblemKind.BEHIND_WATERMARK,
            len(behind),
            f"{len(behind):,} events came behind the watermark, so that patterns did not see them",
            self.at(behind),
        )
        pushed = np.unique(readings.identity_forgotten)
        self.note(
            ProblemKind.IDENTITY_FORGOTTEN,
            len(pushed),
            f"{len(pushed):,} events made an older one of their actor be forgotten before its time: a copy of that one would "
            "have counted again",
            self.at(pushed),
        )
        aside = readings.quarantined
        stages = dict(sorted(Counter(one.stage for one in aside).items()))
        self.note(
            ProblemKind.QUARANTINED,
            len(aside),
            f"{len(aside):,} records were put into quarantine, by stage: {_listed(stages)}",
            [{"topic": one.topic, "partition": one.partition, "offset": one.offset} for one in aside[:MAX_EXAMPLES]],
        )

    def missing_in_score_log(self, scored: Int64s) -> int:
        absent = np.setdiff1d(scored, self.readings.score_log)
        return self.note(
            ProblemKind.LOST_SCORE,
            len(absent),
            f"{len(absent):,} scores of {self.readings.scores.topic} are not in the score log",
            self.at(absent),
        )

    def duplicated_rows(self) -> int:
        log = self.readings.score_log
        distinct, first = np.unique(log, return_index=True)
        again = np.ones(len(log), dtype=bool)
        again[first] = False
        duplicated = self.note(
            ProblemKind.DUPLICATED_SCORE,
            len(log) - len(distinct),
            f"{len(log) - len(distinct):,} rows of the score log repeat an event",
            self.at(np.unique(log[again])),
        )
        for repeated in self.readings.repeated:
            duplicated += self.note(
                ProblemKind.DUPLICATED_ROW,
                repeated.surplus,
                f"{repeated.surplus:,} rows of {repeated.table} repeat an identity",
                repeated.examples,
            )
        return duplicated


def account_for(readings: Readings) -> Ledger:
    """Make the ledger of a run from what was read of it."""
    return _Account(readings).run()


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items())


def _inline(example: dict[str, Any]) -> str:
    return " ".join(f"{key} {value}" for key, value in example.items())
