"""Airflow's users, and what the API's own may use."""

from typing import Final

ADMIN_USER: Final = "admin"
API_USER: Final = "patternalarm-api"

LOAD_TEST_DAG: Final = "run_load_test"

# The API triggers and reads these, and nothing else of Airflow.
API_DAGS: Final = frozenset({LOAD_TEST_DAG})
