-- Scalar subqueries rather than joins: a page of fifty alerts asks for its fifty and not for every alert there is.
select
    alerts.*,
    scopes.kind as run_kind,
    scopes.level as run_level,
    scopes.state as run_state,
    -- As int_alert_delays has it of the alert's first source.
    (
        select {{ milliseconds(
            "case scopes.delay_clock when 'sent_at' then alerts.trigger_sent_at else alerts.trigger_event_time end",
            "coalesce(min(alert_events.committed_at), alerts.detected_at)"
        ) }}
        from {{ ref('stg_alerting__alert_events') }} as alert_events
        where alert_events.alert_id = alerts.alert_id and alert_events.source = alerts.first_source
    ) as delay_ms,
    (
        select string_agg(reason.item ->> 'text', '; ' order by reason.position)
        from jsonb_array_elements(alerts.reasons) with ordinality as reason (item, position)
    ) as reasons_text,
    case when scopes.has_ground_truth then (
        select
            case
                when bool_or(
                    campaigns.kind = 'fraud'
                    and alerts.fraud_type in (campaigns.fraud_type, '{{ var("suspicious_activity") }}')
                ) then 'right'
                when bool_or(campaigns.kind = 'fraud') then 'other_fraud'
                when bool_or(campaigns.kind = 'lookalike') then 'lookalike'
                else 'legitimate'
            end
        from {{ ref('stg_alerting__alert_events') }} as alert_events
        inner join {{ ref('stg_platform__ground_truth_events') }} as ground_truth_events
            on ground_truth_events.scope = alerts.scope
            and ground_truth_events.actor_id = alert_events.actor_id
            and ground_truth_events.event_id = alert_events.event_id
        inner join {{ ref('stg_platform__ground_truth_campaigns') }} as campaigns
            on campaigns.scope = ground_truth_events.scope
            and campaigns.campaign_id = ground_truth_events.campaign_id
        where alert_events.alert_id = alerts.alert_id
    ) end as truth
from {{ ref('stg_alerting__alerts') }} as alerts
left join {{ ref('int_scopes') }} as scopes on scopes.scope = alerts.scope
