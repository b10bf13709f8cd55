{#- Start of the velocity bucket that `moment` falls into; the generator writes run_velocity in the same buckets. -#}
{% macro velocity_bucket(moment) -%}
    date_bin(interval '{{ var("velocity_bucket_seconds") }} seconds', {{ moment }}, timestamptz '2000-01-01 00:00:00+00')
{%- endmacro %}
