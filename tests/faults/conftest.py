"""Faults under load, on the platform of the tests. It stays as the suite before left it, so that its model is used again."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from faults.line import line_of
from faults.platform_under_test import PlatformUnderTest
from faults.play import Played, play
from faults.scenarios.all import chosen
from faults.scenarios.scenario import Scenario
from infra.local.configuration import ensure_secrets

from patternalarm.settings import get_settings


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One group of tests for every scenario that was asked for."""
    if "played" in metafunc.fixturenames:
        try:
            scenarios = chosen()
        except ValueError as error:
            raise pytest.UsageError(str(error)) from error
        metafunc.parametrize("played", scenarios, indirect=True, scope="session", ids=[one.id for one in scenarios])


@pytest.fixture(scope="session")
def platform() -> Iterator[PlatformUnderTest]:
    """The platform, up, and idle but for us; afterwards it must go down and leave no process."""
    if "PATTERNALARM_HOME" not in os.environ:
        pytest.exit("faults are done to a platform of the tests' own: run them by `make faults`", returncode=1)
    # A new home has passwords only after this.
    ensure_secrets(Path(os.environ["PATTERNALARM_HOME"]))
    get_settings.cache_clear()
    platform = PlatformUnderTest(get_settings())
    try:
        platform.up()
        platform.end_runs()
        yield platform
    finally:
        platform.down()


@pytest.fixture(scope="session")
def played(platform: PlatformUnderTest, request: pytest.FixtureRequest) -> Played:
    """A scenario that was played; its line is shown at once."""
    scenario: Scenario = request.param

    def tell(line: str) -> None:
        plugins = request.config.pluginmanager
        # What a fixture says is kept for a failure otherwise.
        with plugins.get_plugin("capturemanager").global_and_fixture_disabled():
            terminal = plugins.get_plugin("terminalreporter")
            terminal.ensure_newline()
            terminal.write_line(line, flush=True)

    if scenario.why_not_here():
        tell(f"{scenario.id}: left out: {scenario.why_not_here()}")
        pytest.skip(scenario.why_not_here())
    tell(f"playing {scenario.plan}")
    try:
        played = play(platform, scenario)
    except Exception as error:
        tell(f"{scenario.id}: not played: {type(error).__name__}: {error}")
        raise
    tell(line_of(played.run, played.broken))
    return played
