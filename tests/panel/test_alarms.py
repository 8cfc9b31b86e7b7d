"""What stands over every page because somebody should know or act."""

import datetime as dt
import re
from html import unescape

import pytest

from clinic.actions import pause_texts
from clinic.models import Clinic
from messaging.models import Spending
from messaging.spending import month_of
from panel.alarms import standing_of
from tests import factories
from tests.factories import NOW
from tests.panel.screens import CLINIC, html_of

HOUR = dt.timedelta(hours=1)
MINUTE = dt.timedelta(minutes=1)


@pytest.fixture(autouse=True)
def live(clinic, settings):
    """A live clinic with an account that works."""
    settings.KAVENEGAR_API_KEY = ""
    Clinic.objects.filter(pk=clinic.pk).update(live_since=NOW - 30 * 24 * HOUR)
    return factories.ProviderAccountFactory(clinic=clinic)


@pytest.fixture
def as_manager(client, manager, at_ten):
    client.force_login(manager)
    return client


def banners_in(response):
    """What is over the page: (tone, words), and where each leads."""
    found = re.findall(
        r'<div class="banner banner-(\w+)">(.*?)</div>', html_of(response), re.DOTALL
    )
    return [
        (tone, " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())) for tone, html in found
    ]


def over(browser, path=CLINIC):
    return banners_in(browser.get(path))


def change(row, **fields):
    type(row).objects.filter(pk=row.pk).update(**fields)


def spend(clinic, rial, cap=1_000_000):
    starts_at, ends_at = month_of(clinic, NOW)
    change(clinic, monthly_cap_rial=cap)
    Spending.objects.create(clinic=clinic, starts_at=starts_at, ends_at=ends_at, rial=rial)


def wait(clinic, since=NOW - HOUR, **fields):
    fields = {"due_at": since, "session": None, "rule_number": None, **fields}
    return factories.MessageFactory(
        clinic=clinic,
        occasion=f"test:{factories.messaging_models.Message.objects.count()}",
        **fields,
    )


def test_when_all_is_well_nothing_is_said(as_manager, clinic):
    spend(clinic, 799_999)
    wait(clinic, state="sent")
    assert over(as_manager) == []


# -- A stop ---------------------------------------------------------------------------------------

STOPPED = "ارسال همه‌ی پیام‌ها متوقف است؛ از امروز، ساعت ۰۹:۰۰، توسط همکار مینا."


@pytest.fixture
def stopped(clinic):
    mina = factories.MembershipFactory(
        clinic=clinic, role="owner", user__full_name="همکار مینا"
    ).user
    pause_texts(clinic, by=mina, now=NOW - HOUR)


@pytest.mark.parametrize(
    "path", ["", "messages/", "clients/", "settings/", "settings/gateway/", "settings/live/"]
)
def test_a_stop_stands_over_every_page(as_manager, stopped, path):
    assert (("red", f"{STOPPED} ادامه‌ی ارسال")) in over(as_manager, CLINIC + path)


def test_a_manager_lets_texts_go_on_from_there(as_manager, clinic, stopped):
    address = re.search(
        r'<form method="post" action="([^"]+)">.*?ادامه‌ی ارسال', html_of(as_manager.get(CLINIC))
    )[1]
    as_manager.post(address)
    clinic.refresh_from_db()
    assert (clinic.paused_at, over(as_manager)) == (None, [])


def test_reception_and_therapists_read_it_and_cannot_end_it(as_reception, stopped):
    assert over(as_reception) == [("red", STOPPED)]


def test_a_therapist_reads_it_too(as_therapist, stopped):
    assert over(as_therapist) == [("red", STOPPED)]


def test_while_it_stands_nothing_is_said_of_what_waits_for_it(as_manager, clinic, live, stopped):
    wait(clinic)
    change(live, paused_at=NOW, pause_code="418")
    spend(clinic, 1_000_000)
    assert [tone for tone, _ in over(as_manager)] == ["red"]


# -- Unclear ones -----------------------------------------------------------------------------------


def test_unclear_ones_that_wait_for_a_person_are_counted(as_reception, clinic):
    for ask_at in (None, None, NOW + MINUTE):
        wait(clinic, state="unknown", ask_at=ask_at)
    response = as_reception.get(CLINIC)
    said = "معلوم نیست ۲ پیام رفته‌اند یا نه. یک نفر باید پیگیری کند. دیدن پیام‌ها"
    assert banners_in(response) == [("amber", said)]
    assert f'href="{CLINIC}messages/?state=unknown"' in html_of(response)


def test_a_therapist_is_not_asked_to_find_out(as_therapist, clinic):
    wait(clinic, state="unknown")
    assert over(as_therapist) == []


# -- Accounts ---------------------------------------------------------------------------------------


def test_an_account_that_refuses_is_told_with_its_reason(as_manager, live):
    change(live, paused_at=NOW, pause_code="418")
    said = "کاوه‌نگار پیام نمی‌پذیرد و پیام‌ها مانده‌اند: اعتبار حساب تمام شده است. آن را شارژ کنید."
    assert over(as_manager) == [("red", f"{said} دیدن حساب‌ها")]


def test_with_a_standby_it_is_less_urgent(as_manager, clinic, live):
    change(live, paused_at=NOW, pause_code="418")
    factories.ProviderAccountFactory(clinic=clinic, kind="smsir", standby=True)
    ((tone, said),) = over(as_manager)
    assert (tone, "حساب دیگر جای آن را گرفته است." in said) == ("amber", True)


def test_an_account_of_another_channel_carries_nothing_in_its_stead(as_manager, clinic, live):
    change(live, paused_at=NOW, pause_code="418")
    factories.ProviderAccountFactory(clinic=clinic, kind="whatsapp", channel="whatsapp")
    assert [tone for tone, _ in over(as_manager)] == ["red"]


def test_without_an_account_no_sms_can_leave(as_manager, live):
    change(live, active=False)
    assert over(as_manager) == [
        ("red", "حساب پیامکی تنظیم نشده است و هیچ پیامکی نمی‌رود. دیدن حساب‌ها")
    ]


def test_the_installations_account_is_one(as_manager, live, settings):
    settings.KAVENEGAR_API_KEY = "key-of-the-tests"
    change(live, active=False)
    assert over(as_manager) == []


def test_reception_reads_of_accounts_and_is_led_nowhere(as_reception, live):
    change(live, paused_at=NOW, pause_code="418")
    ((tone, said),) = over(as_reception)
    assert (tone, "دیدن حساب‌ها" in said) == ("red", False)


def test_in_trial_mode_nothing_is_said_of_accounts_and_limits(as_manager, clinic, live):
    change(clinic, live_since=None)
    change(live, paused_at=NOW, pause_code="418")
    spend(clinic, 1_000_000)
    assert over(as_manager) == []


# -- What texts cost -------------------------------------------------------------------------------


def test_most_of_the_limit_is_told_to_managers(as_manager, clinic):
    spend(clinic, 800_000)
    said = "از ۱۰۰٬۰۰۰ تومان این ماه برای پیام‌ها، ۸۰٬۰۰۰ تومان خرج شده است. دیدن سقف"
    assert over(as_manager) == [("amber", said)]


def test_most_of_the_limit_is_no_matter_of_reception(as_reception, clinic):
    spend(clinic, 999_999)
    assert over(as_reception) == []


def test_a_limit_that_is_reached_says_what_waits_and_until_when(as_reception, clinic):
    spend(clinic, 1_000_000)
    said = (
        "سقف ۱۰۰٬۰۰۰ تومان این ماه برای پیام‌ها پر شده است؛ پیام‌ها تا یکشنبه ۱ آذر یا تا سقف بالاتر"
        " می‌مانند."
    )
    assert over(as_reception) == [("red", said)]


def test_last_months_spending_is_over(as_manager, clinic):
    starts_at, ends_at = month_of(clinic, NOW - 40 * 24 * HOUR)
    change(clinic, monthly_cap_rial=10)
    Spending.objects.create(clinic=clinic, starts_at=starts_at, ends_at=ends_at, rial=10)
    assert over(as_manager) == []


# -- Texts that wait too long ------------------------------------------------------------------------


def waits(browser):
    return any("به مسئول سرور خبر دهید" in said for _tone, said in over(browser))


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        pytest.param({}, True, id="an hour"),
        pytest.param({"since": NOW - 15 * MINUTE}, True, id="just too long"),
        pytest.param({"since": NOW - 14 * MINUTE}, False, id="not yet too long"),
        pytest.param({"useful_until": NOW - MINUTE}, False, id="too late anyway"),
        pytest.param({"attempt_at": NOW + MINUTE}, False, id="tried again soon"),
        pytest.param({"state": "sending"}, False, id="on its way"),
        pytest.param({"purpose": "follow_up"}, True, id="of follow-up on a working day"),
    ],
)
def test_what_could_have_left_and_has_not_is_told(as_reception, clinic, fields, said):
    wait(clinic, **fields)
    assert waits(as_reception) is said


