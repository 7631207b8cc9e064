{#- Versions before 0.1.0 built staging views, embedding tables and internal functions in the schema for people. They
    move to the schema of internals with their rows, indexes, grants and the views that people have made on them:
    nothing is embedded again, and searches go on. A call that began before the move still runs an old function, which
    names old places: so each old name stays as an alias until such calls have ended. -#}


{#- Objects at a former place, by their kind: table, view, function, or former for what remains there to be dropped. -#}
{% macro _misplaced_internals() %}
    {%- set places = [] -%}
    {%- set taken = [] -%}
    {%- for node in graph.nodes.values() | list + graph.functions.values() | list
        if node.resource_type in ['model', 'seed', 'snapshot', 'function'] -%}
        {%- do taken.append(node.schema ~ '.' ~ node.alias) -%}
        {%- if node.package_name == 'polarlens' and node.config.get('schema') == 'internal' -%}
            {%- set old = generate_schema_name(none, node) | trim -%}
            {%- do places.append({'old': old, 'name': node.alias, 'new': node.schema}) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set values = [] -%}
    {#- Another model may have a place by now: it is left alone. -#}
    {%- for place in places if place.old != place.new and place.old ~ '.' ~ place.name not in taken -%}
        {%- set row = [polarlens._literal(place.old), polarlens._literal(place.name), polarlens._literal(place.new)] -%}
        {%- do values.append('(' ~ row | join(', ') ~ ')') -%}
    {%- endfor -%}
    {%- if not values -%}{{ return([]) }}{%- endif -%}
    {%- set former = polarlens._literal(polarlens._former_place('%')) -%}
    {%- set sql -%}
        with places (old_schema, name, new_schema) as (values {{ values | join(', ') }}),

        relations as (
            select
                case
                    when obj_description(c.oid, 'pg_class') like {{ former }} then 'former'
                    when c.relkind = 'r' then 'table'
                    else 'view'
                end as kind,
                p.old_schema,
                c.relname as name,
                p.new_schema,
                c.oid,
                null as arguments
            from places as p
            inner join pg_catalog.pg_namespace as n on p.old_schema = n.nspname
            -- An embedding table may have an unfinished successor beside it.
            inner join pg_catalog.pg_class as c on n.oid = c.relnamespace and c.relname in (p.name, p.name || '__next')
            where c.relkind = 'v' or c.relkind = 'r' and exists (
                select from pg_catalog.pg_attribute as a where a.attrelid = c.oid and a.attname = 'model_fingerprint'
            )
        ),

        functions as (
            select
                case
                    when p.new_schema is null or obj_description(f.oid, 'pg_proc') like {{ former }} then 'former'
                    else 'function'
                end as kind,
                p.old_schema,
                f.proname as name,
                p.new_schema,
                f.oid,
                pg_catalog.pg_get_function_identity_arguments(f.oid) as arguments
            from (
                select * from places
                union all
                -- Made anew at its place by every run.
                select distinct p.old_schema, 'set_on_workers', null from places as p
            ) as p
            inner join pg_catalog.pg_namespace as n on p.old_schema = n.nspname
            inner join pg_catalog.pg_proc as f on n.oid = f.pronamespace and p.name = f.proname
            where p.new_schema is not null or f.prosrc like '%hnsw.ef_search%'
        )

        select f.kind, f.old_schema, f.name, f.new_schema, f.oid, f.arguments from functions as f
        union all
        select r.kind, r.old_schema, r.name, r.new_schema, r.oid, r.arguments
        from relations as r
        where r.kind = 'former' or not exists (
            select from pg_catalog.pg_class as c
            inner join pg_catalog.pg_namespace as n on c.relnamespace = n.oid
            where n.nspname = r.new_schema and c.relname = r.name
        )
    {%- endset -%}
    {{ return(run_query(sql).rows) }}
{% endmacro %}


{#- Moves them in one transaction with `ddl`, which replaces the search functions; returns the SQL that drops the
    aliases. -#}
{% macro _move_internals(misplaced, ddl) %}
    {%- set relations = [] -%}
    {%- set functions = [] -%}
    {%- for row in misplaced if row.kind != 'former' -%}
        {%- set object = {
            'old': adapter.quote(row.old_schema) ~ '.' ~ adapter.quote(row.name),
            'new': adapter.quote(row.new_schema) ~ '.' ~ adapter.quote(row.name),
            'signature': adapter.quote(row.old_schema) ~ '.' ~ adapter.quote(row.name) ~ '(' ~ row.arguments ~ ')',
            'schema': adapter.quote(row.new_schema), 'kind': row.kind, 'oid': row.oid,
            'relation': polarlens._literal(row.old_schema ~ '.' ~ row.name),
            'new_relation': polarlens._literal(row.new_schema ~ '.' ~ row.name)
        } -%}
        {%- do (functions if row.kind == 'function' else relations).append(object) -%}
    {%- endfor -%}
    {%- call statement('polarlens_move') -%}
        {%- for row in misplaced if row.new_schema %}
            {{ polarlens._create_missing_schema(row.new_schema) }}
        {%- endfor %}
        {{ polarlens._only_on_coordinator('off') }}
        do $polarlens_move$
        declare
            v_definition text;
        begin
            null;
            {%- for function in functions %}

            v_definition := pg_catalog.pg_get_functiondef({{ function.oid }});
            alter function {{ function.signature }} set schema {{ function.schema }};
            execute v_definition;
            comment on function {{ function.signature }}
            is {{ polarlens._literal(polarlens._former_place(function.new)) }};
            revoke all on function {{ function.signature }} from public;
            grant execute on function {{ function.signature }} to polarlens_reader, polar_ai_user, polar_ai_admin;
            {%- endfor %}
        end
        $polarlens_move$;
        {{ polarlens._only_on_coordinator('on') }}
        {{ ddl }}
        {{ polarlens._move_relations(relations) if relations }}
    {%- endcall -%}
    {%- for row in misplaced if row.kind in ['table', 'view'] -%}
        {%- set old = api.Relation.create(
            database=target.database, schema=row.old_schema, identifier=row.name, type=row.kind
        ) -%}
        {%- do adapter.cache_dropped(old) -%}
        {%- do adapter.cache_added(old.incorporate(path={'schema': row.new_schema})) -%}
        {%- do log(row.old_schema ~ '.' ~ row.name ~ ' is ' ~ row.new_schema ~ '.' ~ row.name ~ ' now', info=True) -%}
    {%- endfor -%}
    {{ polarlens._drop_former_places(misplaced) }}
{% endmacro %}


{#- SQL that moves tables and views, with the records of their refreshes. It takes all locks within a tenth of a second
    or gives them back: a search that holds some and waits for the others would end in a deadlock. -#}
{% macro _move_relations(relations) %}
    {%- set server = run_query("select current_setting('server_version_num')::integer as version").rows[0] -%}
    {%- set rights = ' with (security_invoker = true)' if server.version >= 150000 else '' -%}
    do $polarlens_move$
    declare
        v_lock_timeout constant text := current_setting('lock_timeout');
        v_patience constant timestamptz := clock_timestamp() + interval '5 minutes';
    begin
        {%- if polarlens._distributed() %}
        set local citus.multi_shard_modify_mode to 'sequential';
        {%- endif %}
        {%- for table in relations if table.kind == 'table' %}
        if not pg_try_advisory_xact_lock(polarlens._refresh_lock_key({{ table.relation }})) then
            raise exception 'cannot move {{ table.old }} to {{ table.schema }}: a refresh of it is running'
            using errcode = 'lock_not_available', hint = 'Wait for its end, then dbt run again.';
        end if;
        {%- endfor %}
        loop
            begin
                set local lock_timeout to '100ms';
                {%- for relation in relations %}
                alter {{ relation.kind }} {{ relation.old }} set schema {{ relation.schema }};
                {%- endfor %}
                exit;
            exception when lock_not_available then
                if clock_timestamp() > v_patience then
                    raise exception
                        'cannot move {{ relations | map(attribute="old") | join(", ") }}: other sessions use them'
                    using errcode = 'lock_not_available',
                    hint = 'Look for long transactions in pg_stat_activity, then dbt run again.';
                end if;
                perform pg_sleep(0.2);
            end;
        end loop;
        perform set_config('lock_timeout', v_lock_timeout, true);
        {%- for relation in relations %}

        create view {{ relation.old }}{{ rights }} as select * from {{ relation.new }};
        comment on view {{ relation.old }} is {{ polarlens._literal(polarlens._former_place(relation.new)) }};
        grant select on {{ relation.old }} to polarlens_reader, polar_ai_user, polar_ai_admin;
        {%- if relation.kind == 'table' %}
        {%- for records in ['embedding_spaces', 'embedding_errors'] %}
        delete from polarlens.{{ records }} where relation = {{ relation.new_relation }};
        {%- endfor %}
        {%- for records in ['embedding_spaces', 'embedding_errors', 'refresh_runs'] %}
        update polarlens.{{ records }} set relation = {{ relation.new_relation }}
        where relation = {{ relation.relation }};
        {%- endfor %}
        {%- endif %}
        {%- endfor %}
    end
    $polarlens_move$;
{% endmacro %}


{#- SQL that drops the aliases once the transactions of now have ended, or leaves them to the next run. -#}
{% macro _drop_former_places(misplaced) %}
    do $polarlens_former$
    declare
        v_older constant text[] := array(
            select l.virtualtransaction
            from pg_catalog.pg_locks as l
            inner join pg_catalog.pg_stat_activity as a on l.pid = a.pid
            where l.locktype = 'virtualxid'
                and l.granted
                and a.datname = current_database()
                and l.pid <> pg_backend_pid()
        );
        v_patience constant timestamptz := clock_timestamp() + interval '30 seconds';
    begin
        while clock_timestamp() < v_patience and exists (
            select from pg_catalog.pg_locks as l where l.locktype = 'virtualxid' and l.virtualtransaction = any(v_older)
        ) loop
            perform pg_sleep(0.1);
        end loop;
        set local lock_timeout to '5s';
        {%- for row in misplaced %}
        {%- set name = adapter.quote(row.old_schema) ~ '.' ~ adapter.quote(row.name) %}
        begin
            {%- if row.arguments is none %}
            drop view if exists {{ name }};
            {%- else %}
            drop function if exists {{ name }}({{ row.arguments }});
            {%- endif %}
        exception when lock_not_available or dependent_objects_still_exist then
            raise notice 'the next dbt run drops {{ name }}';
        end;
        {%- endfor %}
    end
    $polarlens_former$;
{% endmacro %}


{#- The comment of an alias. -#}
{% macro _former_place(place) -%}
    polarlens: the former place of {{ place }}, for calls that began before the move.
{%- endmacro %}
