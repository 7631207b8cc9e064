"""Superset's configuration; Superset itself reads this file (SUPERSET_CONFIG_PATH)."""

import os
from pathlib import Path
from typing import Any

import psycopg2.extensions

_home = Path(os.environ["SUPERSET_HOME"])

SECRET_KEY = (_home / "secret_key").read_text(encoding="utf-8").strip()
SQLALCHEMY_DATABASE_URI = f"sqlite:///{_home / 'superset.db'}?check_same_thread=false"

# The search box feeds a function's argument: see dashboard/datasets/photo_search.yaml.
FEATURE_FLAGS = {"ENABLE_TEMPLATE_PROCESSING": True}

# Photos are shown as small data: URLs in cards that the dashboard's own CSS lays out. Everything else stays sanitized.
HTML_SANITIZATION_SCHEMA_EXTENSIONS = {"attributes": {"*": ["className"]}, "protocols": {"src": ["data"]}}


class _Cursor(psycopg2.extensions.cursor):  # type: ignore[misc]
    """Says what went wrong and what to do, without the lines of the functions that said so.

    Superset shows what the driver's error says, all of it.
    """

    def execute(self, query: Any, vars: Any = None) -> None:
        try:
            super().execute(query, vars)
        except psycopg2.Error as error:
            context = error.diag.context
            if context:
                # The last part of the text, behind a label in the language of libpq.
                said = str(error).rpartition(context)[0]
                error.args = (said.rpartition("\n")[0],)
            raise


def DB_CONNECTION_MUTATOR(uri: Any, params: dict[str, Any], *others: Any) -> tuple[Any, dict[str, Any]]:
    """Have PostgreSQL's connections use the cursor above; Superset calls this before it connects."""
    if uri.get_backend_name() == "postgresql":
        params.setdefault("connect_args", {})["cursor_factory"] = _Cursor
    return uri, params


# Pages load from here and nowhere else, so that they look the same without a network.
TALISMAN_CONFIG = {
    "content_security_policy": {
        "base-uri": ["'self'"],
        "default-src": ["'self'"],
        "img-src": ["'self'", "blob:", "data:"],
        "worker-src": ["'self'", "blob:"],
        "connect-src": ["'self'"],
        "object-src": "'none'",
        "style-src": ["'self'", "'unsafe-inline'"],
        # Handlebars compiles its templates in the browser.
        "script-src": ["'self'", "'strict-dynamic'", "'unsafe-eval'"],
    },
    "content_security_policy_nonce_in": ["script-src"],
    "force_https": False,
    "session_cookie_secure": False,
}
# Another port of this machine is the same site to a browser.
SESSION_COOKIE_NAME = "polarlens_superset"
SUPERSET_WEBSERVER_TIMEOUT = 60
# One process on one machine: memory is the place to count logins in.
RATELIMIT_STORAGE_URI = "memory://"
