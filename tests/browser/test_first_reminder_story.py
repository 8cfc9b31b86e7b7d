"""From nothing to the right text on a phone, as the people of one clinic live it."""

import datetime as dt
import io
import re

import jdatetime
import openpyxl
import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

TEHRAN = dt.timezone(dt.timedelta(hours=3, minutes=30))
WEEKDAYS = ("دوشنبه", "سه‌شنبه", "چهارشنبه", "پنجشنبه", "جمعه", "شنبه", "یکشنبه")
MONTHS = (
    *("فروردین", "اردیبهشت", "خرداد", "تیر", "مرداد", "شهریور"),
    *("مهر", "آبان", "آذر", "دی", "بهمن", "اسفند"),
)
PASSWORD = "آرامش-۱۴۰۵-در-خانه"

TODAY = dt.datetime.now(TEHRAN).replace(second=0, microsecond=0)


def at(days, clock):
    """A moment some days from today, on Tehran's clock."""
    hour, minute = map(int, clock.split(":"))
    return (TODAY + dt.timedelta(days=days)).replace(hour=hour, minute=minute)


def persian(text):
    return str(text).translate(str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹"))


def spoken_day(moment):
    day = jdatetime.date.fromgregorian(date=moment.date())
    return persian(f"{WEEKDAYS[moment.weekday()]} {day.day} {MONTHS[day.month - 1]}")


def numeric_day(moment):
    day = jdatetime.date.fromgregorian(date=moment.date())
    return persian(f"{day.year}/{day.month:02}/{day.day:02}")


MARYAM_AT, ALI_AT, ALI_MOVED_TO = at(6, "17:30"), at(6, "11:00"), at(8, "12:15")
MARYAM_PHONE, ALI_PHONE = "09120007001", "09350007002"

#: The client's own page of a session; the token is nobody's to know beforehand.
# Staff read the text without the key in its address.
LINK = r"https?://\S+/s/(?:[a-z2-7]{16}|…\u200e)"


def reads(before, after):
    """A whole text whose link stands between `before` and `after`, on one line or on several."""
    after = r"\s".join(map(re.escape, after.split()))
    return re.compile(rf"{re.escape(before)} {LINK}\s{after}")


CALL = "یا 02188001122\nکلینیک آرامش"
MARYAM_72H = reads(
    f"سلام خانم کریمی، {spoken_day(MARYAM_AT)} ساعت ۱۷:۳۰ با دکتر نگار صادقی قرار دارید."
    " تأیید، تغییر یا لغو:",
    CALL,
)
MARYAM_24H = reads(
    f"سلام خانم کریمی، فردا {spoken_day(MARYAM_AT)} ساعت ۱۷:۳۰ با دکتر نگار صادقی منتظرتان هستیم."
    " تأیید، تغییر یا لغو:",
    CALL,
)
ALI_MOVED = reads(
    f"سلام آقای رحیمی، وقت شما با دکتر نگار صادقی تغییر کرد: {spoken_day(ALI_MOVED_TO)} ساعت ۱۲:۱۵."
    " اگر این زمان مناسب نیست، خبرمان کنید:",
    "کلینیک آرامش",
)
ALI_72H = reads(
    f"سلام آقای رحیمی، {spoken_day(ALI_MOVED_TO)} ساعت ۱۲:۱۵ با دکتر نگار صادقی قرار دارید."
    " تأیید، تغییر یا لغو:",
    CALL,
)


def clients_csv():
    """As Excel on a Persian Windows writes one: semicolons, Arabic letters, a mark in front."""
    lines = (
        "شماره پرونده;خطاب;نام;نام خانوادگی;موبایل;تاریخ تولد;درمانگر;خدمت",
        f"۱۰۱;خانم;مريم;كريمي;{persian(MARYAM_PHONE)};۱۳۶۸/۰۲/۱۷;دکتر نگار صادقی;مشاوره فردی",
        f"۱۰۲;آقای;علی;رحیمی;+98 {ALI_PHONE[1:4]} {ALI_PHONE[4:]};۱۳۶۱/۱۱/۰۳;دکتر نگار صادقی;مشاوره فردی",
        "۱۰۳;خانم;لیلا;بهرامی;123;;دکتر نگار صادقی;مشاوره فردی",
    )
    return "\r\n".join(lines).encode("utf-8-sig")


def sessions_xlsx():
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["شماره جلسه", "شماره پرونده", "درمانگر", "خدمت", "تاریخ", "ساعت", "مدت", "وضعیت"])
    for number, file_no, start in (("ج-۱", "۱۰۱", MARYAM_AT), ("ج-۲", "۱۰۲", ALI_AT)):
        clock = persian(f"{start:%H:%M}")
        who = ["دکتر نگار صادقی", "مشاوره فردی"]
        sheet.append([number, file_no, *who, numeric_day(start), clock, "۵۰", "رزرو شده"])
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


@pytest.fixture(scope="module")
def link(house):
    """The owner's one-time link, as the operator hands it over."""
    options = [
        "--name=کلینیک آرامش",
        "--phone=۰۲۱۸۸۰۰۱۱۲۲",
        "--live",
        "--owner=owner@aramesh.example",
    ]
    return house.manage("create_clinic", "aramesh", *options)["link"]


