"""Which models' vectors an embedding table may be searched with.

Revision ID: 0009
Revises: 0008
Create Date: 2026-11-25
"""

from __future__ import annotations

from alembic import op
from udfs.sql_text import literal_sql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        literal_sql("""
        alter table polarlens.embedding_spaces add column query_models jsonb;

        comment on column polarlens.embedding_spaces.query_models is
        'The models that embed queries for this table and their fingerprints as they were: a model that changed since makes another space. NULL or a fingerprint of null: not known.';
    """)
    )


def downgrade() -> None:
    op.execute("alter table polarlens.embedding_spaces drop column query_models")
