"""The ledger over real topics: what is injected on the way is found and named."""

import base64
import json
import re

import psycopg
import pytest
from psycopg.rows import dict_row
from transactions import Transactions

from patternalarm.contracts import tables
from patternalarm.contracts.runs import PLANNED_ROWS, RunKind
from patternalarm.contracts.topics import TopicKind
from patternalarm.grading.command_line import run_command
from patternalarm.grading.ledger.account import account
from patternalarm.grading.ledger.score_log import read_score_log, score_log_path
from patternalarm.models.metadata import METADATA_FILE


def stored(run) -> dict:
    with psycopg.connect(run.superuser_dsn, row_factory=dict_row) as connection:
        return connection.execute(f"SELECT * FROM {tables.RUN_LEDGER} WHERE run_id = %s", (run.run_id,)).fetchone()


def finish(run) -> int:
    run.write_run()
    run.publish_findings()
    run.write_alerts()
    return account(run.run_id)


def failing(ledger: dict) -> dict[str, dict]:
    return {problem["kind"]: problem for problem in ledger["problems"] if problem["fails"]}


def test_run_in_order_closes_and_archives_its_scores(simulate, platform_settings, capsys) -> None:
    run = simulate()
    run.publish_events()
    assert finish(run) == 0
    ledger = stored(run)
    assert ledger["closed"] is True
    assert ledger["problems"] == []
    sums = ("generated", "acknowledged", "offset_span", "featurised", "dead_lettered", "to_score", "scored")
    assert [ledger[name] for name in sums] == [50, 50, 50, 50, 0, 40, 40]
    assert [ledger[name] for name in ("lost", "duplicated", "altered", "overlapping", "redelivered")] == [0] * 5
    log = read_score_log(
        score_log_path(platform_settings.score_log_dir, "payments", run.run_id), ["event_id", "scope", "pattern_set"]
    )
    assert sorted(log["event_id"].to_pylist()) == sorted(f"e-{i}" for i in range(40))
    assert set(log["pattern_set"].to_pylist()) == {"ps"}
    assert "the ledger is closed" in capsys.readouterr().out


def test_lost_event(simulate, capsys) -> None:
    run = simulate()
    run.publish_events()
    gone = run.features.pop(7)
    run.scores = [score for score in run.scores if score["event_id"] != gone["event_id"]]
    run.evidence = [found for found in run.evidence if found["event_id"] != gone["event_id"]]
    assert finish(run) == 1
    ledger = stored(run)
    assert (ledger["lost"], ledger["closed"]) == (1, False)
    assert failing(ledger)["lost_event"]["examples"] == [
        {
            "topic": gone["source_topic"],
            "partition": gone["source_partition"],
            "offset": gone["source_offset"],
        }
    ]
    message = capsys.readouterr().err
    assert "neither featurised nor dead-lettered" in message
    assert f"partition {gone['source_partition']} offset {gone['source_offset']}" in message


def test_lost_score(simulate) -> None:
    run = simulate()
    run.publish_events()
    gone = run.scores.pop(5)
    assert finish(run) == 1
    ledger = stored(run)
    assert (ledger["lost"], ledger["to_score"], ledger["scored"]) == (1, 40, 39)
    assert failing(ledger)["lost_score"]["examples"][0]["offset"] == gone["source_offset"]


def test_event_that_never_reached_kafka(simulate) -> None:
    run = simulate()
    run.publish_events(lambda raw: raw.pop(20))
    assert finish(run) == 1
    ledger = stored(run)
    assert (ledger["lost"], ledger["offset_span"], ledger["altered"]) == (1, 49, 0)
    assert set(failing(ledger)) == {"lost_before_kafka"}


def test_duplicated_event(simulate) -> None:
    run = simulate()
    run.publish_events(lambda raw: raw.append(raw[20]))
    assert finish(run) == 1
    ledger = stored(run)
    assert (ledger["duplicated"], ledger["lost"], ledger["altered"]) == (1, 0, 0)
    assert set(failing(ledger)) == {"duplicated_event"}
    assert failing(ledger)["duplicated_event"]["examples"][0]["topic"] == run.topics[TopicKind.EVENTS]


