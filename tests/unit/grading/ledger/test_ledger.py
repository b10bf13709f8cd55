"""The ledger of a small run: 3 history and 5 measured events on two partitions, all in order unless injected."""

from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from patternalarm.grading.ledger.ledger import (
    Decisions,
    DerivedRecords,
    EventRecords,
    Finding,
    Findings,
    GeneratorBooks,
    Ledger,
    ProblemKind,
    Quarantined,
    Readings,
    Repeated,
    account_for,
    identities,
    identity_of,
)

EVENTS = "events.payments.run-1"
MEASURED_FROM = 1_000
# partition, offset, CRC, event time
SENT = [
    (0, 0, 11, 10),
    (0, 1, 12, 20),
    (1, 0, 13, 30),
    (0, 2, 14, 1_000),
    (0, 3, 15, 1_010),
    (1, 1, 16, 1_020),
    (1, 2, 17, 1_030),
    (1, 3, 18, 1_040),
]
IN_ORDER = GeneratorBooks(8, 8, sum(row[2] for row in SENT))
MEASURED = [row for row in SENT if row[3] >= MEASURED_FROM]


@dataclass
class Book:
    """Rows as read, to be tampered with before the ledger is made of them."""

    events: list = field(default_factory=lambda: list(SENT))
    contents: list | None = None
    features: list = field(default_factory=lambda: list(SENT))
    dead: list = field(default_factory=list)
    scores: list = field(default_factory=lambda: list(MEASURED))
    log: list | None = None
    further: dict = field(default_factory=dict)
    books: GeneratorBooks = IN_ORDER

    def ledger(self) -> Ledger:
        columns = _columns(self.events)
        log = _columns(self.scores if self.log is None else self.log)
        contents = [row[2] for row in self.events] if self.contents is None else self.contents
        readings = Readings(
            books=self.books,
            events=EventRecords(EVENTS, len(self.events), *columns[:3], np.array(contents, np.int64)),
            features=DerivedRecords("features", *_columns(self.features)),
            dead_letters=DerivedRecords("dead_letters", *_columns(self.dead)[:3]),
            scores=DerivedRecords("scores", *_columns(self.scores)[:3]),
            score_log=np.unique(identities(log[0], log[1])) if self.log is None else identities(log[0], log[1]),
            measured_from_ms=MEASURED_FROM,
        )
        return account_for(replace(readings, **self.further))


def _columns(rows: list) -> tuple:
    table = np.array(rows, np.int64).reshape(-1, 4)
    return table[:, 0].astype(np.int32), table[:, 1], table[:, 2], table[:, 3]


def _only(ledger: Ledger, *kinds: ProblemKind):
    """The first of the ledger's failing problems, which are of ``kinds`` and no other."""
    failing = [problem for problem in ledger.problems if problem.fails]
    assert [problem.kind for problem in failing] == list(kinds)
    assert not ledger.closed
    assert failing[0].text in ledger.failure()
    return failing[0]


def test_everything_accounted_for_closes() -> None:
    ledger = Book().ledger()
    assert ledger.closed
    assert ledger.problems == ()
    assert ledger.failure() == ""
    assert (ledger.generated, ledger.acknowledged, ledger.offset_span) == (8, 8, 8)
    assert (ledger.featurised, ledger.dead_lettered, ledger.to_score, ledger.scored) == (8, 0, 5, 5)
    assert (ledger.lost, ledger.duplicated, ledger.altered, ledger.overlapping, ledger.redelivered) == (0,) * 5


def test_event_neither_featurised_nor_dead_lettered_is_lost() -> None:
    book = Book()
    book.features.remove((1, 0, 13, 30))
    ledger = book.ledger()
    assert ledger.lost == 1
    problem = _only(ledger, ProblemKind.LOST_EVENT)
    assert problem.count == 1
    assert problem.examples == ({"topic": EVENTS, "partition": 1, "offset": 0},)


def test_dead_lettered_event_is_not_lost_and_is_noted() -> None:
    book = Book(dead=[(1, 0, 13, 30)], further={"dead_letter_reasons": {"late": 1}})
    book.features.remove((1, 0, 13, 30))
    ledger = book.ledger()
    assert ledger.closed
    assert (ledger.featurised, ledger.dead_lettered, ledger.lost) == (7, 1, 0)
    assert [(problem.kind, problem.fails) for problem in ledger.problems] == [(ProblemKind.DEAD_LETTERED, False)]
    assert "late 1" in ledger.problems[0].text


