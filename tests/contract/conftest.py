"""The same databases and servers as the tests of the SQL functions."""

from tests.udfs.conftest import db, failure, raw_server, shared

__all__ = ["db", "failure", "raw_server", "shared"]