def test_altered_event_on_its_way_to_kafka(simulate) -> None:
    def alter(raw: list[bytes]) -> None:
        raw[15] = raw[15].replace(b"a-", b"b-")

    run = simulate()
    run.publish_events(alter)
    assert finish(run) == 1
    ledger = stored(run)
    assert (ledger["altered"], ledger["lost"], ledger["duplicated"]) == (1, 0, 0)
    assert set(failing(ledger)) == {"altered_on_topic"}


@pytest.mark.parametrize("topic", ["features", "scores"])
def test_altered_event_between_the_engines(simulate, topic: str) -> None:
    run = simulate()
    run.publish_events()
    altered = getattr(run, topic)[15]
    altered["source_crc"] ^= 1
    assert finish(run) == 1
    ledger = stored(run)
    assert (ledger["altered"], ledger["lost"]) == (1, 0)
    example = failing(ledger)["altered"]["examples"][0]
    assert (example["offset"], example["crc"]) == (altered["source_offset"], altered["source_crc"])
    assert example["event_crc"] == altered["source_crc"] ^ 1


def test_dead_letters_are_accounted_for_and_may_not_overlap(simulate) -> None:
    run = simulate()
    run.publish_events()
    history = [features for features in run.features if features["event_id"].startswith("h-")]
    for features in history[:2]:
        letter = {name: features[name] for name in features if name.startswith("source_")}
        run.dead_letters.append({**letter, "reason": "late", "raw": base64.b64encode(b"x").decode()})
    run.features.remove(history[0])
    assert finish(run) == 1
    ledger = stored(run)
    assert (ledger["dead_lettered"], ledger["overlapping"], ledger["lost"]) == (2, 1, 0)
    assert set(failing(ledger)) == {"overlapping"}
    assert any("late 2" in problem["text"] for problem in ledger["problems"])


def test_redelivered_copies_are_reported_and_archived_once(simulate, platform_settings) -> None:
    run = simulate()
    run.publish_events()
    run.features += run.features[:3]
    run.scores += run.scores[4:9]
    assert finish(run) == 0
    ledger = stored(run)
    assert (ledger["redelivered"], ledger["duplicated"], ledger["closed"]) == (8, 0, True)
    path = score_log_path(platform_settings.score_log_dir, "payments", run.run_id)
    assert read_score_log(path, ["event_id"]).num_rows == 40


def test_one_subjects_episode_under_two_alert_ids_is_duplicated(simulate) -> None:
    run = simulate()
    run.publish_events()
    run.write_alert(["e-0", "e-1"], subject="actor-0", alert_id="other-id")
    assert finish(run) == 1
    ledger = stored(run)
    assert ledger["duplicated"] == 1 + 2
    texts = [problem["text"] for problem in ledger["problems"]]
    assert any(tables.ALERT in text for text in texts)
    example = failing(ledger)["duplicated_row"]["examples"][0]
    assert example["subject_id"] == "actor-0"
    assert "other-id" in example["alert_ids"]


def hit(*event_ids: str, subject: str = "d-1", actor: str = "a-1") -> dict:
    return {
        "fraud_type": "card_testing",
        "subject_type": "device",
        "subject_id": subject,
        "events": [
            {"actor_id": actor, "event_id": event_id, "event_time_ms": 1, "amount": None} for event_id in event_ids
        ],
    }


def test_evidence_and_hits_that_no_alert_holds_are_lost(simulate) -> None:
    run = simulate()
    run.publish_events()
    unalerted = next(score for score in run.scores if score["event_id"] == "e-39")
    unalerted.update(score=0.6, scores=[0.4, 0.6, 0.0])
    run.evidence.append({**unalerted, "fraud_type": "card_testing"})
    run.hits.append(hit("e-5", "e-6"))
    assert finish(run) == 1
    ledger = stored(run)
    assert ledger["lost"] == 1 + 2
    examples = [p["examples"] for p in ledger["problems"] if p["kind"] == "lost_finding"]
    assert [[e["event_id"] for e in found] for found in examples] == [["e-39"], ["e-5", "e-6"]]


