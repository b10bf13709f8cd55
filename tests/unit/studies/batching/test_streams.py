import json

import numpy as np

from patternalarm.contracts.records import FEATURES_COLUMNS
from patternalarm.studies.batching.streams import Feed, features_records


def test_a_record_holds_every_column_and_its_number():
    rows = np.array([[1.0, np.nan], [2.0, 3.0]])
    records = [json.loads(record) for record in features_records(rows, "abc", 3, 2)]
    assert [list(record) for record in records] == [list(FEATURES_COLUMNS)] * 2
    assert [record["source_offset"] for record in records] == [3, 4]
    assert [record["values"] for record in records] == [[2.0, 3.0], [1.0, "NaN"]]


def test_events_count_after_the_full_topic_and_the_warm_up():
    feed = Feed(full_topic=1_000, per_second=100, seconds=20, warm_up_seconds=5)
    assert feed.paced == 2_500
    assert feed.first_that_counts == 1_500
