"""A real browser for the tests of pages: the machine's own Chromium, headless, driven by Playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
# A browser that asks nobody but the page under test.
FLAGS = [
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def chromium() -> str | None:
    """Return the path of the machine's Chromium, or of the one that POLARLENS_CHROMIUM names."""
    named = os.environ.get("POLARLENS_CHROMIUM")
    return named or next((path for name in NAMES if (path := shutil.which(name))), None)


@contextmanager
def running_chromium() -> Iterator[Browser]:
    """Start Chromium and yield it; skip the test where the machine has none (scripts/test says so, too)."""
    program = chromium()
    if program is None:
        pytest.skip(
            "no Chromium on this machine: install it (Debian: apt-get install chromium) or set POLARLENS_CHROMIUM"
        )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            # Root may not use Chromium's sandbox.
            executable_path=program,
            chromium_sandbox=os.geteuid() != 0,
            args=FLAGS,
        )
        yield browser
        browser.close()