def test_scores_over_a_threshold_that_the_scorer_kept_to_itself_are_lost(simulate) -> None:
    run = simulate()
    run.publish_events()
    run.evidence = [found for found in run.evidence if found["event_id"] != "e-1"]
    assert finish(run) == 1
    ledger = stored(run)
    assert ledger["lost"] == 1
    assert set(failing(ledger)) == {"lost_evidence", "unfound_alert"}
    assert failing(ledger)["lost_evidence"]["examples"][0]["fraud_type"] == "card_testing"


def test_evidence_that_stands_there_under_a_second_type_does_not_close(simulate) -> None:
    run = simulate()
    run.publish_events()
    first = next(found for found in run.evidence if found["event_id"] == "e-0")
    run.evidence.insert(0, {**first, "fraud_type": "account_takeover"})
    run.write_alert(["e-0"], subject="actor-0", fraud_type="account_takeover")
    assert finish(run) == 1
    assert set(failing(stored(run))) == {"undecided_evidence"}


def test_thresholds_that_were_changed_after_the_promotion_do_not_close(simulate) -> None:
    run = simulate()
    run.publish_events()
    run.write_run()
    changed = run.model.model_copy(update={"thresholds": {**run.model.thresholds, "card_testing": 0.95}})
    path = run.settings.models_dir / run.domain / run.model.version / METADATA_FILE
    path.write_text(changed.model_dump_json())
    run.evidence.clear()
    run.publish_findings()
    assert account(run.run_id) == 1
    assert set(failing(stored(run))) == {"lost_evidence"}


def test_alert_events_that_were_taken_away_or_put_in_do_not_close(simulate) -> None:
    run = simulate()
    run.publish_events()
    run.write_alert(["e-30"], subject="actor-30")
    run.write_run()
    run.publish_findings()
    run.write_alerts()
    with psycopg.connect(run.superuser_dsn) as connection:
        connection.execute(
            f"DELETE FROM {tables.ALERT_EVENT} WHERE event_id = 'e-1' AND alert_id IN"
            f" (SELECT alert_id FROM {tables.ALERT} WHERE scope = %s)",
            (run.run_id,),
        )
    assert account(run.run_id) == 1
    told = failing(stored(run))
    assert set(told) == {"lost_finding", "unfound_alert"}
    assert told["lost_finding"]["examples"][0]["event_id"] == "e-1"
    assert told["unfound_alert"]["examples"][0]["event_id"] == "e-30"


def test_an_alert_of_another_subject_or_type_holds_no_finding(simulate) -> None:
    run = simulate()
    run.publish_events()
    run.write_run()
    run.publish_findings()
    run.write_alert(["e-0", "e-1", "e-2"], subject="actor-of-nobody")
    run.write_alert(["e-20", "e-21", "e-22"], subject="actor-20", fraud_type="account_takeover")
    assert account(run.run_id) == 1
    ledger = stored(run)
    assert (ledger["lost"], set(failing(ledger))) == (6, {"lost_finding", "unfound_alert"})


def test_an_event_of_another_actor_under_the_same_id_is_another_finding(simulate) -> None:
    run = simulate()
    run.publish_events()
    run.hits.append(hit("e-5", subject="actor-of-nobody", actor=run.actor_of("e-5")))
    run.hits.append(hit("e-5", subject="actor-of-nobody", actor="another"))
    run.hits = [{**one, "subject_type": "actor"} for one in run.hits]
    run.write_alert(["e-5"], subject="actor-of-nobody", source="pattern")
    assert finish(run) == 1
    (example,) = failing(stored(run))["lost_finding"]["examples"]
    assert (example["actor_id"], example["event_id"]) == ("another", "e-5")


