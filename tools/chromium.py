"""A headless Chromium for tests and pictures."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Playwright, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

#: In a container there is no sandbox to be had; and nothing shall be asked of the network.
OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-proxy-server",
)


class NoBrowserError(RuntimeError):
    """There is no Chromium. ``str()`` says what to do."""

    def __init__(self) -> None:
        super().__init__("no Chromium found: install chromium or google-chrome, or `make browser`")


def find(playwright: Playwright) -> str:
    """The path of a browser: the system's, else playwright's own. Raises NoBrowserError."""
    for name in NAMES:
        if path := shutil.which(name):
            return path
    own = playwright.chromium.executable_path
    if Path(own).exists():
        return own
    raise NoBrowserError


@contextmanager
def launched() -> Iterator[Browser]:
    """A browser for the length of the block. Raises NoBrowserError."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find(playwright), args=[*OPTIONS])
        try:
            yield browser
        finally:
            browser.close()
