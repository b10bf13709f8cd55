"""Airflow triggers: what a deferred operator waits for, one class per file."""
