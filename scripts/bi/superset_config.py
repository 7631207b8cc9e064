"""Superset's configuration; Superset itself reads this file (SUPERSET_CONFIG_PATH)."""

import os
import re
from pathlib import Path

from superset.errors import SupersetErrorType

_home = Path(os.environ["SUPERSET_HOME"])

SECRET_KEY = (_home / "secret_key").read_text(encoding="utf-8").strip()
SQLALCHEMY_DATABASE_URI = f"sqlite:///{_home / 'superset.db'}?check_same_thread=false"

# The search box feeds a function's argument: see dashboard/datasets/photo_search.yaml.
FEATURE_FLAGS = {"ENABLE_TEMPLATE_PROCESSING": True}

# Photos are shown as small data: URLs in cards that the dashboard's own CSS lays out. Everything else stays sanitized.
HTML_SANITIZATION_SCHEMA_EXTENSIONS = {"attributes": {"*": ["className"]}, "protocols": {"src": ["data"]}}

# What went wrong and what to do, without the lines of the functions that said so.
CUSTOM_DATABASE_ERRORS: dict[str, dict[re.Pattern[str], tuple[str, SupersetErrorType, dict[str, str]]]] = {
    "polarlens": {
        re.compile(r"\A(?P<said>.*?)\s*^CONTEXT:", re.S | re.M): (
            "%(said)s",
            SupersetErrorType.GENERIC_DB_ENGINE_ERROR,
            {},
        )
    }
}

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
