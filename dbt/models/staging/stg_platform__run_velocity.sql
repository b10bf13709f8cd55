select
    run_id,
    domain,
    bucket_start,
    events
from {{ source('platform', 'run_velocity') }}