def test_events_with_a_flag_and_copies_are_counted_apart(simulate) -> None:
    run = simulate()
    run.publish_events()
    run.features[3]["behind_watermark"] = True
    for features in run.features[4:]:
        features["behind_watermark"] = features["identity_forgotten"] = False
    forgetting = [features for features in run.features if features["event_id"] in ("e-7", "e-9")]
    for features in forgetting:
        features["identity_forgotten"] = True
    run.features.append(forgetting[0])
    copy = next(features for features in run.features if features["event_id"] == "h-1")
    run.features.remove(copy)
    run.dead_letters.append({**copy, "reason": "duplicate"})
    assert finish(run) == 0
    told = {problem["kind"]: problem for problem in stored(run)["problems"]}
    assert told["behind_watermark"]["count"] == 1
    assert told["identity_forgotten"]["count"] == 2
    assert {example["offset"] for example in told["identity_forgotten"]["examples"]} == {
        features["source_offset"] for features in forgetting
    }
    assert "duplicate 1" in told["repeated_by_producer"]["text"]
    assert set(told) == {"behind_watermark", "identity_forgotten", "redelivered", "repeated_by_producer"}


def test_what_is_in_quarantine_is_counted_and_not_lost(simulate) -> None:
    run = simulate()
    run.publish_events()
    scored = next(score for score in run.scores if score["event_id"] == "e-39")
    run.scores.remove(scored)
    hits, features = run.topics[TopicKind.PATTERN_HITS], run.topics[TopicKind.FEATURES]
    run.publish_raw(TopicKind.PATTERN_HITS, [b"{broken", json.dumps(hit("e-5")).encode()])
    source = scored["source_topic"], scored["source_partition"], scored["source_offset"]
    with psycopg.connect(run.superuser_dsn) as connection:
        for row in (
            ("alert_writer", hits, 0, None, None, None),
            ("alert_writer", hits, 1, None, None, None),
            ("scorer", features, 17, *source),
        ):
            connection.execute(
                f'INSERT INTO {tables.QUARANTINED_RECORD} (scope, stage, topic, "partition", "offset", source_topic,'
                " source_partition, source_offset, reason, detail, quarantined_at)"
                " VALUES (%s, %s, %s, 0, %s, %s, %s, %s, 'breaks_contract', '', now())",
                (run.run_id, *row),
            )
    assert finish(run) == 0
    (problem,) = stored(run)["problems"]
    assert (problem["kind"], problem["count"]) == ("quarantined", 3)
    assert "alert_writer 2, scorer 1" in problem["text"]


def test_aborted_transactions_followed_by_one_event_are_one_event(simulate) -> None:
    run = simulate()
    run.publish_events()
    events = run.topics[TopicKind.EVENTS]
    with Transactions(run.settings.kafka_bootstrap, run.run_id) as transactions:
        transactions.abort(events, 0, [b'{"event_id": "never"}'] * 3)
        transactions.abort(events, 1, [b'{"event_id": "never"}'])
    assert finish(run) == 0
    ledger = stored(run)
    assert (ledger["generated"], ledger["acknowledged"], ledger["offset_span"]) == (50, 50, 50)
    (gap,) = ledger["problems"]
    assert (gap["kind"], gap["count"], gap["fails"]) == ("no_record", 6, False)


def test_a_replay_that_lost_rows_of_its_file_does_not_close(simulate, capsys) -> None:
    run = simulate(kind=RunKind.REPLAY, level=None)
    run.params[PLANNED_ROWS] += 7
    run.publish_events()
    assert finish(run) == 1
    assert set(failing(stored(run))) == {"unplanned"}
    assert "57 events were planned from the file but 50 published" in capsys.readouterr().err


def test_a_replay_that_never_said_what_it_would_publish_is_not_accounted_for(simulate, capsys) -> None:
    run = simulate(kind=RunKind.REPLAY, level=None)
    del run.params[PLANNED_ROWS]
    run.publish_events()
    run.write_run()
    assert run_command("", account, ["--run-id", run.run_id]) == 2
    assert "never said how many rows of its file" in capsys.readouterr().err


