"""Errors for people who search: what failed, why, and what to do next."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg

from scripts.common.errors import UserError


@dataclass(eq=False)
class GalleryError(UserError):
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


def explain(error: psycopg.Error, user: str = "") -> GalleryError:
    """Return what an error of the database means to somebody who searches for photos."""
    cause = error.diag.message_primary or str(error).strip()
    hint = error.diag.message_hint or ""
    state = error.sqlstate or ""
    if isinstance(error, psycopg.OperationalError) and (not state or state.startswith("57P")):
        return GalleryError(
            "The database cannot be reached",
            cause,
            "Is it running, and are PGHOST, PGPORT, PGUSER, PGPASSWORD and PGDATABASE right?",
        )
    if state in ("3F000", "42883", "42P01"):
        return GalleryError(
            "This database has no photo search yet",
            cause,
            "Install the schema, load photos and embed them:",
            "alembic upgrade head && scripts/load_photos FOLDER && (cd dbt_project && dbt run)",
        )
    if state == "42501" and cause.startswith("permission denied for"):
        return GalleryError(
            "You may not search in this database",
            cause,
            "Its owner can let you:",
            f'grant polarlens_reader to "{user}";',
        )
    if state == "57014":
        return GalleryError("The search took too long", cause, "Is the model service at work? Try again in a moment.")
    if state[:2] in ("08", "53"):
        return GalleryError(
            "The model did not answer",
            cause,
            hint or "The photos are still there. The local model service is started with:",
            "" if hint else "scripts/clip_service start",
        )
    if state == "P0002":
        return GalleryError("That photo cannot be searched with", cause, hint)
    return GalleryError("The search failed", cause, hint)
