"""What is to be run, said without a machine: a target renders it into a command line when the job is started."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any


class Program(StrEnum):
    """Which of our programs a job is, and so which environment it runs in; a job's module is named as that program does."""

    SERVICE = "service"
    """``patternalarm.<module>``."""
    SPARK = "spark"
    """``spark_jobs/<module>.py``, which brings its own JVM."""
    FLINK = "flink"
    """Submission of ``flink_jobs/<module>.py`` to the session cluster; it ends well once the cluster has the job."""
    DBT = "dbt"
    """``dbt <module>`` on our project."""
    SUPERSET = "superset"
    """``superset/<module>.py``."""


class Size(StrEnum):
    """What a target with machines to choose from gives a job."""

    SMALL = "small"
    """A process of one core and less than a GiB."""
    LARGE = "large"
    """A process with a JVM or a history in memory."""


@dataclass(frozen=True)
class JobSpec:
    """A job. All of it is JSON, and every text may be a template until the job is started.

    Attributes:
        name: unique in the target; those of a run begin with its run_id and a dot.
        program: which program it is.
        module: what of the program is run.
        options: value by option, named as a Python keyword (``run_id`` -> ``--run-id``).
        flags: what else stands on the command line, after the options.
        restarts: started again after an accident: a signal, or an exit code that is no verdict of its own. Such a job
            stops its children itself.
        tells_ready: the job takes ``--ready-file`` and makes that file once it is at work.
        secrets: settings that hold the secrets it needs.
        size: how much it needs.
    """

    name: str
    program: Program
    module: str
    options: Mapping[str, Any] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    restarts: bool = False
    tells_ready: bool = False
    secrets: tuple[str, ...] = ()
    size: Size = Size.SMALL

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        return {**asdict(self), "options": dict(self.options), "flags": list(self.flags), "secrets": list(self.secrets)}

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "JobSpec":
        """The spec that ``to_json`` gave.

        Raises:
            ValueError: there is no such program or size.
        """
        return cls(
            **{
                **values,
                "program": Program(values["program"]),
                "size": Size(values["size"]),
                "flags": tuple(values["flags"]),
                "secrets": tuple(values["secrets"]),
            }
        )

    def with_options(self, options: Mapping[str, Any]) -> "JobSpec":
        """The same job with more options."""
        return replace(self, options={**self.options, **options})

    def describe(self) -> str:
        """The job in one line, for a log."""
        return " ".join([f"{self.name}: {self.program} {self.module}", *self.arguments()])

    def arguments(self) -> list[str]:
        """Options and flags as they stand on a command line."""
        written = [part for name, value in self.options.items() for part in (f"--{name.replace('_', '-')}", str(value))]
        return [*written, *self.flags]
