"""Photos of every kind and from everywhere, or the reason why there is none."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

import pytest
from PIL import Image

from scripts.programs.gallery import photos
from scripts.programs.gallery.photos import load, load_all, scaled
from tests.scripts.gallery.program import Paint

RED = (254, 0, 0)


def shown(path: str) -> Image.Image:
    photo = load(path)
    assert isinstance(photo, Image.Image), photo
    assert photo.mode == "RGB"
    return photo


def near(pixel: object, wanted: tuple[int, int, int], tolerance: int = 12) -> bool:
    assert isinstance(pixel, tuple)
    return all(abs(a - b) <= tolerance for a, b in zip(pixel, wanted, strict=True))


def test_exif_rotation_is_honoured(tmp_path: Path) -> None:
    lying = Image.new("RGB", (400, 200), "red")
    lying.paste("blue", (200, 0, 400, 200))
    exif = Image.Exif()
    exif[0x112] = 6  # turn a quarter clockwise to see it upright
    lying.save(tmp_path / "lying.jpg", exif=exif, quality=95)
    upright = shown(str(tmp_path / "lying.jpg"))
    assert upright.size == (200, 400)
    assert near(upright.getpixel((100, 100)), RED)
    assert near(upright.getpixel((100, 300)), (0, 0, 254))


def test_large_photos_become_small(paint: Paint) -> None:
    assert shown(paint("large.jpg", size=(4000, 2000))).size == (960, 480)
    assert shown(paint("tiny.png", size=(1, 1))).size == (1, 1)


def test_odd_kinds_of_pixels(tmp_path: Path) -> None:
    Image.new("CMYK", (50, 50), (0, 255, 255, 0)).save(tmp_path / "cmyk.jpg", quality=95)
    assert near(shown(str(tmp_path / "cmyk.jpg")).getpixel((25, 25)), RED)

    clear = Image.new("RGBA", (50, 50), (255, 0, 0, 0))
    clear.paste((255, 0, 0, 255), (0, 0, 25, 50))
    clear.save(tmp_path / "clear.png")
    photo = shown(str(tmp_path / "clear.png"))
    assert near(photo.getpixel((5, 25)), RED)
    assert near(photo.getpixel((45, 25)), photos.PAPER)

    deep = Image.new("I;16", (50, 50), 0)
    deep.paste(4095, (25, 0, 50, 50))
    deep.save(tmp_path / "deep.png")
    photo = shown(str(tmp_path / "deep.png"))
    assert near(photo.getpixel((5, 25)), (0, 0, 0))
    assert near(photo.getpixel((45, 25)), (255, 255, 255))

    Image.new("I;16", (50, 50), 700).save(tmp_path / "even.png")
    shown(str(tmp_path / "even.png"))


def test_photos_that_cannot_be_shown(tmp_path: Path, paint: Paint) -> None:
    (tmp_path / "notes.jpg").write_text("not a photo")
    (tmp_path / "cut.jpg").write_bytes(Path(paint("whole.jpg", size=(900, 900))).read_bytes()[:900])
    assert load(str(tmp_path / "notes.jpg")) == "Not a photo"
    assert load(str(tmp_path / "cut.jpg")) == "Damaged photo"
    assert load(str(tmp_path / "gone.jpg")) == "File not found"
    assert load(str(tmp_path)) == "Not a file"
    assert load("s3://bucket/a.jpg") == "s3:// is not shown here"
    assert isinstance(load("nul\0in the name.jpg"), str)
    assert isinstance(load("http://[broken"), str)
    assert isinstance(load(""), str)


def test_too_many_pixels(paint: Paint, monkeypatch: pytest.MonkeyPatch) -> None:
    path = paint("bomb.png", size=(100, 100))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    assert load(path) == "Too many pixels"


def test_file_urls(paint: Paint) -> None:
    path = paint("a red #1 100%.png")
    assert near(shown("file://" + quote(path)).getpixel((0, 0)), (255, 0, 0))


class Photos(BaseHTTPRequestHandler):
    body = b""

    def do_GET(self) -> None:
        self.send_response(404 if self.path == "/gone.png" else 200)
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Photos) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}"
        listening.shutdown()
        thread.join()


def test_http_urls(server: str, paint: Paint, monkeypatch: pytest.MonkeyPatch) -> None:
    Photos.body = Path(paint("red.png")).read_bytes()
    assert near(shown(f"{server}/red.png").getpixel((0, 0)), (255, 0, 0))
    assert load(f"{server}/gone.png") == "HTTP 404"
    assert load("http://127.0.0.1:9/nobody.png") == "Download failed"
    monkeypatch.setattr(photos, "MAX_BYTES", 100)
    assert str(load(f"{server}/red.png")).startswith("Larger than")


def test_every_photo_is_loaded_once(paint: Paint, monkeypatch: pytest.MonkeyPatch) -> None:
    red, blue = paint("red.png"), paint("blue.png", "blue")
    asked: list[str] = []

    def load_none(path: str) -> str:
        asked.append(path)
        return "none"

    monkeypatch.setattr(photos, "load", load_none)
    assert set(load_all([red, blue, red])) == {red, blue}
    assert sorted(asked) == sorted([red, blue])


@pytest.mark.parametrize(
    ("size", "becomes"),
    [((400, 400), (100, 80)), ((1, 1), (100, 80)), ((960, 60), (100, 6)), ((60, 960), (5, 80)), ((960, 1), (100, 1))],
)
def test_moderate_shapes_fill_the_tile(size: tuple[int, int], becomes: tuple[int, int]) -> None:
    assert scaled(Image.new("RGB", size), (100, 80)).size == becomes
