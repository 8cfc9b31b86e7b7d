"""Messages: the outbox as staff read it, and one message's life."""

import datetime as dt
import re

import pytest

from messaging.models import Message, State
from panel import pages
from panel.explain import why
from panel.message_life import Next, next_of
from tests import factories
from tests.panel.screens import CLINIC, errors_of, html_of, notices_of, text_of

NOW = factories.NOW
HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)
OUTBOX = CLINIC + "messages/"


def make(clinic, client, **fields):
    fields.setdefault("session", None)
    fields.setdefault("rule_number", Message.objects.count() + 1)
    return factories.MessageFactory(clinic=clinic, client=client, **fields)


def rows_of(response):
    return [
        int(pk)
        for pk in re.findall(r'<a class="plain" href="[^"]*/messages/(\d+)/"', html_of(response))
    ]


def life_in(response):
    """The steps of a life, as they are read."""
    line = re.search(r'<ol class="life">(.*?)</ol>', html_of(response), re.DOTALL)[1]
    steps = re.findall(r"<li.*?</li>", line, re.DOTALL)
    return [" ".join(re.sub(r"<[^>]*>", " ", step).split()) for step in steps]


def page(message):
    return f"{OUTBOX}{message.pk}/"


def state_of(message):
    message.refresh_from_db()
    return message.state


# -- The list ----------------------------------------------------------------------------------


def test_the_newest_come_first_with_state_and_reason(as_reception, clinic, people):
    old = make(
        clinic, people["my_client"], due_at=NOW - DAY, state="delivered", text="سلام خانم کریمی"
    )
    new = make(clinic, people["her_client"], due_at=NOW, state="skipped", reason="no_phone")
    response = as_reception.get(OUTBOX)
    assert rows_of(response) == [new.pk, old.pk]
    words = text_of(response)
    for said in (
        "در پرونده شماره‌ی موبایلی نیست",
        "سلام خانم کریمی",
        "یادآوری یک روز پیش از جلسه",
        "۲ پیام",
    ):
        assert said in words


@pytest.fixture
def filed(clinic, people):
    mine, hers = people["my_client"], people["her_client"]
    return {
        "sent": make(clinic, mine, state="sent", due_at=NOW - DAY),
        "skipped": make(clinic, mine, state="skipped", reason="no_consent", due_at=NOW - 2 * DAY),
        "early": make(
            clinic,
            hers,
            state="sent",
            rule_key="reminder_72h",
            channel="email",
            due_at=NOW - 3 * DAY,
        ),
    }


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        pytest.param({}, ["sent", "skipped", "early"], id="everything"),
        pytest.param({"state": "sent"}, ["sent", "early"], id="state"),
        pytest.param({"reason": "no_consent"}, ["skipped"], id="reason"),
        pytest.param({"rule": "reminder_72h"}, ["early"], id="rule"),
        pytest.param({"channel": "email"}, ["early"], id="channel"),
        pytest.param({"since": "۱۴۰۵/۸/۲۸"}, ["sent", "skipped"], id="since a day"),
        pytest.param({"until": "1405/08/28"}, ["skipped", "early"], id="until a day, with it"),
        pytest.param({"since": "1405/08/28", "until": "1405/08/28"}, ["skipped"], id="one day"),
        pytest.param({"q": "ملكي"}, ["early"], id="client"),
        pytest.param({"q": "ملکی", "state": "skipped"}, [], id="both must fit"),
        pytest.param({"state": "nonsense"}, ["sent", "skipped", "early"], id="no such state"),
    ],
)
def test_the_list_is_narrowed(as_reception, filed, asked, expected):
    assert rows_of(as_reception.get(OUTBOX, asked)) == [filed[name].pk for name in expected]


def test_a_date_that_cannot_be_read_says_so_and_filters_nothing(as_reception, filed):
    response = as_reception.get(OUTBOX, {"since": "دیروز"})
    assert list(errors_of(response)) == ["since"]
    assert len(rows_of(response)) == 3


def test_narrowing_in_place_sends_only_the_list(as_reception, filed):
    headers = {"HX-Request": "true", "HX-Target": "outbox"}
    response = as_reception.get(OUTBOX, {"state": "skipped"}, headers=headers)
    assert rows_of(response) == [filed["skipped"].pk]
    assert "<html" not in html_of(response)


