"""SQL that SQLAlchemy and Alembic pass on to the letter."""

from __future__ import annotations

import sqlalchemy as sa


def literal_sql(sql: str) -> sa.TextClause:
    r"""Return ``sql`` with no bind parameters in it: ``:name`` and JSON literals stay what they are.

    Unescaped, Alembic's --sql mode silently writes NULL in the place of ``:name``.
    """
    return sa.text(sql.replace(":", r"\:"))
