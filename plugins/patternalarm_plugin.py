"""What PatternAlarm registers with Airflow: its name, so far; API, views and listeners will be added here."""

from typing import ClassVar

from airflow.plugins_manager import AirflowPlugin


class PatternAlarmPlugin(AirflowPlugin):  # type: ignore[misc]
    """The platform's plugin. An API that it mounts must bring Airflow's own authentication: Airflow adds none."""

    name: ClassVar[str] = "patternalarm"
