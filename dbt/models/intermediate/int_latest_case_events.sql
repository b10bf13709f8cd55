with case_events as (

    select * from {{ ref('stg_alerting__case_events') }}

),

final as (

    select distinct on (alert_id)
        alert_id,
        status,
        assignee,
        disposition,
        written_by,
        written_at
    from case_events
    order by alert_id, case_event_id desc

)

select * from final
