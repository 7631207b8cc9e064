"""The command line of scripts/gallery."""

from __future__ import annotations

import argparse
import os
import sys
import webbrowser
from pathlib import Path

from scripts.common.errors import exit_status
from scripts.common.paths import state_home
from scripts.programs.gallery import searches, upload
from scripts.programs.gallery.database import Database
from scripts.programs.gallery.errors import GalleryError
from scripts.programs.gallery.page import render_page
from scripts.programs.gallery.photos import MAX_BYTES
from scripts.programs.gallery.results import Search
from scripts.programs.gallery.server import describe, load_photos, serve


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="scripts/gallery",
        description="Search for photos and show what was found: ranked thumbnails, scores, and the SQL behind them.",
        epilog="The database is the one of libpq's variables (PGHOST, …); without PGHOST it is quickstart's.",
    )
    parser.add_argument("words", nargs="*", metavar="QUERY", help="what to look for; several make several rows")
    parser.add_argument(
        "--photo", action="append", type=Path, default=[], metavar="FILE", help="look for photos like it"
    )
    parser.add_argument("-k", type=int, default=12, metavar="K", help="how many photos, 1 to 100 (default: 12)")
    parser.add_argument("-o", "--output", type=Path, metavar="PAGE", help="write the page there")
    parser.add_argument("--no-open", action="store_true", help="do not open the page in a browser")
    parser.add_argument("--serve", action="store_true", help="serve a page to search in, on this machine only")
    parser.add_argument("--port", type=int, default=8765, help="where to serve it (default: 8765; 0: a free one)")
    arguments = parser.parse_args()
    if arguments.serve == bool(arguments.words or arguments.photo):
        parser.error('say what to look for, as in scripts/gallery "a cat", or --serve (not both)')
    if not all(words.strip() for words in arguments.words):
        parser.error("the query is empty: say what to look for")
    if not 1 <= arguments.k <= 100:
        parser.error("-k is how many photos to show, from 1 to 100")
    if not 0 <= arguments.port <= 65535:
        parser.error("--port is a number from 0 to 65535")
    return arguments


def read(path: Path) -> upload.Photo:
    """Read a photo to search with.

    Raises:
        GalleryError: there is none.
    """
    try:
        with path.open("rb") as file:
            return upload.decode_photo(file.read(MAX_BYTES + 1), path.name)
    except OSError as error:
        raise GalleryError(f"{path} cannot be read", error.strerror or str(error)) from error


def write(database: Database, arguments: argparse.Namespace) -> Path:
    """Search, print what was found, and write the page; return where it is."""
    own = [read(path) for path in arguments.photo]
    with database.session() as connection:
        found = [searches.by_words(connection, words, arguments.k) for words in arguments.words]
        found += [searches.by_photo(connection, photo, arguments.k) for photo in own]
        photos = load_photos(connection, found, {photo.path: photo.image for photo in own})
        page = render_page(found, photos, *describe(connection))
    for search in found:
        show(search)
    output: Path = arguments.output or state_home() / "gallery" / "gallery.html"
    try:
        if not arguments.output:
            output.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # The page holds the photos themselves: nobody else on this machine may read it.
        output.unlink(missing_ok=True)
        with open(output, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            file.write(page)
    except OSError as error:
        raise GalleryError(f"The page cannot be written to {output}", error.strerror or str(error)) from error
    return output.absolute()


def show(search: Search) -> None:
    """Print a search and its results."""
    print(f"{search.sql}\n")
    for result in search.results:
        print(f"  {result.rank:>4}  {result.score:>6.3f}  {result.path}")
    print("" if search.results else f"  {search.nothing}.\n")


def open_in_browser(address: str, arguments: argparse.Namespace) -> None:
    """Open a page if somebody sits before a screen."""
    screen = sys.platform != "linux" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if screen and sys.stdout.isatty() and not arguments.no_open:
        webbrowser.open(address)


def main() -> int:
    """Write a page, or serve one."""
    arguments = parse()
    database = Database()

    def announce(address: str) -> None:
        print(f"The gallery is at {address} (Ctrl+C ends it)", flush=True)
        open_in_browser(address, arguments)

    try:
        if arguments.serve:
            serve(database, arguments.k, arguments.port, announce)
        else:
            page = write(database, arguments)
            print(f"The page: {page}")
            open_in_browser(page.as_uri(), arguments)
    except KeyboardInterrupt:
        pass
    finally:
        database.close()
    return 0


if __name__ == "__main__":
    sys.exit(exit_status(main))
