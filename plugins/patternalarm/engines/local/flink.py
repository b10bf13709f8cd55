"""Flink's REST API: jobs by name, their health, how far they read, stop and cancel."""

import json
import math
import re
import time
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode

import httpx

from patternalarm.contracts.jobs import flink_job_id
from patternalarm.engines.errors import FlinkError
from patternalarm.engines.flink_job import ENDED_STATES, FlinkJob
from patternalarm.http_client import http_client
from patternalarm.passing_errors import passes_by_itself, was_not_heard
from patternalarm.remedies import START_PLATFORM
from patternalarm.retrying import retrying
from patternalarm.settings import Settings, get_settings

_TIMEOUT_SECONDS: Final = 10
_METRICS_PER_REQUEST: Final = 40
_LISTED_AGAIN_SECONDS: Final = 5
_RECORDED_WITHIN_SECONDS: Final = 10
_CLEANED_UP_WITHIN_SECONDS: Final = 60

# Said, before anything is done, by a JobManager that is becoming leader or is taking up a job.
_NOT_UP_YET: Final = re.compile(
    r"UnavailableDispatcherOperationException|EndpointNotStartedException|FencingTokenException|RecipientUnreachableException"
)
_TIMED_OUT: Final = re.compile(r"\b(Ask)?TimeoutException")

_RECORDED_STATES: Final = {"SUCCEEDED": "FINISHED", "FAILED": "FAILED", "CANCELED": "CANCELED"}


