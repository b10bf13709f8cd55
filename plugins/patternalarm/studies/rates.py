"""Rates from looks at work that goes on."""

from collections.abc import Sequence

# (time, events so far, CPU seconds so far).
Mark = tuple[float, int, float]


def rates_of_second_half(marks: Sequence[Mark]) -> tuple[float, float]:
    """Events a second and a CPU second, from ``marks`` of which the first is without events.

    The first half is left out, since an engine that has just started meets code that is not compiled yet.
    """
    last = marks[-1]
    half = [mark for mark in marks if mark[1] <= last[1] / 2][-1]
    events = last[1] - half[1]
    # The clocks of processes tick every 10 ms.
    return events / (last[0] - half[0]), events / max(last[2] - half[2], 0.01)
