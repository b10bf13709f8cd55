"""The event contract's cases, by its JSON Schema."""

import json
import sys
from typing import Any

import jsonschema
import pytest
from event_cases import CASES, CONTRACT, contract_text, record_of, shop

from patternalarm.contracts.bounds import MAX_EVENT_BYTES
from patternalarm.contracts.event_schema import event_json_schema
from patternalarm.contracts.events import DeadLetterReason
from patternalarm.settings import get_settings

# What the actor's memory decides, not one record alone.
OF_THE_ACTOR = {DeadLetterReason.LATE, DeadLetterReason.DUPLICATE, DeadLetterReason.CONFLICTING}

# What is decided before there is anything that a schema could look at, or lost with it.
BEFORE_ANY_SCHEMA = {
    DeadLetterReason.MALFORMED_JSON,
    DeadLetterReason.OVERSIZED,
    DeadLetterReason.TOO_DEEP,
    DeadLetterReason.DUPLICATE_FIELD,
}


def read(record: bytes) -> Any:
    """``record`` by Python's reader, made as strict as JSON is."""

    def no_constant(word: str) -> None:
        raise ValueError(word)

    def whole(digits: str) -> float:
        return int(digits) if len(digits) < sys.get_int_max_str_digits() else float(digits)

    return json.loads(record.decode("utf-8"), parse_constant=no_constant, parse_int=whole)


@pytest.fixture(scope="module")
def schema() -> jsonschema.Draft202012Validator:
    found = event_json_schema(shop(), get_settings().event_times_ms)
    jsonschema.Draft202012Validator.check_schema(found)
    return jsonschema.Draft202012Validator(found)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_the_schema_says_what_the_cases_say(case: dict[str, Any], schema: jsonschema.Draft202012Validator) -> None:
    record = record_of(case)
    reason = case.get("reason")
    if reason in BEFORE_ANY_SCHEMA:
        assert reason != DeadLetterReason.OVERSIZED or len(record) > MAX_EVENT_BYTES
        return
    if "base64" in case:
        with pytest.raises(UnicodeDecodeError):
            read(record)
        return
    assert schema.is_valid(read(record)) == (reason is None or case.get("beyond_schema", False))


def test_every_reason_has_a_case() -> None:
    assert {case.get("reason") for case in CASES} - {None} == set(DeadLetterReason) - OF_THE_ACTOR


def test_java_reads_the_contract_of_today() -> None:
    assert CONTRACT.read_text(encoding="utf-8") == contract_text(), "run python tests/event_cases.py"
