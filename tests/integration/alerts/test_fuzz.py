"""The alert writer over all that the event contract accepts, and over all else: it never stops, loses nothing.

A short run of the same examples every time; ``FUZZ_EXAMPLES=10000`` makes new ones.
"""

import itertools
import json
import sys
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import pytest
from alert_material import EPISODE_MS, evidence_record, forest, hit_record, toll_pack, write_model
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from contract_records import amounts, feature_values, fuzz_settings, ids, times, to_json, words

from patternalarm.alerts.batch import BatchBuilder
from patternalarm.alerts.progress import Progress
from patternalarm.alerts.reasons import PatternReasons, ScoreReasons
from patternalarm.alerts.store import AlertStore
from patternalarm.alerts.writer import AlertWriter
from patternalarm.contracts.alerts import SEVERITY_RANK, SUSPICIOUS_SEVERITY, Severity, base_severity, severity_of
from patternalarm.contracts.records import Coordinates
from patternalarm.contracts.tables import ALERT, ALERT_EVENT, QUARANTINED_RECORD
from patternalarm.contracts.topics import TopicKind, topic_name
from patternalarm.kafka_input import InputRecord
from patternalarm.models.forest_scorer import ForestScorer
from patternalarm.models.verify import verify_model

TYPES = ["plate_swap", "gate_run", "suspicious_activity"]
# Few subjects, times and events, so that findings meet in one alert, and rare ones beside them.
ACTORS, EVENTS = st.sampled_from(["car-1", "x|5|7,y"]) | ids, st.sampled_from(["e1", "e2", "e3"]) | ids
TIMES = st.sampled_from([EPISODE_MS * 2_992_535, EPISODE_MS * 2_992_535 + 1]) | times
NUMBERS = itertools.count()


@st.composite
def evidence(draw, pack):
    changes = {
        "actor_id": draw(ACTORS), "event_time_ms": draw(TIMES), "event_type": draw(words),
        "counterparty_id": draw(st.none() | ids), "country": draw(st.none() | words), "channel": draw(st.none() | words),
        "amount_base": draw(st.none() | amounts), "money_out": draw(st.sampled_from([True, False, None])),
        "values": draw(st.lists(feature_values, min_size=3, max_size=3)), "sent_at_ms": draw(times),
        "fraud_type": draw(st.sampled_from(TYPES)), "type_score": draw(st.floats(0, 1)),
    }  # fmt: skip
    return evidence_record(pack, draw(EVENTS), **changes)


@st.composite
def hits(draw):
    record = hit_record(draw(st.lists(st.tuples(EVENTS, TIMES, st.none() | amounts), min_size=1, max_size=4)))
    for event in record["events"]:
        event["actor_id"] = draw(ACTORS)
        event["money_out"] = draw(st.sampled_from([True, False, None]))
    subject = "|".join(draw(st.lists(ids, min_size=1, max_size=3)))
    severity, fraud_type = draw(st.sampled_from(list(Severity))).value, draw(st.sampled_from(TYPES[:2]))
    return {**record, "subject_id": subject, "severity": severity, "fraud_type": fraud_type}


class Fed:
    """Records as the writer reads them, batch by batch."""

    def __init__(self, batches):
        self.batches, self.positions = list(batches), defaultdict(int)

    def earliest(self):
        return dict.fromkeys(self.partitions, 0)

    def start(self, offsets):
        assert set(offsets.values()) == {0}

    def read(self, most, wait_seconds):
        records = []
        for topic, value in self.batches.pop(0):
            records.append(InputRecord(Coordinates(topic, 0, self.positions[topic]), value, 0))
            self.positions[topic] += 1
        return records

    def behind(self):
        return 0


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz")


@pytest.fixture
def write(scorer, superuser, directory):
    pack = toll_pack(directory)
    model = verify_model(write_model(directory / "model", pack), pack)
    score_reasons = ScoreReasons(pack, model, ForestScorer(forest(), classes=3, features=3))

    def write(batches):
        """Alerts, alert events and quarantine of a scope of its own into which the writer wrote ``batches``."""
        scope = f"fuzz-{next(NUMBERS)}"
        names = [topic_name(kind, pack.name, scope) for kind in (TopicKind.EVIDENCE, TopicKind.PATTERN_HITS)]
        source = Fed([[(names["events" in record], to_json(record)) for record in batch] for batch in batches])
        source.partitions = [(name, 0) for name in names]
        builder = BatchBuilder(pack, scope, score_reasons.of, PatternReasons([]).of)
        store = AlertStore(scorer, scope, pack, builder.build)
        AlertWriter(pack, scope, source, store, Progress()).run(lambda: None, lambda: not source.batches)
        assert store.start_offsets(dict.fromkeys(source.partitions, 0)) == {
            (name, 0): source.positions[name] for name in names
        }
        alerts = superuser.execute(f"SELECT * FROM {ALERT} WHERE scope = %s", (scope,)).fetchall()
        events = superuser.execute(
            f"SELECT e.* FROM {ALERT_EVENT} e JOIN {ALERT} USING (alert_id) WHERE scope = %s", (scope,)
        ).fetchall()
        quarantine = superuser.execute(f"SELECT * FROM {QUARANTINED_RECORD} WHERE scope = %s", (scope,)).fetchall()
        return alerts, events, quarantine

    write.pack = pack
    return write


