-- name: large_transmissions_to_a_stranger
-- version: 2
-- fraud_type: botnet
-- severity: critical
-- subject_type: actor
-- reason: The device's own hardware sent large amounts of data again and again to an endpoint that it never talked to before.
SELECT *
FROM (SELECT rowtime, actor_id, counterparty_id, event_time_ms, hit_event, payload_bytes,
        feature_new_endpoint AS new_endpoint
      FROM events
      WHERE event_type = 'transmit' AND payload_bytes >= 3000 AND feature_hardware_2m = 1)
MATCH_RECOGNIZE (
  PARTITION BY actor_id, counterparty_id
  ORDER BY rowtime
  MEASURES
    LAST(A.actor_id) AS subject_id,
    FIRST(N.event_time_ms) AS first_event_time_ms,
    LAST(A.event_time_ms) AS last_event_time_ms,
    ARRAY_AGG(hit_event) AS events
  ONE ROW PER MATCH
  AFTER MATCH SKIP PAST LAST ROW
  PATTERN (N A) WITHIN INTERVAL '2' MINUTE
  DEFINE
    N AS N.new_endpoint = 1,
    A AS A.payload_bytes > 0
)
