"""Profiles of actors outlive whatever befell Redis and their process."""

from collections.abc import Iterator

from faults.evidence import FaultedRun


def profiles_are_whole(run: FaultedRun) -> Iterator[str]:
    """Each actor's profile holds its newest events with their scores, as the score log has them."""
    if run.stale_profiles:
        yield f"{len(run.stale_profiles)} profiles are not what was scored, {run.stale_profiles[0]!r} among them"