def test_measured_event_without_score_is_lost() -> None:
    book = Book()
    book.scores.remove((1, 2, 17, 1_030))
    ledger = book.ledger()
    assert (ledger.lost, ledger.to_score, ledger.scored) == (1, 5, 4)
    problem = _only(ledger, ProblemKind.LOST_SCORE)
    assert problem.examples == ({"topic": EVENTS, "partition": 1, "offset": 2},)


def test_acknowledged_event_missing_from_the_topic_is_lost() -> None:
    book = Book()
    for rows in (book.events, book.features, book.scores):
        rows.remove((1, 3, 18, 1_040))
    ledger = book.ledger()
    assert ledger.lost == 1
    assert ledger.altered == 0
    _only(ledger, ProblemKind.LOST_BEFORE_KAFKA)


def test_event_written_twice_is_duplicated() -> None:
    again = (1, 4, 18, 1_040)
    book = Book(contents=[row[2] for row in [*SENT, again]])
    for rows in (book.events, book.features, book.scores):
        rows.append(again)
    ledger = book.ledger()
    assert (ledger.duplicated, ledger.lost, ledger.altered) == (1, 0, 0)
    problem = _only(ledger, ProblemKind.DUPLICATED_EVENT)
    assert problem.examples == ({"topic": EVENTS, "partition": 1, "offset": 4},)


def test_one_written_twice_and_one_missing_do_not_cancel_out() -> None:
    again = (1, 3, 17, 1_030)
    book = Book(events=[*SENT[:-1], again], features=[*SENT[:-1], again], scores=[*MEASURED[:-1], again])
    ledger = book.ledger()
    assert (ledger.offset_span, ledger.lost, ledger.duplicated) == (8, 1, 1)


def test_equal_lines_of_the_users_file_are_two_events() -> None:
    assert Book(contents=[1, 1, 2, 3, 4, 5, 6, 7]).ledger().closed


def test_foreign_event_on_the_topic_is_unexpected() -> None:
    foreign = (1, 4, 99, 1_050)
    book = Book()
    for rows in (book.events, book.features, book.scores):
        rows.append(foreign)
    ledger = book.ledger()
    assert (ledger.lost, ledger.duplicated, ledger.altered) == (0, 0, 0)
    _only(ledger, ProblemKind.UNEXPECTED_EVENT)


@pytest.mark.parametrize("topic", ["features", "dead_letters", "scores"])
def test_crc_other_than_the_events_own_is_altered(topic: str) -> None:
    book = Book()
    if topic == "features":
        book.features[4] = (0, 3, 1_515, 1_010)
    elif topic == "dead_letters":
        book.features.remove((0, 1, 12, 20))
        book.dead.append((0, 1, 1_212, 20))
    else:
        book.scores[1] = (0, 3, 1_515, 1_010)
    ledger = book.ledger()
    assert (ledger.altered, ledger.lost) == (1, 0)
    example = _only(ledger, ProblemKind.ALTERED).examples[0]
    assert example["found_on"] == topic
    assert (example["partition"], example["crc"]) == (0, 1_212 if topic == "dead_letters" else 1_515)
    assert example["event_crc"] == (12 if topic == "dead_letters" else 15)


def test_event_altered_on_its_way_to_kafka_shows_in_the_sum() -> None:
    altered = (0, 3, 1_515, 1_010)
    book = Book()
    for rows in (book.events, book.features, book.scores):
        rows[rows.index((0, 3, 15, 1_010))] = altered
    ledger = book.ledger()
    assert (ledger.altered, ledger.lost, ledger.duplicated) == (1, 0, 0)
    assert "1616" in _only(ledger, ProblemKind.ALTERED_ON_TOPIC).text


def test_altered_features_and_score_of_one_event_count_once() -> None:
    book = Book()
    book.features[4] = book.scores[1] = (0, 3, 1_515, 1_010)
    assert book.ledger().altered == 1


def test_event_both_featurised_and_dead_lettered_overlaps() -> None:
    ledger = Book(dead=[(0, 1, 12, 20)]).ledger()
    assert ledger.overlapping == 1
    assert _only(ledger, ProblemKind.OVERLAPPING).examples == ({"topic": EVENTS, "partition": 0, "offset": 1},)


def test_redelivered_copies_are_counted_and_fail_nothing() -> None:
    book = Book()
    book.features += [book.features[0], book.features[0], book.features[5]]
    book.scores += book.scores[:2]
    ledger = book.ledger()
    assert ledger.closed
    assert (ledger.redelivered, ledger.featurised, ledger.scored, ledger.duplicated) == (5, 8, 5, 0)
    assert [problem.kind for problem in ledger.problems] == [ProblemKind.REDELIVERED]


