"""Every case of the event contract through a running job: it neither fails nor loses one, and says the same as the parser."""

from collections.abc import Callable
from typing import Any

from event_cases import CASES, record_of, shop

from patternalarm.contracts.bounds import MAX_DETAIL_CHARACTERS
from patternalarm.contracts.topics import TopicKind

Detect = Callable[..., dict[TopicKind, list[dict[str, Any]]]]

PARTITIONS = 4


def test_every_record_is_featurised_or_a_dead_letter_with_its_reason(detect: Detect) -> None:
    # Each case is another actor's, so that no case is another's copy or comes late; ahead of the broker's clock is what was
    # ahead when the cases were written.
    cases = [case for case in CASES if "ahead" not in case["name"]]
    records = [
        (number % PARTITIONS, "key", record_of(case).replace(b'"a1"', b'"case-%d"' % number))
        for number, case in enumerate(cases)
    ]

    out = detect("contract-cases", records, pack=shop())

    found: dict[int, dict[str, Any]] = {}
    for record in (*out[TopicKind.FEATURES], *out[TopicKind.DEAD_LETTERS]):
        number = record["source_offset"] * PARTITIONS + record["source_partition"]
        assert number not in found
        found[number] = record
    assert len(found) == len(cases)
    wrong = [
        (case["name"], found[number].get("reason"), found[number].get("detail"))
        for number, case in enumerate(cases)
        if found[number].get("reason") != case.get("reason")
        or case.get("detail", "") not in found[number].get("detail", "")
    ]
    assert not wrong
    assert all(len(record["detail"]) <= MAX_DETAIL_CHARACTERS for record in out[TopicKind.DEAD_LETTERS])
