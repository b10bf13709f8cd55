select
    alert_id,
    status,
    assignee,
    disposition,
    snoozed_until,
    updated_at
from {{ source('alerting', 'case_state') }}
