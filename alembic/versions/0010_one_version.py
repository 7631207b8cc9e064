"""The version of what is installed, and the functions of refreshes in the schema polarlens.

Revision ID: 0010
Revises: 0009
Create Date: 2026-11-27
"""

from __future__ import annotations

from alembic import op
from udfs.sql_text import literal_sql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        literal_sql("""
        -- The upgrade that runs this installs the functions and records their version.
        delete from polarlens.installed_code;
        alter table polarlens.installed_code add column version text not null;

        comment on column polarlens.installed_code.version is 'The version of polarlens that was installed.';

        -- polarlens.refresh_status reads this function. Other functions move when the upgrade replaces them.
        do $$
        begin
            if to_regprocedure('polar_ai._index_progress()') is not null then
                alter function polar_ai._index_progress() set schema polarlens;
            end if;
        end
        $$;
    """)
    )


def downgrade() -> None:
    op.execute(
        literal_sql("""
        alter table polarlens.installed_code drop column version;

        -- The functions of revision 0009 make both again. Its view has a column less, and could not replace this one.
        drop view if exists polarlens.refresh_status cascade;
        drop function if exists polarlens._index_progress();
    """)
    )