def test_score_log_that_repeats_an_event_is_duplicated() -> None:
    ledger = Book(log=[*MEASURED, MEASURED[2]]).ledger()
    assert ledger.duplicated == 1
    problem = _only(ledger, ProblemKind.DUPLICATED_SCORE)
    assert problem.examples == ({"topic": EVENTS, "partition": 1, "offset": 1},)


def test_score_log_that_lacks_a_score_is_lost() -> None:
    ledger = Book(log=MEASURED[1:]).ledger()
    assert ledger.lost == 1
    _only(ledger, ProblemKind.LOST_SCORE)


def test_rows_of_users_tables_that_repeat_an_identity_are_duplicated() -> None:
    example = {"subject_id": "a-1", "alert_ids": ["x", "y"]}
    ledger = Book(further={"repeated": [Repeated("alerting.alert", 1, [example])]}).ledger()
    assert ledger.duplicated == 1
    assert _only(ledger, ProblemKind.DUPLICATED_ROW).examples == (example,)


def test_finding_that_no_alert_holds_is_lost() -> None:
    found = {Finding("card_testing", "actor", "a-1", "a-1", event) for event in ("e-1", "e-2")}
    alerted = {Finding("card_testing", "actor", "a-1", "a-1", "e-2")}
    ledger = Book(further={"findings": [Findings("evidence", frozenset(found), frozenset(alerted))]}).ledger()
    assert ledger.lost == 1
    (example,) = _only(ledger, ProblemKind.LOST_FINDING).examples
    assert (example["topic"], example["event_id"], example["subject_id"]) == ("evidence", "e-1", "a-1")


@pytest.mark.parametrize(
    "alerted",
    [
        Finding("account_takeover", "actor", "a-1", "a-1", "e-1"),
        Finding("card_testing", "device", "a-1", "a-1", "e-1"),
        Finding("card_testing", "actor", "a-2", "a-1", "e-1"),
        Finding("card_testing", "actor", "a-1", "a-2", "e-1"),
    ],
    ids=["type", "kind of subject", "subject", "actor of the event"],
)
def test_an_event_alerted_as_something_else_or_about_another_is_lost(alerted: Finding) -> None:
    found = frozenset({Finding("card_testing", "actor", "a-1", "a-1", "e-1")})
    ledger = Book(further={"findings": [Findings("evidence", found, frozenset({alerted}))]}).ledger()
    assert ledger.lost == 1
    _only(ledger, ProblemKind.UNFOUND_ALERT, ProblemKind.LOST_FINDING)


def test_an_alert_event_that_no_finding_makes_closes_no_ledger() -> None:
    found = Finding("card_testing", "actor", "a-1", "a-1", "e-1")
    invented = Finding("card_testing", "actor", "a-1", "a-1", "e-2")
    findings = Findings("evidence", frozenset({found}), frozenset({found, invented}))
    ledger = Book(further={"findings": [findings]}).ledger()
    assert ledger.lost == 0
    assert _only(ledger, ProblemKind.UNFOUND_ALERT).examples[0]["event_id"] == "e-2"


def _finding(kind: str, actor: str = "a-1") -> Finding:
    return Finding(kind, "actor", actor, actor, "e-1")


def _decided(decided: dict[int, str], evidence: list[tuple[int, str]], why: str | None = None) -> dict:
    scored = {key: _finding(kind) for key, kind in decided.items()}
    return {"decisions": Decisions("evidence", scored, {(key, _finding(kind)) for key, kind in evidence}, why)}


def test_score_over_a_threshold_that_is_no_evidence_is_lost() -> None:
    ledger = Book(further=_decided({identity_of(1, 2): "card_testing"}, [])).ledger()
    assert ledger.lost == 1
    example = _only(ledger, ProblemKind.LOST_EVIDENCE).examples[0]
    assert (example["partition"], example["offset"], example["fraud_type"]) == (1, 2, "card_testing")


def test_evidence_of_another_type_than_the_scores_say_is_lost() -> None:
    key = identity_of(1, 2)
    ledger = Book(further=_decided({key: "card_testing"}, [(key, "suspicious_activity")])).ledger()
    assert ledger.lost == 1
    undecided = _only(ledger, ProblemKind.UNDECIDED_EVIDENCE, ProblemKind.LOST_EVIDENCE)
    assert undecided.examples[0]["fraud_type"] == "suspicious_activity"


