"""The clients' pages in a real browser: a phone on a bus, without scripts and without cookies."""

import json
import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import DESKTOP, PHONE, ROOT
from tests.browser.test_demo import _overflow, _serious

pytestmark = pytest.mark.browser

SMALL, SMALLEST = {"width": 360, "height": 640}, {"width": 320, "height": 568}

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"

#: A clinic with six clients: three with a session next week, and three whom a text has asked.
WORLD = """
import datetime as dt, json
from django.utils import timezone
from clinic.tenancy import EVERYWHERE, Hat, wear
from patients.models import Treatment
from sessions_app import links
from sessions_app.links import Page, Purpose
from tests import factories

now = timezone.now()
with wear(Hat.OWNER, clinic_id=EVERYWHERE):
    clinic = factories.ClinicFactory(slug="pages", name="کلینیک آرامش", address="خیابان ولیعصر")
    therapist = factories.TherapistFactory(clinic=clinic, title="خانم دکتر صادقی")
    service = factories.ServiceFactory(clinic=clinic)
    paths = {}
    for n, purpose in enumerate([Purpose.SESSION] * 3 + [Purpose.FEEDBACK] * 2 + [Purpose.CHOICES] * 2):
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
    context.set_default_timeout(15_000)
    yield context.new_page()
    assert context.cookies() == []
    context.close()


def test_the_three_pages_do_their_work_without_scripts(phone, house, paths):
    yes, no, other = paths["session"]
    phone.goto(yes)
    expect(phone.get_by_text("با خانم دکتر صادقی")).to_be_visible()
    phone.get_by_role("button", name="می‌آیم", exact=True).click()
    expect(phone.get_by_text("ثبت شد که می‌آیید")).to_be_visible()
    with phone.expect_download() as download:
        phone.get_by_role("link", name="افزودن به تقویم گوشی").click()
    assert download.value.suggested_filename == "calendar.ics"

    phone.goto(no)
    sure = phone.get_by_role("button", name="بله، جلسه لغو شود")
    expect(sure).to_be_hidden()
    phone.get_by_text("نمی‌توانم بیایم").click()
    sure.click()
    expect(phone.get_by_role("heading", name="این جلسه لغو شده است")).to_be_visible()

    phone.goto(other)
    phone.get_by_text("وقت دیگری می‌خواهم").click()
    phone.get_by_label("دوشنبه", exact=True).check()
    phone.get_by_label("عصر و شب").check()
    phone.get_by_label("نکته‌ای هست که بدانیم؟").fill("بعد از پنج")
    phone.get_by_role("button", name="برای پذیرش بفرست").click()
    expect(phone.get_by_text("درخواست وقت دیگر به پذیرش رسید")).to_be_visible()

    phone.goto(paths["feedback"][0])
    phone.get_by_role("button", name="بفرست").click()  # nothing chosen
    expect(phone.get_by_text("هنوز چیزی فرستاده نشده است")).to_be_visible()
    phone.get_by_label("خیلی خوب").check()
    phone.get_by_role("group", name="درباره‌ی اینکه روی چه چیزی کار کنیم هم‌نظریم.").get_by_label(
        "تا حد زیادی"
    ).check()
    phone.get_by_label("۱۰", exact=True).check()
    phone.get_by_label("حرفی هست که دوست دارید بگویید؟").fill("ممنون")
    phone.get_by_role("button", name="بفرست").click()
    expect(phone.get_by_role("status")).to_have_text("سپاس؛ به دستمان رسید")
    phone.get_by_role("link", name="تغییر پاسخ‌ها").click()
    phone.get_by_label("خوب", exact=True).check()
    phone.get_by_role("button", name="بفرست").click()
    expect(phone.get_by_role("status")).to_have_text("سپاس؛ به دستمان رسید")

    phone.goto(paths["choices"][0])
    phone.get_by_text("فعلاً مکث می‌کنم").click()
    phone.get_by_role("button", name="۲ ماه").click()
    expect(phone.get_by_role("heading", name="عجله‌ای نیست")).to_be_visible()
    phone.get_by_text("نظرم عوض شد").click()
    phone.get_by_role("button", name="می‌خواهم خوب تمام کنم").click()
    expect(phone.get_by_role("heading", name="ممنون از راهی که با هم آمدیم")).to_be_visible()

    assert house.manage("shell", "--no-imports", "-c", DONE) == {
        "sessions": ["cancelled", "confirmed", "scheduled"],
        "treatments": ["active"] * 6 + ["completed"],
        "responses": [[4, 10, "ممنون"]],
        "tasks": ["cancelled", "reschedule"],
    }


def test_english_lasts_through_an_answer_without_cookies(phone, paths):
    phone.goto(paths["choices"][1])
    phone.get_by_role("link", name="English").click()
    phone.get_by_role("button", name="Please call me").click()
    expect(phone.get_by_role("heading", name="We will call you")).to_be_visible()


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
                found = [*_serious(page), *_overflow(page), *page.evaluate(TARGETS)]
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
