"""Everything of a database's catalogue that a migration could change, as comparable text."""

from __future__ import annotations

from tests.support.database import Database

NOT_SYSTEM = "n.nspname !~ '^pg_' and n.nspname <> 'information_schema'"

QUERIES = {
    "schemas": f"select n.nspname, n.nspowner::regrole, n.nspacl, obj_description(n.oid, 'pg_namespace')"
    f" from pg_namespace as n where {NOT_SYSTEM}",
    "relations": f"select c.oid::regclass, c.relkind, c.relpersistence, c.relowner::regrole, c.relacl, c.reloptions,"
    f" c.relrowsecurity, obj_description(c.oid, 'pg_class'), pg_get_viewdef(c.oid)"
    f" from pg_class as c inner join pg_namespace as n on n.oid = c.relnamespace where {NOT_SYSTEM}",
    # By their order, not by number: a column that was dropped and added again leaves a gap.
    "columns": f"select a.attrelid::regclass, row_number() over (partition by a.attrelid"
    f" order by a.attnum), a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,"
    f" a.attidentity, a.attgenerated, a.attacl, a.attstorage, pg_get_expr(d.adbin, d.adrelid),"
    f" col_description(a.attrelid, a.attnum)"
    f" from pg_attribute as a inner join pg_class as c on c.oid = a.attrelid"
    f" inner join pg_namespace as n on n.oid = c.relnamespace"
    f" left join pg_attrdef as d on d.adrelid = a.attrelid and d.adnum = a.attnum"
    f" where a.attnum > 0 and not a.attisdropped and {NOT_SYSTEM}",
    "constraints": f"select k.conname, k.conrelid::regclass, pg_get_constraintdef(k.oid)"
    f" from pg_constraint as k inner join pg_namespace as n on n.oid = k.connamespace where {NOT_SYSTEM}",
    "indexes": f"select i.indexrelid::regclass, pg_get_indexdef(i.indexrelid)"
    f" from pg_index as i inner join pg_class as c on c.oid = i.indexrelid"
    f" inner join pg_namespace as n on n.oid = c.relnamespace where {NOT_SYSTEM}",
    "functions": f"select p.oid::regprocedure, p.proowner::regrole,"
    f" (select l.lanname from pg_language as l where l.oid = p.prolang),"
    f" p.prokind, p.prosecdef, p.proisstrict,"
    f" p.proretset, p.provolatile, p.proparallel, pg_get_function_arguments(p.oid), pg_get_function_result(p.oid),"
    f" p.prosrc, p.probin, p.proconfig, p.proacl, obj_description(p.oid, 'pg_proc')"
    f" from pg_proc as p inner join pg_namespace as n on n.oid = p.pronamespace where {NOT_SYSTEM}",
    "types": f"select t.oid::regtype, t.typtype, t.typowner::regrole, t.typacl, obj_description(t.oid, 'pg_type')"
    f" from pg_type as t inner join pg_namespace as n on n.oid = t.typnamespace where {NOT_SYSTEM}",
    "triggers": "select t.tgrelid::regclass, t.tgname, pg_get_triggerdef(t.oid) from pg_trigger as t"
    " where not t.tgisinternal",
    "extensions": "select e.extname, e.extversion, e.extnamespace::regnamespace, e.extowner::regrole"
    " from pg_extension as e",
    "languages": "select l.lanname, l.lanpltrusted, l.lanacl from pg_language as l",
    "casts and operators": "select (select count(*) from pg_cast), (select count(*) from pg_operator),"
    " (select count(*) from pg_am), (select count(*) from pg_opclass)",
    "event triggers": "select e.evtname from pg_event_trigger as e",
    "default privileges": "select d.defaclrole::regrole, d.defaclobjtype, d.defaclacl from pg_default_acl as d",
    "roles": "select r.rolname, r.rolsuper, r.rolcanlogin, r.rolcreaterole, shobj_description(r.oid, 'pg_authid')"
    " from pg_roles as r where r.rolname !~ '^pg_'",
    "settings": "select s.setrole::regrole, s.setconfig from pg_db_role_setting as s"
    " where s.setdatabase in (0, (select oid from pg_database where datname = current_database()))",
}


def catalogue(db: Database, *without: str) -> dict[str, list[str]]:
    """Return the catalogue by kind of object; ``prolang`` and other numbers stand for names of this server."""
    return {kind: sorted(str(row) for row in db.rows(query)) for kind, query in QUERIES.items() if kind not in without}