def test_evidence_that_no_score_makes_is_named() -> None:
    ledger = Book(further=_decided({}, [(identity_of(1, 2), "card_testing")])).ledger()
    assert ledger.lost == 0
    assert _only(ledger, ProblemKind.UNDECIDED_EVIDENCE).examples[0]["offset"] == 2


@pytest.mark.parametrize("first", ["card_testing", "suspicious_activity"])
def test_evidence_that_stands_there_under_a_second_type_is_named(first: str) -> None:
    key = identity_of(1, 2)
    both = [(key, first), (key, {"card_testing", "suspicious_activity"}.difference({first}).pop())]
    ledger = Book(further=_decided({key: "card_testing"}, both)).ledger()
    assert _only(ledger, ProblemKind.UNDECIDED_EVIDENCE).examples[0]["fraud_type"] == "suspicious_activity"


def test_evidence_about_another_actor_than_was_scored_is_lost() -> None:
    key = identity_of(1, 2)
    decisions = Decisions("evidence", {key: _finding("x")}, {(key, _finding("x", "a-2"))})
    ledger = Book(further={"decisions": decisions}).ledger()
    assert ledger.lost == 1
    _only(ledger, ProblemKind.UNDECIDED_EVIDENCE, ProblemKind.LOST_EVIDENCE)


def test_scores_without_their_models_thresholds_close_no_ledger() -> None:
    ledger = Book(further=_decided({}, [], "model m-1 is not registered")).ledger()
    assert "m-1 is not registered" in _only(ledger, ProblemKind.UNKNOWN_MODEL).text


def test_evidence_that_is_what_the_scores_say_closes() -> None:
    keys = {identity_of(1, 2): "card_testing", identity_of(0, 3): "suspicious_activity"}
    assert Book(further=_decided(keys, list(keys.items()))).ledger().closed


@pytest.mark.parametrize("planned", [7, 9])
def test_a_replay_that_published_other_than_its_file_holds_is_told(planned: int) -> None:
    ledger = Book(further={"planned": planned}).ledger()
    assert f"{planned} events were planned from the file but 8 published" in _only(ledger, ProblemKind.UNPLANNED).text
    assert Book(further={"planned": 8}).ledger().closed


def test_a_replay_that_published_one_row_twice_in_place_of_another_is_told() -> None:
    contents = [row[2] for row in SENT]
    contents[4] = contents[3]
    book = Book(contents=contents, further={"planned": 8})
    ledger = book.ledger()
    assert (ledger.duplicated, ledger.lost) == (1, 1)
    assert _only(ledger, ProblemKind.DUPLICATED_EVENT, ProblemKind.LOST_BEFORE_KAFKA).examples[0]["offset"] == 3


@pytest.mark.parametrize("kind", [ProblemKind.BEHIND_WATERMARK, ProblemKind.IDENTITY_FORGOTTEN])
def test_events_with_a_flag_are_counted_once_and_fail_no_ledger(kind: ProblemKind) -> None:
    flagged = np.array([identity_of(1, 2), identity_of(0, 1), identity_of(1, 2)])
    ledger = Book(further={str(kind): flagged}).ledger()
    assert ledger.closed
    assert [(problem.kind, problem.count) for problem in ledger.problems] == [(kind, 2)]


def test_copies_of_a_producer_are_told_apart_from_bad_records() -> None:
    copies = [(1, 0, 13, 30), (0, 1, 12, 20), (0, 0, 11, 10)]
    book = Book(dead=copies, further={"dead_letter_reasons": {"conflicting": 1, "duplicate": 1, "late": 1}})
    for row in copies:
        book.features.remove(row)
    ledger = book.ledger()
    assert ledger.closed
    assert ledger.lost == 0
    told = {problem.kind: problem for problem in ledger.problems}
    assert told[ProblemKind.DEAD_LETTERED].count == 1
    assert "late 1" in told[ProblemKind.DEAD_LETTERED].text
    assert told[ProblemKind.REPEATED_BY_PRODUCER].count == 2
    assert "duplicate 1, conflicting 1" in told[ProblemKind.REPEATED_BY_PRODUCER].text


def test_what_a_stage_put_into_quarantine_is_counted_and_not_lost() -> None:
    book = Book(further={"quarantined": [Quarantined("scorer", "features", 0, 9, identity_of(1, 2))]})
    book.scores.remove((1, 2, 17, 1_030))
    ledger = book.ledger()
    assert ledger.closed
    assert (ledger.lost, ledger.scored) == (0, 4)
    (told,) = ledger.problems
    assert (told.kind, told.count) == (ProblemKind.QUARANTINED, 1)
    assert "scorer 1" in told.text
    assert told.examples == ({"topic": "features", "partition": 0, "offset": 9},)


