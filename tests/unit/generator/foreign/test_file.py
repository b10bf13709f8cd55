"""A foreign file as events: what the file says reaches them, its label never does, and what cannot be read is named."""

import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from patternalarm.contracts.domain_pack import load_pack
from patternalarm.contracts.pack_folder import PACK_FILE, PACKS_DIR
from patternalarm.generator.foreign.file import ForeignFile, ForeignFileError
from patternalarm.generator.replay import main as replay

ROWS = 240
FIRST = datetime(2025, 4, 1, tzinfo=UTC)


@pytest.fixture
def pack():
    return load_pack("sparkov")


def columns():
    """Two cards that pay every six hours across the pack's split, the file newest first."""
    numbers = range(ROWS - 1, -1, -1)
    return {
        "trans_num": [1_000 + n for n in numbers],
        "ts": [FIRST + timedelta(hours=6 * n) for n in numbers],
        "acct_num": [n % 2 for n in numbers],
        "merchant": [f"shop {n % 7}" for n in numbers],
        "amt": [10.0 + n / 4 for n in numbers],
        "category": ["travel" if n % 3 else "home" for n in numbers],
        **{name: [40.0 + n / 100 for n in numbers] for name in ("merch_lat", "merch_long", "lat", "long")},
        "is_fraud": [int(n % 20 == 3) for n in numbers],
    }


def written(path, table):
    pq.write_table(pa.table(table), path)
    return path


def test_permuted_labels_leave_every_event_as_it_was(pack, tmp_path):
    table = columns()
    as_labelled = ForeignFile(pack, written(tmp_path / "a.parquet", table))
    permuted = ForeignFile(pack, written(tmp_path / "b.parquet", {**table, "is_fraud": table["is_fraud"][::-1]}))

    assert as_labelled.records(0, ROWS) == permuted.records(0, ROWS)
    truth = [
        {event.event_id for campaign in file.campaigns() for event in campaign.events}
        for file in (as_labelled, permuted)
    ]
    assert truth[0] != truth[1]
    assert len(truth[0]) == len(truth[1]) == sum(table["is_fraud"])


def test_events_come_in_order_of_time_with_the_files_values(pack, tmp_path):
    keys, values = ForeignFile(pack, written(tmp_path / "a.parquet", columns())).records(0, 3)

    events = [json.loads(value) for value in values]
    assert [event["event_id"] for event in events] == ["1000", "1001", "1002"]
    assert keys == [b"0", b"1", b"0"]
    assert (events[2]["amount"], events[2]["category"], events[2]["currency"]) == (10.5, "travel", "USD")
    assert not {"is_fraud", "label", "fraud"} & set().union(*events)


def test_frauds_are_worth_what_they_moved_out_in_the_packs_currency(pack, tmp_path):
    table = columns()
    refunded = table["is_fraud"].index(1)
    table["amt"][refunded] = -table["amt"][refunded]
    events = [e for c in ForeignFile(pack, written(tmp_path / "a.parquet", table)).campaigns() for e in c.events]
    assert [event.moved for event in events] == [None if event.amount < 0 else event.amount for event in events]
    assert sum(event.moved is None for event in events) == 1


def test_an_empty_cell_is_a_missing_field(pack, tmp_path):
    table = columns()
    table["merchant"][-1] = ""
    csv = tmp_path / "a.csv"
    pyarrow.csv.write_csv(pa.table(table), csv)
    for path in (written(tmp_path / "a.parquet", table), csv):
        _, values = ForeignFile(pack, path).records(0, 2)
        assert "counterparty_id" not in json.loads(values[0])
        assert json.loads(values[1])["counterparty_id"] == "shop 1"


def test_training_ends_where_the_pack_says(pack, tmp_path):
    file = ForeignFile(pack, written(tmp_path / "a.parquet", columns()))

    (first, edge), (begin, end) = file.part("train"), file.part("test")

    assert (first, edge, end) == (0, begin, ROWS)
    assert datetime.fromtimestamp(file.time_ms[edge - 1] / 1_000, UTC).date().isoformat() <= "2025-04-30"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda table: table.pop("category"), r"lacks: category \(source.columns.category\).*The file has: trans_num"),
        (lambda table: table.pop("is_fraud"), r"lacks: is_fraud \(source.label\)"),
        (lambda table: table.update(is_fraud=[0] * ROWS), "no row of is_fraud holds the fraud value 1; found 0"),
        (lambda table: table.update(acct_num=[None, *table["acct_num"][1:]]), "1 rows have no actor_id"),
        (lambda table: table.update(category=["", *table["category"][1:]]), "1 rows have no category"),
        (lambda table: table.update(ts=[at - timedelta(days=20_000) for at in table["ts"]]), "from 2000-01-01"),
        (lambda table: table.update(ts=[float("nan")] + [1.7e9] * (ROWS - 1)), r"1 rows have no ts \(event_time\)"),
        (lambda table: table.update(ts=["", *map(str, table["ts"][1:])]), r"1 rows have no ts \(event_time\)"),
        (lambda table: table.update(lat=[float("inf"), *table["lat"][1:]]), "lat does not fit .* infinite"),
        *(
            (
                lambda table, odd=odd: table.update(amt=[odd] * ROWS),
                f"column amt does not fit event field amount.*{says}",
            )
            for odd, says in [
                ("ten", "no number"),
                ("1,000", "no number"),
                ("1_000", "no number"),
                ("+5", "no number"),
                ("\u0663", "no number"),
                (float("inf"), "no number"),
                (2e12, "is not from"),
                (0.1 + 0.2, "0.30000000000000004 has over 4 decimal places: round the column"),
                ("1e-999", "has over 4 decimal places"),
                ("1e999", "is not from"),
                ("1e999999999", "no number"),
            ]
        ),
    ],
)
def test_what_cannot_be_read_is_named_before_anything_is_sent(pack, tmp_path, change, says):
    table = columns()
    change(table)
    with pytest.raises(ForeignFileError, match=says):
        ForeignFile(pack, written(tmp_path / "a.parquet", table))