def test_pages_hold_thirty_and_keep_the_filter(as_reception, clinic, people):
    for _ in range(31):
        make(clinic, people["my_client"], state="sent")
    response = as_reception.get(OUTBOX, {"state": "sent"})
    assert len(rows_of(response)) == 30
    assert 'href="?state=sent&page=2"' in html_of(response)
    assert len(rows_of(as_reception.get(OUTBOX, {"state": "sent", "page": "2"}))) == 1


def test_an_empty_outbox_says_what_belongs_there(as_reception, clinic):
    assert "هنوز پیامی نیست" in text_of(as_reception.get(OUTBOX))
    assert "پیامی با این شرط‌ها نیست" in text_of(as_reception.get(OUTBOX, {"state": "sent"}))


def test_a_shadow_message_is_marked(as_reception, clinic, people):
    message = make(clinic, people["my_client"], state="shadow", text="سلام")
    assert "فرستاده می‌شد" in text_of(as_reception.get(OUTBOX))
    assert "کلینیک در حالت آزمایشی بود" in text_of(as_reception.get(page(message)))


# -- One message ---------------------------------------------------------------------------------


def test_the_whole_life_of_a_delivered_one(as_reception, clinic, people):
    session = factories.SessionFactory(clinic=clinic, clients=[people["my_client"]])
    message = make(
        clinic,
        people["my_client"],
        session=session,
        state="delivered",
        recipient="+989121234567",
        text="سلام خانم کریمی،\nمنتظر شما هستیم.",
        parts=2,
        cost_rial=26_400,
        provider_id="85463238",
        provider_code="10",
        attempts=1,
        due_at=NOW - HOUR,
        sending_at=NOW - HOUR,
        sent_at=NOW - HOUR / 2,
        delivered_at=NOW,
    )
    response = as_reception.get(page(message))
    words = text_of(response)
    for said in (
        "به گوشی مراجع رسید.",
        "۲٬۶۴۰ تومان",
        "۸۵۴۶۳۲۳۸",
        "۰۹۱۲ ۱۲۳ ۴۵۶۷",
        "دوشنبه ۲ آذر، ساعت ۱۷:۳۰",
        "شنبه ۳۰ آبان، ساعت ۰۹:۰۰",
    ):
        assert said in words
    assert "سلام خانم کریمی،\nمنتظر شما هستیم." in html_of(response)


def test_its_life_is_told_step_by_step_with_who_and_when(
    as_reception, receptionist, clinic, people
):
    message = make(clinic, people["my_client"])
    as_reception.post(page(message) + "cancel/")
    words = life_in(as_reception.get(page(message)))
    assert words == [
        "برنامه‌ریزی شد شنبه ۳۰ آبان، ساعت ۱۰:۰۰ · برنامه‌ریز پیگیر",
        f"از صف بیرون آمد شنبه ۳۰ آبان، ساعت ۱۰:۰۰ · {receptionist.full_name}",
    ]


def test_a_code_and_how_often_stand_beside_what_happened(as_reception, clinic, people):
    message = make(clinic, people["my_client"], attempts=2, attempt_at=NOW + HOUR)
    for minute in (1, 2):
        for state, told in (
            ("claimed", {}),
            ("sending", {"reason": ""}),
            ("queued", {"reason": "busy", "provider_code": "503"}),
        ):
            at = NOW + dt.timedelta(minutes=minute)
            Message.objects.filter(pk=message.pk).update(state=state, state_at=at, **told)
    assert life_in(as_reception.get(page(message)))[1:] == [
        (
            "پذیرفته نشد؛ دوباره امتحان می‌شود ۲ بار درگاه پیامک هنوز نتوانسته آن را بپذیرد و دوباره تلاش"
            " می‌شود شنبه ۳۰ آبان، ساعت ۱۰:۰۱ تا شنبه ۳۰ آبان، ساعت ۱۰:۰۲ · اصلاح به دست راهبر سامانه"
            " · کد ۵۰۳"
        ),
        "نوبت بعدی امتحان، زودترین زمان شنبه ۳۰ آبان، ساعت ۱۱:۰۰",
    ]


