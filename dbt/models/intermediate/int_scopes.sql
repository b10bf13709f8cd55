with runs as (

    select * from {{ ref('stg_platform__runs') }}

),

campaigns as (

    select * from {{ ref('stg_platform__ground_truth_campaigns') }}

),

scopes as (

    select
        run_id as scope,
        kind,
        domain,
        level,
        state,
        requested_at as started_at,
        measured_from,
        ended_at
    from runs

    union all

    select
        '{{ var("live_scope") }}' as scope,
        '{{ var("live_scope") }}' as kind,
        null as domain,
        null as level,
        'running' as state,
        null as started_at,
        null as measured_from,
        null as ended_at

),

final as (

    select
        scopes.scope,
        scopes.kind,
        scopes.domain,
        scopes.level,
        scopes.state,
        scopes.started_at,
        scopes.measured_from,
        scopes.ended_at,
        -- An old file's event times say nothing about how fast its alerts came.
        case when scopes.kind = '{{ var("replay_kind") }}' then 'sent_at' else 'event_time' end as delay_clock,
        exists (select 1 from campaigns where campaigns.scope = scopes.scope) as has_ground_truth
    from scopes

)

select * from final