def test_broken_records_are_named_and_stop_nothing(simulate) -> None:
    run = simulate()
    run.publish_events()
    foreign = json.dumps({**run.features[0], "source_topic": "events.payments.other"}).encode()
    run.publish_raw(TopicKind.FEATURES, [b"{broken", foreign])
    assert finish(run) == 1
    ledger = stored(run)
    assert set(failing(ledger)) == {"unreadable"}
    assert failing(ledger)["unreadable"]["count"] == 2
    assert ledger["featurised"] == 50


def test_run_without_measured_phase_reads_no_scores(simulate) -> None:
    run = simulate()
    run.publish_events()
    run.write_run()
    run.hits.append(hit("e-5"))
    run.scores.clear()
    run.publish_findings()
    with psycopg.connect(run.superuser_dsn) as connection:
        connection.execute(f"UPDATE {tables.RUN} SET measured_from = NULL WHERE run_id = %s", (run.run_id,))
    assert account(run.run_id) == 0
    assert stored(run)["to_score"] == 0


def test_accounting_again_replaces_the_ledger(simulate) -> None:
    run = simulate()
    run.publish_events()
    gone = run.scores.pop()
    assert finish(run) == 1
    run.publish_raw(TopicKind.SCORES, [json.dumps(gone).encode()])
    assert account(run.run_id) == 0
    assert stored(run)["closed"] is True


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--run-id", "no-such-run"], "no run 'no-such-run'"),
        (["--run-id", "Not:An+Id"], "run_id"),
    ],
)
def test_unknown_or_malformed_run_id(simulate, capsys, arguments: list[str], message: str) -> None:
    try:
        code = run_command("", account, arguments)
    except SystemExit as leaving:
        code = leaving.code
    assert code == 2
    assert message in capsys.readouterr().err


def test_run_that_generated_nothing_or_lost_its_topics(simulate, capsys) -> None:
    run = simulate()
    run.write_run()
    with psycopg.connect(run.superuser_dsn) as connection:
        connection.execute(f"DELETE FROM {tables.SHARD_LEDGER} WHERE run_id = %s", (run.run_id,))
    assert run_command("", account, ["--run-id", run.run_id]) == 2
    assert "no generator shard" in capsys.readouterr().err


def test_dropped_topics_are_named(simulate, capsys) -> None:
    run = simulate()
    run.write_run()
    with psycopg.connect(run.superuser_dsn) as connection:
        for table in (tables.SHARD_LEDGER, tables.RUN):
            connection.execute(f"UPDATE {table} SET run_id = 'gone-1' WHERE run_id = %s", (run.run_id,))
    try:
        assert run_command("", account, ["--run-id", "gone-1"]) == 2
    finally:
        with psycopg.connect(run.superuser_dsn) as connection:
            connection.execute(f"DELETE FROM {tables.RUN} WHERE run_id = 'gone-1'")
            connection.execute(f"DELETE FROM {tables.SHARD_LEDGER} WHERE run_id = 'gone-1'")
    assert re.search(r"topic events\.payments\.gone-1 does not exist", capsys.readouterr().err)


def test_kafka_down_is_one_message(simulate, platform_settings, monkeypatch, capsys) -> None:
    run = simulate()
    run.write_run()
    down = platform_settings.model_copy(update={"kafka_port": 1, "patience_seconds": 1.0})
    monkeypatch.setattr("patternalarm.grading.ledger.account.get_settings", lambda: down)
    monkeypatch.setattr("patternalarm.grading.command_line.get_settings", lambda: down)
    monkeypatch.setattr("patternalarm.retrying.get_settings", lambda: down)
    monkeypatch.setattr("patternalarm.grading.ledger.topic_reader._ANSWER_SECONDS", 1.0)
    assert run_command("", account, ["--run-id", run.run_id]) == 2
    assert "Kafka at 127.0.0.1:1 cannot be used" in capsys.readouterr().err
