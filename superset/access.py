"""Who may do what in Superset: the administrator, and a role that looks and cannot touch."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from patternalarm.remedies import WRITE_SECRETS
from patternalarm.settings import get_settings

if TYPE_CHECKING:
    from flask_appbuilder.security.sqla.models import User

ADMIN: Final = "admin"
VIEWER_ROLE: Final = "Viewer"

# Beside what Superset grants the public to see a dashboard: the menu that leads to it, and the user's own page.
_VIEWER_EXTRAS: Final = frozenset(
    {
        ("menu_access", "Dashboards"),
        ("can_userinfo", "UserDBModelView"),
        ("can_read", "SecurityRestApi"),
        ("can_read", "Dataset"),
        ("can_log", "Superset"),
    }
)


class MissingPasswordError(ValueError):
    """The administrator has no password in the settings."""


def ensure_admin() -> "User":
    """The administrator, with the password of the settings; made if absent.

    Raises:
        MissingPasswordError: the settings have none.
    """
    from superset.extensions import security_manager
    from werkzeug.security import check_password_hash

    password = get_settings().superset_admin_password
    if not password:
        raise MissingPasswordError(
            f"Superset's administrator has no password: set PATTERNALARM_SUPERSET_ADMIN_PASSWORD, or {WRITE_SECRETS}"
        )
    user = security_manager.find_user(username=ADMIN)
    if user is None:
        role = security_manager.find_role("Admin")
        return security_manager.add_user(ADMIN, "Pattern", "Alarm", "admin@patternalarm.invalid", role, password)
    if not check_password_hash(user.password, password):
        security_manager.reset_password(user.id, password)
    return user


def grant_viewer(dataset_uuids: Iterable[str]) -> None:
    """Let the viewer role see dashboards over these datasets, and nothing else."""
    from superset.connectors.sqla.models import SqlaTable
    from superset.extensions import db, security_manager

    role = security_manager.add_role(VIEWER_ROLE)
    datasets = db.session.query(SqlaTable).filter(SqlaTable.uuid.in_(list(dataset_uuids)))
    wanted = {
        *security_manager.PUBLIC_ROLE_PERMISSIONS,
        *_VIEWER_EXTRAS,
        *(("datasource_access", dataset.perm) for dataset in datasets),
    }
    known = (security_manager.find_permission_view_menu(permission, view) for permission, view in sorted(wanted))
    role.permissions = [permission for permission in known if permission is not None]
    db.session.commit()
