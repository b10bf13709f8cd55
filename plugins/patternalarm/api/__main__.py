"""The API as a process: ``python -m patternalarm.api``, on ``bind_host`` and ``api_port`` of the settings.

It starts whatever of its dependencies is up, and tells by ``/api/health/ready``. SIGTERM lets requests end and leaves with 0;
exit code 2 when the settings are wrong.
"""

import logging
import logging.config
import sys
from typing import Any, Final

import uvicorn

from patternalarm.api.application import create_app
from patternalarm.contracts.exit_codes import ExitCode
from patternalarm.settings import SettingsError, get_settings

_STOP_SECONDS: Final = 5

# JSON, each line with the id of the request that it belongs to.
_LOGGING: Final[dict[str, Any]] = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"request": {"()": "asgi_correlation_id.CorrelationIdFilter", "uuid_length": 64, "default_value": None}},
    "formatters": {
        "json": {
            "()": "pythonjsonlogger.json.JsonFormatter",
            "fmt": "%(asctime)s %(levelname)s %(name)s %(message)s %(correlation_id)s",
            "rename_fields": {"asctime": "time", "levelname": "level", "name": "logger", "correlation_id": "requestId"},
        }
    },
    "handlers": {
        "out": {
            "class": "logging.StreamHandler",
            "stream": "ext://sys.stdout",
            "formatter": "json",
            "filters": ["request"],
        }
    },
    "root": {"handlers": ["out"], "level": "INFO"},
    "loggers": {"httpx": {"level": "WARNING"}, "psycopg.pool": {"level": "ERROR"}},
}


def main() -> int:
    """Serve until asked to stop."""
    try:
        settings = get_settings()
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return ExitCode.BAD_INPUT
    logging.config.dictConfig(_LOGGING)
    uvicorn.run(
        create_app(settings),
        host=settings.bind_host,
        port=settings.api_port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_STOP_SECONDS,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
