{#- Milliseconds from `earlier` to `later`, as double precision. -#}
{% macro milliseconds(earlier, later) -%}
    (extract(epoch from ({{ later }} - {{ earlier }})) * 1000)::double precision
{%- endmacro %}