@pytest.mark.parametrize(
    ("amounts", "sent"),
    [
        ([Decimal("999999999999.9999")], "999999999999.9999"),
        (["10.00"], "10.00"),
        ([""], None),
        ([10.25], "10.25"),
        ([1e11], "100000000000"),
        ([float("nan")], None),
        ([-0.0001], "-0.0001"),
        ([7], "7"),
    ],
)
def test_an_amount_is_sent_exactly_as_the_file_has_it(pack, tmp_path, amounts, sent):
    table = {**columns(), "amt": amounts * ROWS}

    _, values = ForeignFile(pack, written(tmp_path / "a.parquet", table)).records(0, 1)

    assert json.loads(values[0], parse_int=str, parse_float=str).get("amount") == sent


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("constant: USD", "constant: usd"), "no row has a currency .* found 'usd': correct source.columns.currency"),
        (("constant: USD", "constant: CHF"), "found 'CHF': .* add it to currency.rates of pack my_cards"),
        (("constant: US}", "constant: UK}"), "no row has a country .* found 'UK'"),
    ],
)
def test_a_code_that_no_event_would_be_taken_with_is_told_before_anything_is_sent(tmp_path, change, says):
    text = (PACKS_DIR / "sparkov" / PACK_FILE).read_text().replace("name: sparkov", "name: my_cards", 1)
    assert change[0] in text
    (tmp_path / PACK_FILE).write_text(text.replace(*change))
    pack = load_pack(tmp_path)
    with pytest.raises(ForeignFileError, match=says):
        ForeignFile(pack, written(tmp_path / "a.parquet", columns()))


def only(table, condition):
    """The rows of ``table`` whose time and label ``condition`` takes."""
    kept = [n for n in range(ROWS) if condition(table["ts"][n], table["is_fraud"][n])]
    return {name: [values[n] for n in kept] for name, values in table.items()}


TRAIN_UNTIL, TEST_FROM = datetime(2025, 5, 1, tzinfo=UTC), datetime(2025, 5, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("condition", "says"),
    [
        (lambda at, fraud: at < TEST_FROM, r"no row at or after test_from 2025-05-08, so there is nothing to grade"),
        (lambda at, fraud: at >= TRAIN_UNTIL, r"no row up to train_until 2025-04-30, so there is nothing to train on"),
        (
            lambda at, fraud: at < TEST_FROM or not fraud,
            r"no fraud among the \d+ rows at or after test_from 2025-05-08",
        ),
        (lambda at, fraud: at < TEST_FROM or fraud, r"only fraud among the \d+ rows at or after test_from 2025-05-08"),
        (lambda at, fraud: at >= TRAIN_UNTIL or not fraud, r"no fraud among the \d+ rows up to train_until 2025-04-30"),
    ],
)
def test_a_file_that_would_grade_nothing_is_refused_before_anything_is_trained(pack, tmp_path, condition, says):
    path = written(tmp_path / "a.parquet", only(columns(), condition))
    with pytest.raises(ForeignFileError, match=says):
        ForeignFile(pack, path)
    assert replay(["--check", "--pack", "sparkov", "--file", str(path)]) == 2


def test_seconds_that_were_stored_as_milliseconds_are_asked_about(pack, tmp_path):
    table = columns()
    table["ts"] = [datetime.fromtimestamp(at.timestamp() / 1_000, UTC) for at in table["ts"]]
    says = (
        "the file's times run from 1970-01-21 to 1970-01-21, but an event's time is from 2000-01-01 to 2100-01-01: "
        "are they seconds?"
    )
    with pytest.raises(ForeignFileError, match=re.escape(says)):
        ForeignFile(pack, written(tmp_path / "a.parquet", table))


def test_a_file_that_is_not_there_and_one_of_another_kind(pack, tmp_path):
    with pytest.raises(ForeignFileError, match="there is no file"):
        ForeignFile(pack, tmp_path / "none.parquet")
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(ForeignFileError, match=r"only .parquet and .csv"):
        ForeignFile(pack, tmp_path / "a.txt")
