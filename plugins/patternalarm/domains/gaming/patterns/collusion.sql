-- name: stakes_lost_to_one_opponent
-- version: 2
-- fraud_type: collusion
-- severity: high
-- subject_type: actor
-- reason: Three large stakes were lost to the same opponent within two minutes.
SELECT *
FROM (SELECT rowtime, actor_id, counterparty_id, event_time_ms, hit_event, amount
      FROM events
      WHERE game_mode = 'wager' AND `result` = 'loss' AND amount >= 12)
MATCH_RECOGNIZE (
  PARTITION BY actor_id, counterparty_id
  ORDER BY rowtime
  MEASURES
    LAST(W.actor_id) AS subject_id,
    FIRST(W.event_time_ms) AS first_event_time_ms,
    LAST(W.event_time_ms) AS last_event_time_ms,
    ARRAY_AGG(hit_event) AS events
  ONE ROW PER MATCH
  AFTER MATCH SKIP PAST LAST ROW
  PATTERN (W{3}) WITHIN INTERVAL '2' MINUTE
  DEFINE
    W AS W.amount > 0
)
