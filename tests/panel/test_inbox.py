"""The inbox: what came in, one conversation, and what reception does about it."""

import datetime as dt
import re

import pytest

from clinic.models import Clinic
from clinic.tenancy import Hat, wear
from messaging.models import Message, Reply
from patients.models import Client, ContactPerson
from sessions_app.models import CareTask
from tests import factories
from tests.panel.screens import CLINIC, errors_of, html_of, notices_of, text_of, undo_of

NOW = factories.NOW
MINUTE, HOUR, DAY = dt.timedelta(minutes=1), dt.timedelta(hours=1), dt.timedelta(days=1)
INBOX = CLINIC + "inbox/"
STRANGER = "+989190000000"
ONCE = "0123456789abcdef0123456789abcdef"


@pytest.fixture(autouse=True)
def live(clinic):
    Clinic.objects.filter(pk=clinic.pk).update(live_since=NOW - 30 * DAY)
    clinic.refresh_from_db()


def wrote(clinic, phone, text="کمی دیر می‌رسم", *, ago=HOUR, **fields):
    return Reply.objects.create(
        clinic=clinic,
        provider=fields.pop("provider", "kavenegar"),
        provider_id=str(Reply.objects.count() + 1),
        phone=phone,
        text=text,
        intent=fields.pop("intent", "other"),
        received_at=NOW - ago,
        **fields,
    )


@pytest.fixture
def reply(clinic, people):
    return wrote(clinic, people["my_client"].phone)


@pytest.fixture
def stranger(clinic):
    return wrote(clinic, STRANGER, "سلام، شماره‌ام عوض شده")


def rows_of(response):
    return [
        int(pk)
        for pk in re.findall(r'<a class="title" href="[^"]*/inbox/(\d+)/"', html_of(response))
    ]


def page(reply):
    return f"{INBOX}{reply.pk}/"


def bubbles_of(response):
    """The thread: whose bubble it is, and what is said in it."""
    found = re.findall(
        r'<li class="bubble bubble-(in|out)[^"]*".*?<div class="bubble-text"[^>]*>(.*?)</div>',
        html_of(response),
        re.DOTALL,
    )
    return [(whose, re.sub(r"<[^>]*>", "", text).strip()) for whose, text in found]


def now_of(reply):
    reply.refresh_from_db()
    return reply.ending, reply.closed_at, reply.closed_by


def answer(browser, reply, text="منتظرتان هستیم.", **fields):
    data = {"text": text, "once": ONCE, "closes": "on", **fields}
    return browser.post(f"{page(reply)}answer/", data)


# -- The list ----------------------------------------------------------------------------------


def test_what_waits_stands_in_the_order_of_waiting(as_reception, clinic, people, reply, stranger):
    older = wrote(clinic, people["her_client"].phone, "فردا می‌آیم", ago=DAY)
    wrote(clinic, people["her_client"].phone, "یا پس‌فردا", ago=2 * HOUR)
    response = as_reception.get(INBOX)
    assert rows_of(response) == [older.pk, reply.pk, stranger.pk]
    words = text_of(response)
    for said in ("۳ گفت‌وگو", "شماره‌ی ناشناس", "یا پس‌فردا", "۲ پیامِ منتظر", "کمی دیر می‌رسم"):
        assert said in words
    assert "فردا می‌آیم" not in words


def test_what_was_settled_by_itself_stands_under_all(as_reception, clinic, people, reply):
    settled = wrote(clinic, people["her_client"].phone, "۱", intent="confirm", done="confirmed")
    assert rows_of(as_reception.get(INBOX)) == [reply.pk]
    everything = as_reception.get(INBOX, {"show": "all"})
    assert sorted(rows_of(everything)) == sorted([reply.pk, settled.pk])
    assert "خودکار تأیید شد" in text_of(everything)


