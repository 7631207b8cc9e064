"""What a database in use holds, by name: a restore and an upgrade have to keep it."""

from __future__ import annotations

SEARCH = "select rank, image_id, round(score::numeric, 4), path from search.search_images('something blue', k => 5)"
KEPT = {
    "photos": "select image_id, path, title, attributes from polarlens.image_paths order by 1",
    "embeddings": "select image_embeddings::text from search_internal.image_embeddings order by 1",
    "errors": "select relation, source_key, message, attempts from polarlens.embedding_errors order by 1, 2",
    "models": "select * from polar_ai.models order by model_id",
    "tokens": "select * from polar_ai.model_secrets order by model_id",
    "locations": "select name, url, options from polar_ai.locations",
    "location secrets": "select * from polar_ai.location_secrets",
    "allowed places": "select * from polar_ai.allow_list order by 1",
    "labels": "select photo_labels::text from search.photo_labels order by 1",
    "saved searches": "select saved_search_results::text from search.saved_search_results order by 1",
    "functions": """
        select
            p.oid::regprocedure::text, coalesce(p.proacl::text, ''), coalesce(obj_description(p.oid), ''), md5(p.prosrc)
        from pg_proc as p
        where p.pronamespace::regnamespace::text in ('polar_ai', 'search', 'search_internal', 'ganos_ai')
        order by 1
    """,
    "rights on tables": """
        select
            c.oid::regclass::text, coalesce(c.reloptions::text, ''),
            array(
                select concat_ws(' ', r.grantee::regrole, r.privilege_type, r.is_grantable)
                from aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) as r
                order by 1
            )
        from pg_class as c
        where c.relnamespace::regnamespace::text in ('polar_ai', 'search', 'search_internal', 'polarlens')
            and c.relkind in ('r', 'v')
        order by 1
    """,
    "columns' storage": """
        select a.attrelid::regclass::text, a.attname, a.attstorage::text
        from pg_attribute as a
        where a.attrelid = 'search_internal.image_embeddings'::regclass and a.attnum > 0
        order by 2
    """,
    "indexes": """
        select indexname, indexdef from pg_indexes
        where schemaname in ('search', 'search_internal', 'polarlens')
        order by 1
    """,
    "version": "select version_num, code_hash from polarlens.alembic_version, polarlens.installed_code",
    "refreshes": "select relation, status, embedded, failed from polarlens.refresh_runs order by run_id",
}
