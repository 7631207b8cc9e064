"""What there is to attack: a server that logs everything, models with secrets, and roles that want them."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from tests.support.database import Database

# Nobody but the owner may learn any of these; the permits' key joins them when the house is built.
SECRETS = {
    "a model's token": "sk-t0ken-of-the-open-model",
    "a revoked model's token": "sk-t0ken-of-the-revoked-model",
    "another role's model's token": "sk-t0ken-of-their-model",
    "the tokens' key": "k3y-that-the-tokens-are-encrypted-with",
    "a token of the environment": "t0ken-of-the-servers-environment",
    "a location's secret": "Bearer s3cret-of-the-location",
    "a key file's content": "-----BEGIN PRIVATE KEY----- MIIEvQ",
}
ENVIRONMENT = {
    "POLARLENS_TOKEN_KEY": SECRETS["the tokens' key"],
    "POLARLENS_TEST_TOKEN": SECRETS["a token of the environment"],
}
# role: what it is a member of.
ROLES = {
    "outsider": (),
    "reader": (),
    "caller": ("polar_ai_user",),
    "them": ("polar_ai_user",),
    "admin": ("polar_ai_admin",),
}
PASSWORD = "their-own-password"


@dataclass
class Seen:
    """All that a client got to see of one statement."""

    rows: list[tuple[Any, ...]] = field(default_factory=list)
    sqlstate: str | None = None
    said: list[str] = field(default_factory=list)  # errors, notices, log messages

    @property
    def text(self) -> str:
        return "\n".join([*map(str, self.rows), *self.said])


@dataclass
class House:
    """The database under attack."""

    db: Database
    log: Path
    data: Path
    url: str  # of the service that the models are at
    secrets: dict[str, str]
    _kept: dict[str, psycopg.Connection[Any]] = field(default_factory=dict)

    def connect(self, role: str) -> psycopg.Connection[Any]:
        """Connect as one of ROLES, or as the owner."""
        who = {} if role == "owner" else {"user": role, "password": PASSWORD}
        return self.db.connect(prepare_threshold=None, **who)

    def attack(self, role: str, *statements: str, parameters: tuple[Any, ...] = (), fresh: bool = False) -> Seen:
        """Run statements as ``role``; the parameters are the last one's. No secret may show, whatever happens.

        A role's attacks share a connection, whose settings are put back, unless ``fresh``.
        """
        if fresh and role in self._kept:
            self._kept.pop(role).close()
        if role not in self._kept or self._kept[role].closed:
            self._kept[role] = self.connect(role)
        connection, seen = self._kept[role], Seen()

        def noticed(said: psycopg.errors.Diagnostic) -> None:
            seen.said.append(f"{said.message_primary} {said.message_detail}")

        connection.add_notice_handler(noticed)
        try:
            for statement in statements[:-1]:
                connection.execute(statement.encode())
            cursor = connection.execute(statements[-1].encode(), parameters or None)
            seen.rows = cursor.fetchall() if cursor.description else []
        except psycopg.Error as error:
            seen.sqlstate = error.sqlstate
            said = error.diag
            parts = (said.message_primary, said.message_detail, said.message_hint, said.context)
            seen.said.extend(part for part in parts if part)
        connection.remove_notice_handler(noticed)
        if not connection.closed:
            connection.execute("rollback")
            connection.execute("discard all")
        self.check_silent(seen.text)
        assert "Traceback" not in seen.text and 'File "' not in seen.text, seen.text
        assert seen.sqlstate is None or not seen.sqlstate.startswith("XX"), seen.text
        return seen

    def check_silent(self, text: str) -> None:
        """Fail where ``text`` holds one of the secrets, in any spelling."""
        spelled = text + "".join(_printed_bytes(text))
        for name, secret in self.secrets.items():
            spellings = (secret, secret.encode().hex(), base64.b64encode(secret.encode()).decode().rstrip("=")[:-1])
            assert not any(one in spelled for one in spellings), f"{name} leaked"


def _printed_bytes(text: str) -> Iterator[str]:
    """Yield what PostgreSQL prints of a constant in a plan, as the text that it is."""
    for numbers in re.findall(r"\[\s([-0-9\s]+)\s\]", text):
        yield bytes(int(number) % 256 for number in numbers.split()).decode("latin-1")
