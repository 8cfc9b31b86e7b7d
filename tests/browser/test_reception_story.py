"""A receptionist's day: what she sees at every step, and what then stands in the database."""

import contextlib
import datetime as dt

import pytest
from playwright.sync_api import expect

from tests.browser import shifts
from tests.browser.conftest import DESKTOP, PATIENCE
from tests.browser.reception import EMAIL, NOW, PASSWORD, THERAPISTS, WORLD, Database, name_of

pytestmark = pytest.mark.browser

#: What is still to come of `HOURS`.
AHEAD = (11, 15, 16)
PRINTS = "window.printed = 0; window.print = () => { window.printed += 1 }"


@pytest.fixture(scope="module")
def world(house_in_time):
    house_in_time.move_clock(NOW)
    made = house_in_time.manage("shell", "--no-imports", "-c", WORLD)
    return {"house": house_in_time, **made}


@pytest.fixture(scope="module")
def clinic(world):
    return world["house"]


@pytest.fixture(scope="module")
def database(clinic):
    with contextlib.closing(Database(clinic.database_url)) as line:
        yield line


@pytest.fixture
def desk(chrome, clinic, world):
    """A receptionist who is signed in. What her pages complain of fails the test."""
    context = chrome.new_context(
        base_url=clinic.url, locale="fa-IR", timezone_id="Asia/Tehran", viewport=DESKTOP
    )
    context.set_default_timeout(PATIENCE)
    page, errors = context.new_page(), []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    page.add_init_script(PRINTS)
    name, value = world["cookie"]
    context.add_cookies([{"name": name, "value": value, "url": clinic.url}])
    yield page
    context.close()
    # A form that is refused answers 422, which the browser notes.
    assert [error for error in errors if "422" not in error] == []


def sign_in(page):
    page.goto("/c/reception/")
    page.get_by_label("ایمیل").fill(EMAIL)
    page.get_by_label("گذرواژه", exact=True).fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("امروز")


def test_a_day_at_the_desk(desk, database, clinic):
    desk.context.clear_cookies()
    sign_in(desk)
    see_the_day(desk)
    find_a_client(desk)
    book_from_the_calendar(desk, database)
    receive_with_the_keyboard(desk, database)
    move_with_the_keyboard(desk, database)
    fill_a_gap(desk, database)
    clear_the_day_of_who_is_ill(desk, database)
    answer_a_reply(desk, database)
    make_a_call(desk, database)
    nobody_waits_any_more(desk)
    see_what_will_be_sent(desk)
    hand_the_texts_over(clinic, database)
    print_the_day(desk)


# -- What she reads ----------------------------------------------------------------------------


def bell(page):
    return page.locator("#bell .bell-count")


def said(page):
    return page.locator("#messages")


def line_of(page, client):
    """A client's line of the day."""
    return page.locator("li.line", has=page.get_by_role("link", name=client, exact=True))


def focused(page):
    return page.locator(":focus")


def to_today(page):
    page.get_by_role("navigation", name="پنل", exact=True).get_by_role("link", name="امروز").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("امروز")


# -- What she does -----------------------------------------------------------------------------


def see_the_day(page):
    expect(page.get_by_role("heading", level=1)).to_have_text("امروز شنبه ۳۰ آبان ۱۴۰۵")
    expect(page.locator(".list-head")).to_contain_text("۴۰ جلسه")
    expect(page.locator("section.card h2", has_text="ملکی")).to_have_count(1)
    assert page.locator(".today-day section.card").count() == 8
    assert page.locator("li.line").count() == 40
    # A reply, a call, and a session of nine o'clock that nobody has recorded.
    expect(bell(page)).to_have_text("۳")


def find_a_client(page):
    """With the letters of an Arabic keyboard, and with one letter wrong."""
    for typed in ("شكوفه كريمي", "شکوفه کربمی"):
        page.keyboard.press("/")
        expect(focused(page)).to_have_attribute("id", "search")
        page.keyboard.insert_text(typed)
        page.keyboard.press("Enter")
        expect(page.get_by_role("link", name="شکوفه کریمی")).to_have_count(1)
        page.get_by_role("link", name="شکوفه کریمی").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("شکوفه کریمی")


