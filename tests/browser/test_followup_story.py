"""One client over 120 days: from the booking to a good ending, after which nothing is said."""

import datetime as dt
import re

import pytest
from playwright.sync_api import expect

from clinic import jalali
from clinic.holidays import public_holidays
from tests.browser.conftest import DESKTOP, PHONE

pytestmark = pytest.mark.browser

PASSWORD = "آرامش-۱۴۰۵-در-خانه"
CLIENT_PHONE = "09120007001"
CLIENTS = (
    "file_no,honorific,first_name,last_name,phone,therapist,service\n"
    f"101,خانم,مریم,کریمی,{CLIENT_PHONE},دکتر نگار صادقی,مشاوره فردی\n"
)
FRIDAY = 4
ADDRESS = re.compile(r"http://\S+/[sfp]/\w+")


def holidays(today):
    year = jalali.jalali(today).year
    return {holiday.day for holiday in public_holidays(year, year + 2)}


def first_day():
    """The next Saturday before two weeks without a holiday: what waits for one is told elsewhere."""
    today = jalali.local_day(dt.datetime.now(dt.UTC))
    closed = holidays(today)
    day = today + dt.timedelta(days=1)
    while day.weekday() != 5 or any(day + dt.timedelta(days=n) in closed for n in range(15)):
        day += dt.timedelta(days=1)
    return day


DAY_ONE = first_day()
CLOSED = holidays(DAY_ONE)


def at(days, clock):
    return jalali.combine(DAY_ONE + dt.timedelta(days=days), dt.time.fromisoformat(clock))


def noon_of_a_working_day(days):
    while at(days, "12:00").weekday() == FRIDAY or DAY_ONE + dt.timedelta(days=days) in CLOSED:
        days += 1
    return at(days, "12:00")


@pytest.fixture
def story(house_in_time, page, tmp_path):
    return Story(house_in_time, page, tmp_path)


class Story:
    def __init__(self, house, page, folder):
        self.house, self.page = house, page
        listed = folder / "clients.csv"
        listed.write_text(CLIENTS)
        opened = ["--live", "--phone=02188001122", "--owner=owner@aramesh.example"]
        now = ["--now", at(0, "09:30").isoformat()]
        made = house.manage("create_clinic", "aramesh", "--name=کلینیک آرامش", *opened, *now)
        house.manage("import_data", "aramesh", "--clients", listed, *now)
        self.link = made["link"]

    def it_is(self, moment):
        """Move everybody's clock and let the engine work; returns what arrived on the phone."""
        before = len(self.house.gateway.messages)
        self.house.move_clock(moment)
        self.house.tick(moment)
        return [text.body for text in self.house.gateway.messages[before:]]

    def panel(self, path):
        self.page.set_viewport_size(DESKTOP)
        self.page.goto(f"{self.house.url}/c/aramesh/{path}")

    def opens(self, text):
        """The client follows the link of a text."""
        self.page.set_viewport_size(PHONE)
        self.page.goto(ADDRESS.search(text)[0])

    def press(self, name):
        with self.page.expect_response(lambda answer: answer.request.method == "POST"):
            self.page.get_by_role("button", name=name).first.click()

    def sign_in(self):
        self.panel("")
        if self.page.locator("[name=login]").count():
            self.page.locator("[name=login]").fill("owner@aramesh.example")
            self.page.locator("[name=password]").fill(PASSWORD)
            self.page.locator("form button.btn-primary").click()
            self.page.wait_for_url(f"{self.house.url}/c/aramesh/")

    def first_sign_in(self):
        self.page.goto(self.link)
        self.page.locator("[name=full_name]").fill("شهلا آذرنوش")
        for name in ("password1", "password2"):
            self.page.locator(f"[name={name}]").fill(PASSWORD)
        self.page.locator("form button.btn-primary").click()
        self.page.wait_for_url(f"{self.house.url}/c/aramesh/")

    def to_her_page(self):
        self.panel("clients/")
        self.page.get_by_role("link", name="مریم کریمی").first.click()

    def book(self, moment):
        self.to_her_page()
        self.page.get_by_role("link", name="جلسه‌ی تازه").first.click()
        self.page.locator("[name=day]").fill(jalali.numeric_date(moment, language="fa"))
        self.page.locator("[name=time]").fill(f"{jalali.local(moment):%H:%M}")
        for name in ("therapist", "service"):
            self.page.locator(f"[name={name}]").select_option(index=1)
        # Until it is committed: the clock moves on at once.
        with self.page.expect_response(lambda answer: answer.request.method == "POST"):
            self.page.get_by_role("button", name="ثبت جلسه").click()

    def record(self, outcome):
        self.panel("")
        with self.page.expect_response(lambda answer: answer.request.method == "POST"):
            self.page.get_by_role("button", name=outcome).first.click()


def test_a_client_is_followed_for_four_months_and_finishes_well(story):
    story.house.move_clock(at(0, "10:00"))
    story.first_sign_in()
    story.book(at(5, "17:30"))

    assert [ADDRESS.search(text) is not None for text in story.it_is(at(0, "10:10"))] == [True]
    (three_days,) = story.it_is(at(2, "17:31"))
    story.opens(three_days)
    story.press("می‌آیم")
    expect(
        story.page.get_by_text("منتظرتان هستیم").or_(story.page.get_by_role("status"))
    ).to_be_visible()
    assert len(story.it_is(at(4, "17:41"))) == 1

    story.house.move_clock(at(5, "18:30"))
    story.record("برگزار شد")
    (thanks,) = story.it_is(at(5, "18:35"))
    give_feedback(story, thanks)

    story.house.move_clock(at(5, "19:10"))
    story.book(at(12, "17:30"))
    assert len(story.it_is(at(5, "19:15"))) == 1
    assert len(story.it_is(at(9, "17:31"))) == 1
    assert len(story.it_is(at(11, "17:41"))) == 1
    story.house.move_clock(at(12, "18:30"))
    story.sign_in()
    story.record("نیامد")
    (missed,) = story.it_is(at(12, "20:31"))
    assert "سلام خانم کریمی" in missed

    (first_word,) = story.it_is(noon_of_a_working_day(33))
    assert "/p/" in first_word
    (second_word,) = story.it_is(noon_of_a_working_day(58))
    story.opens(second_word)
    story.press("می‌خواهم همین‌جا به پایان برسانم")
    expect(story.page.get_by_role("status")).to_be_visible()
    assert story.it_is(noon_of_a_working_day(100)) == []
    assert story.it_is(noon_of_a_working_day(120)) == []

    assert [message["rule"] for message in messages(story)] == [
        "booked",
        "reminder_72h",
        "reminder_24h",
        "thank_you",
        "booked",
        "reminder_72h",
        "reminder_24h",
        "no_show",
        "silent_1",
        "silent_2",
    ]
    assert {message["state"] for message in messages(story)} <= {"sent", "delivered"}
    story.sign_in()
    story.to_her_page()
    expect(story.page.get_by_text("پایان خوب").first).to_be_visible()


def messages(story):
    found = story.house.manage("outbox", "aramesh")["messages"]
    return sorted(found, key=lambda message: message["due_at"])


def give_feedback(story, thanks):
    story.opens(thanks)
    story.page.get_by_label("خیلی خوب").check()
    story.page.locator("[name=comment]").fill("حس کردم شنیده شدم.")
    story.press("بفرست")
    expect(story.page.get_by_role("status")).to_be_visible()
    story.panel("feedback/")
    expect(story.page.get_by_text("حس کردم شنیده شدم.")).to_be_visible()
