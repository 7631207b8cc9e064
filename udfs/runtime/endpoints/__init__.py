"""The functions that SQL calls, as ``GD[…].name(plpy, …)``: each works, and returns its outcome instead of raising.

``permit`` and ``permits`` are what polar_ai._model and polar_ai._location_permits gave the caller: the SQL functions
run as the owner, and cannot see who called.
"""

from .files import check_location as check_location
from .files import image_as_base64 as image_as_base64
from .files import image_from_base64 as image_from_base64
from .files import list_files as list_files
from .files import load_file as load_file
from .files import load_thumbnails as load_thumbnails
from .files import presign_url as presign_url
from .files import resize_image as resize_image
from .files import test_location as test_location
from .models import cached_models as cached_models
from .models import call_provider as call_provider
from .models import call_raw as call_raw
from .models import embed as embed
from .models import embed_one as embed_one
from .models import post as post
from .models import post_many as post_many
from .models import probe as probe
from .models import seal_token as seal_token
