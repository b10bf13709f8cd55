select
    alert_id,
    actor_id,
    event_id,
    source,
    event_time,
    amount,
    money_out,
    score,
    detail,
    -- The writer's own clock tells rows of one transaction apart, which became visible together.
    coalesce(pg_xact_commit_timestamp(xmin), committed_at) as committed_at
from {{ source('alerting', 'alert_event') }}
