"""Hypothesis strategies of all that the event contract accepts, as the engines' records carry it; and the fuzz's length."""

import json
import os
import re
import unicodedata
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from patternalarm.contracts.bounds import AMOUNT_PLACES, MAX_AMOUNT, MAX_ID_CHARACTERS, MAX_NUMBER, MAX_TEXT_CHARACTERS
from patternalarm.settings import get_settings

EXAMPLES_VARIABLE = "FUZZ_EXAMPLES"


def fuzz_settings(short: int) -> settings:
    """``short`` examples, the same ones every time; as many new ones as the environment asks for."""
    asked = int(os.environ.get(EXAMPLES_VARIABLE, "0"))
    return settings(
        max_examples=asked or short,
        derandomize=not asked,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


def _sound(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip()


def texts(most: int) -> st.SearchStrategy[str]:
    """Texts of the contract: NFC, no control characters, no halves of characters, no white space at the ends."""
    awkward = st.sampled_from(
        ["x|5|7,y", 'say "so"', "back\\slash", "\U0001f4f1", "a'b", "{value}", "%s", "\u200f", "null"]
    )
    any_text = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=most).map(_sound)
    return (awkward | any_text).filter(lambda text: 0 < len(text) <= most)


FIRST_MS, LAST_MS = get_settings().event_times_ms

ids = texts(MAX_ID_CHARACTERS)
words = texts(MAX_TEXT_CHARACTERS)
times = st.sampled_from([FIRST_MS, LAST_MS]) | st.integers(FIRST_MS, LAST_MS)
amounts = st.sampled_from([Decimal(MAX_AMOUNT), -Decimal(MAX_AMOUNT), Decimal("0.0001")]) | st.decimals(
    -MAX_AMOUNT, MAX_AMOUNT, places=AMOUNT_PLACES
)
feature_values = st.none() | st.just("NaN") | st.floats(-1e6 * MAX_NUMBER, 1e6 * MAX_NUMBER)


def to_json(record: Any) -> bytes:
    """A record's bytes, with amounts as numbers to the last place, as Flink and Spark write them."""
    text = json.dumps(record, ensure_ascii=False, default=lambda amount: f"\x00{amount:f}\x00")
    return re.sub(r'"\\u0000([-0-9.]+)\\u0000"', r"\1", text).encode()
