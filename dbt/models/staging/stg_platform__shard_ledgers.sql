select
    run_id,
    phase,
    shard,
    generated,
    acknowledged,
    started_at,
    ended_at,
    late_p99_ms
from {{ source('platform', 'shard_ledger') }}
