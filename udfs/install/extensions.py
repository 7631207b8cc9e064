"""Extensions that an upgrade creates and a downgrade to base removes."""

from __future__ import annotations


def create_extension(name: str, advice: str) -> str:
    """Return SQL that creates an extension if it is missing, and records that a downgrade to base must drop it."""
    return f"""
        do $$
        begin
            if exists (select from pg_extension where extname = '{name}') then
                return;
            end if;
            if not exists (select from pg_available_extensions where name = '{name}') then
                raise exception 'this server does not offer the extension {name}'
                using errcode = 'undefined_file', hint = '{advice}';
            end if;
            create extension {name};
            insert into polarlens.created_here (kind, name) values ('extension', '{name}');
        end
        $$;
    """
