"""Names that nobody knows, told with the one that was probably meant.

The standard library alone, and Python 3.9: `make` asks here before anything is installed, by
``python -m patternalarm.did_you_mean WHAT NAME KNOWN…``.
"""

from __future__ import annotations

import difflib
import re
import sys
from collections.abc import Iterable

# Of two names this much alike, one is likely the other misspelt: `kafak` and `kafka`, `paymets` and `payments`.
_ALIKE = 0.6


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The name of ``known`` that is most like ``name``, whatever its case; None when none is like it."""
    candidates = {candidate.casefold(): candidate for candidate in known}
    found = difflib.get_close_matches(name.casefold(), candidates, n=1, cutoff=_ALIKE)
    return candidates[found[0]] if found else None


def did_you_mean(what: str, name: str, known: Iterable[str], prefix: str = "") -> str:
    """What to say about a name that is not known: ``unknown domain paymets: did you mean payments?``

    Args:
        what: what it should be a name of, like ``domain``.
        name: what was given.
        known: the names that there are, in the order in which they are told when none is like ``name``.
        prefix: what all names begin with, and which makes none more like another.
    """
    names = list(dict.fromkeys(known))
    by_rest = {candidate.removeprefix(prefix): candidate for candidate in names}
    near = by_rest.get(nearest(name.removeprefix(prefix), by_rest) or "")
    remedy = f"did you mean {near}?" if near else f"use one of {', '.join(names)}" if names else "there are none"
    return f"unknown {what} {_shown(name)}: {remedy}"


def _shown(name: str) -> str:
    return name if re.fullmatch(r"[\w./-]+", name) else repr(name)


if __name__ == "__main__":
    sys.stdout.write(did_you_mean(sys.argv[1], sys.argv[2], sys.argv[3:]) + "\n")
