"""What is left of runs, looked for on every engine by the run's id, without the code that removes it."""

import xmlrpc.client
from pathlib import Path
from typing import Any, Final

import httpx
import psycopg
from confluent_kafka.admin import AdminClient

from patternalarm.contracts.tables import CONSUMER_OFFSET, LEASE, PLATFORM_ROLE, RUN
from patternalarm.settings import Settings

_TIMEOUT_SECONDS: Final = 30
_ENDED: Final = ("FAILED", "CANCELED", "FINISHED", "SUSPENDED")


def programs(settings: Settings) -> dict[str, dict[str, Any]]:
    """Supervised programs by name."""
    place = settings.address("supervisor")
    proxy = xmlrpc.client.ServerProxy(f"http://patternalarm:{settings.supervisor_password}@{place}/RPC2")
    return {info["name"]: info for info in proxy.supervisor.getAllProcessInfo()}  # type: ignore[union-attr,index]


def rows(settings: Settings, query: str, *parameters: object) -> list[tuple[Any, ...]]:
    """Rows of the platform's database."""
    dsn = settings.dsn(PLATFORM_ROLE, settings.platform_password)
    with psycopg.connect(dsn, autocommit=True, connect_timeout=_TIMEOUT_SECONDS) as connection:
        return connection.execute(query.encode(), parameters).fetchall()


def runs_of(settings: Settings, airflow_run_id: str) -> list[str]:
    """Our runs that a DAG run opened, the oldest first."""
    query = f"SELECT run_id FROM {RUN} WHERE airflow_run_id = %s ORDER BY requested_at"
    return [run_id for (run_id,) in rows(settings, query, airflow_run_id)]


def left_of(settings: Settings, run_id: str) -> list[str]:
    """Everything of the run that is still there, in words."""
    answer = httpx.get(f"{settings.flink_url}/jobs/overview", timeout=_TIMEOUT_SECONDS, trust_env=False)
    jobs = [job["name"] for job in answer.raise_for_status().json()["jobs"] if job["state"] not in _ENDED]
    kafka = AdminClient({"bootstrap.servers": settings.kafka_bootstrap, "log_level": 0})
    home = settings.home.absolute()
    folders = [*settings.runs_dir.glob("*"), *(home / "flink" / "checkpoints").glob("*"), *_configurations(home)]
    lease = rows(settings, f"SELECT 1 FROM {LEASE} WHERE run_id = %s AND released_at IS NULL", run_id)
    state = rows(settings, f"SELECT 1 FROM {RUN} WHERE run_id = %s AND state = 'running'", run_id)
    offsets = rows(settings, f"SELECT 1 FROM {CONSUMER_OFFSET} WHERE scope = %s", run_id)
    return [
        *(f"program {name}" for name in programs(settings) if name.startswith(f"{run_id}.")),
        *(f"process {command}" for command in _commands() if run_id in command and str(home) in command),
        *(f"Flink job {name}" for name in jobs if name.endswith(run_id)),
        *(f"topic {name}" for name in kafka.list_topics(timeout=_TIMEOUT_SECONDS).topics if name.endswith(run_id)),
        *(f"file {path.relative_to(home)}" for path in folders if run_id in path.name),
        *(["a lease"] if lease else []),
        *(["a run that has not ended"] if state else []),
        *(["offsets of the alert writer"] if offsets else []),
    ]


def _configurations(home: Path) -> list[Path]:
    return list((home / "supervisor" / "run.d").glob("*"))


def _commands() -> list[str]:
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(entry.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    return found
