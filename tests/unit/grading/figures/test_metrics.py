import numpy as np

from patternalarm.grading.figures.metrics import DESCRIPTIONS, MetricName, percentile, proportion


def test_every_metric_is_described() -> None:
    assert set(DESCRIPTIONS) == set(MetricName)


def test_percentile_is_a_value_that_was_observed() -> None:
    values = np.array([10.0, 20.0, 30.0, 40.0])
    assert percentile(values, 0.50) == 20
    assert percentile(values, 0.51) == 30
    assert percentile(values, 0.99) == 40
    assert percentile(np.empty(0), 0.5) is None


def test_share_of_nothing_has_no_value() -> None:
    nothing = proportion(MetricName.CAMPAIGN_RECALL, 0, 0)
    assert (nothing.value, nothing.ci_low, nothing.ci_high, nothing.denominator) == (None, None, None, 0)
