"""Grading of a run: the ledger of its events, ground truth against alerts, the report and the verdict.

The order is account -> measure -> report -> verdict; each is a command of its own and reads what the one before stored.
"""
