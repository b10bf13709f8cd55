select
    case_event_id,
    alert_id,
    status,
    assignee,
    disposition,
    written_by,
    written_at
from {{ source('alerting', 'case_event') }}