class RestFlinkCluster:
    """A Flink session cluster, over plain HTTP: port ``FlinkCluster``.

    Args:
        settings: where the cluster listens; those of the environment by default.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or get_settings()
        self._offset_metrics: dict[str, tuple[float, dict[str, list[str]]]] = {}

    def free_slots(self) -> int:
        """Task slots that no job holds.

        Raises:
            FlinkError: the cluster cannot be reached.
        """
        return int(self._get("/overview")["slots-available"])

    def all_slots(self) -> int:
        """Task slots that there are, held by a job or not.

        Raises:
            FlinkError: the cluster cannot be reached.
        """
        return int(self._get("/overview")["slots-total"])

    def job(self, name: str) -> FlinkJob | None:
        """The job of this name, also when it has ended and the JobManager that ran it died; None when there is none.

        Raises:
            FlinkError: the cluster cannot be reached.
        """
        job_id = flink_job_id(name)
        try:
            found = self._get(f"/jobs/{job_id}")
        except FlinkError as error:
            if _knows_nothing(error):
                return self._recorded_end(job_id)
            raise
        return FlinkJob(
            job_id=job_id,
            name=found["name"],
            state=found["state"],
            vertices_running=found["state"] not in ENDED_STATES
            and all(vertex["status"] in ("RUNNING", "FINISHED") for vertex in found["vertices"]),
        )

    def restarted(self, job_id: str) -> bool:
        """Whether the job was started again after a failure, by this JobManager or as its predecessor's.

        Raises:
            FlinkError: there is no such job, or the cluster cannot be reached.
        """
        if self._get(f"/jobs/{job_id}")["timestamps"]["RESTARTING"] > 0:
            return True
        return bool(self._get(f"/jobs/{job_id}/checkpoints")["latest"]["restored"])

    def last_checkpoint(self, job_id: str) -> int:
        """Number of the latest checkpoint that the job completed or was started from, which only grows; 0 before the first.

        Raises:
            FlinkError: there is no such job, or the cluster cannot be reached.
        """
        latest = self._get(f"/jobs/{job_id}/checkpoints")["latest"]
        return max(int((latest.get(kind) or {}).get("id", 0)) for kind in ("completed", "restored"))

    def ended_jobs(self) -> list[str]:
        """Names of the jobs of which it is kept how they ended, until ``forget``; sorted."""
        names = set()
        for file in self._results.glob("*.json"):
            # It may be renamed or forgotten meanwhile.
            with suppress(FileNotFoundError):
                names.add(str(json.loads(file.read_text(encoding="utf-8"))["result"]["name"]))
        return sorted(names)

    def forget(self, name: str) -> None:
        """Remove what is kept of how the job of this name ended, once Flink has cleaned up after it.

        Raises:
            FlinkError: Flink has not cleaned up, or cannot be reached.
        """
        unfinished, finished = self._records(flink_job_id(name))
        began = time.monotonic()
        # A job is shown as ended a moment before that is recorded; of one that is forgotten already, nothing will be.
        while not (unfinished.exists() or finished.exists()) and self.job(name) is not None:
            if time.monotonic() - began > _RECORDED_WITHIN_SECONDS:
                return
            time.sleep(0.2)
        while unfinished.exists() and time.monotonic() - began < _CLEANED_UP_WITHIN_SECONDS:
            time.sleep(0.2)
        if unfinished.exists():
            raise FlinkError(f"Flink has not cleaned up after job {name}: see the log of its JobManager")
        finished.unlink(missing_ok=True)

    def jobs_named(self, name: str) -> list[str]:
        """Ids of the jobs of this name that have not ended.

        Raises:
            FlinkError: the cluster cannot be reached.
        """
        return [job_id for job_id, known in self.running_jobs().items() if known == name]

    def running_jobs(self) -> dict[str, str]:
        """Names of the jobs that have not ended, by their ids.

        Raises:
            FlinkError: the cluster cannot be reached.
        """
        jobs = self._get("/jobs/overview")["jobs"]
        return {str(job["jid"]): str(job["name"]) for job in jobs if job["state"] not in ENDED_STATES}

    def failure(self, job_id: str) -> str:
        """Why the job failed: the innermost cause of its last failure, or that Flink knows none.

        Raises:
            FlinkError: there is no such job, or the cluster cannot be reached.
        """
        try:
            entries = self._get(f"/jobs/{job_id}/exceptions").get("exceptionHistory", {}).get("entries", [])
        except FlinkError as error:
            # The JobManager that knew has died.
            if not _knows_nothing(error):
                raise
            entries = []
        if not entries:
            return "Flink names no cause"
        trace = str(entries[0].get("stacktrace") or entries[0].get("exceptionName"))
        causes = re.findall(r"^Caused by: (.*)$", trace, flags=re.MULTILINE)
        return str(causes[-1] if causes else trace.splitlines()[0])

    def read_offsets(self, job_id: str, topic: str) -> dict[int, int]:
        """Offset of the last record that the job has read of each partition of ``topic``; -1 before the first.

        Partitions that no running source holds are missing. The figures trail the truth by Flink's metrics interval
        and never lead it, unless the job was started again: what is told then may be what it had read before.

        Raises:
            FlinkError: there is no such job, or the cluster cannot be reached.
        """
        found: dict[int, int] = {}
        listed_at, metrics = self._offset_metrics.get(job_id, (-math.inf, {}))
        # One source may have registered when the names are listed first and another not: a list that was kept for ever left
        # half of the partitions unread for as long as anybody waited.
        if not metrics or time.monotonic() - listed_at > _LISTED_AGAIN_SECONDS:
            metrics = self._find_offset_metrics(job_id, topic)
            self._offset_metrics[job_id] = time.monotonic(), metrics
        for vertex, names in metrics.items():
            for start in range(0, len(names), _METRICS_PER_REQUEST):
                wanted = ",".join(names[start : start + _METRICS_PER_REQUEST])
                for metric in self._get(f"/jobs/{job_id}/vertices/{vertex}/metrics?{urlencode({'get': wanted})}"):
                    partition = int(re.findall(r"\.partition\.(\d+)\.", metric["id"])[0])
                    offset = int(float(metric["value"]))
                    # After a restart a partition may be told twice; the one that is behind is never wrong.
                    found[partition] = min(offset, found.get(partition, offset))
        return found

    def stop_with_drain(self, job_id: str, savepoints: str) -> str:
        """Ask the job to emit everything it holds back, take a savepoint and finish; the request's id.

        The savepoint, which lies under ``savepoints``, cannot be resumed: its watermark is past everything.

        Raises:
            FlinkError: it refuses, or the cluster cannot be reached.
        """
        body = {"drain": True, "targetDirectory": Path(savepoints).absolute().as_uri()}
        return str(self._send("POST", f"/jobs/{job_id}/stop", body)["request-id"])

    def stop_failure(self, job_id: str, request_id: str) -> str | None:
        """Why the stop of ``request_id`` failed; None while it has not.

        Raises:
            FlinkError: the cluster cannot be reached.
        """
        try:
            operation = self._get(f"/jobs/{job_id}/savepoints/{request_id}").get("operation") or {}
        except FlinkError as error:
            if _knows_nothing(error):
                return "the JobManager that was asked is gone"
            raise
        cause = operation.get("failure-cause")
        return str(cause["stack-trace"]).strip().splitlines()[-1] if cause else None

    def cancel(self, job_id: str) -> None:
        """Cancel the job; it ends some moments later.

        Raises:
            FlinkError: there is none, or the cluster cannot be reached.
        """
        self._send("PATCH", f"/jobs/{job_id}?mode=cancel", None)

    def _recorded_end(self, job_id: str) -> FlinkJob | None:
        for file in self._records(job_id):
            try:
                result = json.loads(file.read_text(encoding="utf-8"))["result"]
            except FileNotFoundError:
                continue
            state = _RECORDED_STATES[result["application-status"]]
            return FlinkJob(job_id, result["name"], state, vertices_running=False)
        return None

    def _records(self, job_id: str) -> list[Path]:
        # Flink renames the first to the second when nothing of the job is left to clean up.
        return [self._results / f"{job_id}_DIRTY.json", self._results / f"{job_id}.json"]

    @property
    def _results(self) -> Path:
        return self.settings.home / "flink" / "results"

    def _find_offset_metrics(self, job_id: str, topic: str) -> dict[str, list[str]]:
        # Flink writes a dot within a name as an underscore.
        name = re.escape(topic.replace(".", "_"))
        wanted = re.compile(rf"\.KafkaSourceReader\.topic\.{name}\.partition\.\d+\.currentOffset$")
        found: dict[str, list[str]] = {}
        for vertex in self._get(f"/jobs/{job_id}")["vertices"]:
            # Only a source's vertex can have them, and listing the metrics of all is slow.
            if "Source" not in vertex["name"]:
                continue
            listed = self._get(f"/jobs/{job_id}/vertices/{vertex['id']}/metrics")
            names = [metric["id"] for metric in listed if wanted.search(metric["id"])]
            if names:
                found[vertex["id"]] = names
        return found

    def _get(self, path: str) -> Any:
        return self._send("GET", path, None)

    def _send(self, method: str, path: str, body: dict[str, Any] | None) -> Any:
        # A stop that was heard must not be asked for twice; everything else may be.
        passes = was_not_heard if method == "POST" else passes_by_itself
        policy = retrying(f"{method} {path} of Flink", self.settings.patience_seconds, passes=passes)
        try:
            answer = policy(_answer, self.settings.flink_url, method, quote(path, safe="/?&=%+:,.-_~"), body)
        except httpx.HTTPStatusError as error:
            raise FlinkError(
                f"Flink answers {error.response.status_code} to {method} {path}: {_first_error(error.response.content)}"
            ) from error
        except httpx.TransportError as error:
            why = str(error) or type(error).__name__
            raise FlinkError(f"Flink does not answer at {self.settings.flink_url} ({why}): {START_PLATFORM}") from error
        return answer.json() if answer.content else {}


def _knows_nothing(error: FlinkError) -> bool:
    cause = error.__cause__
    return isinstance(cause, httpx.HTTPStatusError) and cause.response.status_code == httpx.codes.NOT_FOUND


@cache
def _client(flink_url: str) -> httpx.Client:
    return http_client(flink_url, _TIMEOUT_SECONDS)


def _answer(flink_url: str, method: str, path: str, body: dict[str, Any] | None) -> httpx.Response:
    answer = _client(flink_url).request(method, path, json=body)
    answer.status_code = _status(answer)
    return answer.raise_for_status()


def _status(answer: httpx.Response) -> int:
    """The status that Flink means: of what it cannot do for the moment, it makes a 500 like of any other error."""
    text = answer.text if answer.status_code == httpx.codes.INTERNAL_SERVER_ERROR else ""
    if _NOT_UP_YET.search(text):
        return httpx.codes.SERVICE_UNAVAILABLE
    return httpx.codes.GATEWAY_TIMEOUT if _TIMED_OUT.search(text) else answer.status_code


def _first_error(body: bytes) -> str:
    try:
        errors = json.loads(body)["errors"]
    except (ValueError, KeyError, TypeError):
        return body.decode("utf-8", errors="replace").strip()[:300]
    lines = str(errors[0]).splitlines() if errors else []
    return lines[0] if lines else "no reason given"
