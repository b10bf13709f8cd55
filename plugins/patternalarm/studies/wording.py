"""Figures of studies in words."""

from collections.abc import Sequence


def milliseconds(value: float) -> str:
    """``0.042 ms``, ``4.2 ms``, ``42 ms``: two places that mean something."""
    if value >= 100:
        return f"{value:,.0f} ms"
    return f"{value:.3g} ms"


def count(value: float) -> str:
    """A rate or a number, whole from ten on."""
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def times(value: float) -> str:
    """How many times something is more: ``3.4``, ``34``."""
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"


def percent(value: float) -> str:
    """A share."""
    return f"{value:.0%}" if abs(value) >= 0.1 else f"{value:.1%}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table, its first column to the left and the others to the right."""
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *rows))