def test_people_who_share_a_phone_are_all_named(as_reception, people, reply):
    Client.objects.filter(pk=people["her_client"].pk).update(phone=reply.phone)
    words = text_of(as_reception.get(INBOX))
    assert "کریمی" in words
    assert "ملکی" in words


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        pytest.param("كریمي", ["reply"], id="name, however spelt"),
        pytest.param("عوض شده", ["stranger"], id="words"),
        pytest.param("۰۹۱۹۰۰", ["stranger"], id="the beginning of an unknown number"),
        pytest.param("+98 919 000 0000", ["stranger"], id="the whole number"),
        pytest.param("ندارد", [], id="nothing"),
        pytest.param("%", [], id="no pattern"),
    ],
)
def test_conversations_are_found(as_reception, reply, stranger, typed, found):
    known = {"reply": reply.pk, "stranger": stranger.pk}
    assert rows_of(as_reception.get(INBOX, {"q": typed})) == [known[name] for name in found]


def test_searching_in_place_sends_only_the_list(as_reception, reply):
    headers = {"HX-Request": "true", "HX-Target": "inbox"}
    response = as_reception.get(INBOX, {"q": "کریمی"}, headers=headers)
    assert rows_of(response) == [reply.pk]
    assert "<html" not in html_of(response)


def test_an_empty_inbox_says_what_belongs_there(as_reception, clinic):
    assert "پیامی بی‌پاسخ نمانده" in text_of(as_reception.get(INBOX))
    assert "هنوز کسی چیزی ننوشته" in text_of(as_reception.get(INBOX + "?show=all"))
    assert "پیدا نشد" in text_of(as_reception.get(INBOX + "?q=کسی"))


def test_the_navigation_counts_numbers_and_not_texts(as_reception, clinic, people, reply, stranger):
    wrote(clinic, STRANGER, "الو؟", ago=MINUTE)
    badge = r'<span class="nav-count" id="count-side-panel-inbox"( hidden)?>([^<]*)<'
    assert re.search(badge, html_of(as_reception.get(CLINIC + "clients/"))).groups("") == ("", "۲")


@pytest.mark.parametrize("show", ["", "?show=all", "?q=09"])
@pytest.mark.parametrize("rows", [1, 30])
def test_the_list_takes_the_same_queries_for_one_and_for_thirty(
    as_reception, clinic, rows, show, django_assert_num_queries
):
    for n in range(rows):
        person = factories.ClientFactory(clinic=clinic)
        wrote(clinic, person.phone, ago=n * MINUTE)
        wrote(clinic, person.phone, ago=n * MINUTE + DAY)
    with django_assert_num_queries(17):
        assert len(rows_of(as_reception.get(INBOX + show))) == rows


# -- One conversation --------------------------------------------------------------------------


def test_a_conversation_reads_as_on_the_phone(as_reception, clinic, people, reply):
    person = people["my_client"]
    send = {"clinic": clinic, "client": person, "session": None, "state": "delivered"}
    factories.MessageFactory(
        **send, text="یادآوری جلسه", due_at=NOW - 2 * DAY, sent_at=NOW - 2 * DAY, rule_number=1
    )
    factories.MessageFactory(
        **send, text="ممنون", due_at=NOW - MINUTE, sent_at=NOW - MINUTE, rule_number=2
    )
    wrote(clinic, person.phone, "فردا می‌آیم", ago=DAY, done="confirmed", intent="confirm")
    assert bubbles_of(as_reception.get(page(reply))) == [
        ("out", "یادآوری جلسه"),
        ("in", "فردا می‌آیم"),
        ("in", "کمی دیر می‌رسم"),
        ("out", "ممنون"),
    ]


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"state": "skipped", "reason": "budget"}, id="not sent"),
        pytest.param({"state": "queued"}, id="still planned"),
        pytest.param({"state": "shadow"}, id="trial mode"),
        pytest.param({"state": "sent", "recipient": "+989350000000"}, id="to another number"),
        pytest.param({"state": "sent", "channel": "email", "recipient": "a@b.ir"}, id="a letter"),
        pytest.param({"state": "sent", "channel": "call"}, id="a call"),
    ],
)
def test_what_never_stood_on_this_phone_is_not_in_the_thread(
    as_reception, clinic, people, reply, fields
):
    factories.MessageFactory(
        clinic=clinic, client=people["my_client"], session=None, text="نه", **fields
    )
    assert bubbles_of(as_reception.get(page(reply))) == [("in", "کمی دیر می‌رسم")]


