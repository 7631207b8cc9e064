"""What a client sees of an error."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Failure:
    """What a client sees of an error."""

    sqlstate: str | None
    message: str
    hint: str | None
    detail: str | None
    context: str | None

    @property
    def everything(self) -> str:
        """All of it, as one text."""
        return "\n".join(str(part) for part in (self.message, self.hint, self.detail, self.context))
