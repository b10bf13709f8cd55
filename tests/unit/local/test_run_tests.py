import sys

import pytest
from infra.local.machine import REPOSITORY
from infra.local.run_tests import TEST_PLATFORM, Counts, Suite, counts_of, judge, main, suites

from patternalarm.settings import Settings

PYTEST = '<testsuites><testsuite tests="{}" failures="{}" errors="{}" skipped="{}"/></testsuites>'
SUREFIRE = '<testsuite tests="5" failures="0" errors="2" skipped="1"/>'


@pytest.fixture
def suite(tmp_path):
    """A suite with one report; ``None`` = it wrote none."""

    def make(report):
        path = tmp_path / "report.xml"
        if report is not None:
            path.write_text(report)
        return Suite("x", [], junit=lambda: [path] if path.is_file() else [])

    return make


def test_reports_of_pytest_and_of_surefire_are_added_up(tmp_path):
    (tmp_path / "a.xml").write_text(PYTEST.format(10, 1, 2, 3))
    (tmp_path / "b.xml").write_text(SUREFIRE)
    assert counts_of([tmp_path / "a.xml", tmp_path / "b.xml"]) == Counts(passed=6, failed=5, skipped=4)


@pytest.mark.parametrize(
    ("report", "exit_code", "expected"),
    [
        (PYTEST.format(3, 0, 0, 1), 0, Counts(2, 0, 1)),
        (PYTEST.format(3, 1, 0, 0), 1, Counts(2, 1, 0)),
        # Crashed after its report, before it, in the middle of it: a failure each time.
        (PYTEST.format(3, 0, 0, 0), -9, Counts(3, 1, 0)),
        (None, 0, Counts(0, 1, 0)),
        (None, 4, Counts(0, 1, 0)),
        ("<testsuites><testsuite tes", 0, Counts(0, 1, 0)),
        # Nothing was collected in this environment.
        (None, 5, Counts(0, 0, 0)),
    ],
)
def test_a_suite_that_ends_badly_never_counts_as_passed(suite, report, exit_code, expected):
    assert judge(suite(report), exit_code) == expected


def test_a_check_without_a_report_counts_as_one():
    assert judge(Suite("lint", []), 0) == Counts(passed=1)
    assert judge(Suite("lint", []), 1) == Counts(failed=1)


def test_the_last_line_counts_and_the_exit_code_follows(monkeypatch, capfd, tmp_path):
    checks = [Suite("good", [sys.executable, "-c", ""]), Suite("bad", [sys.executable, "-c", "raise SystemExit(1)"])]
    monkeypatch.setattr("infra.local.run_tests.suites", lambda: checks)
    monkeypatch.setattr("infra.local.run_tests.RESULTS", tmp_path)
    assert main([]) == 1
    assert capfd.readouterr().out.splitlines()[-1] == "1 passed, 1 failed, 0 skipped"
    assert main(["good"]) == 0


def test_the_long_fuzz_is_run_by_name_only_and_as_long_as_asked(monkeypatch, capfd, tmp_path):
    monkeypatch.setenv("FUZZ_EXAMPLES", "17")
    fuzz = next(suite for suite in suites() if suite.name == "fuzz")
    assert fuzz.needs_stores and fuzz.environment["FUZZ_EXAMPLES"] == "17"
    assert all((REPOSITORY / part).is_file() for part in fuzz.command if part.startswith("tests/"))

    checks = [Suite("good", [sys.executable, "-c", ""]), Suite("fuzz", [sys.executable, "-c", ""], by_name_only=True)]
    monkeypatch.setattr("infra.local.run_tests.suites", lambda: checks)
    monkeypatch.setattr("infra.local.run_tests.RESULTS", tmp_path)
    for names in ([], ["fuzz"]):
        assert main(names) == 0
        assert capfd.readouterr().out.splitlines()[-1] == "1 passed, 0 failed, 0 skipped"


def test_the_platform_of_tests_shares_no_port_with_the_default_one():
    ports = {name: TEST_PLATFORM[f"PATTERNALARM_{name.upper()}"] for name in Settings.model_fields if "_port" in name}
    defaults = {str(Settings.model_fields[name].default) for name in ports}
    assert not defaults & set(ports.values())
    assert len(set(ports.values())) == len(ports)


def test_every_directory_of_tests_belongs_to_a_suite():
    covered = {part for suite in suites() for part in suite.command if part.startswith("tests/")}
    with_tests = {file.relative_to(REPOSITORY) for file in (REPOSITORY / "tests").rglob("test_*.py")}
    assert [str(file) for file in with_tests if not any(file.is_relative_to(directory) for directory in covered)] == []
