with alerts as (

    select * from {{ ref('stg_alerting__alerts') }}

),

alert_events as (

    select * from {{ ref('stg_alerting__alert_events') }}

),

scopes as (

    select * from {{ ref('int_scopes') }}

),

-- The rule of patternalarm.grading.figures.delays, which an integration test holds this to: all rows of an alert and source that
-- were committed first came together, and the trigger is one of them.
-- Grouped by scope too, so that a dashboard's filter on the scope reaches the alerts' index.
first_commits as (

    select
        alerts.scope,
        alerts.domain,
        alerts.alert_id,
        alerts.first_source,
        alerts.trigger_event_time,
        alerts.trigger_sent_at,
        alert_events.source,
        min(alert_events.committed_at) as committed_at,
        -- A pattern is complete with its last event; scored events that came together are timed by the first of them.
        (array_agg(
            alert_events.event_time
            order by
                alert_events.committed_at,
                case when alert_events.source = 'pattern' then alert_events.event_time end desc,
                alert_events.event_time
        ))[1] as trigger_of_source
    from alerts
    inner join alert_events on alert_events.alert_id = alerts.alert_id
    left join scopes on scopes.scope = alerts.scope
    -- A run's history is neither scored nor graded, so what it alerts is not timed either.
    where scopes.measured_from is null
        or (alerts.trigger_event_time >= scopes.measured_from and alert_events.event_time >= scopes.measured_from)
    group by 1, 2, 3, 4, 5, 6, 7

),

referenced as (

    select
        first_commits.scope,
        first_commits.domain,
        first_commits.alert_id,
        first_commits.source,
        first_commits.committed_at,
        case
            when scopes.delay_clock = 'sent_at' and first_commits.source = first_commits.first_source
                then first_commits.trigger_sent_at
            when scopes.delay_clock = 'sent_at' then null
            when first_commits.source = first_commits.first_source then first_commits.trigger_event_time
            else first_commits.trigger_of_source
        end as triggered_at
    from first_commits
    left join scopes on scopes.scope = first_commits.scope

),

final as (

    select
        scope,
        domain,
        alert_id,
        source,
        triggered_at,
        committed_at,
        {{ milliseconds('triggered_at', 'committed_at') }} as delay_ms
    from referenced

)

select * from final
