"""How well frauds can be found: labelled features of whole cohorts, and campaign recall and alert precision on them.

An alert is an (actor, type) with an event above the type's threshold; it is right when one of those events is fraud. A
campaign is found when one of its events alerts.
"""

from dataclasses import dataclass

import numpy as np
from feature_emulator import emulate

from patternalarm.generator.activity.activity_file import load_activity
from patternalarm.generator.activity.cohort import Cohort
from patternalarm.generator.batch import ColumnKind, concatenate

HOUR_MS = 3_600_000


@dataclass
class Watched:
    """The watched events of some cohorts: features (missing is -1), raw columns, class, actor, campaign (-1 = none)."""

    features: np.ndarray
    raw: dict
    truth: np.ndarray
    actor: np.ndarray
    campaign: np.ndarray


def watch(pack, seed, shards, actors, seconds, depth, start_ms):
    """Cohorts of a seed, each at another hour, watched for ``seconds`` at the load of a load test."""
    parts = []
    for shard in shards:
        cohort = Cohort(pack.name, load_activity(pack.name), seed, shard, actors)
        begin = start_ms + shard * 7 * HOUR_MS
        earlier = list(cohort.history(begin, depth))
        (piece,) = cohort.measured(begin, seconds, round(actors * 4 * seconds / 60))
        events = concatenate([*(slice_.events for slice_ in earlier), piece.events])
        watched = np.arange(len(events) - len(piece), len(events))
        features = np.nan_to_num(emulate(pack, cohort.model.columns, events)[watched], nan=-1.0)
        classes = np.array([pack.classes.index(s.fraud_type) if s.fraud else 0 for s in piece.scenarios])
        rows = piece.events.row
        truth = np.where(rows >= 0, classes[piece.campaigns.scenario[rows.clip(0)]], 0)
        campaign = np.where(rows >= 0, rows + shard * 1_000_000, -1)
        raw = {column.name: encoded(column, piece.events.values[column.name]) for column in cohort.model.columns}
        parts.append((features, raw, truth, piece.events.actor, campaign))
    columns = list(zip(*parts, strict=True))
    raw = {name: np.concatenate([part[name] for part in columns[1]]) for name in columns[1][0]}
    return Watched(np.concatenate(columns[0]), raw, *(np.concatenate(column) for column in columns[2:]))


def encoded(column, values):
    """A raw column as a tree can use it: words one-hot, ids by whether they are there."""
    if column.kind is ColumnKind.CATEGORY:
        return np.eye(len(column.vocabulary) + 1)[values]
    if column.kind in (ColumnKind.ID, ColumnKind.IP):
        return (values != column.missing).astype(float)[:, None]
    return np.nan_to_num(values.astype(float), nan=-1.0)[:, None]


def recall_and_precision(watched, alerted, fraud):
    """Of the campaigns of ``fraud`` events, the share found; of the actors with an alert, the share that is right."""
    campaigns = np.unique(watched.campaign[fraud])
    found = np.unique(watched.campaign[fraud & alerted])
    actors = np.unique(watched.actor[alerted])
    right = np.unique(watched.actor[alerted & fraud])
    return len(found) / max(1, len(campaigns)), len(right) / max(1, len(actors))


def f1(recall, precision):
    return 2 * recall * precision / max(recall + precision, 1e-9)


def best_f1(watched, probability, kind, candidates):
    """The best F1 of one type over thresholds, and the lowest threshold that has it."""
    graded = [
        (f1(*recall_and_precision(watched, probability >= threshold, watched.truth == kind)), -threshold)
        for threshold in candidates
    ]
    score, threshold = max(graded)
    return score, -threshold


def pooled(watched, decided, classes):
    """Recall over all campaigns and precision over the alerts of all types, an alert being an actor and a type."""
    fraud = watched.truth > 0
    recall, _ = recall_and_precision(watched, decided > 0, fraud)
    alerts = right = 0
    for kind in range(1, classes):
        alerts += len(np.unique(watched.actor[decided == kind]))
        right += len(np.unique(watched.actor[(decided == kind) & fraud]))
    return recall, right / max(1, alerts)
