"""The planted history as rows that a forest grows on."""

from history import planted


def rows(spark, pack):
    """Columns actor_id, event_id, values and label, the index of the class."""
    features, labels = planted(pack)
    verdict = {label["event_id"]: pack.classes.index(label["verdict"]) for label in labels}
    return spark.createDataFrame(
        [(f["actor_id"], f["event_id"], f["values"], verdict.get(f["event_id"], 0)) for f in features],
        "actor_id string, event_id string, `values` array<double>, label int",
    )