def test_lists_go_in_and_the_right_texts_come_out(house, link, page):
    follow_the_link_and_sign_in(house, link, page)
    import_the_lists(page)
    move_alis_session(page)
    assert house.tick(at(1, "10:00"))["sent"] == 1
    # Three days before Ali's first time nothing is due; then Maryam's, the evening of that day.
    assert house.tick(at(3, "11:01"))["planned"] == 0
    assert house.tick(at(3, "17:31"))["sent"] == 1
    assert house.tick(at(5, "12:16"))["sent"] == 1
    assert house.tick(at(5, "17:41"))["sent"] == 1
    house.let_arrive()
    read_the_phones(house, page)
    read_the_messages(house, page)
    read_maryams_page(house, page)


def follow_the_link_and_sign_in(house, link, page):
    page.goto(link)
    expect(page.get_by_role("heading", level=1)).to_have_text("به کلینیک آرامش خوش آمدید")
    page.locator("[name=full_name]").fill("شهلا آذرنوش")
    page.locator("[name=password1]").fill(PASSWORD)
    page.locator("[name=password2]").fill(PASSWORD)
    page.locator("form button.btn-primary").click()
    page.wait_for_url(f"{house.url}/c/aramesh/")
    # The link is used up, and the password opens the door from now on.
    page.context.clear_cookies()
    assert page.goto(link).status == 410
    page.goto(f"{house.url}/c/aramesh/clients/")
    page.locator("[name=login]").fill("owner@aramesh.example")
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("form button.btn-primary").click()
    page.wait_for_url(f"{house.url}/c/aramesh/clients/")


def import_the_lists(page):
    page.get_by_role("navigation").get_by_role("link", name="ورود اطلاعات").click()
    page.locator("[name=clients]").set_input_files(
        {"name": "مراجعان.csv", "mimeType": "text/csv", "buffer": clients_csv()}
    )
    page.locator("[name=sessions]").set_input_files(
        {"name": "جلسات.xlsx", "mimeType": "application/octet-stream", "buffer": sessions_xlsx()}
    )
    page.get_by_role("button", name="خواندن و پیش‌نمایش").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("پیش‌نمایش ورود اطلاعات")
    counts = [["مراجع", "۳", "۰", "۰"], ["جلسه", "۲", "۰", "۰"]]
    assert rows(page, "آنچه وارد می‌شود")[:2] == counts
    remark = ["مراجعان.csv", "۴", "موبایل", "123"]
    assert [row[:4] for row in rows(page, "۱ مورد نیازمند اصلاح")] == [remark]
    page.get_by_role("button", name="وارد شود").click()
    expect(page.get_by_role("heading", name="آنچه وارد شد")).to_be_visible()
    assert rows(page, "آنچه وارد شد")[:2] == counts


def rows(page, title):
    """The table under a card's title, as lists of what its cells say."""
    card = page.locator("section.card", has=page.get_by_role("heading", name=title))
    found = card.locator("tbody tr").all()
    return [[cell.inner_text().strip() for cell in row.locator("th, td").all()] for row in found]


def move_alis_session(page):
    page.get_by_role("navigation").get_by_role("link", name="مراجعان").click()
    # With the letters of an Arabic keyboard, as many type.
    page.locator("[name=q]").fill("علي رحيمي")
    page.get_by_role("link", name="علی رحیمی").first.click()
    page.get_by_role("link", name=f"{spoken_day(ALI_AT)}، ساعت ۱۱:۰۰", exact=True).click()
    page.get_by_role("link", name="جابه‌جایی").click()
    page.locator("[name=day]").fill(numeric_day(ALI_MOVED_TO))
    page.locator("[name=time]").fill("۱۲:۱۵")
    page.get_by_role("button", name="جابه‌جا کن").click()
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_have_text(f"{spoken_day(ALI_MOVED_TO)}، ساعت ۱۲:۱۵")


def read_the_phones(house, page):
    """Everything that ever reached the two phones, in its order."""
    page.goto(house.gateway.base_url)
    received = {}
    for phone in page.locator("article.phone").all():
        received[phone.get_attribute("data-phone")] = phone.locator("li.bubble p").all_inner_texts()
    assert sorted(received) == sorted([MARYAM_PHONE, ALI_PHONE])
    assert_told(received[MARYAM_PHONE], MARYAM_72H, MARYAM_24H)
    assert_told(received[ALI_PHONE], ALI_MOVED, ALI_72H)


def assert_told(texts, *expected):
    assert len(texts) == len(expected)
    for said, text in zip(expected, texts, strict=True):
        assert said.fullmatch(text), text


def read_the_messages(house, page):
    page.goto(f"{house.url}/c/aramesh/messages/")
    seen = [
        (
            row.locator("td").nth(1).inner_text().strip(),
            row.locator("td").nth(3).inner_text().strip(),
        )
        for row in page.locator("table.outbox tbody tr").all()
    ]
    assert seen == [("مریم کریمی", "رسید"), ("علی رحیمی", "رسید")] * 2
    page.locator("table.outbox tbody tr").nth(1).locator("td").nth(2).get_by_role("link").click()
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_have_text("یادآوری سه روز پیش از جلسه برای علی رحیمی")
    assert_told([page.locator(".sms").inner_text()], ALI_72H)


def read_maryams_page(house, page):
    page.goto(f"{house.url}/c/aramesh/clients/")
    page.get_by_role("link", name="مریم کریمی").first.click()
    told = page.locator("#timeline .moment-message .clamp").all_inner_texts()
    assert_told(told, MARYAM_24H, MARYAM_72H)
