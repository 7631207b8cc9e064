"""Python that runs inside PostgreSQL: pure modules, importable and testable with no database.

Only entry.py knows ``plpy``; everything else takes plain values and raises PolarAIError.
"""
