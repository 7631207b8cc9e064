{#- Makes the staging table equal to what one listing of a location finds; a row's version is the object's etag. -#}
{% macro stage_listing(location, prefix='', pattern=none, allow_empty=false) %}
    {%- set pattern = pattern if pattern is not none else '\\.(jpe?g|jpe|png|webp|gif|bmp|tiff?|avif|hei[cf]|jp2)$' -%}
    {%- set scope = polarlens._literal(location ~ ':' ~ prefix) -%}
    {%- set below = "starts_with(i.path, " ~ scope ~ ") and substr(i.path, " ~ (location | length + 2) ~ ") ~* " ~ polarlens._literal(pattern) -%}
    {% do polarlens._query("drop table if exists pg_temp.polarlens_listing") %}
    {% do polarlens._query(
        "create temporary table polarlens_listing as
        select f.path, coalesce(f.etag, f.size || '-' || extract(epoch from f.last_modified)) as source_version
        from polar_ai.ai_listfiles(" ~ polarlens._literal(location) ~ ", " ~ polarlens._literal(prefix) ~ ", " ~ polarlens._literal(pattern) ~ ") as f"
    ) %}
    {% do polarlens._query("create unique index on polarlens_listing (path)") %}
    {% do polarlens._query("analyze polarlens_listing") %}
    {#- A wrong prefix, or a bucket that was swapped for an empty one, would cost every embedding. -#}
    {% if not allow_empty and polarlens._query_value(
        "select not exists (select from polarlens_listing) and exists (select 1 from polarlens.image_paths as i where " ~ below ~ ")"
    ) %}
        {{ exceptions.raise_database_error(
            'the listing of ' ~ location ~ ':' ~ prefix ~ ' is empty, and the staging table has photos of it: nothing was removed. '
            ~ 'Look at it with polar_ai.ai_testlocation; if they really are gone, give allow_empty: true'
        ) }}
    {% endif %}
    {#- Compared in selects of their own: Citus changes no table by what stands in a local one. -#}
    {% set counts = polarlens._query(
        "with listed as materialized (
            select f.path, f.source_version from polarlens_listing as f
        ),

        gone as materialized (
            select i.path from polarlens.image_paths as i where " ~ below ~ "
            except
            select f.path from listed as f
        ),

        new as materialized (
            select f.path, f.source_version
            from listed as f
            where f.path in (select f.path from listed as f except select i.path from polarlens.image_paths as i)
        ),

        removed as (
            delete from polarlens.image_paths as i using gone as g where i.path = g.path
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
            (select count(*) from changed), (select count(*) from removed)"
    )[0] %}
    {% do polarlens._query("drop table polarlens_listing") %}
    {% do adapter.commit() %}
    {% do log(
        location ~ ':' ~ prefix ~ ': ' ~ counts[0] ~ ' listed, ' ~ counts[1] ~ ' added, ' ~ counts[2] ~ ' changed, ' ~ counts[3] ~ ' removed', info=True
    ) %}
{% endmacro %}
