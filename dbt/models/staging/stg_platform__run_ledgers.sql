select
    run_id,
    generated,
    acknowledged,
    featurised,
    dead_lettered,
    to_score,
    scored,
    lost,
    duplicated,
    altered,
    overlapping,
    redelivered,
    closed,
    problems::text as problems,
    accounted_at
from {{ source('platform', 'run_ledger') }}
