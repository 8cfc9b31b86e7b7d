"""The calendar under a receptionist's hand: dragged, lengthened, and moved from the keyboard."""

import datetime as dt
import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import DESKTOP, PATIENCE

pytestmark = pytest.mark.browser

#: Saturday 30 Aban 1405, 10:00 in Tehran.
NOW = dt.datetime(2026, 11, 21, 6, 30, tzinfo=dt.UTC)

#: A receptionist who is signed in, two therapists, and the first one's sessions at noon of the
#: days that follow; on Sunday the second one has a session too.
WORLD = """
import datetime as dt, json
from django.conf import settings
from django.test import Client as Browser
from clinic.tenancy import EVERYWHERE, Hat, wear
from tests import factories

noon = dt.datetime(2026, 11, 22, 8, 30, tzinfo=dt.UTC)
with wear(Hat.OWNER, clinic_id=EVERYWHERE):
    clinic = factories.ClinicFactory(slug="calendar")
    member = factories.MembershipFactory(clinic=clinic, role="receptionist")
    first, second = [
        factories.TherapistFactory(clinic=clinic, name=name) for name in ("آرش ملکی", "بهار نوری")
    ]
    service = factories.ServiceFactory(clinic=clinic)
    for day in range(5):
        factories.SessionFactory(
            clinic=clinic, therapist=first, service=service,
            clients=[factories.ClientFactory(clinic=clinic)],
            starts_at=noon + dt.timedelta(days=day),
        )
    factories.SessionFactory(
        clinic=clinic, therapist=second, service=service, starts_at=noon + dt.timedelta(hours=2),
        clients=[factories.ClientFactory(clinic=clinic, first_name="نگار", last_name="پارسا")],
    )
browser = Browser()
with wear(Hat.WEB):
    browser.force_login(member.user)
print(json.dumps({
    "cookie": [settings.SESSION_COOKIE_NAME, browser.cookies[settings.SESSION_COOKIE_NAME].value],
}))
"""

#: Day and hour of every session in Tehran, its length, therapist, and whether it is told.
SESSIONS = """
SELECT to_char(s.starts_at AT TIME ZONE 'Asia/Tehran', 'DD HH24:MI'),
       (extract(epoch FROM s.ends_at - s.starts_at) / 60)::int,
       t.name,
       EXISTS (SELECT FROM sessions_app_sessionchange c WHERE c.session_id = s.id AND c.tell)
  FROM sessions_app_session s JOIN clinic_therapist t ON t.id = s.therapist_id
 ORDER BY s.id
"""


@pytest.fixture(scope="module")
def desk(house_in_time):
    house_in_time.move_clock(NOW)
    return {"house": house_in_time, **house_in_time.manage("shell", "--no-imports", "-c", WORLD)}


@pytest.fixture
def reception(chrome, desk):
    context = chrome.new_context(
        base_url=desk["house"].url, locale="fa-IR", timezone_id="Asia/Tehran", viewport=DESKTOP
    )
    context.set_default_timeout(PATIENCE)
    name, value = desk["cookie"]
    context.add_cookies([{"name": name, "value": value, "url": desk["house"].url}])
    errors = []
    page = context.new_page()
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert errors == []


def sessions(desk):
    return desk["house"].ask(SESSIONS)


def open_day(page, day):
    page.goto(f"/c/calendar/calendar/?day=1405-09-0{day}")
    return page.locator(".cal-block").first


def drag(page, block, down=0, aside=0, grip=False):
    """Take the block in its middle, or by its lower edge, so many rows down and pixels aside."""
    box = block.bounding_box()
    row = page.locator(".cal-hours .at-12").bounding_box()["height"] / 12
    x, y = box["x"] + box["width"] / 2, box["y"] + (box["height"] - 3 if grip else 10)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + aside / 2, y + down * row / 2, steps=4)
    page.mouse.move(x + aside, y + down * row, steps=4)
    return page.locator(".cal-ghost")


