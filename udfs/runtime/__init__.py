"""The runtime: Python that runs inside PostgreSQL, or beside it on anything that satisfies ``database.Database``.

endpoints.py is the door: the functions that SQL calls. Only it, session.py, secrets.py and outcome.py see a database.
"""
