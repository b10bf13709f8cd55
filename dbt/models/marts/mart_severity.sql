with alerts as (

    select * from {{ ref('stg_alerting__alerts') }}

),

final as (

    select
        scope,
        domain,
        fraud_type,
        severity,
        severity_rank,
        currency,
        count(*) as alerts,
        count(suppressed_by) as suppressed_alerts,
        sum(event_count)::bigint as events,
        sum(amount_at_risk)::numeric(38, 4) as money_at_risk,
        sum(amount_tried)::numeric(38, 4) as money_tried,
        min(detected_at) as first_detected_at,
        max(detected_at) as last_detected_at
    from alerts
    group by scope, domain, fraud_type, severity, severity_rank, currency

)

select * from final
