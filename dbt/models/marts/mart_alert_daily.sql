{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key=['alert_date', 'scope'],
        on_schema_change='fail',
        pre_hook="select pg_advisory_xact_lock(hashtext('{{ this }}'))",
        indexes=[{'columns': ['scope', 'alert_date']}, {'columns': ['last_updated_at']}],
    )
}}

with alerts as (

    select * from {{ ref('stg_alerting__alerts') }}

),

{% if is_incremental() -%}
changed as (

    select distinct
        scope,
        (detected_at at time zone 'UTC')::date as alert_date
    from {{ ref('stg_alerting__alerts') }}
    where updated_at > (
        select coalesce(max(last_updated_at), '-infinity') - interval '{{ var("history_lookback_minutes") }} minutes'
        from {{ this }}
    )

),

{% endif -%}
-- A severity that rises moves an alert from one row to another, hence whole days are written again.
dated as (

    select
        alerts.*,
        (alerts.detected_at at time zone 'UTC')::date as alert_date
    from alerts
    {%- if is_incremental() %}
    inner join changed
        on changed.scope = alerts.scope
        -- As a range, which the alerts' index finds: a build reads the days that changed and not all there were.
        and alerts.detected_at >= changed.alert_date::timestamp at time zone 'UTC'
        and alerts.detected_at < (changed.alert_date + 1)::timestamp at time zone 'UTC'
    {%- endif %}

),

final as (

    select
        alert_date,
        scope,
        domain,
        fraud_type,
        severity,
        currency,
        count(*) as alerts,
        count(distinct subject_id) as subjects,
        sum(event_count)::bigint as events,
        sum(amount_at_risk)::numeric(38, 4) as money_at_risk,
        sum(amount_tried)::numeric(38, 4) as money_tried,
        max(updated_at) as last_updated_at
    from dated
    group by alert_date, scope, domain, fraud_type, severity, currency

)

select * from final
