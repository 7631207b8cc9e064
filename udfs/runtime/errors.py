"""The one error that the runtime raises on purpose, and its SQLSTATEs."""

from __future__ import annotations

from typing import Any, Literal

# The SQLSTATEs in use, by what they mean to a caller.
BAD_ARGUMENT = "22023"  # invalid_parameter_value
BAD_IMAGE = "22P03"  # invalid_binary_representation
NOT_FOUND = "58P01"  # undefined_file
NOT_ALLOWED = "42501"  # insufficient_privilege
TOO_LARGE = "54000"  # program_limit_exceeded
IO_ERROR = "58030"  # io_error
UNREACHABLE = "08001"  # the service could not be reached
CONNECTION_LOST = "08006"  # the connection broke or timed out half way
BAD_RESPONSE = "08P01"  # protocol_violation: the service answered something else than agreed
REFUSED = "28000"  # invalid_authorization_specification: wrong or missing token
OVERLOADED = "53000"  # insufficient_resources: the service asks to wait
INTERNAL = "XX000"  # internal_error: a defect of ours

Scope = Literal["item", "batch"]


class PolarAIError(Exception):
    """What went wrong, for a person: what was being done, the cause, and (hint) what to do next.

    ``scope`` says whether one item is at fault (its neighbours go on) or the whole batch is
    (service down, wrong token), where trying the next item would only repeat the fault.
    ``stage`` names the step: load, decode, request or response.
    """

    def __init__(
        self,
        message: str,
        *,
        sqlstate: str,
        hint: str | None = None,
        detail: str | None = None,
        stage: str = "request",
        scope: Scope = "item",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.sqlstate = sqlstate
        self.hint = hint
        self.detail = detail
        self.stage = stage
        self.scope = scope

    def as_dict(self) -> dict[str, Any]:
        """Return the fields that polarlens._raise and the errors table read."""
        return {
            "message": printable(self.message),
            "sqlstate": self.sqlstate,
            "hint": printable(self.hint),
            "detail": printable(self.detail),
            "stage": self.stage,
        }


def printable(text: str | None) -> str | None:
    """Return ``text`` without what PostgreSQL's text cannot hold: NUL, and halves of surrogate pairs."""
    return text and text.replace("\0", "�").encode("utf-8", "replace").decode("utf-8")


def excerpt(text: str, limit: int = 200) -> str:
    """Return ``text`` on one line, cut to ``limit`` characters: what an error may quote of an answer."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
