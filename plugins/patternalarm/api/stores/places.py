"""Places in an order of typed values, as cursors hold them."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter, ValidationError

from patternalarm.api.stores.cursors import CursorError, decode, encode


class Places:
    """The places of one order.

    Args:
        kinds: types of the values that rows are ordered by, as pydantic reads them.
    """

    def __init__(self, *kinds: Any) -> None:
        self._kinds: list[TypeAdapter[Any]] = [TypeAdapter(kind) for kind in kinds]

    def cursor_after(self, question: Mapping[str, Any], place: Sequence[Any]) -> str:
        """The cursor after the row of ``place`` in the answer to ``question``."""
        # As text what JSON does not hold, or not exactly.
        return encode(question, [value if isinstance(value, int | float) else str(value) for value in place])

    def place_in(self, question: Mapping[str, Any], cursor: str) -> tuple[Any, ...]:
        """The place that a cursor of ``question`` holds.

        Raises:
            CursorError: it is none, one of another question, or of values that this order does not have.
        """
        keys = decode(question, cursor, len(self._kinds))
        try:
            return tuple(kind.validate_python(key) for kind, key in zip(self._kinds, keys, strict=True))
        except ValidationError as error:
            raise CursorError("the cursor is none that this API gave") from error