@pytest.mark.parametrize(("stage", "topic"), [("alert_writer", "evidence"), ("archive", "labels")])
def test_quarantine_on_another_topic_excuses_no_missing_score(stage: str, topic: str) -> None:
    book = Book(further={"quarantined": [Quarantined(stage, topic, 0, 9, identity_of(1, 2))]})
    book.scores.remove((1, 2, 17, 1_030))
    assert book.ledger().lost == 1
    _only(book.ledger(), ProblemKind.LOST_SCORE)


def test_evidence_in_quarantine_is_not_lost_and_a_source_out_of_range_stops_nothing() -> None:
    key = identity_of(1, 2)
    aside = [
        Quarantined("alert_writer", "evidence", 0, n, source)
        for n, source in ((4, key), (5, identity_of(2**31 - 1, 7)))
    ]
    ledger = Book(further={"quarantined": aside, **_decided({key: "card_testing"}, [])}).ledger()
    assert ledger.closed
    assert [(problem.kind, problem.count) for problem in ledger.problems] == [(ProblemKind.QUARANTINED, 2)]


def test_dead_letters_of_events_that_were_scored_are_named() -> None:
    scored = (1, 2, 17, 1_030)
    _only(Book(dead=[scored]).ledger(), ProblemKind.OVERLAPPING)
    book = Book(dead=[scored])
    book.features.remove(scored)
    assert _only(book.ledger(), ProblemKind.UNEXPECTED_SCORE).examples[0]["offset"] == 2


def test_a_score_log_without_one_partition_is_lost() -> None:
    ledger = Book(log=[row for row in MEASURED if row[0] == 0]).ledger()
    assert ledger.lost == 3
    assert {example["partition"] for example in _only(ledger, ProblemKind.LOST_SCORE).examples} == {1}


def test_offsets_without_a_record_are_named_and_counted_as_none() -> None:
    columns = _columns(SENT)
    events = EventRecords(EVENTS, len(SENT) + 3, *columns[:3], columns[2])
    ledger = Book(further={"events": events}).ledger()
    assert ledger.closed
    assert ledger.offset_span == len(SENT)
    assert [(problem.kind, problem.count) for problem in ledger.problems] == [(ProblemKind.NO_RECORD, 3)]


def test_scored_history_is_unexpected() -> None:
    book = Book()
    book.scores.append(SENT[0])
    assert _only(book.ledger(), ProblemKind.UNEXPECTED_SCORE).examples[0]["offset"] == 0


def test_record_of_an_event_that_never_was() -> None:
    book = Book()
    book.features.append((3, 70, 1, 50))
    assert _only(book.ledger(), ProblemKind.UNKNOWN_SOURCE).examples[0] == {
        "topic": EVENTS,
        "partition": 3,
        "offset": 70,
    }


def test_unreadable_record_keeps_the_ledger_open() -> None:
    features = DerivedRecords("features", *_columns(SENT), unreadable=[(1, 5)])
    problem = _only(Book(further={"features": features}).ledger(), ProblemKind.UNREADABLE)
    assert problem.examples == ({"topic": "features", "partition": 1, "offset": 5},)


def test_unacknowledged_event() -> None:
    ledger = Book(books=GeneratorBooks(9, 8, sum(row[2] for row in SENT))).ledger()
    assert {problem.kind for problem in ledger.problems} == {
        ProblemKind.UNACKNOWLEDGED,
        ProblemKind.LOST_BEFORE_KAFKA,
    }
    assert ledger.lost == 1


def test_without_a_measured_phase_nothing_is_to_be_scored() -> None:
    ledger = Book(scores=[], further={"measured_from_ms": None}).ledger()
    assert ledger.closed
    assert ledger.to_score == 0


def test_run_that_reached_no_topic_at_all_is_lost_whole() -> None:
    ledger = Book(events=[], features=[], scores=[]).ledger()
    assert (ledger.lost, ledger.offset_span) == (8, 0)
    _only(ledger, ProblemKind.LOST_BEFORE_KAFKA)


def test_examples_are_few_however_many_are_wrong() -> None:
    problem = _only(Book(features=[], scores=[]).ledger(), ProblemKind.LOST_EVENT)
    assert problem.count == 8
    assert len(problem.examples) == 5
    assert problem.as_json()["fails"] is True
