select
    alert_id,
    event_id,
    source,
    event_time,
    amount,
    money_out,
    score,
    detail,
    committed_at
from {{ source('alerting', 'alert_event') }}
