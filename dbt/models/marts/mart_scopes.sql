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

)

select * from final
