select
    scope,
    campaign_id,
    kind,
    fraud_type,
    events,
    first_event_time,
    last_event_time,
    amount
from {{ source('platform', 'ground_truth_campaign') }}
