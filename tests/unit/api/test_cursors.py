import pytest
from hypothesis import given
from hypothesis import strategies as st

from patternalarm.api.stores.cursors import CursorError, decode, encode

QUESTION = {"domain": "iot", "sort": "-detected_at"}


def test_a_cursor_gives_back_its_keys():
    assert decode(QUESTION, encode(QUESTION, ["2026-11-27", "a", 3]), 3) == ["2026-11-27", "a", 3]


def test_a_cursor_of_another_question_is_refused():
    cursor = encode(QUESTION, ["a"])
    with pytest.raises(CursorError, match="other filters"):
        decode({**QUESTION, "domain": "gaming"}, cursor, 1)


def test_a_cursor_of_another_length_is_refused():
    with pytest.raises(CursorError, match="none that this API gave"):
        decode(QUESTION, encode(QUESTION, ["a"]), 2)


@given(st.text(max_size=60))
def test_anything_else_is_refused(text):
    with pytest.raises(CursorError):
        decode(QUESTION, text, 1)
