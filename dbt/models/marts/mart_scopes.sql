with scopes as (

    select * from {{ ref('int_scopes') }}

),

alerts as (

    select * from {{ ref('stg_alerting__alerts') }}

),

final as (

    select
        scopes.scope,
        scopes.kind,
        scopes.domain,
        scopes.level,
        scopes.state,
        scopes.started_at,
        scopes.ended_at,
        case
            when scopes.kind = '{{ var("live_scope") }}'
                then (select max(alerts.detected_at) from alerts where alerts.scope = scopes.scope)
            when scopes.state = 'running' then now()
            else coalesce(scopes.ended_at, scopes.started_at)
        end as last_active_at,
        scopes.has_ground_truth
    from scopes
    -- A retraining raises no alerts; as the newest scope it would open every dashboard empty.
    where scopes.kind <> '{{ var("retrain_kind") }}'

)

select * from final
