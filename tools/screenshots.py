"""`make screenshots`: pictures of the panel, taken by a real browser from a throw-away demo.

python -m tools.screenshots [FOLDER]; without one they go to docs/screenshots/.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, ViewportSize

from tools import chromium, demonstration
from tools.demonstration import Demonstration

FOLDER = demonstration.ROOT / "docs" / "screenshots"
DESK, PHONE = ViewportSize(width=1440, height=900), ViewportSize(width=390, height=844)
#: More would make the repository heavy with every new picture.
LARGEST = 300_000  # bytes

#: Name of the picture → page inside the clinic and, of one among many, the link to it there.
AT_A_DESK = {
    "panel": ("", ""),
    "client": ("clients/?q=مریم", "مریم کریمی"),
    "messages": ("messages/", ""),
    "calls": ("calls/", ""),
    "feedback": ("feedback/", ""),
    "rules": ("settings/texts/", ""),
}
ON_A_PHONE = {
    "panel-phone": ("", ""),
    "client-phone": ("clients/?q=مریم", "مریم کریمی"),
}
#: Name of the picture → the letter of a client's page, found in a text that carries it.
BY_LINK = {"session-page": "s", "feedback-page": "f"}


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with (
        demonstration.folder() as var,
        demonstration.started(var) as demo,
        chromium.launched() as browser,
    ):
        for pictures, size in ((AT_A_DESK, DESK), (ON_A_PHONE, PHONE)):
            with signed_in(browser, demo, size) as page:
                for name, (path, link) in pictures.items():
                    page.goto(f"{demo.panel}/c/aramesh/{path}")
                    if link:
                        page.get_by_role("link", name=link).first.click()
                        page.wait_for_load_state()
                    save(page, folder / f"{name}.png")
        with visitor(browser, DESK) as page:
            page.goto(demo.phones)
            save(page, folder / "phones.png")
            texts = page.content()
        with visitor(browser, PHONE) as page:
            for name, letter in BY_LINK.items():
                page.goto(link_in(texts, letter))
                save(page, folder / f"{name}.png")


def link_in(texts: str, letter: str) -> str:
    """The last address of a client's page in these texts. Raises LookupError without one."""
    found = re.findall(rf"https?://[^\s\"<]+/{letter}/\w{{16}}", texts)
    if not found:
        raise LookupError(f"no text carries a page of the kind /{letter}/")
    return str(found[-1])


@contextmanager
def visitor(browser: Browser, size: ViewportSize) -> Iterator[Page]:
    context = browser.new_context(locale="fa-IR", timezone_id="Asia/Tehran", viewport=size)
    yield context.new_page()
    context.close()


@contextmanager
def signed_in(browser: Browser, demo: Demonstration, size: ViewportSize) -> Iterator[Page]:
    with visitor(browser, size) as page:
        page.goto(demo.panel)
        page.locator("[name=login]").fill("owner@aramesh.example")
        page.locator("[name=password]").fill(demo.passwords["owner"])
        page.locator("form button.btn-primary").click()
        page.wait_for_url(f"{demo.panel}/c/aramesh/")
        yield page


def save(page: Page, path: Path) -> None:
    """A picture of what is visible. Raises RuntimeError when it is too large to be kept."""
    page.wait_for_function("document.fonts.status === 'loaded'")
    picture = page.screenshot(animations="disabled")
    if len(picture) > LARGEST:
        raise RuntimeError(f"{path.name} has {len(picture)} bytes: more than {LARGEST}")
    path.write_bytes(picture)
    sys.stderr.write(f"{path} ({len(picture) // 1000} kB)\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
