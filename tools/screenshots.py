"""`make screenshots`: every screen of the panel and the clients' pages, from a throw-away demo.

python -m tools.screenshots [FOLDER]; without one they go to docs/screenshots/. Each screen is taken at
a desk and on a phone, in Persian; the main ones in English and in the dark as well.
"""

from __future__ import annotations

import base64
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, ViewportSize

from tools import chromium, demonstration
from tools.demonstration import Demonstration

FOLDER = demonstration.ROOT / "docs" / "screenshots"
DESK, PHONE = ViewportSize(width=1440, height=900), ViewportSize(width=390, height=844)
QUALITY = 72  # of 100; letters stay sharp
#: More would make the repository heavy with every new picture.
LARGEST = 130_000  # bytes


@dataclass(frozen=True)
class Look:
    """A way to look at screens, and what it adds to the pictures' names."""

    suffix: str
    size: ViewportSize
    language: str = "fa"
    scheme: Literal["light", "dark"] = "light"


LOOKS = (Look("", DESK), Look("-phone", PHONE))
MORE_LOOKS = (Look("-en", DESK, language="en"), Look("-dark", DESK, scheme="dark"))

#: Who stands in the demonstration twice.
TWICE = "clients/?q=پریسا+نوری → #client-list a[href*='/clients/']"
#: Name of the picture → the page inside the clinic; after an arrow, the link to follow from there.
SCREENS = {
    "panel": "",
    "calendar": "calendar/",
    "rooms-of-a-day": "calendar/?by=room",
    "week": "calendar/week/",
    "therapist": "calendar/ → .cal-head a",
    "week-of-one": "calendar/ → .cal-head a → .page-head .actions a",
    "day-on-paper": "calendar/print/",
    "session": "calendar/ → .cal-block",
    "booking": "sessions/new/",
    "absence": " → section.card:last-of-type .card-actions a",
    "clients": "clients/",
    "client": "clients/?q=مریم → #client-list a[href*='/clients/']",
    "client-new": "clients/new/",
    "calls": "calls/",
    "silent": "calls/silent/",
    "twins": f"{TWICE} → a[href$='/twins/']",
    "joining": f"{TWICE} → a[href$='/twins/'] → #twin-list a[href*='/join/']",
    "inbox": "inbox/",
    "conversation": "inbox/ → main .card a[href*='/inbox/']",
    "attaching": "inbox/ → .talk a:has-text('ناشناس') → a[href$='/whose/']",
    "letter": "letter/",
    "waiting": "waiting/",
    "waiting-new": "waiting/new/",
    "messages": "messages/",
    "message": "messages/ → td a[href*='/messages/']",
    "feedback": "feedback/",
    "feedback-figures": "feedback/figures/",
    "feedback-waiting": "feedback/waiting/",
    "import": "import/",
    "first-steps": "first-steps/",
    "clinic": "settings/",
    "therapists": "settings/therapists/",
    "hours": "settings/therapists/ → a[href$='/hours/']",
    "services": "settings/services/",
    "rooms": "settings/rooms/",
    "closures": "settings/closures/",
    "members": "settings/members/",
    "accounts": "settings/gateway/",
    "rules": "settings/texts/",
    "rule": "settings/texts/ → main .card a[href*='/settings/texts/']",
    "sending": "settings/live/",
}
#: Those that are also shown in English and in the dark.
MAIN = ("panel", "calendar", "client", "calls", "messages", "rules")
#: Name of the picture → the letter of a client's page, found in a text that carries it.
BY_LINK = {"session-page": "s", "feedback-page": "f"}


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with (
        demonstration.folder() as var,
        demonstration.started(var) as demo,
        chromium.launched() as browser,
    ):
        for look in (*LOOKS, *MORE_LOOKS):
            names = SCREENS if look in LOOKS else MAIN
            take_panel(browser, demo, look, names, folder)
        take_clients_pages(browser, demo, folder)


def take_panel(
    browser: Browser, demo: Demonstration, look: Look, names: Iterable[str], folder: Path
) -> None:
    with signed_in(browser, demo, look) as page:
        for name in names:
            follow(page, f"{demo.panel}/c/aramesh/", SCREENS[name])
            save(page, folder / f"{name}{look.suffix}.webp")


def take_clients_pages(browser: Browser, demo: Demonstration, folder: Path) -> None:
    with visitor(browser, LOOKS[0]) as page:
        page.goto(demo.phones)
        save(page, folder / "phones.webp")
        texts = page.content()
    for look in LOOKS:
        with visitor(browser, look) as page:
            for name, letter in BY_LINK.items():
                page.goto(link_in(texts, letter))
                save(page, folder / f"{name}{look.suffix}.webp")


def follow(page: Page, start: str, path: str) -> None:
    """Open a page, and the first link of each kind that the path names after it."""
    address, *links = path.split(" → ")
    page.goto(start + address.strip())
    for link in links:
        page.goto(page.locator(link).first.evaluate("it => it.href"))


def link_in(texts: str, letter: str) -> str:
    """The last address of a client's page in these texts. Raises LookupError without one."""
    found = re.findall(rf"https?://[^\s\"<]+/{letter}/\w{{16}}", texts)
    if not found:
        raise LookupError(f"no text carries a page of the kind /{letter}/")
    return str(found[-1])


@contextmanager
def visitor(browser: Browser, look: Look) -> Iterator[Page]:
    context = browser.new_context(
        locale="fa-IR", timezone_id="Asia/Tehran", viewport=look.size, color_scheme=look.scheme
    )
    yield context.new_page()
    context.close()


@contextmanager
def signed_in(browser: Browser, demo: Demonstration, look: Look) -> Iterator[Page]:
    with visitor(browser, look) as page:
        page.goto(demo.panel)
        page.locator("[name=login]").fill("owner@aramesh.example")
        page.locator("[name=password]").fill(demo.passwords["owner"])
        page.locator("form button.btn-primary").click()
        page.wait_for_url(f"{demo.panel}/c/aramesh/")
        page.context.add_cookies(
            [{"name": "django_language", "value": look.language, "url": demo.panel}]
        )
        yield page


def save(page: Page, path: Path) -> None:
    """A picture of what is visible. Raises RuntimeError when it is too large to be kept."""
    page.wait_for_function("document.fonts.status === 'loaded'")
    browser = page.context.new_cdp_session(page)
    wanted = {"format": "webp", "quality": QUALITY}
    picture = base64.b64decode(browser.send("Page.captureScreenshot", wanted)["data"])
    if len(picture) > LARGEST:
        raise RuntimeError(f"{path.name} has {len(picture)} bytes: more than {LARGEST}")
    path.write_bytes(picture)
    sys.stderr.write(f"{path} ({len(picture) // 1000} kB)\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
