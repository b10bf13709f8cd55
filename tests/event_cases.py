"""The event contract's cases, for the schema's tests and the running job's; ``EventCasesTest`` in Java reads the same file.

In ``contracts/event_cases.json`` each case is an ``event`` with some ``fields`` replaced (null leaves one out) or something
appended, or a record of its own; the values are raw JSON. It has the dead letter's ``reason`` and a part of its
``detail``, or what ``expect`` says of the accepted fields. ``beyond_schema`` marks what the contract refuses and no schema
can. ``python tests/event_cases.py`` writes the contract of the cases' pack as Java's tests read it.
"""

import base64
import json
from pathlib import Path
from typing import Any

from patternalarm.contracts.domain_pack import DomainPack, load_pack
from patternalarm.contracts.event_schema import contract_spec
from patternalarm.settings import get_settings

DIRECTORY = Path(__file__).parent / "contracts"
CONTRACT = DIRECTORY / "shop_contract.json"

_FILE: dict[str, Any] = json.loads((DIRECTORY / "event_cases.json").read_text(encoding="utf-8"))
CASES: list[dict[str, Any]] = _FILE["cases"]


def shop() -> DomainPack:
    """The pack of the cases."""
    return load_pack(DIRECTORY / "shop")


def contract_text() -> str:
    """What ``CONTRACT`` must hold."""
    return json.dumps(contract_spec(shop(), get_settings().event_times_ms), indent=1) + "\n"


def record_of(case: dict[str, Any]) -> bytes:
    """The bytes of a case's record."""
    if "base64" in case:
        return base64.b64decode(case["base64"])
    if "record" in case:
        return str(case["record"]).encode()
    if "repeat" in case:
        repeat = case["repeat"]
        return str(repeat["prefix"] + repeat["text"] * repeat["times"] + repeat["suffix"]).encode()
    fields = {**_FILE["event"], **case.get("fields", {})}
    body = ",".join(f'"{name}":{value}' for name, value in fields.items() if value is not None)
    return f"{{{body}{case.get('append', '')}}}".encode()


if __name__ == "__main__":
    CONTRACT.write_text(contract_text(), encoding="utf-8")