@pytest.mark.parametrize(
    ("fields", "words", "at"),
    [
        ({"attempt_at": NOW + HOUR}, "زودترین زمان رفتن", NOW + HOUR),
        ({"attempts": 1, "attempt_at": NOW + HOUR}, "نوبت بعدی امتحان، زودترین زمان", NOW + HOUR),
        ({"state": "unknown", "ask_at": NOW + HOUR}, "از درگاه پرسیده می‌شود چه شد", NOW + HOUR),
        ({"state": "unknown"}, None, None),
        ({"state": "delivered"}, None, None),
    ],
)
def test_what_comes_next_by_itself(fields, words, at):
    coming = next_of(Message(**fields))
    assert coming == (words and Next(words, at))


def test_a_chain_is_told_from_both_its_ends(as_reception, clinic, people):
    first = make(clinic, people["my_client"], channel="whatsapp", state="failed", then=["sms"])
    second = make(
        clinic,
        people["my_client"],
        instead_of=first.pk,
        occasion=f"after:{first.pk}",
        then=["call"],
    )
    before, after = (as_reception.get(page(message)) for message in (first, second))
    assert "به‌جای آن، پیامی با پیامک رفت." in text_of(before)
    assert f'href="{page(second)}"' in html_of(before)
    assert "به‌جای پیام واتس‌اپ است که نرسید." in text_of(after)
    assert f'href="{page(first)}"' in html_of(after)
    assert "اگر نرسید: تماس پذیرش" in text_of(after)


def test_a_therapist_is_told_of_no_link_of_a_chain_that_is_not_theirs(as_therapist, clinic, people):
    hers = factories.SessionFactory(
        clinic=clinic, therapist=people["hers"], clients=[people["my_client"]]
    )
    first = make(clinic, people["my_client"], session=hers, channel="whatsapp", state="failed")
    mine = make(clinic, people["my_client"], instead_of=first.pk)
    assert "به‌جای پیام" not in text_of(as_therapist.get(page(mine)))


def test_who_carried_it_is_said(as_reception, clinic, people):
    account = factories.ProviderAccountFactory(clinic=clinic, sender="10004346", standby=True)
    message = make(clinic, people["my_client"], state="sent", provider="kavenegar", account=account)
    assert "کاوه‌نگار ۱۰۰۰۴۳۴۶ (حساب جایگزین)" in text_of(as_reception.get(page(message)))


def test_an_e_mail_shows_its_address(as_reception, clinic, people):
    message = make(clinic, people["my_client"], channel="email", recipient="maryam@example.ir")
    assert "maryam@example.ir" in text_of(as_reception.get(page(message)))


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"ask_at": NOW + HOUR}, "از درگاه پرسیده می‌شود؛ کمی صبر کنید."),
        ({"ask_at": None}, "پیدا کنید و ثبت کنید"),
    ],
    ids=["asked", "a person's"],
)
def test_an_unclear_one_stands_out_in_the_list_with_what_to_do(
    as_reception, clinic, people, fields, said
):
    make(clinic, people["my_client"], state="unknown", **fields)
    response = as_reception.get(OUTBOX)
    assert '<tr class="unclear">' in html_of(response)
    assert said in text_of(response)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"state": "queued", "attempt_at": NOW + HOUR}, "در انتظار موعدش است"),
        ({"state": "queued"}, "موعدش رسیده"),
        (
            {"state": "queued", "attempts": 1, "reason": "busy"},
            "هنوز نرفته است: درگاه پیامک هنوز نتوانسته",
        ),
        ({"state": "claimed"}, "در حال آماده‌سازی"),
        ({"state": "sending"}, "سپرده می‌شود"),
        ({"state": "sent"}, "هنوز خبر رسیدنش به گوشی نیامده"),
        ({"state": "delivered"}, "به گوشی مراجع رسید."),
        ({"state": "undelivered", "reason": "blocked"}, "گیرنده این‌گونه خط‌ها را بسته است"),
        ({"state": "undelivered"}, "به گوشی نرسید."),
        ({"state": "sent", "channel": "call"}, "در فهرست تماس پذیرش است"),
        ({"state": "sent", "channel": "email"}, "سرور ایمیل آن را پذیرفت"),
        ({"state": "skipped", "reason": "no_phone"}, "فرستاده نشد، چون در پرونده"),
        ({"state": "skipped"}, "فرستاده نشد."),
        ({"state": "cancelled", "reason": "rule_off"}, "چون قاعده خاموش شد."),
        ({"state": "cancelled"}, "یکی از همکاران آن را از صف بیرون آورد"),
        ({"state": "missed", "reason": "too_late"}, "پیش از آن نتوانست برود"),
        ({"state": "failed", "reason": "refused"}, "قطعاً رد کرد"),
        ({"state": "failed"}, "قطعاً رد کرد"),
        ({"state": "failed", "reason": "no_answer"}, "روشن شد که فرستاده نشده"),
        ({"state": "unknown", "reason": "no_answer"}, "پاسخ درگاه پیامک نرسید"),
        ({"state": "unknown"}, "هنوز معلوم نیست رفته است یا نه."),
        ({"state": "unknown", "ask_at": NOW}, "از درگاه پرس‌وجو می‌شود"),
        ({"state": "unknown", "reason": "echo"}, "یک نفر باید پیگیری کند"),
        ({"state": "shadow"}, "حالت آزمایشی"),
    ],
    ids=lambda value: "-".join(map(str, value.values())) if isinstance(value, dict) else "",
)
def test_every_state_is_explained_in_a_sentence(fields, said):
    message = Message(due_at=NOW, useful_until=NOW + HOUR, **{"attempt_at": NOW, **fields})
    sentence = why(message, now=NOW, tz="Asia/Tehran")
    assert said in sentence
    assert sentence.endswith(".")
    assert "%" not in sentence


