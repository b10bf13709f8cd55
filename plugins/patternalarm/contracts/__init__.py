"""Sole owner of every name that two parts of the platform share: events, features, alerts, topics, tables, runs."""
