"""Kafka as the jobs read and write it."""
