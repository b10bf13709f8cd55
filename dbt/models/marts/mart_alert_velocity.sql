with run_velocity as (

    select * from {{ ref('stg_platform__run_velocity') }}

),

alerts as (

    select * from {{ ref('stg_alerting__alerts') }}

),

-- A union under one group by rather than a full join: a filter on the scope reaches both tables' indexes.
counted as (

    select
        run_id as scope,
        domain,
        {{ velocity_bucket('bucket_start') }} as bucket_start,
        events,
        null as severity
    from run_velocity

    union all

    select
        scope,
        domain,
        {{ velocity_bucket('detected_at') }} as bucket_start,
        null as events,
        severity
    from alerts

),

final as (

    select
        scope,
        domain,
        bucket_start,
        {{ var('velocity_bucket_seconds') }} as bucket_seconds,
        coalesce(sum(events), 0)::bigint as events,
        count(severity) as alerts,
        count(*) filter (where severity = 'critical') as critical_alerts,
        count(*) filter (where severity = 'high') as high_alerts,
        count(*) filter (where severity = 'medium') as medium_alerts,
        count(*) filter (where severity = 'low') as low_alerts
    from counted
    group by scope, domain, bucket_start

)

select * from final
