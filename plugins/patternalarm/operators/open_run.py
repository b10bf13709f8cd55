"""Open a run: everything is checked, nothing is started."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred

from patternalarm.contracts.domain_pack import DomainPack, chosen_pack, load_pack
from patternalarm.contracts.pack_folder import PackError, copy_pack, find_activity, find_pack
from patternalarm.contracts.runs import (
    EVENTS_PER_MINUTE,
    LIVE_SCOPE,
    MAX_MINUTES,
    Level,
    RunKind,
    run_id_of,
)
from patternalarm.engines import target
from patternalarm.generator.foreign.split import ForeignFileError, split_of
from patternalarm.hooks.kafka_topics import KafkaTopicsHook
from patternalarm.hooks.platform_database import PlatformDatabaseHook
from patternalarm.models.metadata import ModelError
from patternalarm.models.registry import ModelRegistryError, ModelVersion, get_model
from patternalarm.models.serving import serving_model
from patternalarm.operators.run_values import RunValues
from patternalarm.operators.task_states import task_states
from patternalarm.patterns import Pattern, PatternError, load_patterns, pattern_set_of
from patternalarm.retrying import before_work_begins
from patternalarm.runs import registry as runs
from patternalarm.runs.closing import RunCloser
from patternalarm.runs.room import Room
from patternalarm.settings import get_settings
from patternalarm.triggers.room_to_run import RoomToRunTrigger

# The longest run that may hold what is waited for, with its warm-up, drain and grading.
_ROOM_PATIENCE: Final = timedelta(minutes=MAX_MINUTES + 30)
_DONE: Final = frozenset({"success", "failed", "skipped", "upstream_failed"})


class OpenRunOperator(BaseOperator):  # type: ignore[misc]
    """Checks that the run can be, then records it and takes its lease. Returns ``RunValues``.

    The setup task of a run: engines reachable, pack and patterns readable, the promoted model whole and of the pack's
    feature set; so that bad input is told before anything is started. The lease comes first of all that a run owns: what
    is found under a run_id without a live lease, is a leftover. Then the pack's folder is copied for the run, and every
    job reads the copy, so that an edit never reaches a job that runs.

    The run_id is that of the attempt: the same attempt opened twice is one run, and an attempt that follows a clearing
    closes the one before it. Where there is no room for one run more, it waits, without a worker and without a lease.

    A load test scores everything after its opening with the domain's promoted model; a replay scores what its pack's
    split leaves for the test with a model of its own; a retraining scores nothing.

    Args:
        kind: what the run is for.
        pack: name or folder of the domain pack.
        level: load level, for a load test.
        events_per_minute: rate in place of the level's; empty for the level's.
        minutes: how long events flow, for a load test.
        seed: seed of the generated events, or of the training.
        alone: open it only once every other run of the same DAG run is closed.
    """

    template_fields = ("pack", "level", "events_per_minute", "minutes", "seed")

    def __init__(
        self,
        *,
        kind: RunKind,
        pack: str,
        level: str | None = None,
        events_per_minute: str = "",
        minutes: str | None = None,
        seed: str = "0",
        alone: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.kind = kind
        self.pack = pack
        self.level = level
        self.events_per_minute = events_per_minute
        self.minutes = minutes
        self.seed = seed
        self.alone = alone

    def execute(self, context: Context) -> RunValues:
        """Check, record, lease; wait for room before.

        Raises:
            AirflowFailException: pack, patterns or model are not fit for the run, it is closed already, or it was cleared
                without all that follows it.
            ClosingError: an earlier attempt cannot be closed.
            EngineError, KafkaTopicsError, PlatformDatabaseError: an engine cannot be reached.
        """
        return self._open(context, time.time() + _ROOM_PATIENCE.total_seconds())

    def resume(self, context: Context, event: dict[str, Any], until: float) -> RunValues:
        """There is room, or patience has ended.

        Raises:
            AirflowFailException: patience has ended; the message says who has the room. Beside that, see ``execute``.
        """
        if "reason" in event:
            raise AirflowFailException(event["reason"])
        return self._open(context, until)

    def _open(self, context: Context, until: float) -> RunValues:
        try:
            folder, pack = find_pack(self.pack), chosen_pack(self.pack)
            patterns = load_patterns(folder, pack)
            if self.kind is not RunKind.REPLAY:
                find_activity(folder)
        except (PackError, PatternError) as error:
            raise AirflowFailException(str(error)) from error
        train_until, test_from = self._split(pack)
        with before_work_begins():
            self._check_engines()
            room = Room.now()
        dag_run, ti = context["dag_run"], context["ti"]
        map_index = -1 if ti.map_index is None else ti.map_index
        minutes = float(self.minutes) if self.minutes is not None else None
        opened_at = datetime.now(UTC)
        wanted = runs.Run(
            run_id=run_id_of(
                self.kind,
                pack.name,
                dag_id=dag_run.dag_id,
                airflow_run_id=dag_run.run_id,
                run_after=dag_run.run_after,
                map_index=map_index,
                clear_number=dag_run.clear_number or 0,
            ),
            kind=self.kind,
            domain=pack.name,
            dag_id=dag_run.dag_id,
            airflow_run_id=dag_run.run_id,
            pack_version=pack.version,
            feature_set=pack.feature_set,
            pattern_set=pattern_set_of(patterns),
            requested_at=opened_at,
            level=self.level,
            seed=int(self.seed),
            minutes=minutes,
            dag_version=str(ti.dag_version_id),
            params=dict(context["params"]),
            measured_from=test_from,
            measured_until=opened_at if test_from else None,
        )
        self._close_earlier_attempts(wanted)
        self._refuse_half_a_clearing(context)
        alone_in = (wanted.dag_id, wanted.airflow_run_id) if self.alone else None
        try:
            opened = PlatformDatabaseHook().write(
                f"open run {wanted.run_id}", lambda connection: self._record(connection, wanted, pack, room, alone_in)
            )
        except runs.RunClosedError as error:
            raise AirflowFailException(str(error)) from error
        if isinstance(opened, str):
            raise self._waiting(wanted, opened, until)
        run, model = opened
        run_dir = target.files().directory(run.run_id)
        copy = Path(run_dir) / "pack"
        try:
            self._copy(folder, copy, pack, patterns)
        except Exception as error:
            # A run whose opening fails has no teardown.
            RunCloser(self.log).close(run.run_id, runs.RunState.FAILED, str(error))
            raise
        self.log.info("opened run %s of %s", run.run_id, run.domain)
        settings = get_settings()
        return RunValues(
            run_id=run.run_id,
            domain=pack.name,
            pack=str(copy),
            opened_at=run.requested_at.astimezone(UTC).isoformat(timespec="milliseconds"),
            score_from_ms=int((test_from or run.requested_at).timestamp() * 1000),
            events_per_minute=self._rate(),
            seed=int(self.seed),
            model_dir=model.path if model else str(settings.models_dir / pack.name / run.run_id),
            new_version=run.run_id,
            train_until=train_until.isoformat(timespec="milliseconds") if train_until else "",
            test_from=test_from.isoformat(timespec="milliseconds") if test_from else "",
            run_dir=run_dir,
            feature_log=str(settings.feature_log_dir / pack.name / run.run_id),
        )

    def _record(
        self, connection: Any, wanted: runs.Run, pack: DomainPack, room: Room, alone_in: tuple[str, str] | None
    ) -> tuple[runs.Run, ModelVersion | None] | str:
        """The run as it is recorded, with the model that scores it; or why there is no room for it."""
        runs.alone_to_open(connection)
        found = runs.open_runs(connection)
        others = [run for run in found if run.run_id != wanted.run_id]
        if len(others) == len(found) and (lack := room.lack(others, alone_in)):
            return lack
        model = self._promoted_model(connection, pack) if self.kind is RunKind.LOAD_TEST else None
        run = runs.open_run(connection, replace(wanted, model_version=model.version if model else None))
        runs.acquire_lease(connection, run.run_id, runs.LEASE_DURATION)
        if run.model_version and model and run.model_version != model.version:
            # Opened before, and another one was promoted since.
            model = get_model(connection, pack.name, run.model_version)
        return run, model

    def _close_earlier_attempts(self, wanted: runs.Run) -> None:
        found = PlatformDatabaseHook().write("look for earlier attempts", runs.open_runs)
        for run in found:
            same = (run.dag_id, run.airflow_run_id, run.domain) == (wanted.dag_id, wanted.airflow_run_id, wanted.domain)
            if same and run.run_id != wanted.run_id:
                self.log.info("closing %s, the attempt before this one", run.run_id)
                reason = f"was cleared; the next attempt is {wanted.run_id}"
                RunCloser(self.log).close(run.run_id, runs.RunState.FAILED, reason, keep_topics=run.keep_topics)

    def _refuse_half_a_clearing(self, context: Context) -> None:
        # With any task, Airflow clears its setup and its teardown: this one and the closing of what it opens.
        after = context["task"].get_flat_relative_ids(upstream=False)
        states = task_states(context["ti"])
        done = sorted(task_id for task_id in after if states.get(task_id) in _DONE)
        if done:
            raise AirflowFailException(
                f"not all that follows was cleared: {', '.join(done)} ran for the attempt before, and no run goes on where "
                f"another ended. Trigger the DAG again, or clear {self.task_id} with all that follows it"
            )

    def _waiting(self, wanted: runs.Run, lack: str, until: float) -> TaskDeferred:
        self.log.info("waiting: %s", lack)
        trigger = RoomToRunTrigger(
            run_id=wanted.run_id,
            dag_id=wanted.dag_id,
            airflow_run_id=wanted.airflow_run_id,
            alone=self.alone,
            patience=max(0.0, until - time.time()),
        )
        return TaskDeferred(
            trigger=trigger, method_name="resume", kwargs={"until": until}, timeout=self.execution_timeout
        )

    def _rate(self) -> int:
        if self.events_per_minute:
            return int(self.events_per_minute)
        return EVENTS_PER_MINUTE[Level(self.level)] if self.level else 0

    @staticmethod
    def _copy(folder: Path, copy: Path, pack: DomainPack, patterns: list[Pattern]) -> None:
        """Copy the pack's folder; what was checked is what the run gets."""
        try:
            if not copy.exists():
                copy_pack(folder, copy)
            copied = load_pack(copy)
            unchanged = (copied, load_patterns(copy, copied)) == (pack, patterns)
        except (PackError, PatternError) as error:
            raise AirflowFailException(str(error)) from error
        if not unchanged:
            raise AirflowFailException(f"domain pack {folder} was edited while the run was opened: start it again")

    def _split(self, pack: DomainPack) -> tuple[datetime | None, datetime | None]:
        if self.kind is not RunKind.REPLAY:
            return None, None
        if pack.source is None:
            raise AirflowFailException(
                f"pack {pack.name} maps no file: give it a `source`, or choose a pack that has one"
            )
        try:
            split = split_of(pack.source)
        except ForeignFileError as error:
            raise AirflowFailException(f"pack {pack.name}: {error}") from error
        return _utc(split.train_until_ms), _utc(split.test_from_ms)

    @staticmethod
    def _check_engines() -> None:
        KafkaTopicsHook().check()
        target.processes().names(LIVE_SCOPE)

    @staticmethod
    def _promoted_model(connection: Any, pack: DomainPack) -> ModelVersion:
        try:
            return serving_model(connection, pack)
        except (ModelRegistryError, ModelError) as error:
            raise AirflowFailException(str(error)) from error


def _utc(epoch_ms: int) -> datetime:
    return datetime.fromtimestamp(epoch_ms / 1000, UTC)
