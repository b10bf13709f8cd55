with shard_ledgers as (

    select * from {{ ref('stg_platform__shard_ledgers') }}

),

final as (

    select
        run_id,
        phase,
        count(*)::integer as shards,
        sum(generated)::bigint as generated,
        min(started_at) as started_at,
        max(ended_at) as ended_at,
        max(late_p99_ms) as late_p99_ms
    from shard_ledgers
    group by run_id, phase

)

select * from final
