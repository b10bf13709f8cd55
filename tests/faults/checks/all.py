"""Every promise; each is checked after every scenario. A new feature adds its own here and gets all faults."""

from typing import Final

from faults.checks import detection, ledger, online_store, outcome, recovery, report
from faults.checks.check import Check

CHECKS: Final = (
    Check("comes-to-its-end", outcome.comes_to_its_end),
    Check("is-followed", outcome.is_followed),
    Check("ledger-closes", ledger.is_closed, of_graded_runs=True),
    Check("nothing-is-lost", ledger.nothing_is_lost, of_graded_runs=True),
    Check("nothing-is-doubled", ledger.nothing_is_doubled, of_graded_runs=True),
    Check("detection-resumes", detection.resumes, of_graded_runs=True),
    Check("finds-the-fraud", detection.finds_the_fraud, of_graded_runs=True),
    Check("profiles-are-whole", online_store.profiles_are_whole, of_graded_runs=True),
    Check("report-is-written", report.is_written, of_graded_runs=True),
    Check("report-names-it", report.names_the_interruptions, of_graded_runs=True),
    Check("parts-are-back", recovery.every_part_is_back),
    Check("cause-is-named", recovery.the_cause_is_named),
    Check("nothing-is-left", recovery.nothing_is_left),
)
