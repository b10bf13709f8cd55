"""The list of scenarios, by what was asked for."""

import os
import secrets
from typing import Final

from faults.scenarios import between_steps, parts, random_schedule, short_form
from faults.scenarios.checkpoint import KillDuringCheckpoint
from faults.scenarios.full_disk import FullDisk
from faults.scenarios.restart import DownAndUp
from faults.scenarios.scenario import Scenario

# `make faults` says so by these.
FULL: Final = "FAULTS"
SCHEDULES: Final = "FAULTS_SCHEDULES"
SEED: Final = "FAULTS_SEED"
ONLY: Final = "FAULTS_ONLY"

# Of what `make test` draws: a test suite must not differ from one run to the next.
_SEED_OF_SHORT_FORM: Final = 7


def every_fault() -> list[Scenario]:
    """One fault a run; four in the last."""
    others = [KillDuringCheckpoint(), *between_steps.scenarios(), DownAndUp(), FullDisk(), short_form.four_faults()]
    return [*parts.scenarios(), *others]


def chosen() -> list[Scenario]:
    """What the environment asks for: random schedules, the short form, or every fault; of these, what ``ONLY`` names.

    Raises:
        ValueError: ``ONLY`` names none of them.
    """
    seed = int(os.environ.get(SEED) or secrets.randbelow(1_000_000))
    schedules = os.environ.get(SCHEDULES)
    if not os.environ.get(FULL):
        return list(short_form.scenarios(int(os.environ.get(SEED) or _SEED_OF_SHORT_FORM)))
    listed = list(random_schedule.scenarios(int(schedules), seed)) if schedules else every_fault()
    wanted = [name for name in os.environ.get(ONLY, "").split(",") if name]
    # By name only: they repeat in two load tests what twenty do.
    listed += parts.in_a_row() if wanted else []
    known = {scenario.id for scenario in listed}
    if set(wanted) - known:
        raise ValueError(
            f"no scenario {', '.join(sorted(set(wanted) - known))}: use some of {', '.join(sorted(known))}"
        )
    return [scenario for scenario in listed if not wanted or scenario.id in wanted]
