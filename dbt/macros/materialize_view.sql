{#-
    Replaces dbt's own view materialization, which renames the old view away and drops it with everything that reads
    it: a rebuild of a staging view would take every mart away from the dashboards until its turn comes again, and two
    runs at once would collide. Here a view keeps its identity as long as its columns stay; only a change of columns
    drops it. The lock makes a second run wait.
-#}
{% materialization view, adapter='postgres' %}
    {%- set existing = load_cached_relation(this) -%}
    {%- set target_relation = this.incorporate(type='view') -%}
    {%- set create_view -%}
        view {{ target_relation }} as (
            {{ sql }}
        )
    {%- endset -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}

    {% if existing is not none and not existing.is_view %}
        {{ drop_relation_if_exists(existing) }}
    {% endif %}

    {% call statement('main') -%}
        {%- if config.get('contract').enforced %}{{ get_assert_columns_equivalent(sql) }}{% endif %}
        do $materialize$
        begin
            perform pg_advisory_xact_lock(hashtext('{{ target_relation }}'));
            begin
                create or replace {{ create_view }};
            exception when invalid_table_definition then
                drop view {{ target_relation }} cascade;
                create {{ create_view }};
            end;
        end
        $materialize$
    {%- endcall %}

    {% do apply_grants(target_relation, config.get('grants'), should_revoke=True) %}
    {% do persist_docs(target_relation, model) %}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}
