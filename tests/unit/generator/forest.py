"""A forest as train_model grows it, on emulated features: what it finds, and what a single raw field would."""

import numpy as np
from detection import best_f1, pooled, watch
from sklearn.ensemble import RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier

START_MS = 1_795_498_266_000
TRAINING_SEED, LOAD_TEST_SEED = 1_000_000_001, 8
# As in spark_jobs/training/forest_training.py.
LARGEST_WEIGHT = 10.0
ROWS_PER_LEAF = 5


def cohorts(pack):
    """Watched events to fit on, to set thresholds on and to test on; the last of another seed."""
    return [
        watch(pack, seed, shards, 400, 120.0, 8.0, START_MS)
        for seed, shards in (
            (TRAINING_SEED, range(16)),
            (TRAINING_SEED, range(16, 24)),
            (LOAD_TEST_SEED, range(8)),
        )
    ]


def recall_and_precision_of_a_forest(pack, fitted, held_out, tested):
    """Campaign recall and alert precision on ``tested``, all types pooled, at thresholds set on ``held_out``."""
    classes = len(pack.classes)
    counts = np.bincount(fitted.truth, minlength=classes)
    weights = np.minimum(LARGEST_WEIGHT, counts.max() / counts)
    size = pack.training
    forest = RandomForestClassifier(
        size.trees, max_depth=size.depth, min_samples_leaf=ROWS_PER_LEAF, max_samples=0.7, random_state=3
    )
    forest.fit(fitted.features, fitted.truth, sample_weight=weights[fitted.truth])
    sure = forest.predict_proba(held_out.features)
    thresholds = np.array(
        [best_f1(held_out, sure[:, kind], kind, np.arange(0.4, 0.96, 0.03))[1] for kind in range(1, classes)]
    )
    probability = forest.predict_proba(tested.features)[:, 1:]
    passing = np.where(probability >= thresholds, probability, -1.0)
    decided = np.where(passing.max(axis=1) >= 0, passing.argmax(axis=1) + 1, 0)
    return pooled(tested, decided, classes)


def best_f1_of_single_fields(pack, fitted, tested):
    """Best F1 per (fraud type, raw field) of a tree on that field alone, at the best threshold for ``tested``."""
    scores = {}
    for name, values in fitted.raw.items():
        tree = DecisionTreeClassifier(max_leaf_nodes=24, random_state=0).fit(values, fitted.truth)
        probability = tree.predict_proba(tested.raw[name])
        for position, kind in enumerate(tree.classes_):
            if kind:
                candidates = np.unique(probability[:, position])
                score, _ = best_f1(tested, probability[:, position], kind, candidates[candidates > 0])
                scores[pack.classes[kind], name] = score
    return scores
