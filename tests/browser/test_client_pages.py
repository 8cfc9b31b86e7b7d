"""The clients' pages in a real browser: a phone on a bus, without scripts and without cookies."""

import json
import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import DESKTOP, PATIENCE, PHONE, ROOT
from tests.browser.test_demo import _overflow, _serious

pytestmark = pytest.mark.browser

SMALL, SMALLEST = {"width": 360, "height": 640}, {"width": 320, "height": 568}

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"

#: A clinic where clients book alone: three have a session next week, and six a text has asked.
WORLD = """
import datetime as dt, json
from django.utils import timezone
from clinic.models import WorkingHours
from clinic.tenancy import EVERYWHERE, Hat, wear
from patients.models import Treatment
from sessions_app import links
from sessions_app.links import Page, Purpose
from tests import factories

now = timezone.now()
with wear(Hat.OWNER, clinic_id=EVERYWHERE):
    clinic = factories.ClinicFactory(
        slug="pages", name="کلینیک آرامش", address="خیابان ولیعصر", books_by_link=True
    )
    therapist = factories.TherapistFactory(clinic=clinic, title="خانم دکتر صادقی")
    for weekday in range(6):
        WorkingHours.objects.create(
            clinic=clinic, therapist=therapist, weekday=weekday,
            begins=dt.time(8), ends=dt.time(20),
        )
    service = factories.ServiceFactory(clinic=clinic)
    paths = {}
    asked = [Purpose.FEEDBACK] * 2 + [Purpose.CHOICES] * 3 + [Purpose.BOOKING] * 2
    for n, purpose in enumerate([Purpose.SESSION] * 3 + asked):
        person = factories.ClientFactory(clinic=clinic)
        coming = purpose is Purpose.SESSION
        starts = now + dt.timedelta(days=7) if coming else now - dt.timedelta(days=40)
        session = factories.SessionFactory(
            clinic=clinic, clients=[person], therapist=therapist, service=service,
            starts_at=starts + dt.timedelta(hours=n), state="scheduled" if coming else "attended",
        )
        Treatment.objects.create(
            clinic=clinic, client=person, therapist=therapist, service=service, started_at=starts
        )
        page = Page(purpose, clinic.pk, session.pk, person.pk)
        links.publish([page], now=now)
        paths.setdefault(purpose.value, []).append(f"/{links.PATHS[purpose]}/{page.token}")
    paths["preferences"] = [f"/u/{page.token}"]
print(json.dumps(paths))
"""

#: What was done, read from the database.
DONE = """
import json
from clinic.tenancy import EVERYWHERE, Hat, wear
from feedback.models import Response
from patients.models import Treatment
from sessions_app.models import CareTask, Session
with wear(Hat.OWNER, clinic_id=EVERYWHERE):
    print(json.dumps({
        "sessions": sorted(Session.objects.exclude(state="attended").values_list("state", flat=True)),
        "treatments": sorted(Treatment.objects.values_list("state", flat=True)),
        "responses": [list(r) for r in Response.objects.values_list("overall", "recommend", "comment")],
        "tasks": sorted(CareTask.objects.values_list("kind", flat=True)),
    }))
"""


@pytest.fixture(scope="module")
def paths(house):
    return house.manage("shell", "--no-imports", "-c", WORLD)


@pytest.fixture
def phone(chrome, house):
    """No script, and every cookie forgotten at once, as some messengers' browsers have it."""
    context = chrome.new_context(
        base_url=house.url,
        locale="en-US",
        timezone_id="Asia/Tehran",
        viewport=PHONE,
        java_script_enabled=False,
        accept_downloads=True,
    )
    context.set_default_timeout(PATIENCE)
    yield context.new_page()
    assert context.cookies() == []
    context.close()


def button(phone, do):
    return phone.locator(f"button[name=do][value={do}]")


def press(phone, do):
    button(phone, do).click()


def choose(phone, **values):
    """Tick boxes by a tap on the words over them."""
    for name, value in values.items():
        phone.locator("label", has=phone.locator(f"[name={name}][value='{value}']")).click()


def test_the_three_pages_do_their_work_without_scripts(phone, house, paths):
    yes, no, other = paths["session"]
    phone.goto(yes)
    expect(phone.get_by_text("خانم دکتر صادقی")).to_be_visible()
    press(phone, "come")
    expect(phone.get_by_role("status")).to_be_visible()
    with phone.expect_download() as download:
        phone.locator("a[href$='calendar.ics']").click()
    assert download.value.suggested_filename == "calendar.ics"

    phone.goto(no)
    expect(button(phone, "cannot")).to_be_hidden()
    phone.locator("summary").first.click()
    press(phone, "cannot")
    expect(phone.locator("button")).to_have_count(0)

    phone.goto(other)
    phone.locator("summary.act").last.click()
    phone.locator(".rest summary").last.click()
    choose(phone, days=2, parts="evening")
    phone.locator("[name=note]").fill("بعد از پنج")
    press(phone, "another")
    expect(phone.get_by_role("status")).to_be_visible()

    phone.goto(paths["feedback"][0])
    phone.locator("button").click()  # nothing chosen
    expect(phone.get_by_role("alert")).to_be_visible()
    choose(phone, overall=5, goals=3, recommend=10)
    phone.locator("[name=comment]").fill("ممنون")
    phone.locator("button").click()
    expect(phone.get_by_role("status")).to_be_visible()
    phone.locator("a.act").click()
    choose(phone, overall=4)
    phone.locator("button").click()
    expect(phone.get_by_role("status")).to_be_visible()

    phone.goto(paths["choices"][0])
    phone.locator("summary").click()
    phone.locator("button[name=months][value='2']").click()
    expect(phone.get_by_role("status")).to_be_visible()
    phone.locator("summary").first.click()
    press(phone, "finish")
    expect(phone.get_by_role("status")).to_contain_text("خانم دکتر صادقی")

    assert house.manage("shell", "--no-imports", "-c", DONE) == {
        "sessions": ["cancelled", "confirmed", "scheduled"],
        "treatments": ["active"] * 9 + ["completed"],
        "responses": [[4, 10, "ممنون"]],
        "tasks": ["cancelled", "reschedule"],
    }


