"""The error that ends a grading command with one message instead of a stack trace."""


class GradingError(Exception):
    """What was asked for cannot be graded; the message names the cause and the remedy."""


class NoLedgerError(GradingError):
    """The run's events were not counted, be it not yet or because it ended before."""
