"""Of tests that need Docker: no suite of `make test` has them, `make compose-test` runs them."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parent.parent)]


@pytest.fixture(scope="session")
def project() -> "Iterator[object]":
    """The project, up and healthy; afterwards it must go down and leave nothing."""
    from project import Project, say, timed

    made = Project()
    made.down()
    with timed("images built"):
        made.build()
    for name, size in made.image_megabytes().items():
        say(f"image {name}: {size:,.0f} MB")
    try:
        with timed("up, all healthy"):
            made.up()
        yield made
    finally:
        with timed("down"):
            made.down()
        left = made.left()
        for kind, found in left.items():
            say(f"{kind} left: {len(found)}")
    assert left == {kind: [] for kind in left}
