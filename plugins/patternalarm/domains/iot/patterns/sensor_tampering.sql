-- name: pinned_readings
-- version: 2
-- fraud_type: sensor_tampering
-- severity: high
-- subject_type: actor
-- reason: Four readings in a row were far from this device's usual one and hardly differed from each other.
SELECT *
FROM (SELECT rowtime, actor_id, event_time_ms, hit_event, `value` AS reading
      FROM events
      WHERE event_type = 'reading' AND ABS(feature_value_ratio - 1) > 0.2)
MATCH_RECOGNIZE (
  PARTITION BY actor_id
  ORDER BY rowtime
  MEASURES
    LAST(R.actor_id) AS subject_id,
    FIRST(R.event_time_ms) AS first_event_time_ms,
    LAST(R.event_time_ms) AS last_event_time_ms,
    ARRAY_AGG(hit_event) AS events
  ONE ROW PER MATCH
  AFTER MATCH SKIP PAST LAST ROW
  PATTERN (R{4}) WITHIN INTERVAL '2' MINUTE
  DEFINE
    R AS LAST(R.reading, 1) IS NULL OR ABS(R.reading - LAST(R.reading, 1)) <= 0.03 * LAST(R.reading, 1)
)
