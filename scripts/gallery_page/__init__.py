"""The gallery: search for photos and look at what was found, on a page in a file or on a served one."""