def _ms(time):
    return round(time.timestamp() * 1000)


def _expected(pack, records):
    """Alerts worked out finding by finding: an event counts as its source told it first."""
    alerts = defaultdict(lambda: {"bases": [], "of_new": [], "events": {}})

    def add(subject, fraud_type, at, base, rows):
        alert = alerts[subject, fraud_type, at // EPISODE_MS]
        alert["bases"].append(base)
        # A finding that tells nothing new may be taken for a redelivered one.
        if any(key not in alert["events"] for key, _ in rows):
            alert["of_new"].append(base)
        for key, row in rows:
            alert["events"].setdefault(key, row)

    for record in records:
        if "events" in record:
            rows = [
                ((e["actor_id"], e["event_id"], "pattern"), (e["event_time_ms"], e["amount"], e["money_out"]))
                for e in record["events"]
            ]
            at, base = record["last_event_time_ms"], Severity(record["severity"])
            add(record["subject_id"], record["fraud_type"], at, base, rows)
        else:
            of_type = pack.fraud_types.get(record["fraud_type"])
            base = base_severity(of_type.severity if of_type else SUSPICIOUS_SEVERITY, record["type_score"])
            row = (record["event_time_ms"], record["amount_base"], record["money_out"])
            rows = [((record["actor_id"], record["event_id"], "score"), row)]
            add(record["actor_id"], record["fraud_type"], record["event_time_ms"], base, rows)
    return alerts


def _sums(events):
    single = defaultdict(list)
    for (*event, _), row in events.items():
        single[*event].append(row)
    sums = {True: Decimal(0), False: Decimal(0)}
    for rows in single.values():
        amounts_told = [amount for _, amount, _ in rows if amount is not None]
        moved = [out for *_, out in rows if out is not None]
        if amounts_told and moved:
            sums[any(moved)] += max(amounts_told)
    return len(single), sums[True], sums[False]


def test_all_that_the_contract_accepts_becomes_alerts(write):
    pack = write.pack

    @fuzz_settings(short=200)
    @given(st.lists(st.lists(evidence(pack) | hits(), min_size=1, max_size=5), min_size=1, max_size=3))
    def fuzz(batches):
        # The writer takes a batch's evidence first.
        records = [record for batch in batches for record in sorted(batch, key=lambda one: "events" in one)]
        alerts, events, quarantine = write(batches)
        assert quarantine == []
        expected = _expected(pack, records)
        assert {(a["subject_id"], a["fraud_type"], a["episode"]) for a in alerts} == set(expected)
        for alert in alerts:
            twin = expected[alert["subject_id"], alert["fraud_type"], alert["episode"]]
            stored = {
                (e["actor_id"], e["event_id"], e["source"]): (_ms(e["event_time"]), e["amount"], e["money_out"])
                for e in events
                if e["alert_id"] == alert["alert_id"]
            }
            assert stored == twin["events"]
            count, at_risk, tried = _sums(twin["events"])
            assert (alert["event_count"], alert["amount_at_risk"], alert["amount_tried"]) == (count, at_risk, tried)
            least, most = (max(twin[of], key=SEVERITY_RANK.__getitem__) for of in ("of_new", "bases"))
            # Severity only rises: a later refund does not take back what money had added.
            least = SEVERITY_RANK[severity_of(least, at_risk, pack.much_money)]
            most = SEVERITY_RANK[severity_of(most, Decimal(10**20), pack.much_money)]
            assert least <= alert["severity_rank"] <= most
            assert alert["reasons"] and all(reason["text"].strip() for reason in alert["reasons"])

    fuzz()


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("\x00") | st.just("Infinity"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@st.composite
def broken(draw, pack):
    """A finding of the contract with some of its fields made anything."""
    record = draw(evidence(pack) | hits())
    for name in draw(st.lists(st.sampled_from(sorted(record)), max_size=3)):
        record[name] = draw(JSON_VALUES)
    return record


def test_nothing_that_breaks_the_contract_stops_the_writer_or_is_lost(write):
    @fuzz_settings(short=200)
    @given(st.lists(broken(write.pack), min_size=1, max_size=6))
    def fuzz(batch):
        _, events, quarantine = write([batch])
        told = {e["event_id"] for e in events}
        raw = [bytes(row["raw"]) for row in quarantine]
        for record in batch:
            ids = [e["event_id"] for e in record["events"]] if _is_hit(record) else [record.get("event_id")]
            assert to_json(record) in raw or all(event_id in told for event_id in ids), json.dumps(record, default=str)

    fuzz()


def _is_hit(record):
    events = record.get("events")
    return isinstance(events, list) and all(isinstance(e, dict) and "event_id" in e for e in events)
