"""The command line: starts what the DAGs do, follows it, shows its report. ``python -m patternalarm.cli --help``."""
