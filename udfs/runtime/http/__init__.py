"""HTTP as the rest of the runtime uses it: a request that the allow-list grants, sent in a worker thread."""

from .allow_list import AllowList as AllowList
from .errors import status_error as status_error
from .policy import ask as ask
from .policy import fetch as fetch
from .policy import get as get
from .policy import post as post
from .request import Answer as Answer
from .request import Limits as Limits
from .request import Request as Request
