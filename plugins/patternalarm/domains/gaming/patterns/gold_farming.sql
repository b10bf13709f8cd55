-- name: gathering_then_gold_to_a_stranger
-- version: 2
-- fraud_type: gold_farming
-- severity: medium
-- subject_type: actor
-- reason: After hours online without a break, items were gathered in a row and gold was handed to a player not met before.
SELECT *
FROM (SELECT rowtime, actor_id, event_type, event_time_ms, hit_event
      FROM events
      WHERE session_minutes >= 250
        AND (event_type = 'loot'
          OR (event_type = 'trade' AND trade_side = 'give' AND item_kind = 'gold' AND amount >= 20
            AND feature_new_counterparty <> 0)))
MATCH_RECOGNIZE (
  PARTITION BY actor_id
  ORDER BY rowtime
  MEASURES
    LAST(T.actor_id) AS subject_id,
    FIRST(G.event_time_ms) AS first_event_time_ms,
    LAST(T.event_time_ms) AS last_event_time_ms,
    ARRAY_AGG(hit_event) AS events
  ONE ROW PER MATCH
  AFTER MATCH SKIP PAST LAST ROW
  PATTERN (G{3} T) WITHIN INTERVAL '2' MINUTE
  DEFINE
    G AS G.event_type = 'loot',
    T AS T.event_type = 'trade'
)