def test_an_answer_that_did_not_go_is_in_the_thread_all_the_same(
    as_reception, clinic, people, reply
):
    factories.MessageFactory(
        clinic=clinic,
        client=people["my_client"],
        session=None,
        rule_number=None,
        rule_key="by_hand",
        state="skipped",
        reason="crisis",
        text="می‌بینیمتان",
    )
    assert ("out", "می‌بینیمتان") in bubbles_of(as_reception.get(page(reply)))


def test_the_keys_of_clients_pages_are_not_shown(as_reception, clinic, people, reply):
    link = "https://peygir.example/s/abcdefghijklmnop"
    factories.MessageFactory(
        clinic=clinic, client=people["my_client"], session=None, state="sent", text=f"پاسخ: {link}"
    )
    assert "abcdefghijklmnop" not in html_of(as_reception.get(page(reply)))


def test_a_word_that_was_not_certain_enough_says_what_it_may_mean(as_reception, clinic, people):
    reply = wrote(clinic, people["my_client"].phone, "۱", intent="confirm")
    assert "شاید یعنی «به جلسه می‌آید»" in text_of(as_reception.get(page(reply)))


def test_a_conversation_takes_the_same_queries_however_long(
    as_reception, receptionist, clinic, people, django_assert_num_queries
):
    counts = []
    for n in range(2):
        for m in range(1 + 29 * n):
            at = NOW - (60 * n + m) * MINUTE
            reply = wrote(clinic, people["my_client"].phone, ago=NOW - at, closed_by=receptionist)
            factories.MessageFactory(
                clinic=clinic,
                client=people["my_client"],
                session=None,
                state="sent",
                sent_at=at,
                rule_number=100 * n + m,
                written_by=receptionist,
            )
        with django_assert_num_queries(20):
            counts.append(len(bubbles_of(as_reception.get(page(reply)))))
    assert counts == [2, 60]


# -- Closing -----------------------------------------------------------------------------------


def test_closing_keeps_the_note_and_who_and_can_be_taken_back(as_reception, receptionist, reply):
    response = as_reception.post(f"{page(reply)}close/", {"note": "تلفنی گفتیم"}, follow=True)
    assert now_of(reply) == ("settled", NOW, receptionist)
    assert rows_of(response) == []
    assert "تلفنی گفتیم" in text_of(as_reception.get(page(reply)))
    assert undo_of(response) == f"{page(reply)}undo/"
    as_reception.post(undo_of(response))
    assert now_of(reply) == ("", None, None)


def test_what_came_in_while_it_was_read_goes_on_waiting(as_reception, clinic, reply):
    later = wrote(clinic, reply.phone, "یا فردا؟", ago=MINUTE)
    as_reception.post(f"{page(reply)}close/")
    assert now_of(reply)[0] == "settled"
    assert now_of(later)[0] == ""


def test_closing_what_a_colleague_has_closed_says_so(as_reception, reply):
    as_reception.post(f"{page(reply)}close/")
    response = as_reception.post(f"{page(reply)}close/", follow=True)
    assert notices_of(response)[-1] == "همین حالا همکاری این را بست."


# -- Answering ---------------------------------------------------------------------------------


def test_an_answer_is_queued_and_closes_the_conversation(as_reception, receptionist, people, reply):
    response = answer(as_reception, reply)
    message = Message.objects.get()
    assert (message.text, message.client) == ("منتظرتان هستیم.", people["my_client"])
    assert (message.rule_key, message.written_by) == ("by_hand", receptionist)
    assert now_of(reply) == ("answered", NOW, receptionist)
    assert "پیامک در راه است." in notices_of(as_reception.get(response.url))


def test_an_answer_need_not_close_it(as_reception, reply):
    answer(as_reception, reply, closes="")
    assert (Message.objects.count(), now_of(reply)[0]) == (1, "")


def test_a_form_sent_twice_is_one_text(as_reception, reply):
    answer(as_reception, reply)
    answer(as_reception, reply)
    assert Message.objects.count() == 1


@pytest.mark.parametrize("once", ["", "x" * 32, "0" * 31])
def test_a_form_without_its_number_is_none_of_ours(as_reception, reply, once):
    assert answer(as_reception, reply, once=once).status_code == 422
    assert Message.objects.count() == 0