def test_a_drag_asks_and_then_moves_and_tells(reception, desk):
    block = open_day(reception, 1)
    column = reception.locator(".cal-col").first.bounding_box()["width"]
    ghost = drag(reception, block, down=-12, aside=-column)
    expect(ghost).to_have_text("۱۱:۰۰ – ۱۱:۵۰")
    reception.mouse.up()
    dialog = reception.locator("#dialog")
    expect(dialog).to_contain_text("بهار نوری")
    assert sessions(desk)[0] == ("22 12:00", 50, "آرش ملکی", False)
    dialog.get_by_role("button", name="جابه‌جا کن و پیامک بده").click()
    expect(reception.locator("#messages")).to_contain_text("۱۱:۰۰")
    assert sessions(desk)[0] == ("22 11:00", 50, "بهار نوری", True)
    reception.get_by_role("button", name="برگردان").click()
    expect(reception.locator("#messages")).to_contain_text("برگشت")
    assert sessions(desk)[0][:3] == ("22 12:00", 50, "آرش ملکی")


def test_the_lower_edge_makes_it_longer_and_nobody_is_told(reception, desk):
    block = open_day(reception, 2)
    ghost = drag(reception, block, down=5, grip=True)
    expect(ghost).to_have_text("۱۲:۰۰ – ۱۳:۱۵")
    reception.mouse.up()
    reception.get_by_role("button", name="بدون پیامک جابه‌جا کن").click()
    expect(reception.locator("#messages")).to_contain_text("۱۲:۰۰")
    assert sessions(desk)[1] == ("23 12:00", 75, "آرش ملکی", False)


def test_a_drop_that_is_thought_better_of_changes_nothing(reception, desk):
    block = open_day(reception, 3)
    drag(reception, block, down=12)
    reception.mouse.up()
    reception.get_by_role("link", name="همان‌جا بماند").click()
    expect(reception.locator(".cal-ghost")).to_have_count(0)
    expect(reception.locator("#dialog")).to_be_hidden()
    assert sessions(desk)[2] == ("24 12:00", 50, "آرش ملکی", False)


def test_a_click_is_no_drag(reception, desk):
    open_day(reception, 3).click()
    expect(reception).to_have_url(re.compile("/sessions/"))


def test_a_drop_on_anothers_time_names_who_is_there(reception, desk):
    block = open_day(reception, 1)
    column = reception.locator(".cal-col").first.bounding_box()["width"]
    drag(reception, block, down=24, aside=-column)
    reception.mouse.up()
    expect(reception.get_by_role("alert")).to_contain_text("نگار پارسا")
    expect(reception.locator("#dialog button.btn-primary")).to_have_count(0)


def test_the_keyboard_carries_a_session_to_another_hour_and_therapist(reception, desk):
    open_day(reception, 4).focus()
    for key in ("Alt+ArrowDown", "Alt+ArrowDown", "Alt+ArrowLeft"):
        reception.keyboard.press(key)
    expect(reception.locator(".cal-ghost")).to_have_text("۱۲:۳۰ – ۱۳:۲۰")
    reception.keyboard.press("Enter")
    reception.get_by_role("button", name="بدون پیامک جابه‌جا کن").click()
    expect(reception.locator("#messages")).to_contain_text("۱۲:۳۰")
    assert sessions(desk)[3] == ("25 12:30", 50, "بهار نوری", False)


def test_escape_puts_it_back(reception, desk):
    block = open_day(reception, 5)
    block.focus()
    reception.keyboard.press("Alt+ArrowDown")
    reception.keyboard.press("Escape")
    expect(reception.locator(".cal-ghost")).to_have_count(0)
    expect(block).to_be_focused()
    assert sessions(desk)[4] == ("26 12:00", 50, "آرش ملکی", False)


def test_arrows_walk_the_day_and_enter_books_there(reception, desk):
    block = open_day(reception, 5)
    block.focus()
    reception.keyboard.press("ArrowDown")
    expect(reception.locator(":focus")).to_have_attribute(
        "aria-label", "جلسه‌ی تازه، ساعت ۱۳:۰۰، آرش ملکی"
    )
    reception.keyboard.press("ArrowLeft")
    expect(reception.locator(":focus")).to_have_attribute(
        "aria-label", "جلسه‌ی تازه، ساعت ۱۳:۰۰، بهار نوری"
    )
    reception.keyboard.press("Enter")
    expect(reception.locator("#id_time")).to_have_value("۱۳:۰۰")