def test_english_lasts_through_an_answer_without_cookies(phone, paths):
    phone.goto(paths["choices"][2])
    phone.get_by_role("link", name="English").click()
    phone.get_by_role("button", name="Please call me").click()
    expect(phone.get_by_role("heading", name="We will call you")).to_be_visible()


def test_a_time_is_booked_in_two_taps_and_stays_in_reach(phone, paths):
    phone.goto(paths["booking"][0])
    time = phone.locator("label.chip").nth(1)
    chosen = time.inner_text()
    time.click()
    expect(button(phone, "book")).to_be_in_viewport()
    press(phone, "book")
    expect(phone.get_by_role("status")).to_be_visible()
    expect(phone.locator(".time")).to_contain_text(chosen)
    with phone.expect_download() as download:
        phone.locator("a[href$='calendar.ics']").click()
    assert download.value.suggested_filename == "calendar.ics"
    phone.locator("a.act[href^='/s/']").click()
    phone.locator("summary").first.click()
    press(phone, "cannot")
    expect(phone.locator("button")).to_have_count(0)


def test_going_on_leads_from_the_silent_page_to_a_booked_session(phone, paths):
    phone.goto(paths["choices"][1])
    press(phone, "continue")
    phone.locator("label.chip").first.click()
    press(phone, "book")
    expect(phone.get_by_role("status")).to_be_visible()


def test_texts_a_break_and_an_end_are_chosen_and_taken_back_without_scripts(phone, paths):
    phone.goto(paths["booking"][1])
    phone.locator(".wishes-link a").click()
    phone.locator(".wish", has_text="احوال‌پرسی").locator("button").click()
    expect(phone.get_by_role("status")).to_contain_text("می‌خواهم")
    press(phone, "stop_all")
    expect(phone.locator(".wish button[value=refuse]")).to_have_count(0)
    press(phone, "start")
    expect(phone.locator(".wish button[value=refuse]")).to_have_count(2)
    phone.locator("summary").click()
    phone.locator("button[name=months][value='1']").click()
    expect(phone.get_by_role("status")).to_be_visible()
    press(phone, "go_on")
    press(phone, "finish")
    press(phone, "go_on")
    expect(button(phone, "finish")).to_be_visible()
    phone.locator("button[name=language][value=en]").click()
    expect(phone.get_by_role("heading", name="What may we write to you about?")).to_be_visible()
    phone.goto(paths["booking"][1])
    expect(phone.get_by_role("button", name="Book this time")).to_be_visible()
    phone.goto(f"{paths['preferences'][0]}")
    phone.locator("button[name=language][value=fa]").click()
    expect(phone.locator("html")).to_have_attribute("lang", "fa")


TARGETS = """() => [...document.querySelectorAll("a, button, summary, select, textarea, label")]
    .filter(it => it.checkVisibility() && it.closest("p, .field > label") === null)
    .filter(it => !it.matches(".field > label"))
    .map(it => [it.textContent.trim().slice(0, 30), it.getBoundingClientRect()])
    .filter(([, box]) => box.height < 44 || box.width < 44)
    .map(([name, box]) => `${name}: ${box.width} x ${box.height}`)"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["fa", "en"])
def test_the_pages_are_fit_for_everybody(chrome, house, paths, language, scheme):
    """Nothing serious for axe, nothing sideways, targets for a thumb; folded and unfolded."""
    context = chrome.new_context(base_url=house.url, bypass_csp=True, color_scheme=scheme)
    page, faults = context.new_page(), []
    for path in [*(pages[-1] for pages in paths.values()), "/s/nowhere"]:
        for size in (DESKTOP, PHONE, SMALL, SMALLEST):
            page.set_viewport_size(size)
            page.goto(f"{path}?lang={language}")
            page.add_script_tag(path=str(AXE))
            for state in ("folded", "unfolded"):
                if state == "unfolded":
                    page.evaluate(
                        "for (const it of document.querySelectorAll('details'))"
                        " { it.removeAttribute('name'); it.open = true }"
                    )
                where = f"{path[:3]} {size['width']} {state}"
                # What axe looks for is the same in each width; test_every_page has the desk.
                axe = _serious(page) if size is PHONE else []
                found = [*axe, *_overflow(page), *page.evaluate(TARGETS)]
                faults += [f"{where}: {fault}" for fault in found]
    context.close()
    assert faults == []


def test_nothing_is_asked_of_anybody_else(chrome, house, paths):
    context = chrome.new_context(base_url=house.url)
    page, asked, complaints = context.new_page(), [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    for pages in paths.values():
        page.goto(pages[-1])
    context.close()
    assert {re.sub(r"^(.*//[^/]+).*", r"\1", url) for url in asked} == {house.url}
    kinds = {json.dumps(url.rsplit("/", 1)[-1]) for url in asked if "/static/" in url}
    assert kinds <= {'"client.css"', '"peygir.svg"'}
    assert complaints == []
