"""The runtime: Python that runs inside PostgreSQL, or beside it on anything that satisfies ``database.Database``.

endpoints/ is the door: the functions that SQL calls. database/ reads the registry; everything else takes plain values.
"""
