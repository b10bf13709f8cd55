with runs as (

    select * from {{ ref('stg_platform__runs') }}

),

ledgers as (

    select * from {{ ref('stg_platform__run_ledgers') }}

),

phases as (

    select * from {{ ref('int_run_phases') }}

),

metrics as (

    select * from {{ ref('stg_platform__run_metrics') }}

),

alerts as (

    select * from {{ ref('stg_alerting__alerts') }}

),

measured as (

    select * from phases where phase = 'measured'

),

graded as (

    select
        run_id,
        max(value) filter (where metric = 'rate_asked') as rate_asked,
        max(value) filter (where metric = 'rate_reached') as rate_reached,
        max(value) filter (where metric = 'campaign_recall') as recall,
        max(value) filter (where metric = 'alert_precision') as precision,
        max(value) filter (where metric = 'score_alert_delay_p50') as score_delay_p50_ms,
        max(value) filter (where metric = 'score_alert_delay_p95') as score_delay_p95_ms,
        max(value) filter (where metric = 'score_alert_delay_p99') as score_delay_p99_ms,
        max(value) filter (where metric = 'pattern_alert_delay_p50') as pattern_delay_p50_ms,
        max(value) filter (where metric = 'pattern_alert_delay_p95') as pattern_delay_p95_ms,
        max(value) filter (where metric = 'pattern_alert_delay_p99') as pattern_delay_p99_ms
    from metrics
    where fraud_type = 'all'
    group by run_id

),

alerted as (

    select
        scope,
        count(*) as alerts,
        count(*) filter (where severity = 'critical') as critical_alerts,
        sum(amount_at_risk)::numeric(38, 4) as money_at_risk,
        sum(amount_tried)::numeric(38, 4) as money_tried
    from alerts
    group by scope

),

final as (

    select
        runs.run_id as scope,
        runs.kind,
        runs.domain,
        runs.level,
        runs.seed,
        runs.minutes,
        runs.state,
        runs.reason,
        runs.requested_at,
        runs.measured_from,
        runs.measured_until,
        runs.ended_at,
        extract(epoch from (runs.ended_at - runs.requested_at))::double precision as duration_s,
        runs.dag_id,
        runs.airflow_run_id,
        runs.dag_version,
        runs.pack_version,
        runs.feature_set,
        runs.pattern_set,
        runs.model_version,
        runs.params,
        measured.shards,
        measured.late_p99_ms as generator_late_p99_ms,
        graded.rate_asked,
        graded.rate_reached,
        ledgers.generated,
        ledgers.acknowledged,
        ledgers.featurised,
        ledgers.dead_lettered,
        ledgers.to_score,
        ledgers.scored,
        ledgers.lost,
        ledgers.duplicated,
        ledgers.altered,
        ledgers.overlapping,
        ledgers.redelivered,
        ledgers.closed as ledger_closed,
        ledgers.problems as ledger_problems,
        coalesce(alerted.alerts, 0) as alerts,
        coalesce(alerted.critical_alerts, 0) as critical_alerts,
        coalesce(alerted.money_at_risk, 0)::numeric(38, 4) as money_at_risk,
        coalesce(alerted.money_tried, 0)::numeric(38, 4) as money_tried,
        graded.recall,
        graded.precision,
        graded.score_delay_p50_ms,
        graded.score_delay_p95_ms,
        graded.score_delay_p99_ms,
        graded.pattern_delay_p50_ms,
        graded.pattern_delay_p95_ms,
        graded.pattern_delay_p99_ms
    from runs
    left join ledgers on ledgers.run_id = runs.run_id
    left join measured on measured.run_id = runs.run_id
    left join graded on graded.run_id = runs.run_id
    left join alerted on alerted.scope = runs.run_id

)

select * from final
