"""PostgreSQL schemas, tables and roles. The migrations create them; everybody else reads their names here."""

from typing import Final

PLATFORM_SCHEMA: Final = "platform"
ALERTING_SCHEMA: Final = "alerting"

# platform: what Airflow's runs write about themselves.
RUN: Final = f"{PLATFORM_SCHEMA}.run"
LEASE: Final = f"{PLATFORM_SCHEMA}.lease"
MODEL_VERSION: Final = f"{PLATFORM_SCHEMA}.model_version"
SHARD_LEDGER: Final = f"{PLATFORM_SCHEMA}.shard_ledger"
RUN_LEDGER: Final = f"{PLATFORM_SCHEMA}.run_ledger"
RUN_VELOCITY: Final = f"{PLATFORM_SCHEMA}.run_velocity"
RUN_METRIC: Final = f"{PLATFORM_SCHEMA}.run_metric"
RUN_INTERRUPTION: Final = f"{PLATFORM_SCHEMA}.run_interruption"
GROUND_TRUTH_CAMPAIGN: Final = f"{PLATFORM_SCHEMA}.ground_truth_campaign"
GROUND_TRUTH_EVENT: Final = f"{PLATFORM_SCHEMA}.ground_truth_event"

# platform: what the API writes about its callers.
RUN_REQUEST: Final = f"{PLATFORM_SCHEMA}.run_request"
API_KEY: Final = f"{PLATFORM_SCHEMA}.api_key"
UNMASKING: Final = f"{PLATFORM_SCHEMA}.unmasking"

# alerting: what the alert writer, and nobody else, writes; cases and allow-lists belong to analysts.
ALERT: Final = f"{ALERTING_SCHEMA}.alert"
ALERT_EVENT: Final = f"{ALERTING_SCHEMA}.alert_event"
CONSUMER_OFFSET: Final = f"{ALERTING_SCHEMA}.consumer_offset"
CASE_EVENT: Final = f"{ALERTING_SCHEMA}.case_event"
CASE_STATE: Final = f"{ALERTING_SCHEMA}.case_state"
ALLOW_LIST_ENTRY: Final = f"{ALERTING_SCHEMA}.allow_list_entry"
ALLOW_LIST_DECISION: Final = f"{ALERTING_SCHEMA}.allow_list_decision"
ALLOW_LIST: Final = f"{ALERTING_SCHEMA}.allow_list"
QUARANTINED_RECORD: Final = f"{ALERTING_SCHEMA}.quarantined_record"

OWNER_ROLE: Final = "patternalarm_owner"
SCORER_ROLE: Final = "patternalarm_scorer"
PLATFORM_ROLE: Final = "patternalarm_platform"
DBT_ROLE: Final = "patternalarm_dbt"
READER_ROLE: Final = "patternalarm_reader"
API_ROLE: Final = "patternalarm_api"
AIRFLOW_ROLE: Final = "airflow"
SUPERSET_ROLE: Final = "superset"