def book_from_the_calendar(page, database):
    """In an empty slot; the first wish runs into somebody else's session."""
    page.get_by_role("navigation", name="پنل", exact=True).get_by_role("link", name="تقویم").click()
    page.get_by_role("link", name="جلسه‌ی تازه، ساعت ۱۳:۰۰، بهار نوری").click()
    expect(page.locator("#id_time")).to_have_value("۱۳:۰۰")
    expect(page.locator("#id_therapist option:checked")).to_have_text("بهار نوری")
    expect(page.locator("#find")).to_be_focused()
    page.keyboard.insert_text("شکوفه")
    page.get_by_label("شکوفه کریمی").check()
    page.get_by_label("خدمت").select_option(label="مشاوره‌ی فردی")
    page.get_by_label("ساعت", exact=True).fill("۱۵:۲۰")
    page.get_by_role("button", name="ثبت جلسه").click()
    clash = f"بهار نوری در این زمان با {name_of(1, 15)} جلسه دارد، از ۱۵:۰۰ تا ۱۵:۵۰."
    expect(page.locator("#id_time_error")).to_have_text(clash)
    expect(page.get_by_label("شکوفه کریمی")).to_be_checked()
    assert database.sessions_of("شکوفه کریمی") == []
    page.get_by_label("ساعت", exact=True).fill("۱۴:۰۰")
    page.get_by_role("button", name="ثبت جلسه").click()
    expect(said(page)).to_contain_text("جلسه برای شنبه ۳۰ آبان، ساعت ۱۴:۰۰ ثبت شد.")
    assert database.sessions_of("شکوفه کریمی") == [("scheduled", "21 14:00", "بهار نوری", 50)]


def receive_with_the_keyboard(page, database):
    """No mouse: into the day, down its lines, and one act taken back."""
    to_today(page)
    page.locator(".skip-link").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    page.keyboard.press("ArrowDown")
    act(page, database, name_of(0, 9), "برگزار شد", "attended", f"جلسه‌ی {name_of(0, 9)} برگزار شد.")
    expect(bell(page)).to_have_text("۲")
    page.keyboard.press("ArrowDown")
    act(page, database, name_of(0, 10), "آمد", "arrived", f"{name_of(0, 10)} آمد.")
    for _ in range(5):
        page.keyboard.press("ArrowDown")
    expect(focused(page)).to_have_text("آمد")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    missed = f"نیامدن {name_of(1, 10)} ثبت شد."
    act(page, database, name_of(1, 10), "نیامد", "no_show", missed)
    page.keyboard.press("Control+z")
    expect(said(page)).to_contain_text("به حالت قبل برگشت.")
    assert database.state_of(name_of(1, 10)) == "scheduled"
    expect(line_of(page, name_of(1, 10)).get_by_role("button", name="نیامد")).to_have_count(1)


