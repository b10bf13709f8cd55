"""Airflow's simple auth manager, with a user for the API who may use a few DAGs and see nothing else."""

from typing import Any, Final

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

from patternalarm.contracts.airflow_users import API_DAGS, API_USER

_READABLE: Final = (None, DagAccessEntity.RUN, DagAccessEntity.TASK_INSTANCE)
_CHANGEABLE: Final = (DagAccessEntity.RUN,)


class PlatformAuthManager(SimpleAuthManager):  # type: ignore[misc]
    """Everybody but the API's user is treated as Airflow's own manager does.

    Airflow has no rights by DAG for the users of its simple manager, so a leaked password of the API's user would trigger
    and read everything.
    """

    def is_authorized_dag(
        self,
        *,
        method: str,
        user: SimpleAuthManagerUser,
        access_entity: DagAccessEntity | None = None,
        details: DagDetails | None = None,
    ) -> bool:
        """Whether ``user`` may do this to a DAG, or to a part of it."""
        if user.username != API_USER:
            return bool(
                super().is_authorized_dag(method=method, user=user, access_entity=access_entity, details=details)
            )
        if details is None or details.id not in API_DAGS:
            return False
        if method == "GET":
            return access_entity in _READABLE
        return method in ("POST", "PUT") and access_entity in _CHANGEABLE

    @staticmethod
    def _is_authorized(*, user: SimpleAuthManagerUser, **question: Any) -> bool:
        # Connections, variables, pools, assets, configuration and views: everything beside DAGs goes through here.
        return user.username != API_USER and bool(SimpleAuthManager._is_authorized(user=user, **question))
