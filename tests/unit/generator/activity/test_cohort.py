import numpy as np

from patternalarm.contracts.topics import DAY_MS
from patternalarm.generator.activity.activity_file import load_activity
from patternalarm.generator.activity.cohort import HISTORY_EVENTS, SHALLOW_HISTORY_EVENTS, Cohort, history_depth
from patternalarm.generator.publishing.publication import PACED_EVENTS, UNPACED_EVENTS, chunks_of

START_MS = 1_795_498_266_000


def cohort_of(domain, seed, shard, actors):
    return Cohort(domain, load_activity(domain), seed, shard, actors)


def published(domain, seed=7, shard=0, start_ms=START_MS, phase="measured", size=UNPACED_EVENTS):
    """Keys and values as they go to Kafka."""
    cohort = cohort_of(domain, seed, shard, 150)
    pieces = cohort.history(start_ms, 2.0) if phase == "history" else cohort.measured(start_ms, 240.0, 2_000)
    return [
        (key, value)
        for piece in pieces
        for chunk in chunks_of(domain, cohort.model.columns, piece.events, piece.event_ids, piece.send_ms, size)
        for key, value in zip(chunk.keys, chunk.values, strict=True)
    ]


def test_same_seed_shard_and_start_give_the_same_bytes_however_they_are_cut(domain):
    assert published(domain) == published(domain, size=PACED_EVENTS)
    assert published(domain, phase="history") == published(domain, phase="history")


def test_another_seed_shard_or_start_shares_no_event(domain):
    first = set(published(domain))
    for other in (
        published(domain, seed=8),
        published(domain, shard=1),
        published(domain, start_ms=START_MS + DAY_MS),
        published(domain, phase="history"),
    ):
        assert not first & set(other)


def test_another_seed_or_shard_has_other_actors(domain):
    actors = [
        set(cohort_of(domain, seed, shard, 150).model.population.id.tolist())
        for seed, shard in ((7, 0), (8, 0), (7, 1))
    ]
    assert not actors[0] & actors[1]
    assert not actors[0] & actors[2]


def test_event_times_follow_the_start_to_the_millisecond_within_an_hour(domain):
    (early,) = cohort_of(domain, 7, 0, 150).measured(START_MS, 120.0, 1_000)
    (late,) = cohort_of(domain, 7, 0, 150).measured(START_MS + 13, 120.0, 1_000)
    assert np.array_equal(early.events.time_ms + 13, late.events.time_ms)


def test_measured_slices_have_exactly_the_events_asked_for_in_consecutive_spans(cohort):
    pieces = list(cohort.measured(START_MS, 600.0, 10_007))
    assert sum(len(piece) for piece in pieces) == 10_007
    assert len(pieces) == 5
    for index, piece in enumerate(pieces):
        begin = START_MS + index * 120_000
        assert begin <= piece.events.time_ms.min()
        assert piece.events.time_ms.max() < begin + 120_000


def test_history_is_earlier_quiet_and_as_deep_as_asked(cohort):
    population = cohort.model.population
    for depth in (HISTORY_EVENTS, SHALLOW_HISTORY_EVENTS):
        pieces = list(cohort.history(START_MS, depth))
        times = np.concatenate([piece.events.time_ms for piece in pieces])
        assert times.max() < START_MS - DAY_MS / 2
        assert all((piece.events.row == -1).all() and not len(piece.campaigns) for piece in pieces)
        assert 0.6 * depth < len(times) / len(population) < 1.6 * depth


def test_history_gives_old_actors_habits_and_new_ones_none_before_they_existed(cohort):
    population = cohort.model.population
    pieces = list(cohort.history(START_MS, HISTORY_EVENTS))
    seen = np.unique(np.concatenate([piece.events.actor for piece in pieces]))
    old = population.id[population.age_days > 30]
    assert np.isin(old, seen).all()
    for piece in pieces:
        days_earlier = (START_MS - piece.events.time_ms.min()) / DAY_MS
        unborn = population.id[population.age_days < days_earlier - 1]
        assert not np.isin(piece.events.actor, unborn).any()


def test_shards_of_a_seed_have_their_history_on_the_same_days(domain):
    days = [
        [
            int(piece.events.time_ms.min() - START_MS) // DAY_MS
            for piece in cohort_of(domain, 7, s, 60).history(START_MS, 8.0)
        ]
        for s in range(3)
    ]
    assert days[0] == days[1] == days[2]


def test_only_extreme_rates_have_a_shallow_history():
    assert history_depth(50_000) == HISTORY_EVENTS
    assert history_depth(1_000_000) == SHALLOW_HISTORY_EVENTS