@pytest.mark.parametrize(
    ("fields", "waits"),
    [({}, True), ({"priority": 0}, False), ({"state": "sent"}, False)],
    ids=["a text", "one of safety", "one that has left"],
)
def test_what_waits_for_a_stop_to_end_says_so(fields, waits):
    message = Message(**{"attempt_at": NOW, "due_at": NOW, "useful_until": NOW + HOUR, **fields})
    sentence = why(message, now=NOW, tz="Asia/Tehran", stopped=True)
    said = "در صف مانده است، چون ارسال همه‌ی پیام‌ها متوقف است؛ تا شنبه ۳۰ آبان، ساعت ۱۱:۰۰ به کار می‌آید."
    assert (sentence == said) is waits


def test_no_state_is_without_its_sentence():
    for state in State:
        message = Message(state=state, due_at=NOW, useful_until=NOW, attempt_at=NOW)
        assert why(message, now=NOW, tz="Asia/Tehran")


def test_a_queued_one_is_stopped_after_a_question(as_reception, clinic, people):
    message = make(clinic, people["my_client"])
    assert f'href="{page(message)}cancel/"' in html_of(as_reception.get(page(message)))
    assert 'id="confirm"' in html_of(as_reception.get(page(message) + "cancel/"))
    assert state_of(message) == "queued"
    response = as_reception.post(page(message) + "cancel/", follow=True)
    assert (state_of(message), message.state_at) == ("cancelled", NOW)
    assert notices_of(response) == ["پیام از صف بیرون آمد."]
    assert "یکی از همکاران آن را از صف بیرون آورد" in text_of(response)


def test_one_that_has_left_can_not_be_stopped(as_reception, clinic, people):
    message = make(clinic, people["my_client"], state="sending")
    assert "/cancel/" not in html_of(as_reception.get(page(message)))
    response = as_reception.post(page(message) + "cancel/", follow=True)
    assert state_of(message) == "sending"
    assert notices_of(response) == ["جلوی این پیام را دیگر نمی‌شود گرفت."]


@pytest.mark.parametrize(("answer", "state"), [("sent", "sent"), ("not_sent", "failed")])
def test_an_unclear_one_is_settled_by_a_person(as_reception, clinic, people, answer, state):
    message = make(
        clinic, people["my_client"], state="unknown", reason="no_answer", attempted_at=NOW - HOUR
    )
    assert f'action="{page(message)}settle/"' in html_of(as_reception.get(page(message)))
    as_reception.post(page(message) + "settle/", {"answer": answer})
    assert state_of(message) == state
    assert message.sent_at == (NOW - HOUR if answer == "sent" else None)
    again = as_reception.post(page(message) + "settle/", {"answer": "sent"}, follow=True)
    assert notices_of(again)[-1] == "تکلیف این پیام قبلاً روشن شده است."
    assert state_of(message) == state


