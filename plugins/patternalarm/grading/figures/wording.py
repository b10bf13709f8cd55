"""Figures in words, the same in the terminal, in the page and in messages."""

from collections.abc import Sequence
from typing import Final

NOT_MEASURED: Final = "–"  # noqa: RUF001


def figure(value: float | None, unit: str, apart_from: Sequence[float] = (0, 1)) -> str:
    """A value with its unit: ratios as ``ratio`` has them, times with s or ms, counts with thousands apart."""
    if value is None:
        return NOT_MEASURED
    if unit == "yes/no":
        return "yes" if value else "no"
    if unit == "ratio":
        return ratio(value, apart_from)
    if unit == "s":
        return f"{value:.2f} s" if value < 1 else seconds(value)
    if unit == "ms":
        return f"{value:,.0f} ms" if value >= 10 else f"{value:,.1f} ms"
    return f"{value:,.0f} {unit}"


def ratio(value: float, apart_from: Sequence[float] = (0, 1)) -> str:
    """A ratio to two places, or to as many (up to six) as it takes to tell it from the numbers that it is not."""
    others = [number for number in apart_from if number != value]
    for places in (2, 3, 4, 5):
        text = f"{value:.{places}f}"
        if float(text) not in others:
            return text
    return f"{value:.6f}"


def share(
    numerator: int | None, denominator: int | None, value: float | None, low: float | None, high: float | None
) -> str:
    """A proportion as ``0.90 [0.70, 0.97] 18/20``; a dash of no cases."""
    if value is None or low is None or high is None:
        return NOT_MEASURED
    return f"{ratio(value)} [{low:.2f}, {high:.2f}] {numerator}/{denominator}"


def seconds(value: float) -> str:
    """A duration as ``1 min 35 s`` or ``4.2 s``."""
    if value < 60:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
