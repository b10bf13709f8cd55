"""Open a run: everything is checked, nothing is started."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowFailException

from patternalarm.contracts.domain_pack import DomainPack, chosen_pack, load_pack
from patternalarm.contracts.pack_folder import PackError, copy_pack, find_activity, find_pack
from patternalarm.contracts.runs import EVENTS_PER_MINUTE, LIVE_SCOPE, Level, RunKind, new_run_id
from patternalarm.engines import target
from patternalarm.generator.foreign.split import ForeignFileError, split_of
from patternalarm.hooks.kafka_topics import KafkaTopicsHook
from patternalarm.hooks.platform_database import PlatformDatabaseHook
from patternalarm.models.metadata import ModelError
from patternalarm.models.registry import ModelRegistryError, ModelVersion
from patternalarm.models.serving import serving_model
from patternalarm.operators.run_values import RunValues
from patternalarm.patterns import Pattern, PatternError, load_patterns, pattern_set_of
from patternalarm.retrying import before_work_begins
from patternalarm.runs import registry as runs
from patternalarm.settings import get_settings

# Warm-up, drain, grading and a slow machine, beside the minutes asked for.
_LEASE_MARGIN: Final = timedelta(minutes=60)


class OpenRunOperator(BaseOperator):  # type: ignore[misc]
    """Checks that the run can be, then records it and takes its lease. Returns ``RunValues``.

    The setup task of a run: engines reachable, pack and patterns readable, the promoted model whole and of the pack's
    feature set; so that bad input is told before anything is started. The pack's folder is copied for the run, and every
    job reads the copy, so that an edit never reaches a job that runs.

    A load test scores everything after its opening with the domain's promoted model; a replay scores what its pack's
    split leaves for the test with a model of its own; a retraining scores nothing.

    Args:
        kind: what the run is for.
        pack: name or folder of the domain pack.
        level: load level, for a load test.
        events_per_minute: rate in place of the level's; empty for the level's.
        minutes: how long events flow, for a load test.
        seed: seed of the generated events, or of the training.
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
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.kind = kind
        self.pack = pack
        self.level = level
        self.events_per_minute = events_per_minute
        self.minutes = minutes
        self.seed = seed

    def execute(self, context: Context) -> RunValues:
        """Check, record, lease.

        Raises:
            AirflowFailException: pack, patterns or model are not fit for the run.
            EngineError, KafkaTopicsError, PlatformDatabaseError: an engine cannot be reached.
        """
        opened_at = datetime.now(UTC)
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
        run_id = new_run_id(self.kind, pack.name, opened_at)
        minutes = float(self.minutes) if self.minutes is not None else None

        def record(connection: Any) -> ModelVersion | None:
            model = self._promoted_model(connection, pack) if self.kind is RunKind.LOAD_TEST else None
            dag_run = context["dag_run"]
            runs.open_run(
                connection,
                runs.Run(
                    run_id=run_id,
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
                    dag_version=str(context["ti"].dag_version_id),
                    model_version=model.version if model else None,
                    params=dict(context["params"]),
                    measured_from=test_from,
                    measured_until=opened_at if test_from else None,
                ),
            )
            runs.acquire_lease(connection, run_id, timedelta(minutes=minutes or 0) + _LEASE_MARGIN)
            return model

        settings, files = get_settings(), target.files()
        run_dir = Path(files.directory(run_id))
        try:
            self._copy(folder, run_dir / "pack", pack, patterns)
            model = PlatformDatabaseHook().write(f"open run {run_id}", record)
        except Exception:
            # A run that is not open has no teardown.
            files.remove(run_id)
            raise
        self.log.info("opened run %s of %s", run_id, pack.name)
        version = opened_at.strftime("%Y%m%d-%H%M%S")
        return RunValues(
            run_id=run_id,
            domain=pack.name,
            pack=str(run_dir / "pack"),
            opened_at=opened_at.isoformat(timespec="milliseconds"),
            score_from_ms=int((test_from or opened_at).timestamp() * 1000),
            events_per_minute=self._rate(),
            seed=int(self.seed),
            model_dir=model.path if model else str(settings.models_dir / pack.name / version),
            new_version=version,
            train_until=train_until.isoformat(timespec="milliseconds") if train_until else "",
            test_from=test_from.isoformat(timespec="milliseconds") if test_from else "",
            run_dir=str(run_dir),
            feature_log=str(settings.feature_log_dir / pack.name / run_id),
        )

    def _rate(self) -> int:
        if self.events_per_minute:
            return int(self.events_per_minute)
        return EVENTS_PER_MINUTE[Level(self.level)] if self.level else 0

    @staticmethod
    def _copy(folder: Path, copy: Path, pack: DomainPack, patterns: list[Pattern]) -> None:
        """Copy the pack's folder; what was checked is what the run gets."""
        try:
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
        target.flink().free_slots()
        target.processes().names(LIVE_SCOPE)

    @staticmethod
    def _promoted_model(connection: Any, pack: DomainPack) -> ModelVersion:
        try:
            return serving_model(connection, pack)
        except (ModelRegistryError, ModelError) as error:
            raise AirflowFailException(str(error)) from error


def _utc(epoch_ms: int) -> datetime:
    return datetime.fromtimestamp(epoch_ms / 1000, UTC)