def test_an_answer_that_is_none_is_refused(as_reception, clinic, people):
    message = make(clinic, people["my_client"], state="unknown")
    assert as_reception.post(page(message) + "settle/", {"answer": "maybe"}).status_code == 400
    assert state_of(message) == "unknown"


# -- Who sees what -----------------------------------------------------------------------------


def test_a_therapist_reads_own_clients_messages_and_settles_none(as_therapist, clinic, people):
    mine = make(clinic, people["my_client"], state="unknown")
    about_hers = factories.SessionFactory(
        clinic=clinic, therapist=people["hers"], clients=[people["my_client"]]
    )
    hidden = make(clinic, people["my_client"], session=about_hers)
    hers = make(clinic, people["her_client"])
    assert rows_of(as_therapist.get(OUTBOX)) == [mine.pk]
    assert rows_of(as_therapist.get(OUTBOX, {"q": "ملکی"})) == []
    shown = as_therapist.get(page(mine))
    assert shown.status_code == 200
    assert "/settle/" not in html_of(shown)
    for other in (hidden, hers):
        assert as_therapist.get(page(other)).status_code == 404
    assert as_therapist.post(page(mine) + "settle/", {"answer": "sent"}).status_code == 403
    assert as_therapist.post(page(mine) + "cancel/").status_code == 403
    assert state_of(mine) == "unknown"


@pytest.mark.parametrize("name", ["", "{}/", "{}/cancel/", "{}/settle/"])
def test_an_outsider_finds_nothing(as_outsider, clinic, people, name):
    message = make(clinic, people["my_client"], state="unknown")
    path = name.format(message.pk)
    assert as_outsider.get(OUTBOX + path).status_code in (404, 405)
    assert as_outsider.post(OUTBOX + path, {"answer": "sent"}).status_code in (404, 405)
    if name:
        answer = as_outsider.post(f"/c/omid/messages/{path}", {"answer": "sent"})
        assert answer.status_code in (404, 405)
    assert state_of(message) == "unknown"


@pytest.mark.parametrize("rows", [1, 30])
def test_the_outbox_takes_the_same_queries_for_one_and_for_thirty(
    as_reception, clinic, rows, django_assert_num_queries
):
    for _ in range(rows):
        person = factories.ClientFactory(clinic=clinic, last_name="صادقی")
        make(clinic, person, state="sent", text="سلام")
    with django_assert_num_queries(15):
        response = as_reception.get(OUTBOX, {"q": "صادفی", "state": "sent"})
    assert len(rows_of(response)) == rows


@pytest.fixture
def two_pages_at_most(monkeypatch):
    monkeypatch.setattr(pages, "MOST_PAGES", 2)


def test_a_history_is_not_counted_to_its_end(as_reception, clinic, people, two_pages_at_most):
    for _ in range(61):
        make(clinic, people["my_client"], state="sent")
    response = as_reception.get(OUTBOX)
    assert "بیش از ۶۰ پیام" in text_of(response)
    assert "صفحه‌ی ۱ از ۲" in text_of(response)


def test_the_last_page_of_a_long_history_is_the_last_that_can_be_turned(
    as_reception, clinic, people, two_pages_at_most
):
    made = [
        make(clinic, people["my_client"], state="sent", due_at=NOW - n * HOUR) for n in range(61)
    ]
    response = as_reception.get(OUTBOX, {"page": "900"})
    assert rows_of(response) == [message.pk for message in made[30:60]]


def test_a_history_that_ends_is_counted(as_reception, clinic, people, two_pages_at_most):
    for _ in range(60):
        make(clinic, people["my_client"], state="sent")
    assert "بیش از" not in text_of(as_reception.get(OUTBOX))


def test_one_message_takes_one_query(as_reception, clinic, people, django_assert_num_queries):
    session = factories.SessionFactory(clinic=clinic, clients=[people["my_client"]])
    message = make(clinic, people["my_client"], session=session)
    with django_assert_num_queries(13):
        as_reception.get(page(message))
