"""What ends a command with one message instead of a stack trace."""


class UsageError(Exception):
    """Something asked for cannot be; nothing was started. Exit code 2."""


class PlatformError(Exception):
    """A part of the platform cannot be reached or refuses. Exit code 1."""


class AirflowError(PlatformError):
    """Airflow cannot be reached or refuses."""
