with metrics as (

    select * from {{ ref('stg_platform__run_metrics') }}

),

runs as (

    select * from {{ ref('stg_platform__runs') }}

),

pivoted as (

    select
        run_id,
        fraud_type,
        max(value) filter (where metric = 'campaign_recall') as recall,
        max(ci_low) filter (where metric = 'campaign_recall') as recall_low,
        max(ci_high) filter (where metric = 'campaign_recall') as recall_high,
        max(numerator) filter (where metric = 'campaign_recall') as campaigns_found,
        max(denominator) filter (where metric = 'campaign_recall') as campaigns,
        max(value) filter (where metric = 'alert_precision') as precision,
        max(ci_low) filter (where metric = 'alert_precision') as precision_low,
        max(ci_high) filter (where metric = 'alert_precision') as precision_high,
        max(numerator) filter (where metric = 'alert_precision') as alerts_right,
        max(denominator) filter (where metric = 'alert_precision') as alerts,
        max(value) filter (where metric = 'event_recall') as event_recall,
        max(value) filter (where metric = 'event_precision') as event_precision,
        max(numerator) filter (where metric = 'lookalikes_alerted') as lookalikes_alerted,
        max(denominator) filter (where metric = 'lookalikes_alerted') as lookalikes,
        max(value) filter (where metric = 'detection_time_p50') as detection_time_p50_s,
        max(value) filter (where metric = 'detection_time_p95') as detection_time_p95_s,
        bool_or(gated) filter (where metric in ('campaign_recall', 'alert_precision')) as gated,
        bool_and(passed) filter (where metric in ('campaign_recall', 'alert_precision') and gated) as passed
    from metrics
    group by run_id, fraud_type

),

final as (

    select
        pivoted.run_id as scope,
        runs.domain,
        runs.kind as run_kind,
        runs.level as run_level,
        runs.state as run_state,
        runs.requested_at as run_requested_at,
        runs.model_version,
        pivoted.fraud_type,
        pivoted.campaigns,
        pivoted.campaigns_found,
        pivoted.recall,
        pivoted.recall_low,
        pivoted.recall_high,
        pivoted.alerts,
        pivoted.alerts_right,
        pivoted.precision,
        pivoted.precision_low,
        pivoted.precision_high,
        pivoted.event_recall,
        pivoted.event_precision,
        pivoted.lookalikes,
        pivoted.lookalikes_alerted,
        pivoted.detection_time_p50_s,
        pivoted.detection_time_p95_s,
        pivoted.gated,
        pivoted.passed
    from pivoted
    inner join runs on runs.run_id = pivoted.run_id
    where coalesce(pivoted.campaigns, pivoted.alerts) is not null

)

select * from final
