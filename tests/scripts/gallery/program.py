"""scripts/gallery: run to its end, served, and visited with a browser."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.sync_api import Dialog, Page, Request

from scripts.common.paths import CHECKOUT

Paint = Callable[..., str]
PROGRAM = str(CHECKOUT / "scripts" / "gallery")


def run(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run scripts/gallery to its end."""
    return subprocess.run(
        [PROGRAM, *arguments],
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@dataclass(frozen=True)
class Served:
    """Where a gallery is served, and the key to it."""

    url: str
    key: str
    user: str  # whom it searches as

    @property
    def cookies(self) -> dict[str, str]:
        """Return what a browser that has been let in sends along."""
        return {f"polarlens-gallery-{urlsplit(self.url).port}": self.key}


@contextlib.contextmanager
def served(**env: str) -> Iterator[Served]:
    """Serve the gallery and yield where; whatever it says beside that fails the test."""
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(
            [PROGRAM, "--serve", "--port", "0"],
            env={**os.environ, **env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
        )
        assert process.stdout is not None
        line = process.stdout.readline()
        said.seek(0)
        assert line.startswith("The gallery is at http://127.0.0.1:"), said.read()
        try:
            url, _, key = line.split()[4].partition("?key=")
            yield Served(url, key, env["PGUSER"])
        finally:
            process.send_signal(signal.SIGINT)
            code = process.wait(timeout=20)
            said.seek(0)
            assert (code, said.read()) == (0, "")


@dataclass
class Visit:
    """A page, and what it did: its requests, its dialogs, its errors."""

    page: Page
    requests: list[Request] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)

    def note(self, request: Request) -> None:
        """Remember a request."""
        self.requests.append(request)

    def refuse(self, dialog: Dialog) -> None:
        """Note a dialog: only markup that should have been text opens one."""
        self.trouble.append(dialog.message)
        dialog.dismiss()

    def names(self) -> list[str]:
        """Return the names of the photos that are shown, best first."""
        return self.page.locator("figcaption .name").all_inner_texts()

    def search(self, words: str) -> None:
        """Type, and press Enter."""
        self.page.get_by_role("searchbox").fill(words)
        self.page.get_by_role("searchbox").press("Enter")
        self.page.wait_for_load_state()

    def drop(self, name: str, content: bytes) -> None:
        """Drop a file onto the page, as a file manager's drag does."""
        transfer = self.page.evaluate_handle(
            """([name, bytes]) => {
                const transfer = new DataTransfer();
                transfer.items.add(new File([new Uint8Array(bytes)], name));
                return transfer;
            }""",
            [name, list(content)],
        )
        for event in ("dragenter", "dragover", "drop"):
            self.page.dispatch_event("main", event, {"dataTransfer": transfer})
