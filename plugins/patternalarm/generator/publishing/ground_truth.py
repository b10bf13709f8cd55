"""Ground truth on its own channel, which the detector never reads live: rows for PostgreSQL, records for the labels topic."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import psycopg

from patternalarm.contracts.domain_pack import DomainPack
from patternalarm.contracts.tables import GROUND_TRUTH_CAMPAIGN, GROUND_TRUTH_EVENT
from patternalarm.generator.activity.slice import Slice
from patternalarm.generator.batch import ACTOR_ID, Array, Column
from patternalarm.generator.render import ID_DIGITS

FRAUD = "fraud"
LOOKALIKE = "lookalike"
SOURCE = "ground_truth"


@dataclass(frozen=True)
class TruthEvent:
    """An event of a campaign. Times are epoch milliseconds UTC.

    ``amount`` is in currency units; ``moved`` is what the event moved out by the pack's rules of money, in the pack's
    base currency, and None when it moved nothing.
    """

    event_id: str
    actor_id: str
    event_time_ms: int
    label_time_ms: int
    amount: float | None
    moved: float | None = None


@dataclass(frozen=True)
class TruthCampaign:
    """A campaign and its events; of a look-alike, ``fraud_type`` is the type that it resembles."""

    campaign_id: str
    kind: str
    fraud_type: str
    events: tuple[TruthEvent, ...]


def moved_out(pack: DomainPack, amount: float | None, texts: Mapping[str, str | None]) -> float | None:
    """What an event of ``amount`` moved out, in the base currency; ``texts`` hold its ``money_fields`` and currency."""
    if amount is None or pack.currency is None or not pack.moves_money_out(amount, texts):
        return None
    rate = pack.currency.all_rates.get(str(texts.get("currency")))
    return None if rate is None else amount * float(rate)


def truth_of_slice(pack: DomainPack, columns: Iterable[Column], piece: Slice) -> Iterator[TruthCampaign]:
    """Campaigns of a slice, whose events have ``columns``.

    The id begins with the scenario's name, so that reports can tell look-alikes apart.
    """
    events = piece.events
    members = np.flatnonzero(events.row >= 0)
    members = members[np.argsort(events.row[members], kind="stable")]
    rows = events.row[members]
    edges = np.searchsorted(rows, np.arange(len(piece.campaigns) + 1))
    amounts: Array = events.values.get("amount", np.full(len(events), np.nan))
    told = [column for column in columns if column.name in {*pack.money_fields, "currency"}]

    def amount_of(i: int) -> float | None:
        return None if np.isnan(amounts[i]) else float(amounts[i])

    def texts_of(i: int) -> dict[str, str | None]:
        return {column.name: column.word(int(events.values[column.name][i])) for column in told}

    for number in range(len(piece.campaigns)):
        mine = members[edges[number] : edges[number + 1]]
        if not len(mine):
            continue
        scenario = piece.scenarios[int(piece.campaigns.scenario[number])]
        delay = pack.fraud_types[scenario.fraud_type].label_delay
        yield TruthCampaign(
            campaign_id=f"{scenario.name}-{int(piece.campaigns.id[number]):0{ID_DIGITS}x}",
            kind=FRAUD if scenario.fraud else LOOKALIKE,
            fraud_type=scenario.fraud_type,
            events=tuple(
                TruthEvent(
                    event_id=f"{int(piece.event_ids[i, 0]):016x}{int(piece.event_ids[i, 1]):016x}",
                    actor_id=f"{ACTOR_ID.prefix}{int(events.actor[i]):0{ID_DIGITS}x}",
                    event_time_ms=int(events.time_ms[i]),
                    label_time_ms=int(events.time_ms[i]) + delay,
                    amount=amount_of(i),
                    moved=moved_out(pack, amount_of(i), texts_of(i)),
                )
                for i in mine
            ),
        )


def label_records(campaigns: Iterable[TruthCampaign]) -> tuple[list[bytes], list[bytes]]:
    """Keys (event ids) and values for the labels topic: one record per fraud event; the rest is legitimate."""
    keys: list[bytes] = []
    values: list[bytes] = []
    for campaign in campaigns:
        if campaign.kind != FRAUD:
            continue
        for event in campaign.events:
            keys.append(event.event_id.encode())
            values.append(
                json.dumps(
                    {
                        "event_id": event.event_id,
                        "actor_id": event.actor_id,
                        "event_time_ms": event.event_time_ms,
                        "label_time_ms": event.label_time_ms,
                        "campaign_id": campaign.campaign_id,
                        "verdict": campaign.fraud_type,
                        "source": SOURCE,
                    },
                    separators=(",", ":"),
                ).encode()
            )
    return keys, values


def _utc(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def _sum(campaign: TruthCampaign) -> Decimal | None:
    amounts = [event.moved for event in campaign.events if event.moved is not None]
    return Decimal(str(round(sum(amounts), 4))) if amounts else None


def store(connection: psycopg.Connection, scope: str, campaigns: Iterable[TruthCampaign]) -> int:
    """Copy campaigns and their events into PostgreSQL, within the caller's transaction; returns the number of events.

    Raises:
        psycopg.errors.UniqueViolation: the scope has these campaigns already.
    """
    known = list(campaigns)
    with connection.cursor() as cursor:
        with cursor.copy(
            f"COPY {GROUND_TRUTH_CAMPAIGN}"
            " (scope, campaign_id, kind, fraud_type, events, first_event_time, last_event_time, amount) FROM STDIN"
        ) as copy:
            for campaign in known:
                times = [event.event_time_ms for event in campaign.events]
                copy.write_row(
                    (
                        scope,
                        campaign.campaign_id,
                        campaign.kind,
                        campaign.fraud_type,
                        len(times),
                        _utc(min(times)),
                        _utc(max(times)),
                        _sum(campaign),
                    )
                )
        with cursor.copy(
            f"COPY {GROUND_TRUTH_EVENT} (scope, event_id, campaign_id, actor_id, event_time, label_time) FROM STDIN"
        ) as copy:
            for campaign in known:
                for event in campaign.events:
                    copy.write_row(
                        (
                            scope,
                            event.event_id,
                            campaign.campaign_id,
                            event.actor_id,
                            _utc(event.event_time_ms),
                            _utc(event.label_time_ms),
                        )
                    )
    return sum(len(campaign.events) for campaign in known)
