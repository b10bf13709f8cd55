import numpy as np
import pytest

from patternalarm.grading.figures.ranking import average_precision, precision_at_budget, roc_auc


def naive_average_precision(scores: np.ndarray, fraud: np.ndarray) -> float:
    """Threshold by threshold, as the definition says."""
    total, recall = 0.0, 0.0
    for threshold in sorted(set(scores), reverse=True):
        passed = scores >= threshold
        caught = fraud[passed].sum() / fraud.sum()
        total += (caught - recall) * fraud[passed].mean()
        recall = caught
    return total


def naive_roc_auc(scores: np.ndarray, fraud: np.ndarray) -> float:
    """The share of pairs of a fraud and another in which the fraud scores higher, equal scores counting half."""
    pairs = scores[fraud][:, None] - scores[~fraud][None, :]
    return float((np.sign(pairs) / 2 + 0.5).mean())


def naive_precision_at_budget(scores: np.ndarray, fraud: np.ndarray, budget: float) -> float:
    """The highest scores first, of equal ones as many as still fit, at their mean share of fraud."""
    size = left = max(1, round(budget * len(scores)))
    caught = 0.0
    for score in sorted(set(scores), reverse=True):
        equals = fraud[scores == score]
        taken = min(left, len(equals))
        caught += taken * equals.mean()
        left -= taken
    return caught / size


def test_average_precision_by_hand() -> None:
    # Ranked: fraud, other, fraud, other. Precision at the two frauds 1/1 and 2/3, each half of the recall.
    scores, fraud = np.array([0.9, 0.8, 0.7, 0.6]), np.array([True, False, True, False])
    assert average_precision(scores, fraud) == pytest.approx((1 + 2 / 3) / 2)
    assert roc_auc(scores, fraud) == pytest.approx(3 / 4)


def test_order_of_equal_scores_does_not_matter() -> None:
    scores, fraud = np.full(4, 0.5), np.array([True, False, False, False])
    assert average_precision(scores, fraud) == average_precision(scores, fraud[::-1]) == pytest.approx(0.25)
    assert roc_auc(scores, fraud) == pytest.approx(0.5)
    assert precision_at_budget(scores, fraud, 0.5) == precision_at_budget(scores, fraud[::-1], 0.5) == 0.25


@pytest.mark.parametrize("levels", [7, 51, 100_000])
def test_same_as_the_definitions(levels: int) -> None:
    random = np.random.default_rng(levels)
    fraud = random.random(2_000) < 0.03
    scores = np.round((random.random(2_000) + 0.3 * fraud) * levels) / levels
    assert average_precision(scores, fraud) == pytest.approx(naive_average_precision(scores, fraud), abs=1e-12)
    assert roc_auc(scores, fraud) == pytest.approx(naive_roc_auc(scores, fraud), abs=1e-12)
    by_hand = naive_precision_at_budget(scores, fraud, 0.05)
    assert precision_at_budget(scores, fraud, 0.05) == pytest.approx(by_hand, abs=1e-12)


def test_precision_at_budget_counts_the_highest_scores() -> None:
    scores = np.arange(200, dtype=float)
    fraud = np.zeros(200, dtype=bool)
    fraud[[199, 197]] = True
    assert precision_at_budget(scores, fraud, 0.01) == pytest.approx(1 / 2)
    assert precision_at_budget(scores, fraud, 0.02) == pytest.approx(2 / 4)


def test_nothing_labelled_or_nothing_else() -> None:
    none, every = np.zeros(3, dtype=bool), np.ones(3, dtype=bool)
    scores = np.array([0.1, 0.2, 0.3])
    assert average_precision(scores, none) is None
    assert roc_auc(scores, none) is None
    assert roc_auc(scores, every) is None
    assert precision_at_budget(np.empty(0), np.empty(0, dtype=bool), 0.01) is None


@pytest.mark.parametrize("budget", [0.0, 1.5])
def test_budget_is_a_fraction(budget: float) -> None:
    with pytest.raises(ValueError, match="alert budget"):
        precision_at_budget(np.array([1.0]), np.array([True]), budget)
