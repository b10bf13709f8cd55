import numpy as np

from patternalarm.studies.batching import without_spark
from patternalarm.studies.batching.requests import ROWS_PER_REQUEST
from patternalarm.studies.batching.result import Way


class Scorer:
    """Counts the rows of each request."""

    def __init__(self):
        self.asked = []

    def score(self, rows):
        self.asked.append(len(rows))


def test_every_size_is_asked_of_the_scorer(monkeypatch):
    monkeypatch.setattr(without_spark, "_AT_LEAST_SECONDS", 0.0)
    scorer = Scorer()

    found = without_spark.measure_in_process(scorer, np.zeros((10, 2)), requests=2, warm_up=1)

    assert [(one.way, one.rows, one.requests) for one in found] == [(Way.IN_PROCESS, n, 2) for n in ROWS_PER_REQUEST]
    assert scorer.asked == [n for n in ROWS_PER_REQUEST for _ in range(3)]
