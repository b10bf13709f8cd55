"""Slices -> records: rendered in small pieces, so that sending never waits long for rendering."""

from collections.abc import Iterator, Sequence

import numpy as np

from patternalarm.generator.batch import ACTOR_ID, Array, Column, EventBatch
from patternalarm.generator.publishing.producer import Chunk
from patternalarm.generator.render import render

# About two milliseconds of rendering, less than a pause between two hand-overs.
PACED_EVENTS = 500
UNPACED_EVENTS = 20_000


def chunks_of(
    domain: str, columns: Sequence[Column], events: EventBatch, event_ids: Array, send_ms: Array, size: int
) -> Iterator[Chunk]:
    """The records of ``events``, which are in sending order, ``size`` at a time."""
    for first in range(0, len(events), size):
        part = np.arange(first, min(first + size, len(events)))
        keys, values = render(domain, columns, event_ids[part], events.take(part), ACTOR_ID)
        yield Chunk(keys, values, send_ms[part])
