"""On PolarDB its own extension polar_ai stays, and only what dbt needs is put beside it, in the schema polarlens.

alembic -x polar_ai=native upgrade head
"""

from __future__ import annotations

from alembic import context


def keeps_native_extension() -> bool:
    """Whether this command was told that the database's own polar_ai stays."""
    return context.get_x_argument(as_dictionary=True).get("polar_ai") == "native"
