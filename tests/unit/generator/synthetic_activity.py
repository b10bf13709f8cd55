"""What the actors of a domain do in two watched minutes, for tests of the order in which frauds unfold."""

import numpy as np
from feature_emulator import emulate

from patternalarm.generator.activity.activity_file import load_activity
from patternalarm.generator.activity.cohort import Cohort
from patternalarm.generator.batch import ColumnKind, concatenate

START_MS = 1_795_498_266_000


def watched_activity(pack):
    """Events of many actors as columns: words of every category ("" = missing), ``feature_<name>`` of every feature,
    campaign (-1 = none), scenario's name ("" = ordinary), time, actor and device."""
    cohort = Cohort(pack.name, load_activity(pack.name), 7, 0, 1_500)
    earlier = [piece.events for piece in cohort.history(START_MS, 8.0)]
    (piece,) = cohort.measured(START_MS, 120.0, 20_000)
    events = piece.events
    features = emulate(pack, cohort.model.columns, concatenate([*earlier, events]))[-len(piece) :]
    names = np.array([*(scenario.name for scenario in piece.scenarios), ""])
    return {
        **{
            column.name: np.array([*column.vocabulary, ""])[events.values[column.name]]
            for column in cohort.model.columns
            if column.kind is ColumnKind.CATEGORY
        },
        **{f"feature_{name}": features[:, number] for number, name in enumerate(pack.feature_names)},
        "campaign": events.row,
        "scenario": names[np.where(events.row >= 0, piece.campaigns.scenario[events.row.clip(0)], -1)],
        "time": events.time_ms,
        "actor": events.actor,
        "device": events.values["device_id"],
    }
