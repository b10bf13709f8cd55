"""Play a scenario: load test, fault, end, evidence, judgement."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from faults.checks.all import CHECKS
from faults.evidence import FaultedRun, gather
from faults.load_test import await_end, start
from faults.platform_under_test import PlatformUnderTest
from faults.scenarios.scenario import Scenario


@dataclass(frozen=True)
class Played:
    """A scenario that was played, with the promises that were broken and how."""

    run: FaultedRun
    broken: Mapping[str, Sequence[str]]


def play(platform: PlatformUnderTest, scenario: Scenario) -> Played:
    """Play it.

    Raises:
        NothingCameError: the load test did not start, or what was to be hit was not there.
    """
    platform.up()
    with scenario.around(platform):
        files = platform.flink_files()
        run = start(platform, scenario.id, scenario.minutes)
        try:
            faults = scenario.inject(platform, run)
        finally:
            end = await_end(platform, run)
            if end[1] == "running":
                platform.end_runs()
        evidence = gather(platform, run, scenario.id, scenario.expected, faults, end, files)
    return Played(evidence, broken_promises(evidence))


def broken_promises(run: FaultedRun) -> dict[str, list[str]]:
    """What breaks each promise that was broken, by the promise's name."""
    judged = {check.id: list(check.problems(run)) for check in CHECKS if check.applies_to(run)}
    return {name: problems for name, problems in judged.items() if problems}
