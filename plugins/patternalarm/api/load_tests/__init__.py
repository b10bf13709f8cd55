"""A load test from its request to its verdict, over Airflow."""
