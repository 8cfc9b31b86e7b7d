"""The demonstration as people start it: everything comes up, its data stays, its pages are fit."""

import re
import stat
import time
from pathlib import Path

import pytest

from tests.browser.conftest import DESKTOP, PHONE
from tools import demonstration

pytestmark = pytest.mark.browser

AXE = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"

#: The pages on which months of life show most; all others are looked at in test_every_page.
PAGES = {
    "today": "",
    "client": r"clients/\d+/",
    "calendar": "calendar/",
    "therapist": r"therapists/\d+/",
    "session": r"sessions/\d+/",
    "messages": "messages/",
    "message": r"messages/\d+/",
    "live": "settings/live/",
}


@pytest.fixture(scope="module")
def starts():
    """The first start, and the second one, which is still running."""
    with demonstration.folder() as var:
        with demonstration.started(var) as first:
            passwords, messages = first.passwords, (var / "sandbox.jsonl").read_bytes()
            ended = first.stop()
        with demonstration.started(var) as second:
            yield {
                "first": first,
                "second": second,
                "ended": ended,
                "passwords": passwords,
                "messages": messages,
            }


@pytest.fixture(scope="module")
def demo(starts):
    return starts["second"]


@pytest.fixture(scope="module")
def signed_in(chrome, demo):
    """The owner's page."""
    context = chrome.new_context(locale="fa-IR", timezone_id="Asia/Tehran", viewport=DESKTOP)
    # From outside the page, whose policy allows no script but its own.
    context.add_init_script(path=AXE)
    page = context.new_page()
    page.goto(demo.panel)
    page.locator("[name=login]").fill("owner@aramesh.example")
    page.locator("[name=password]").fill(demo.passwords["owner"])
    page.locator("form button.btn-primary").click()
    page.wait_for_url(f"{demo.panel}/c/aramesh/")
    yield page
    context.close()


def test_demo_ends_in_peace_and_keeps_its_data(starts):
    assert starts["ended"] == 0
    assert starts["second"].passwords == starts["passwords"]
    kept = (starts["second"].var / "sandbox.jsonl").read_bytes()
    assert kept.startswith(starts["messages"])
    assert len(starts["messages"]) > 50_000
    # Fifteen seconds on a quiet machine; the tests beside this one make it a busy one.
    assert starts["second"].start_seconds < 45


def test_secrets_and_logs_are_for_their_owner_alone(demo):
    for path in (demo.var / "demo.json", demo.var / "sandbox.jsonl", *demo.var.glob("log/*.log")):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


@pytest.mark.parametrize("name", PAGES)
def test_page_is_accessible_and_fits(signed_in, demo, name):
    signed_in.goto(_address(signed_in, demo, PAGES[name]))
    assert _faults(signed_in) == []


def test_phones_are_accessible_and_fit(signed_in, demo):
    signed_in.goto(demo.phones)
    assert signed_in.locator("article.phone").count() > 10
    assert _faults(signed_in) == []


def test_worker_does_what_beat_asks(demo):
    log = demo.var / "log" / "worker.log"
    # Beat asks once a minute.
    deadline = time.monotonic() + 150
    while "messaging.drain" not in (said := log.read_text()) or "succeeded" not in said:
        assert time.monotonic() < deadline, said
        time.sleep(0.5)


def _address(page, demo, path):
    """The page's address; of one among many, the first that its list links to."""
    start = f"{demo.panel}/c/aramesh/"
    if "\\d" not in path:
        return start + path
    # Sessions and therapists are found in the calendar.
    lists = {"sessions/": "calendar/week/", "therapists/": "calendar/"}
    first = path.split("\\d")[0]
    page.goto(start + lists.get(first, first))
    links = page.locator("main a").evaluate_all("them => them.map(it => it.pathname)")
    return demo.panel + next(it for it in links if re.fullmatch(f"/c/aramesh/{path}", it))


def _faults(page):
    """What is wrong at a desk and on a phone."""
    faults = []
    for name, size in {"desk": DESKTOP, "phone": PHONE}.items():
        page.set_viewport_size(size)
        faults += [f"{name}: {fault}" for fault in (*_serious(page), *_overflow(page))]
    return faults


def _serious(page):
    """What axe calls serious or critical: rule, and where."""
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    return [
        f"{it['id']}: {it['help']}: {node['target']}"
        for it in found
        if it["impact"] in {"serious", "critical"}
        for node in it["nodes"]
    ]


def _overflow(page):
    """What stands out of a page that can be scrolled sideways."""
    return page.evaluate(
        """() => {
            const width = document.documentElement.clientWidth;
            if (document.documentElement.scrollWidth <= width) return [];
            return [...document.querySelectorAll("body *")]
                .filter(it => it.getBoundingClientRect().left < -1
                           || it.getBoundingClientRect().right > width + 1)
                .slice(0, 5).map(it => it.outerHTML.slice(0, 120));
        }"""
    )
