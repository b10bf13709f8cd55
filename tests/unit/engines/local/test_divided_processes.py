from signal import Signals

import pytest

from patternalarm.contracts.jobs import ProcessKind, process_name
from patternalarm.engines import target
from patternalarm.engines.job_spec import JobSpec, Program
from patternalarm.engines.local import divided_processes
from patternalarm.engines.local.divided_processes import DividedProcesses
from patternalarm.engines.local.processes import SupervisedProcesses
from patternalarm.settings import Settings

RUN = "load-test-1"
GENERATORS = (process_name(RUN, ProcessKind.GENERATOR, 0), process_name(RUN, ProcessKind.GENERATOR, "history-0"))
JOBS = (process_name(RUN, ProcessKind.SCORER), f"{RUN}.start-flink", f"generator-of-names.{ProcessKind.REPLAY}")


class Noted:
    """Stands for a supervisor's processes: whatever is asked of it is answered by its own name."""

    def __init__(self, settings, service="supervisor"):
        self.service = service

    def names(self, prefix):
        return [f"{prefix}{self.service}"]

    def __getattr__(self, method):
        return lambda *_: self.service


@pytest.fixture
def processes(monkeypatch):
    monkeypatch.setattr(divided_processes, "SupervisedProcesses", Noted)
    return DividedProcesses(Settings(generator_supervisor_address="generator:1"))


@pytest.mark.parametrize(
    ("names", "service"), [(GENERATORS, "generator_supervisor"), (JOBS, "supervisor")], ids=["generators", "jobs"]
)
def test_a_process_is_asked_of_the_supervisor_that_it_runs_under(processes, names, service):
    for name in names:
        asked = [processes.state(name), processes.is_ready(name), processes.tail_log(name), processes.stop(name)]
        assert asked == [service] * 4
        assert processes._of(name).service == service
    job = JobSpec(names[0], Program.SERVICE, "generator.shard")
    processes.start(job)
    processes.signal(names[0], Signals.SIGKILL)
    processes.remove(names[0])


def test_names_are_those_of_both(processes):
    assert processes.names("of-") == ["of-generator_supervisor", "of-supervisor"]


@pytest.mark.parametrize(
    ("address", "kind"), [("", SupervisedProcesses), ("generator:19001", DividedProcesses)], ids=["one", "two"]
)
def test_generators_are_apart_where_they_have_a_supervisor_of_their_own(monkeypatch, address, kind):
    monkeypatch.setattr(target, "get_settings", lambda: Settings(generator_supervisor_address=address))
    assert type(target.processes()) is kind
