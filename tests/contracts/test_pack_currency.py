"""A pack's currency: what amounts are counted in, and what others are worth in it."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from patternalarm.contracts.domain_pack import load_pack
from patternalarm.contracts.pack_folder import PACK_FILE, PackError, pack_names

PACK: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "shop" / PACK_FILE).read_text(encoding="utf-8"))
CURRENCY: dict[str, Any] = PACK["currency"]


def load(directory: Path, **changes: Any) -> Any:
    (directory / PACK_FILE).write_text(
        yaml.safe_dump({name: value for name, value in (PACK | changes).items() if value is not None})
    )
    return load_pack(directory)


def test_rates_are_exact_and_the_base_is_worth_one(tmp_path: Path) -> None:
    currency = load(tmp_path).currency
    assert currency.all_rates == {
        "EUR": Decimal(1),
        "USD": Decimal("0.86"),
        "JPY": Decimal("0.0056"),
        "KWD": Decimal("2.81"),
    }
    assert currency.as_of.isoformat() == "2026-11-01"


@pytest.mark.parametrize("name", pack_names())
def test_shipped_packs_say_what_their_rates_are(name: str) -> None:
    currency = load_pack(name).currency
    if currency:
        assert "illustration" in currency.source
        assert "replace" in currency.source


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"currency": None}, "needs a currency block"),
        ({"currency": CURRENCY | {"base": "EURO"}}, "'EURO' is no ISO 4217 code"),
        ({"currency": CURRENCY | {"base": "eur"}}, "'eur' is no ISO 4217 code"),
        ({"currency": CURRENCY | {"rates": {"USA": "1"}}}, "'USA' is no ISO 4217 code"),
        ({"currency": CURRENCY | {"rates": {"EUR": "1"}}}, "which is the base: leave it out"),
        ({"currency": CURRENCY | {"rates": {"USD": 0.86}}}, "in quotes"),
        ({"currency": CURRENCY | {"rates": {"USD": "0.00"}}}, "positive decimal"),
        ({"currency": CURRENCY | {"rates": {"USD": "-1"}}}, "positive decimal"),
        ({"currency": CURRENCY | {"rates": {"USD": "1e999999999"}}}, "positive decimal"),
        ({"currency": CURRENCY | {"rates": {"USD": "NaN"}}}, "positive decimal"),
        ({"currency": CURRENCY | {"rates": {"USD": "0,86"}}}, "positive decimal"),
        ({"currency": {name: value for name, value in CURRENCY.items() if name != "as_of"}}, "as_of"),
        ({"currency": {name: value for name, value in CURRENCY.items() if name != "source"}}, "source"),
        ({"lateness": "29s"}, "lateness must be 30s or more"),
    ],
)
def test_a_pack_that_cannot_be_counted_in_is_refused(tmp_path: Path, changes: dict[str, Any], says: str) -> None:
    with pytest.raises(PackError, match=says):
        load(tmp_path, **changes)
