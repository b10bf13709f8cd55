with delays as (

    select * from {{ ref('int_alert_delays') }}

),

summarised as (

    select
        scope,
        domain,
        source,
        count(delay_ms) as alerts,
        -- Nearest rank, as the grading takes them: delays that were observed.
        percentile_disc(array[0.5, 0.95, 0.99]) within group (order by delay_ms) as percentiles,
        max(delay_ms) as max_ms
    from delays
    group by scope, domain, source

),

final as (

    select
        scope,
        domain,
        source,
        alerts,
        percentiles[1] as p50_ms,
        percentiles[2] as p95_ms,
        percentiles[3] as p99_ms,
        max_ms
    from summarised

)

select * from final
