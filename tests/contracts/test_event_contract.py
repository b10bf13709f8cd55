"""The event contract's cases, by its JSON Schema; ``EventCasesTest`` in Java runs the same cases by the engine's parser.

``event_cases.json``: each case is an ``event`` with some ``fields`` replaced (null leaves one out) or something appended,
or a record of its own; the values are raw JSON. It has the dead letter's ``reason`` and a part of its ``detail``, or what
``expect`` says of the accepted fields. ``beyond_schema`` marks what the contract refuses and no schema can.
"""

import base64
import json
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from patternalarm.contracts.bounds import MAX_EVENT_BYTES
from patternalarm.contracts.domain_pack import DomainPack, load_pack
from patternalarm.contracts.event_schema import contract_spec, event_json_schema
from patternalarm.contracts.events import DeadLetterReason

HERE = Path(__file__).parent
CONTRACT = HERE / "shop_contract.json"
"""The contract of ``pack.yaml`` as Java's tests read it. ``python tests/contracts/test_event_contract.py`` writes it."""

CASES: dict[str, Any] = json.loads((HERE / "event_cases.json").read_text(encoding="utf-8"))

# What the actor's memory decides, not one record alone.
OF_THE_ACTOR = {DeadLetterReason.LATE, DeadLetterReason.DUPLICATE, DeadLetterReason.CONFLICTING}

# What is decided before there is anything that a schema could look at, or lost with it.
BEFORE_ANY_SCHEMA = {
    DeadLetterReason.MALFORMED_JSON,
    DeadLetterReason.OVERSIZED,
    DeadLetterReason.TOO_DEEP,
    DeadLetterReason.DUPLICATE_FIELD,
}


def shop() -> DomainPack:
    return load_pack(str(HERE / "pack.yaml"))


def contract_text() -> str:
    return json.dumps(contract_spec(shop()), indent=1) + "\n"


def record_of(case: dict[str, Any]) -> bytes:
    if "base64" in case:
        return base64.b64decode(case["base64"])
    if "record" in case:
        return str(case["record"]).encode()
    if "repeat" in case:
        repeat = case["repeat"]
        return str(repeat["prefix"] + repeat["text"] * repeat["times"] + repeat["suffix"]).encode()
    fields = {**CASES["event"], **case.get("fields", {})}
    body = ",".join(f'"{name}":{value}' for name, value in fields.items() if value is not None)
    return f"{{{body}{case.get('append', '')}}}".encode()


class _NotJsonError(ValueError):
    pass


def read(record: bytes) -> Any:
    """``record`` by Python's reader, made as strict as JSON is."""

    def no_constant(word: str) -> None:
        raise _NotJsonError(word)

    def whole(digits: str) -> float:
        return int(digits) if len(digits) < sys.get_int_max_str_digits() else float(digits)

    return json.loads(record.decode("utf-8"), parse_constant=no_constant, parse_int=whole)


@pytest.fixture(scope="module")
def schema() -> jsonschema.Draft202012Validator:
    found = event_json_schema(shop())
    jsonschema.Draft202012Validator.check_schema(found)
    return jsonschema.Draft202012Validator(found)


@pytest.mark.parametrize("case", CASES["cases"], ids=lambda case: case["name"])
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
    valid = schema.is_valid(read(record))
    assert valid == (reason is None or case.get("beyond_schema", False))


def test_every_reason_has_a_case() -> None:
    assert {case.get("reason") for case in CASES["cases"]} - {None} == set(DeadLetterReason) - OF_THE_ACTOR


def test_java_reads_the_contract_of_today() -> None:
    assert CONTRACT.read_text(encoding="utf-8") == contract_text(), f"run python {Path(__file__).name}"


if __name__ == "__main__":
    CONTRACT.write_text(contract_text(), encoding="utf-8")
