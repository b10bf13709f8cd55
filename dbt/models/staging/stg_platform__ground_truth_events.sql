select
    scope,
    actor_id,
    event_id,
    campaign_id,
    event_time
from {{ source('platform', 'ground_truth_event') }}
