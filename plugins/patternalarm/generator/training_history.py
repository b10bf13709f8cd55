"""The labelled history that a first model, or the next one, is trained on.

Many cohorts spread over the past days, each with its own earlier activity and a few minutes in which it is watched: the
same actors, campaigns and rates as in a load test, of other seeds.

``python -m patternalarm.generator.training_history --run-id R --pack payments --seed 1000000001 --days 28
--events 300000``
"""

import argparse
import logging
import sys
import time
from dataclasses import dataclass

import numpy as np

from patternalarm.argument_parser import ArgumentParser
from patternalarm.contracts.domain_pack import DomainPack, load_pack
from patternalarm.contracts.topics import DAY_MS, TopicKind, topic_name
from patternalarm.generator.activity.activity_file import check_activity, load_activity
from patternalarm.generator.activity.cohort import HISTORY_EVENTS, SHALLOW_HISTORY_EVENTS, Cohort
from patternalarm.generator.activity.domain_model import DomainModel
from patternalarm.generator.activity.population import EVENTS_PER_ACTOR_MINUTE
from patternalarm.generator.activity.slice import Slice, in_order_of_sending
from patternalarm.generator.command_line import (
    StopFlag,
    count_argument,
    database,
    run_command,
    run_id_argument,
    seed_argument,
    time_argument,
)
from patternalarm.generator.publishing.ground_truth import TruthCampaign, label_records, truth_of_slice
from patternalarm.generator.publishing.producer import DeliveryError, RecordProducer
from patternalarm.generator.publishing.publication import UNPACED_EVENTS, chunks_of
from patternalarm.generator.publishing.shard_ledger import HISTORY, close_row, open_row
from patternalarm.settings import get_settings

LOG = logging.getLogger(__name__)

EVENTS_PER_COHORT = 10_000
SMALLEST_COHORT = 1_500
FEWEST_ACTORS = 40
WATCHED_S = (120.0, 240.0)

# Extreme load tests have shallow histories; a model that never saw any would take every habit for news.
_SHALLOW_EVERY = 4

# Labels must be settled when training starts, whose as-of may be a little older than our clock.
_MARGIN_MS = 3_600_000


@dataclass(frozen=True)
class History:
    """Slices of all cohorts, in no order, and the campaigns in them."""

    pieces: list[Slice]
    campaigns: list[TruthCampaign]

    def __len__(self) -> int:
        return sum(len(piece) for piece in self.pieces)


def newest_settled_ms(pack: DomainPack, now_ms: int) -> int:
    """The newest event time whose label is known by now, whatever its type."""
    return now_ms - max(fraud_type.label_delay for fraud_type in pack.fraud_types.values()) - _MARGIN_MS


def make_history(pack: DomainPack, model: type[DomainModel], seed: int, days: int, events: int, end_ms: int) -> History:
    """About ``events`` events of cohorts on ``days`` days up to ``end_ms``; one cohort a day if there are enough."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, days, events]))
    cohorts = max(1, min(max(days, events // EVENTS_PER_COHORT), events // SMALLEST_COHORT))
    edges = np.round(np.linspace(0, events, cohorts + 1)).astype(int)
    span = (days * DAY_MS - WATCHED_S[1] * 1000) / cohorts
    pieces: list[Slice] = []
    campaigns: list[TruthCampaign] = []
    for number in range(cohorts):
        budget = int(edges[number + 1] - edges[number])
        seconds = float(rng.uniform(*WATCHED_S))
        start_ms = end_ms - days * DAY_MS + round((number + rng.random()) * span)
        depth = SHALLOW_HISTORY_EVENTS if number % _SHALLOW_EVERY == 0 else HISTORY_EVENTS
        actors = max(FEWEST_ACTORS, round(budget / (depth + EVENTS_PER_ACTOR_MINUTE * seconds / 60)))
        cohort = Cohort(pack.name, model, seed, number, actors)
        earlier = list(cohort.history(start_ms, depth))
        watched = list(cohort.measured(start_ms, seconds, max(0, budget - sum(len(piece) for piece in earlier))))
        pieces += earlier + watched
        for piece in watched:
            campaigns += truth_of_slice(pack, model.columns, piece)
    return History(pieces, campaigns)


def _parser() -> argparse.ArgumentParser:
    parser = ArgumentParser(
        description="Publish a labelled history for training. Exit code 1: not everything was published."
    )
    parser.add_argument("--run-id", required=True, type=run_id_argument, help="the run whose topics are written")
    parser.add_argument("--pack", required=True, help="name or folder of a domain pack that has an activity")
    parser.add_argument("--seed", required=True, type=seed_argument)
    parser.add_argument("--days", required=True, type=count_argument, help="how many days the history spans")
    parser.add_argument("--events", required=True, type=count_argument, help="about how many events in all")
    parser.add_argument(
        "--end-at",
        type=time_argument,
        help="last event time; default: the newest for which every label is known by now",
    )
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    asked = _parser().parse_args(arguments)

    def body() -> None:
        stop = StopFlag()
        pack, model = load_pack(asked.pack), load_activity(asked.pack)
        check_activity(model, pack)
        bootstrap = get_settings().kafka_bootstrap
        events = RecordProducer(bootstrap, topic_name(TopicKind.EVENTS, pack.name, asked.run_id))
        labels = RecordProducer(bootstrap, topic_name(TopicKind.LABELS, pack.name, asked.run_id))
        for producer in (events, labels):
            producer.check()
        started = time.monotonic()
        end_ms = asked.end_at or newest_settled_ms(pack, round(time.time() * 1000))
        history = make_history(pack, model, asked.seed, asked.days, asked.events, end_ms)
        LOG.info("%d events made in %.1f s", len(history), time.monotonic() - started)
        with database() as books:
            open_row(books, asked.run_id, HISTORY, 0, len(history))
            for chunk in chunks_of(pack.name, model.columns, *in_order_of_sending(history.pieces), UNPACED_EVENTS):
                stop.check()
                events.send(chunk.keys, chunk.values)
            labels.send(*label_records(history.campaigns))
            accounts = [producer.finish() for producer in (events, labels)]
            close_row(books, asked.run_id, HISTORY, 0, accounts[0])
        if not all(account.complete for account in accounts):
            raise DeliveryError("not every event and label was acknowledged by Kafka")
        LOG.info(
            "%d events and %d labels published in %.1f s",
            accounts[0].acknowledged,
            accounts[1].acknowledged,
            time.monotonic() - started,
        )

    return run_command(body)


if __name__ == "__main__":
    sys.exit(main())
