{#- A model lands in exactly the schema of its folder: the migrations made those schemas and gave out their rights. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ (custom_schema_name or target.schema) | trim }}
{%- endmacro %}