def act(page, database, client, button, state, message):
    """Press the button that has the focus; the focus stays in the client's line."""
    line = line_of(page, client)
    expect(line.get_by_role("button", name=button, exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    expect(said(page)).to_contain_text(message)
    expect(line).to_be_focused()
    assert database.state_of(client) == state


def move_with_the_keyboard(page, database):
    """An hour later and to a colleague, and the client is told."""
    client = name_of(2, 16)
    page.get_by_role("navigation", name="پنل", exact=True).get_by_role("link", name="تقویم").click()
    block = page.locator(".cal-block", has_text=client)
    block.focus()
    for _ in range(4):
        page.keyboard.press("Alt+ArrowDown")
    page.keyboard.press("Alt+ArrowLeft")
    expect(page.locator(".cal-ghost")).to_have_text("۱۷:۰۰ – ۱۷:۵۰")
    page.keyboard.press("Enter")
    dialog = page.locator("#dialog")
    expect(dialog).to_contain_text(f"جلسه‌ی {client} جابه‌جا شود؟")
    expect(dialog).to_contain_text("ترانه صدر")
    tell = dialog.get_by_role("button", name="جابه‌جا کن و پیامک بده")
    expect(tell).to_be_focused()
    page.keyboard.press("Enter")
    expect(said(page)).to_contain_text("جلسه به شنبه ۳۰ آبان، ساعت ۱۷:۰۰ جابه‌جا شد.")
    expect(said(page)).to_contain_text("پیامک تا سه دقیقه‌ی دیگر فرستاده می‌شود.")
    assert database.sessions_of(client) == [("scheduled", "21 17:00", "ترانه صدر", 50)]


def fill_a_gap(page, database):
    """A client cancels; whom the hour suits of the waiting list is booked into it."""
    client = name_of(4, 15)
    to_today(page)
    line = line_of(page, client)
    line.get_by_label("لغو جلسه").click()
    line.get_by_role("button", name="مراجع لغو کرد", exact=True).click()
    expect(said(page)).to_contain_text(f"جلسه‌ی {client} لغو شد.")
    expect(said(page)).to_contain_text("این وقت خالی شد؛ به ۱ نفر از فهرست انتظار می‌خورد.")
    assert database.state_of(client) == "cancelled"
    said(page).get_by_role("link", name="ببینید به چه کسی").click()
    fits = page.get_by_role("region", name="در فهرست انتظارند و این وقت به آن‌ها می‌خورد")
    expect(fits).to_contain_text("کامران یگانه")
    expect(fits).to_contain_text("عصرها بهتر است")
    fits.get_by_role("link", name="انتخاب").click()
    expect(page.get_by_label("کامران یگانه")).to_be_checked()
    expect(page.locator("#id_therapist option:checked")).to_have_text("جمشید کاوه")
    page.get_by_label("خدمت").select_option(label="مشاوره‌ی فردی")
    page.get_by_role("button", name="ثبت جلسه").click()
    expect(said(page)).to_contain_text("جلسه برای شنبه ۳۰ آبان، ساعت ۱۵:۰۰ ثبت شد.")
    assert database.sessions_of("کامران یگانه") == [("scheduled", "21 15:00", "جمشید کاوه", 50)]


def clear_the_day_of_who_is_ill(page, database):
    """Two therapists are ill: one's sessions move to tomorrow, the other's are called off."""
    to_today(page)
    page.get_by_role("link", name="نمی‌آید؟ حمید فرهی").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("حمید فرهی")
    # The hour that has begun is nobody's to move any more.
    day = page.get_by_role("group", name="کدام جلسه‌های این روز؟")
    assert day.locator("label").all_inner_texts() == [
        f"{clock} {name_of(5, hour)} · مشاوره‌ی فردی"
        for clock, hour in (("۱۱:۰۰", 11), ("۱۵:۰۰", 15), ("۱۶:۰۰", 16))
    ]
    page.get_by_label("به همان ساعت در روز دیگری بروند").check()
    page.locator("#id_to_day").fill("۱۴۰۵/۰۹/۰۱")
    page.get_by_role("button", name="انجام بده").click()
    expect(said(page)).to_contain_text("۳ جلسه جابه‌جا شد.")
    moved = [database.sessions_of(name_of(5, hour)) for hour in AHEAD]
    assert moved == [[("scheduled", f"22 {hour}:00", "حمید فرهی", 50)] for hour in AHEAD]
    page.get_by_role("link", name="نمی‌آید؟ ژاله امین").click()
    page.get_by_role("button", name="انجام بده").click()
    expect(said(page)).to_contain_text("۳ جلسه لغو شد.")
    assert [database.state_of(name_of(7, hour)) for hour in AHEAD] == ["cancelled"] * 3


def answer_a_reply(page, database):
    page.locator("#bell summary").click()
    page.locator("#bell").get_by_role("link", name="پیامِ بی‌پاسخ").click()
    page.get_by_role("link", name="فرهاد سپهر").click()
    expect(page.locator(".bubble-waits")).to_contain_text("سلام، فردا مدارک هم بیاورم؟")
    page.get_by_label("پاسخ شما").fill("سلام، بله؛ لطفاً کارت ملی را هم بیاورید.")
    page.get_by_role("button", name="بفرست").click()
    expect(page.locator(".bubble-out")).to_contain_text("کارت ملی")
    expect(bell(page)).to_have_text("۱")
    assert database.rows("SELECT ending FROM messaging_reply") == [("answered",)]


def make_a_call(page, database):
    page.locator("#bell summary").click()
    page.locator("#bell").get_by_role("link", name="تماسِ مانده").click()
    call = page.locator("li.call", has_text="پروانه دانش")
    call.get_by_role("button", name="حل شد").click()
    expect(page.locator("li.call")).to_have_count(0)
    assert database.rows("SELECT outcome FROM sessions_app_caretask WHERE kind = 'call_me'") == [
        ("done",)
    ]


def nobody_waits_any_more(page):
    expect(bell(page)).to_have_count(0)
    page.locator("#bell summary").click()
    expect(page.locator("#bell")).to_contain_text("کاری در انتظار شما نیست.")
    page.keyboard.press("Escape")
    expect(page.locator("#bell summary")).to_be_focused()


def hand_the_texts_over(clinic, database):
    """After the time to undo: to everybody one text of what became of their session, and no more."""
    clinic.tick(NOW + dt.timedelta(minutes=15))
    moved = [database.texts_of(name_of(5, hour)) for hour in AHEAD]
    assert moved == [[("moved", "sent")]] * 3
    cancelled = [database.texts_of(name_of(7, hour)) for hour in AHEAD]
    assert cancelled == [[("cancelled", "sent")]] * 3
    assert database.texts_of(name_of(2, 16)) == [("moved", "sent")]
    # Who cancelled knows it.
    assert database.texts_of(name_of(4, 15)) == []


def see_what_will_be_sent(page):
    """To the client who was moved to tomorrow; and why another one will read nothing."""
    to_the_file(page, name_of(5, 16))
    rows = foreseen(page).locator("li")
    expect(rows.locator(".title")).to_have_text(["خبر جابه‌جایی جلسه", "یادآوری یک روز پیش از جلسه"])
    expect(rows.locator(".state")).to_have_text(["فرستاده می‌شود"] * 2)
    reminder = rows.last
    expect(reminder).to_contain_text("شنبه ۳۰ آبان، ساعت ۱۶:")
    reminder.get_by_text("دیدن متن").click()
    expect(reminder.locator(".sms")).to_contain_text(
        "فردا یکشنبه ۱ آذر ساعت ۱۶:۰۰ با دکتر حمید فرهی منتظرتان هستیم."
    )
    to_the_file(page, "بی‌نشان بهمنی")
    expect(foreseen(page).locator("li")).to_have_count(1)
    expect(foreseen(page).locator(".state")).to_have_text("فرستاده نشد")
    expect(foreseen(page)).to_contain_text("در پرونده شماره‌ی موبایلی نیست")


def to_the_file(page, client):
    page.keyboard.press("/")
    page.keyboard.insert_text(client)
    page.keyboard.press("Enter")
    page.get_by_role("link", name=client).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(client)


def foreseen(page):
    return page.locator("section.card", has_text="چه پیامی فرستاده می‌شود و چه پیامی نه")


def print_the_day(page):
    page.get_by_role("navigation", name="پنل", exact=True).get_by_role("link", name="تقویم").click()
    page.get_by_role("link", name="چاپ").click()
    paper = page.locator("section.paper", has_text="بهار نوری")
    expect(paper.locator("tbody tr", has_text="شکوفه کریمی")).to_contain_text("۱۴:۰۰ تا ۱۴:۵۰")
    expect(page.locator("section.paper h2")).to_have_text(list(THERAPISTS))
    page.get_by_role("button", name="چاپ").click()
    assert page.evaluate("window.printed") == 1


# -- Nothing moves under her hand --------------------------------------------------------------


def test_a_page_stands_still_while_it_loads(desk):
    desk.add_init_script(shifts.COUNT)
    with shifts.on_a_slow_line(desk):
        for path in ("", "calendar/", "messages/", "clients/", "calls/", "inbox/"):
            desk.goto(f"/c/reception/{path}")
            assert desk.url.endswith(f"/c/reception/{path}")
            # Our letters may arrive after the first look, and are not as wide as the browser's own.
            assert sum(amount for amount, _ in shifts.moved(desk)) < 0.01


def test_an_act_moves_no_other_line_of_the_day(desk):
    desk.add_init_script(shifts.COUNT)
    desk.goto("/c/reception/")
    shifts.loaded(desk)
    with shifts.on_a_slow_line(desk):
        client = name_of(3, 10)
        line = line_of(desk, client)
        for button, message in (("آمد", f"{client} آمد."), ("برگزار شد", "برگزار شد.")):
            line.get_by_role("button", name=button, exact=True).click()
            expect(said(desk)).to_contain_text(message)
            assert shifts.moved(desk) == []
        missing = line_of(desk, name_of(6, 10))
        missing.get_by_role("button", name="نیامد", exact=True).click()
        expect(said(desk)).to_contain_text(f"نیامدن {name_of(6, 10)} ثبت شد.")
        assert shifts.moved(desk) == []


def test_a_search_moves_nothing_around_its_list(desk):
    desk.add_init_script(shifts.COUNT)
    with shifts.on_a_slow_line(desk):
        for path in ("messages/", "clients/"):
            desk.goto(f"/c/reception/{path}")
            shifts.loaded(desk)
            desk.locator("main input[type=search]").press_sequentially("کریمی")
            expect(desk.locator("#found")).not_to_be_empty()
            assert (path, shifts.moved(desk)) == (path, [])


def test_the_question_of_the_calendar_moves_nothing(desk):
    desk.add_init_script(shifts.COUNT)
    desk.goto("/c/reception/calendar/")
    with shifts.on_a_slow_line(desk):
        desk.locator(".cal-block[data-move]").last.focus()
        # The focus scrolls the calendar, under a head that stands.
        shifts.loaded(desk)
        for key in ("Alt+ArrowDown", "Enter"):
            desk.keyboard.press(key)
        expect(desk.locator("#dialog")).to_be_visible()
        desk.keyboard.press("Escape")
        expect(desk.locator("#dialog")).to_be_hidden()
        assert shifts.moved(desk) == []


# -- Choosing a file ---------------------------------------------------------------------------

LIST = {"name": "مراجعان آذر.csv", "mimeType": "text/csv", "buffer": b"file_no;last_name\n1;Omid"}


def test_a_chosen_list_is_named_in_persian_and_its_field_takes_the_focus(desk):
    desk.goto("/c/reception/import/")
    chooser = desk.get_by_label("فهرست مراجعان")
    face = desk.locator(".field-file", has=chooser).locator(".file-face")
    expect(face).to_have_text("انتخاب فایلیا آن را این‌جا رها کنید؛ هنوز فایلی انتخاب نشده است")
    chooser.focus()
    expect(face).to_have_css("outline-style", "solid")
    chooser.set_input_files(LIST)
    expect(face.locator(".file-name")).to_have_text("مراجعان آذر.csv")
    desk.get_by_role("button", name="خواندن و پیش‌نمایش").click()
    expect(desk.get_by_role("heading", level=1)).to_have_text("پیش‌نمایش ورود اطلاعات")


def test_without_scripts_the_browsers_own_chooser_is_there(chrome, clinic, desk):
    context = chrome.new_context(
        base_url=clinic.url,
        java_script_enabled=False,
        storage_state=desk.context.storage_state(),
    )
    page = context.new_page()
    page.goto("/c/reception/import/")
    chooser = page.get_by_label("فهرست مراجعان")
    expect(chooser).to_have_css("opacity", "1")
    expect(page.locator(".file-face").first).to_be_hidden()
    chooser.set_input_files(LIST)
    page.get_by_role("button", name="خواندن و پیش‌نمایش").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("پیش‌نمایش ورود اطلاعات")
    context.close()
