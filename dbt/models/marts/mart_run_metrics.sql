with metrics as (

    select * from {{ ref('stg_platform__run_metrics') }}

),

runs as (

    select * from {{ ref('stg_platform__runs') }}

),

final as (

    select
        metrics.run_id as scope,
        runs.domain,
        runs.kind as run_kind,
        runs.requested_at as run_requested_at,
        metrics.metric,
        metrics.fraud_type,
        metrics.unit,
        metrics.value,
        metrics.numerator,
        metrics.denominator,
        metrics.ci_low,
        metrics.ci_high,
        metrics.threshold,
        metrics.gated,
        metrics.passed
    from metrics
    inner join runs on runs.run_id = metrics.run_id

)

select * from final
