"""The database as the rest of the runtime sees it: an interface, and the session that is read through it."""

from .interface import Database as Database
from .session import Session as Session
from .session import session_of as session_of
