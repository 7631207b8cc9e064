"""Sources of pictures as the rest of the runtime uses them: a path is resolved once, then loaded, shown or listed."""

from .listing import Row as Row
from .listing import list_files as list_files
from .loading import MAX_PICTURE_BYTES as MAX_PICTURE_BYTES
from .loading import check_web_location as check_web_location
from .loading import load as load
from .loading import load_picture as load_picture
from .loading import presign as presign
from .loading import too_large as too_large
from .locations import Location as Location
from .locations import validate as validate
from .resolve import Reach as Reach
from .thumbnails import thumbnails as thumbnails
