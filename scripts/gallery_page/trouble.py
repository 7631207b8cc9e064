"""What went wrong, said so that whoever searches knows what to do next."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg


@dataclass(eq=False)
class Trouble(Exception):
    """Why there are no results.

    Args:
        title: what failed, in a few words.
        cause: what is known of why.
        advice: what to do next.
        command: the command or statement that does it.
    """

    title: str
    cause: str = ""
    advice: str = ""
    command: str = ""

    def __str__(self) -> str:
        """Return everything, as a terminal shows it."""
        return "\n".join(line for line in (f"{self.title}.", self.cause, self.advice, self.command) if line)


def no_local_server() -> Trouble:
    """Say that there is no database to look at."""
    return Trouble(
        "There is no database to search in",
        "PGHOST is not set, and quickstart's server is not running.",
        "Start it, or set PGHOST, PGPORT, PGUSER, PGPASSWORD and PGDATABASE.",
        "scripts/local_postgres.py start      # or scripts/quickstart, where there is none yet",
    )


def explained(error: psycopg.Error, user: str = "") -> Trouble:
    """Return what an error of the database means to somebody who searches for photos."""
    said = error.diag.message_primary or str(error).strip()
    hint = error.diag.message_hint or ""
    state = error.sqlstate or ""
    if isinstance(error, psycopg.OperationalError) and (not state or state.startswith("57P")):
        return Trouble(
            "The database cannot be reached",
            said,
            "Is it running, and are PGHOST, PGPORT, PGUSER, PGPASSWORD and PGDATABASE right?",
        )
    if state in ("3F000", "42883", "42P01"):
        return Trouble(
            "This database has no photo search yet",
            said,
            "Install the schema, load photos and embed them:",
            "alembic upgrade head && scripts/load_photos FOLDER && (cd dbt_project && dbt run)",
        )
    if state == "42501" and said.startswith("permission denied for"):
        return Trouble(
            "You may not search in this database",
            said,
            "Its owner can let you:",
            f'grant polarlens_reader to "{user}";',
        )
    if state == "57014":
        return Trouble("The search took too long", said, "Is the model service at work? Try again in a moment.")
    if state[:2] in ("08", "53"):
        return Trouble(
            "The model did not answer",
            said,
            hint or "The photos are still there. The local model service is started with:",
            "" if hint else "scripts/clip_service start",
        )
    if state == "P0002":
        return Trouble("That photo cannot be searched with", said, hint)
    return Trouble("The search failed", said, hint)
