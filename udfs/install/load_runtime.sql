create or replace function polar_ai._load_runtime() returns void
language plpython3u
set search_path to pg_catalog, pg_temp
as $polarlens$
# Written by udfs/install from udfs/runtime/ and udfs/providers/: change the files there, not this function.
MODULES = {
@modules@
}
@importer@
try:
    GD["@runtime@"] = load("@runtime@", MODULES)
except ImportError as error:
    plpy.error(
        "polar_ai cannot run: the database server's Python lacks a package (%s)" % error,
        hint="Install Pillow, urllib3 (2 or newer) and certifi for the Python that PL/Python uses.",
        sqlstate="58P01",
    )
$polarlens$;

comment on function polar_ai._load_runtime() is
'Loads the Python runtime @runtime@ into this session, once. Called by the other functions as they need it.';
