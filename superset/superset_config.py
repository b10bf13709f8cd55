"""Superset's configuration: PostgreSQL for its metadata, an in-process cache, no Celery and no Redis.

Everything that differs between machines comes from ``patternalarm.settings``; the key that signs sessions and encrypts
the connection's password comes from PATTERNALARM_SUPERSET_SECRET_KEY or SUPERSET_SECRET_KEY.

Raises:
    RuntimeError: there is no such key.
"""

import os
from typing import Any

from superset.utils.log import AbstractEventLogger

from patternalarm.contracts.tables import SUPERSET_ROLE
from patternalarm.remedies import WRITE_SECRETS
from patternalarm.settings import get_settings

_settings = get_settings()

SECRET_KEY = os.environ.get("PATTERNALARM_SUPERSET_SECRET_KEY") or os.environ.get("SUPERSET_SECRET_KEY", "")
if not SECRET_KEY:
    raise RuntimeError(f"Superset has no secret key: set PATTERNALARM_SUPERSET_SECRET_KEY, or {WRITE_SECRETS}")

SQLALCHEMY_DATABASE_URI = _settings.dsn(
    SUPERSET_ROLE, _settings.superset_db_password, _settings.superset_database, driver="postgresql+psycopg2"
)
SQLALCHEMY_ENGINE_OPTIONS = {"pool_size": 8, "max_overflow": 4, "pool_pre_ping": True, "pool_recycle": 1800}

SUPERSET_WEBSERVER_ADDRESS = _settings.bind_host
SUPERSET_WEBSERVER_PORT = _settings.superset_port
SUPERSET_WEBSERVER_TIMEOUT = 30

APP_NAME = "PatternAlarm"
LOGO_TARGET_PATH = "/superset/dashboard/live-fraud/"

# Cookies know no ports, and Airflow's UI lives on the same host.
SESSION_COOKIE_NAME = "patternalarm_superset"
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_HTTPONLY = True

# Airflow's UI shows the dashboard in a frame, under either name of this host; nobody else may.
_FRAME_ANCESTORS = [
    "'self'",
    _settings.page("airflow"),
    f"http://localhost:{_settings.airflow_port}",
]
ENABLE_CORS = False
TALISMAN_ENABLED = True
TALISMAN_CONFIG = {
    "content_security_policy": {
        "base-uri": ["'self'"],
        "default-src": ["'self'"],
        "img-src": ["'self'", "blob:", "data:"],
        "worker-src": ["'self'", "blob:"],
        "connect-src": ["'self'"],
        "object-src": "'none'",
        "style-src": ["'self'", "'unsafe-inline'"],
        "font-src": ["'self'"],
        "script-src": ["'self'", "'strict-dynamic'"],
        "frame-ancestors": _FRAME_ANCESTORS,
    },
    "content_security_policy_nonce_in": ["script-src"],
    # X-Frame-Options knows no second origin and would contradict frame-ancestors.
    "frame_options": None,
    "force_https": False,
    "session_cookie_secure": False,
}

FEATURE_FLAGS = {
    "ALERT_REPORTS": False,
    "DASHBOARD_RBAC": False,
    "EMBEDDED_SUPERSET": False,
    "ENABLE_TEMPLATE_PROCESSING": False,
    "GLOBAL_ASYNC_QUERIES": False,
    "THUMBNAILS": False,
}

# A dashboard refreshes every ten seconds, so an answer that is five seconds old serves every viewer and still is new.
DASHBOARD_AUTO_REFRESH_MODE = "fetch"
CACHE_CONFIG = {"CACHE_TYPE": "SimpleCache", "CACHE_DEFAULT_TIMEOUT": 300, "CACHE_THRESHOLD": 500}
DATA_CACHE_CONFIG = {"CACHE_TYPE": "SimpleCache", "CACHE_DEFAULT_TIMEOUT": 5, "CACHE_THRESHOLD": 500}

CELERY_CONFIG = None
RESULTS_BACKEND = None


class _NoEventLogger(AbstractEventLogger):  # type: ignore[misc]
    """Drops Superset's log of user actions: it would gain a row per chart and refresh, for as long as one looks."""

    def log(self, *args: Any, **kwargs: Any) -> None:
        """Do nothing."""


EVENT_LOGGER = _NoEventLogger()