@pytest.mark.parametrize("text", ["", " ", "ا" * 901])
def test_a_text_that_cannot_go_is_refused_beside_its_field(as_reception, reply, text):
    response = answer(as_reception, reply, text)
    assert (response.status_code, list(errors_of(response))) == (422, ["text"])
    assert (Message.objects.count(), now_of(reply)[0]) == (0, "")


def test_where_no_text_may_go_the_page_says_why_and_has_no_form(as_reception, people, reply):
    Client.objects.filter(pk=people["my_client"].pk).update(crisis_since=NOW - DAY)
    response = as_reception.get(page(reply))
    assert "وضعیت بحران برقرار است" in text_of(response)
    assert 'id="answer"' not in html_of(response)
    refused = answer(as_reception, reply)
    assert refused.status_code == 422
    assert Message.objects.count() == 0


def test_of_two_who_share_the_phone_the_writer_chooses(as_reception, people, reply):
    mine, hers = people["my_client"], people["her_client"]
    Client.objects.filter(pk=hers.pk).update(phone=reply.phone)
    assert list(errors_of(answer(as_reception, reply))) == ["client"]
    answer(as_reception, reply, client=hers.pk)
    assert Message.objects.get().client == hers
    assert mine.phone == reply.phone


def test_nobody_else_can_be_chosen(as_reception, clinic, people, reply):
    Client.objects.filter(pk=people["her_client"].pk).update(phone=reply.phone)
    other = factories.ClientFactory(clinic=clinic)
    assert answer(as_reception, reply, client=other.pk).status_code == 422
    assert Message.objects.count() == 0


def test_in_quiet_hours_the_page_says_when_it_leaves(as_reception, clinic, reply):
    Clinic.objects.filter(pk=clinic.pk).update(quiet_to=dt.time(11))
    assert "پیامک امروز، ساعت ۱۱:۰۰ می‌رود" in text_of(as_reception.get(page(reply)))
    response = answer(as_reception, reply)
    assert Message.objects.get().attempt_at == NOW
    said = notices_of(as_reception.get(response.url))
    assert said == ["الان ساعت سکوت است؛ پیامک امروز، ساعت ۱۱:۰۰ می‌رود."]


def test_an_unknown_number_is_not_texted(as_reception, stranger):
    assert 'id="answer"' not in html_of(as_reception.get(page(stranger)))
    assert answer(as_reception, stranger).status_code == 422
    assert Message.objects.count() == 0


# -- Calling, and whose number it is -----------------------------------------------------------


def test_a_call_takes_the_words_to_the_call_list_and_closes(
    as_reception, receptionist, people, clinic, reply
):
    last = wrote(clinic, reply.phone, "الو؟", ago=MINUTE)
    as_reception.post(f"{page(last)}call/")
    task = CareTask.objects.get()
    assert (task.client, task.kind, task.text) == (
        people["my_client"],
        "reply",
        "کمی دیر می‌رسم\nالو؟",
    )
    assert (task.due_at, task.created_by) == (NOW, receptionist)
    assert [now_of(it)[0] for it in (reply, last)] == ["call", "call"]


def test_two_clicks_are_one_call(as_reception, reply):
    for _ in range(2):
        as_reception.post(f"{page(reply)}call/")
    assert CareTask.objects.count() == 1


def test_a_stranger_cannot_be_put_on_the_call_list(as_reception, stranger):
    as_reception.post(f"{page(stranger)}call/")
    assert CareTask.objects.count() == 0
    assert now_of(stranger)[0] == ""


def test_an_unknown_number_is_given_to_a_client(as_reception, people, stranger):
    hers = people["her_client"]
    whose = f"{page(stranger)}whose/"
    assert "ملکی" in text_of(as_reception.get(whose, {"q": "ملکی"}))
    as_reception.post(whose, {"client": hers.pk})
    phone = hers.phone
    hers.refresh_from_db()
    assert hers.phone == phone
    assert "ملکی" in text_of(as_reception.get(INBOX))


