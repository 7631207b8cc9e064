{#- Make the staging table equal to what one listing of a location finds; a row's version is the object's etag. -#}
{% macro stage_listing(location, prefix='', pattern=none, allow_empty=false) %}
    {%- set pictures = '\\.(jpe?g|jpe|png|webp|gif|bmp|tiff?|avif|hei[cf]|jp2)$' -%}
    {%- set pattern = polarlens._literal(pattern if pattern is not none else pictures) -%}
    {%- set scope = polarlens._literal(location ~ ':' ~ prefix) -%}
    {%- set below -%}
        starts_with(i.path, {{ scope }}) and substr(i.path, {{ location | length + 2 }}) ~* {{ pattern }}
    {%- endset -%}
    {% call statement() %}
        drop table if exists pg_temp.polarlens_listing;
        create temporary table polarlens_listing as
        select f.path, coalesce(f.etag, f.size || '-' || extract(epoch from f.last_modified)) as source_version
        from polar_ai.ai_listfiles(
            {{ polarlens._literal(location) }}, {{ polarlens._literal(prefix) }}, {{ pattern }}
        ) as f;
        create unique index on polarlens_listing (path);
        analyze polarlens_listing
    {% endcall %}
    {#- A wrong prefix, or a bucket that was swapped for an empty one, would cost every embedding. -#}
    {% set empties_sql %}
        select
            not exists (select from polarlens_listing)
            and exists (select 1 from polarlens.image_paths as i where {{ below }})
    {% endset %}
    {% if not allow_empty and polarlens._query_value(empties_sql) %}
        {% set message = 'the listing of %s:%s is empty, and the staging table has photos of it: nothing was removed. '
            ~ 'Look at it with polar_ai.ai_testlocation; if they really are gone, give allow_empty: true' %}
        {% do polarlens._raise_error(message | format(location, prefix)) %}
    {% endif %}
    {#- Compared in selects of their own: Citus changes no table by the rows of a local one. -#}
    {% set merge_sql %}
        with listed as materialized (
            select f.path, f.source_version from polarlens_listing as f
        ),

        deleted as materialized (
            select i.path from polarlens.image_paths as i where {{ below }}
            except
            select f.path from listed as f
        ),

        new as materialized (
            select f.path, f.source_version
            from listed as f
            where f.path in (select f.path from listed as f except select i.path from polarlens.image_paths as i)
        ),

        removed as (
            delete from polarlens.image_paths as i using deleted as d where i.path = d.path
            returning 1
        ),

        changed as (
            update polarlens.image_paths as i
            set source_version = f.source_version
            from listed as f
            where f.path = i.path and f.source_version is distinct from i.source_version
            returning 1
        ),

        added as (
            insert into polarlens.image_paths (path, source_version)
            select n.path, n.source_version from new as n order by n.path
            returning 1
        )

        select
            (select count(*) from listed), (select count(*) from added),
            (select count(*) from changed), (select count(*) from removed)
    {% endset %}
    {% set counts = polarlens._query(merge_sql)[0] %}
    {% call statement() %}drop table polarlens_listing{% endcall %}
    {% do adapter.commit() %}
    {% do log('%s:%s: %s listed, %s added, %s changed, %s removed'
        | format(location, prefix, counts[0], counts[1], counts[2], counts[3]), info=True) %}
{% endmacro %}
