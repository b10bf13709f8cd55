"""An Airflow that knows nothing of this machine: its home is a fresh directory, set before Airflow is imported."""

import os
import tempfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent.parent

os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="patternalarm-airflow-")
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
os.environ["AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION"] = "False"
os.environ["AIRFLOW__CORE__DAGS_FOLDER"] = str(REPOSITORY / "dags")
os.environ["AIRFLOW__CORE__PLUGINS_FOLDER"] = str(REPOSITORY / "plugins")
os.environ["AIRFLOW__COSMOS__ENABLE_TELEMETRY"] = "False"


@pytest.fixture(scope="session")
def dag_bag():
    """All DAGs, parsed as the DAG processor does."""
    from airflow.dag_processing.dagbag import DagBag

    return DagBag(REPOSITORY / "dags")