@pytest.mark.parametrize(
    ("until", "said"),
    [(dt.time(9, 40), True), (dt.time(9, 50), False), (dt.time(10, 30), False)],
    ids=["they ended long ago", "they ended just now", "they last"],
)
def test_quiet_hours_are_no_delay(as_reception, clinic, until, said):
    change(clinic, quiet_to=until)
    wait(clinic, since=NOW - 5 * HOUR)
    assert waits(as_reception) is said


def test_what_safety_needs_waits_for_no_quiet_hours(as_reception, clinic):
    change(clinic, quiet_to=dt.time(10, 30))
    wait(clinic, priority=0)
    assert waits(as_reception)


def test_a_clients_own_hours_are_no_delay(as_reception, clinic):
    patient = factories.ClientFactory(
        clinic=clinic, texts_from=dt.time(17, 0), texts_until=dt.time(20, 0)
    )
    wait(clinic, client=patient)
    assert not waits(as_reception)


def test_where_the_cause_is_known_the_cause_alone_is_told(as_manager, clinic, live):
    wait(clinic)
    change(live, paused_at=NOW, pause_code="418")
    assert [tone for tone, _ in over(as_manager)] == ["red"]


def test_a_text_of_another_clinic_raises_no_alarm(as_reception, other_clinic):
    wait(other_clinic)
    wait(other_clinic, state="unknown")
    assert over(as_reception) == []


def test_an_outsider_reads_nothing_of_it(as_outsider, clinic, stopped):
    assert as_outsider.get(CLINIC).status_code == 404
    assert over(as_outsider, "/c/omid/") == []


@pytest.mark.parametrize("rows", [1, 30])
def test_all_of_it_is_one_query(clinic, django_assert_num_queries, rows):
    for _ in range(rows):
        wait(clinic)
        wait(clinic, state="unknown")
    factories.ProviderAccountFactory.create_batch(rows, clinic=clinic, active=False)
    with django_assert_num_queries(1):
        standing = standing_of(clinic, NOW)
    assert (standing.waiting, standing.unclear, len(standing.accounts)) == (rows, rows, 1)