def test_only_when_asked_the_number_comes_onto_the_file(as_reception, people, stranger):
    as_reception.post(
        f"{page(stranger)}whose/", {"client": people["her_client"].pk, "onto_file": "on"}
    )
    people["her_client"].refresh_from_db()
    assert people["her_client"].phone == STRANGER
    answer(as_reception, stranger)
    assert Message.objects.get().recipient == STRANGER


def test_a_choice_of_nobody_says_so(as_reception, people, stranger):
    response = as_reception.post(f"{page(stranger)}whose/?q=ملکی", {})
    assert (response.status_code, list(errors_of(response))) == (422, ["client"])


# -- Who may -----------------------------------------------------------------------------------


def test_a_therapist_reads_what_own_clients_wrote_and_acts_on_nothing(
    as_therapist, clinic, people, reply, stranger
):
    hers = wrote(clinic, people["her_client"].phone, "سلام")
    assert rows_of(as_therapist.get(INBOX)) == [reply.pk]
    assert rows_of(as_therapist.get(INBOX, {"show": "all"})) == [reply.pk]
    shown = html_of(as_therapist.get(page(reply)))
    for act in ("answer", "close", "call", "whose"):
        assert f"/{act}/" not in shown
        assert as_therapist.post(f"{page(reply)}{act}/").status_code == 403
    for other in (hers, stranger):
        assert as_therapist.get(page(other)).status_code == 404


def test_a_therapist_does_not_read_a_number_that_a_colleagues_client_shares(
    as_therapist, people, reply
):
    Client.objects.filter(pk=people["her_client"].pk).update(phone=reply.phone)
    assert rows_of(as_therapist.get(INBOX)) == []
    assert as_therapist.get(page(reply)).status_code == 404


def parent_of(client, phone=STRANGER):
    return ContactPerson.objects.create(
        clinic=client.clinic,
        client=client,
        phone=phone,
        name="زهرا",
        relation="mother",
        created_at=NOW,
    )


def test_what_a_contact_person_wrote_bears_the_clients_name(as_reception, people, stranger):
    client = people["my_client"]
    parent_of(client)
    assert str(client) in text_of(as_reception.get(page(stranger)))
    assert rows_of(as_reception.get(INBOX, {"q": "کریمی"})) == [stranger.pk]


def test_a_therapist_reads_what_own_clients_people_wrote(as_therapist, people, stranger):
    parent_of(people["my_client"])
    assert rows_of(as_therapist.get(INBOX)) == [stranger.pk]


def test_and_not_where_they_are_a_colleagues_clients_people_too(as_therapist, people, stranger):
    parent_of(people["my_client"])
    parent_of(people["her_client"])
    assert rows_of(as_therapist.get(INBOX)) == []
    assert as_therapist.get(page(stranger)).status_code == 404


def test_a_therapist_finds_nothing_by_the_words_of_others(as_therapist, clinic, people):
    wrote(clinic, people["her_client"].phone, "رازی هست")
    assert rows_of(as_therapist.get(INBOX, {"q": "رازی"})) == []


def test_of_a_therapist_nothing_waits_in_the_inbox(as_therapist, reply):
    badge = r'id="count-side-panel-inbox"( hidden)?>'
    assert re.search(badge, html_of(as_therapist.get(CLINIC))).groups("") == (" hidden",)


ACTS = ("", "answer/", "close/", "undo/", "call/", "whose/")


@pytest.mark.parametrize("act", ACTS)
def test_another_clinics_people_find_nothing(as_outsider, reply, act):
    for path in (f"{page(reply)}{act}", f"/c/omid/inbox/{reply.pk}/{act}"):
        assert as_outsider.get(path).status_code in (404, 405)
        assert as_outsider.post(path, {"text": "سلام", "once": ONCE}).status_code in (404, 405)
    assert (Message.objects.count(), CareTask.objects.count(), now_of(reply)[0]) == (0, 0, "")


def test_answering_works_under_the_clinics_own_rights(as_reception, clinic, people, reply):
    """The fixtures wear the owner's hat; the request does not."""
    answer(as_reception, reply)
    with wear(Hat.WEB, clinic_id=clinic.pk):
        assert (Message.objects.count(), Reply.objects.filter(closed_at=NOW).count()) == (1, 1)
