"""Train a domain's model when there is none that fits."""

from typing import Any, Final

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException
from airflow.utils.state import DagRunState

from patternalarm.contracts.domain_pack import chosen_pack
from patternalarm.contracts.pack_folder import PackError
from patternalarm.hooks.platform_database import PlatformDatabaseHook
from patternalarm.models.metadata import ModelError
from patternalarm.models.registry import ModelRegistryError, ModelVersion
from patternalarm.models.serving import serving_model
from patternalarm.runs import registry as runs

_POLL_SECONDS: Final = 3


def fitting_model(domain: str) -> ModelVersion:
    """The promoted model of the domain.

    Raises:
        AirflowFailException: the domain has no pack.
        ModelRegistryError, ModelError: it has no model that fits; the message says why.
        PlatformDatabaseError: PostgreSQL cannot be reached.
    """
    try:
        pack = chosen_pack(domain)
    except PackError as error:
        raise AirflowFailException(str(error)) from error
    return PlatformDatabaseHook().write(
        f"look for a model of {domain}", lambda connection: serving_model(connection, pack)
    )


def without_model(domains: list[str]) -> list[str]:
    """Those of ``domains`` that have no model that fits.

    Raises:
        AirflowFailException, PlatformDatabaseError: see ``fitting_model``.
    """

    def lacks(domain: str) -> bool:
        try:
            fitting_model(domain)
        except (ModelRegistryError, ModelError):
            return True
        return False

    return [domain for domain in domains if lacks(domain)]


class TrainMissingModelOperator(TriggerDagRunOperator):  # type: ignore[misc]
    """Runs the DAG that trains models, and waits for it without a worker; is skipped when the domain has a model.

    The training is a run of its own, with its own lease and teardown: whatever becomes of it, nothing of it is left to
    the run that waits here. Of several that wait for the same model, one training is enough: they run one by one, and
    look again at what is missing when their turn comes.

    Args:
        domain: name or folder of the domain's pack.
        dag_id: the DAG that trains, by its parameters ``domain`` and ``only_missing``.
    """

    template_fields = (*TriggerDagRunOperator.template_fields, "domain")

    def __init__(self, *, domain: str, dag_id: str, **kwargs: Any) -> None:
        super().__init__(
            trigger_dag_id=dag_id,
            conf={"domain": domain, "only_missing": True},
            logical_date=None,
            wait_for_completion=True,
            deferrable=True,
            poke_interval=_POLL_SECONDS,
            # A run of a paused DAG would be waited for as long as nobody looks.
            fail_when_dag_is_paused=True,
            openlineage_inject_parent_info=False,
            **kwargs,
        )
        self.domain = domain

    def execute(self, context: Context) -> None:
        """Look for a model, and train one when there is none.

        Raises:
            AirflowSkipException: there is one.
            AirflowFailException: the domain has no pack.
            PlatformDatabaseError: PostgreSQL cannot be reached.
            DagIsPaused: the DAG that trains is.
        """
        try:
            model = fitting_model(self.domain)
        except (ModelRegistryError, ModelError) as error:
            self.log.info("%s: training one for %s first", error, self.domain)
        else:
            raise AirflowSkipException(f"model {model.version} of {self.domain} is promoted and fits")
        super().execute(context)

    def execute_complete(self, context: Context, event: tuple[str, dict[str, Any]]) -> None:  # noqa: ARG002
        """End with the training.

        Raises:
            AirflowFailException: it failed; the message says where.
        """
        _, outcome = event
        (airflow_run_id,) = outcome["run_ids"]
        if outcome[airflow_run_id] == DagRunState.SUCCESS:
            self.log.info("%s has a model now", self.domain)
            return
        opened = PlatformDatabaseHook().write(
            "ask why the training failed",
            lambda connection: runs.runs_of_airflow_run(connection, self.trigger_dag_id, airflow_run_id),
        )
        reason = next((run.reason for run in opened if run.reason), "ended before it opened a run")
        raise AirflowFailException(
            f"no model of {self.domain}: its training {reason}; see run {airflow_run_id} of {self.trigger_dag_id}"
        )
