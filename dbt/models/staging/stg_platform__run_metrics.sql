select
    run_id,
    metric,
    fraud_type,
    unit,
    value,
    numerator,
    denominator,
    ci_low,
    ci_high,
    threshold,
    gated,
    passed
from {{ source('platform', 'run_metric') }}
