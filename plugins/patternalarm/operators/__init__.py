"""Airflow operators: one class per file, each starts or asks for one thing and leaves the waiting to a trigger."""
