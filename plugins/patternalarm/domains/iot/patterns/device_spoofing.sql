-- name: foreign_hardware_gets_in
-- version: 2
-- fraud_type: device_spoofing
-- severity: critical
-- subject_type: actor
-- reason: Hardware never seen for this device failed to authenticate, then got in and spoke for it.
SELECT *
FROM (SELECT rowtime, actor_id, device_id, event_type, event_time_ms, hit_event,
        feature_new_hardware AS new_hardware
      FROM events
      WHERE event_type = 'auth_failed'
        OR (event_type IN ('connect', 'reading', 'transmit') AND feature_auth_failed_2m > 0))
MATCH_RECOGNIZE (
  PARTITION BY actor_id, device_id
  ORDER BY rowtime
  MEASURES
    LAST(D.actor_id) AS subject_id,
    FIRST(N.event_time_ms) AS first_event_time_ms,
    LAST(D.event_time_ms) AS last_event_time_ms,
    ARRAY_AGG(hit_event) AS events
  ONE ROW PER MATCH
  AFTER MATCH SKIP PAST LAST ROW
  PATTERN (N A{0,4} C D) WITHIN INTERVAL '2' MINUTE
  DEFINE
    N AS N.event_type = 'auth_failed' AND N.new_hardware = 1,
    A AS A.event_type = 'auth_failed',
    C AS C.event_type = 'connect',
    D AS D.event_type IN ('reading', 'transmit')
)
