-- name: credential_change_then_giveaway
-- version: 2
-- fraud_type: account_takeover
-- severity: critical
-- subject_type: actor
-- reason: A login from a new device was followed within minutes by a change of credentials and goods given away, all from that device.
SELECT *
FROM (SELECT rowtime, actor_id, device_id, event_type, event_time_ms, hit_event
      FROM events
      WHERE (event_type = 'login' AND feature_new_device = 1)
        OR event_type = 'credential_change'
        OR (event_type = 'trade' AND trade_side = 'give'))
MATCH_RECOGNIZE (
  PARTITION BY actor_id, device_id
  ORDER BY rowtime
  MEASURES
    LAST(T.actor_id) AS subject_id,
    FIRST(L.event_time_ms) AS first_event_time_ms,
    LAST(T.event_time_ms) AS last_event_time_ms,
    ARRAY_AGG(hit_event) AS events
  ONE ROW PER MATCH
  AFTER MATCH SKIP PAST LAST ROW
  PATTERN (L C T) WITHIN INTERVAL '5' MINUTE
  DEFINE
    L AS L.event_type = 'login',
    C AS C.event_type = 'credential_change',
    T AS T.event_type = 'trade'
)
