"""What clients write back: stop, start again, and everything else."""

import datetime as dt

import pytest
from hypothesis import given, strategies as st

from clinic.tenancy import Hat, wear
from clinic.text import ZWNJ, clean
from messaging.models import ProviderAccount, Reply, State
from messaging.replies import FRESH, intent_of
from patients.actions import set_consent
from patients.models import ConsentRecord
from sessions_app.models import CareTask
from tests.factories import NOW, ClientFactory, MessageFactory
from tests.messaging.inbound import PHONE, consents, hear, waiting, written

ALL = ["transactional", "follow_up", "motivation", "campaign"]
MINUTE, DAY = dt.timedelta(minutes=1), dt.timedelta(days=1)


def willing(clinic, **fields):
    """A client who has said yes to everything."""
    given = {"phone": PHONE, "consent_motivation": True, "consent_campaign": True} | fields
    return ClientFactory(clinic=clinic, **given)


def tasks_of(client, **wanted):
    return list(CareTask.objects.filter(client=client, **wanted).order_by("pk"))


def records_of(client):
    kept = ConsentRecord.objects.filter(client=client).order_by("pk")
    return [(record.purpose, record.given, record.source) for record in kept]


def close(task):
    CareTask.objects.filter(pk=task.pk).update(closed_at=NOW, outcome="done")


# What a text wants

STOPS = ["11", "۱۱", "١١", "لغو ۱۱", "لغو۱۱", "لغو 11", "لغو11", f"لغو{ZWNJ}۱۱", "stop"]
STARTS = ["12", "۱۲", "١٢", "شروع", "شروع ۱۲", "شروع۱۲", "شروع 12", f"شروع{ZWNJ}12", "Start"]


@pytest.mark.parametrize(
    "text", [*STOPS, "«لغو۱۱».", "STOP!", "11 🙏", "لغـــو\n۱۱", "\u200f11\u200e"]
)
def test_the_words_that_stop(text):
    assert intent_of(text) == Reply.Intent.STOP


@pytest.mark.parametrize("text", [*STARTS, "«شروع».", " 12. ", "\ufeff۱۲\r\n"])
def test_the_words_that_start_again(text):
    assert intent_of(text) == Reply.Intent.START


@pytest.mark.parametrize(
    "text",
    [
        "",
        "111",
        "1 1",
        "11:00",
        "ساعت ۱۱",
        "۱۱؟",
        "11?",
        "11\uff1f",
        "فردا ۱۱ می‌آیم",
        "لغو جلسه",
        "لغو ۱۲",
        "شروع ۱۱",
        "11 12",
        "11.12",
        "نمی‌توانم بیایم",
        "please stop calling",
        "بله، می‌آیم",
    ],
)
def test_everything_else_is_for_a_person(text):
    assert intent_of(text) == Reply.Intent.OTHER


MARKS = st.text(
    st.sampled_from(" \t\n\r.,،؛;:!«»\"'()-…\u200b\u200c\u200d\u200e\u200f\u202b\ufeff\xa0")
)
DIGITS = st.sampled_from(["0123456789", "۰۱۲۳۴۵۶۷۸۹", "٠١٢٣٤٥٦٧٨٩", "０１２３４５６７８９"])


@given(
    word=st.sampled_from([(text, Reply.Intent.STOP) for text in ("11", "لغو 11", "stop")])
    | st.sampled_from([(text, Reply.Intent.START) for text in ("12", "شروع", "شروع 12")]),
    before=MARKS,
    after=MARKS,
    digits=DIGITS,
)
def test_marks_spaces_and_digits_do_not_matter(word, before, after, digits):
    text, intent = word
    written_so = text.translate(str.maketrans("0123456789", digits))
    assert intent_of(before + written_so + after) == intent


@given(st.text())
def test_any_text_has_an_intent(text):
    assert intent_of(text) in Reply.Intent


@given(st.text(st.characters(categories=["L"]), min_size=1), st.sampled_from(STOPS + STARTS))
def test_a_word_more_makes_it_a_persons(word, text):
    assert intent_of(f"{text} {word} {word}") == Reply.Intent.OTHER


# 11


@pytest.mark.parametrize("text", STOPS)
def test_eleven_stops_all_but_the_sessions_texts(clinic, text):
    client = willing(clinic)
    assert hear(text) == 1
    assert consents(client) == ["transactional"]
    assert records_of(client) == [(purpose, False, "reply") for purpose in ALL[1:]]
    reply = Reply.objects.get()
    assert (reply.clinic, reply.phone, reply.line) == (clinic, PHONE, "10004346")
    assert (reply.intent, reply.text, reply.received_at) == ("stop", clean(text), NOW)


def test_eleven_asks_reception_about_reminders(clinic):
    client = willing(clinic)
    hear("لغو۱۱")
    (task,) = tasks_of(client)
    assert (task.kind, task.text, task.due_at, task.session) == ("stopped", "لغو۱۱", NOW, None)


def test_a_repeated_eleven_asks_reception_once_until_someone_has_asked(clinic):
    client = willing(clinic)
    hear("11")
    hear("11", now=NOW + MINUTE)
    (task,) = tasks_of(client)
    assert Reply.objects.count() == 2
    close(task)
    hear("11", now=NOW + DAY)
    assert [task.closed_at for task in tasks_of(client)] == [NOW, None]


def test_eleven_is_recorded_for_those_alone_who_had_agreed(clinic):
    client = willing(clinic, consent_motivation=False)
    hear("11")
    assert records_of(client) == [("follow_up", False, "reply"), ("campaign", False, "reply")]


def test_eleven_takes_what_waits_out_of_the_queue(clinic):
    client = willing(clinic)
    other = willing(clinic, phone="+989350000000")
    waiting = [
        MessageFactory(clinic=clinic, client=who, session=None, state=state, **of)
        for rule, (who, state, of) in enumerate(
            [
                (client, "queued", {"purpose": "follow_up", "rule_number": 1}),
                (client, "claimed", {"purpose": "motivation", "rule_number": 2}),
                (client, "queued", {"purpose": "transactional", "rule_number": 3}),
                (client, "sent", {"purpose": "follow_up", "rule_number": 4}),
                (other, "queued", {"purpose": "follow_up", "rule_number": 5}),
            ]
        )
    ]
    hear("11")
    for message in waiting:
        message.refresh_from_db()
    assert [(m.state, m.reason) for m in waiting] == [
        (State.CANCELLED, "no_consent"),
        (State.CANCELLED, "no_consent"),
        (State.QUEUED, ""),
        (State.SENT, ""),
        (State.QUEUED, ""),
    ]


# 12


@pytest.mark.parametrize("text", STARTS)
def test_twelve_brings_back_exactly_what_eleven_took(clinic, text):
    client = willing(clinic)
    hear("11")
    hear(text, now=NOW + MINUTE)
    assert consents(client) == ALL
    assert waiting() == []
    assert list(Reply.objects.values_list("done", flat=True)) == ["started", "stopped"]


@pytest.mark.parametrize("had", [[], ["motivation"], ["campaign"]], ids=str)
def test_twelve_brings_back_no_more_than_there_was(clinic, had):
    had_them = {f"consent_{purpose}": purpose in had for purpose in ("motivation", "campaign")}
    client = willing(clinic, **had_them)
    for minute, text in enumerate(["11", "12", "11", "12"]):
        hear(text, now=NOW + minute * MINUTE)
    assert consents(client) == ["transactional", "follow_up", *had]


def test_twelve_gives_follow_up_to_whoever_had_refused_it(clinic):
    client = willing(clinic, consent_follow_up=False, consent_motivation=False)
    hear("12")
    assert consents(client) == ["transactional", "follow_up", "campaign"]
    assert records_of(client) == [("follow_up", True, "reply")]


def test_twelve_does_not_bring_back_what_staff_has_recorded_since(clinic):
    client = willing(clinic)
    hear("11")
    for hours, said in ((1, True), (2, False)):
        with wear(Hat.WEB, clinic_id=clinic.pk, user_id=1):
            at = NOW + dt.timedelta(hours=hours)
            set_consent(client, "motivation", said, source="panel", now=at)
    hear("12", now=NOW + DAY)
    assert consents(client) == ["transactional", "follow_up", "campaign"]


def test_twelve_does_not_undo_a_refusal_of_reminders(clinic):
    client = willing(clinic, consent_transactional=False)
    hear("11")
    hear("12", now=NOW + MINUTE)
    assert consents(client) == ALL[1:]


# Anything else


def test_other_words_go_to_a_person_each_time(clinic):
    client = willing(clinic)
    hear("کمی دیر می‌رسم", now=NOW)
    hear("کمی دیر می‌رسم", now=NOW + MINUTE)
    assert waiting() == ["کمی دیر می‌رسم"] * 2
    assert (tasks_of(client), consents(client)) == ([], ALL)
    assert Reply.objects.filter(intent="other").count() == 2


def test_a_text_is_kept_clean_and_with_its_lines(clinic):
    willing(clinic)
    hear("سلام\0 \u202eعلي\r\nفردا\ud800")
    assert Reply.objects.get().text == "سلام علی\nفردا"


def test_an_endless_text_is_kept_in_part(clinic):
    willing(clinic)
    hear("ا" * 100_000)
    assert len(Reply.objects.get().text) == 4000


# Who it is


@pytest.mark.parametrize("text", ["11", "بله"])
def test_everyone_who_shares_the_phone_is_meant(clinic, text):
    family = [willing(clinic), willing(clinic)]
    stranger = willing(clinic, phone="+989121234568")
    assert hear(text) == 1
    asked = [1, 1, 0] if text == "11" else [0, 0, 0]
    assert [len(tasks_of(client)) for client in [*family, stranger]] == asked
    assert waiting() == ([] if text == "11" else [text])
    stopped = ["transactional"] if text == "11" else ALL
    assert [consents(client) for client in family] == [stopped, stopped]
    assert consents(stranger) == ALL


@pytest.mark.parametrize("sender", ["09121234567", "+989121234567", "00989121234567", "9121234567"])
def test_a_number_is_known_however_the_gateway_writes_it(clinic, sender):
    client = willing(clinic)
    hear("11", sender=sender)
    assert consents(client) == ["transactional"]


@pytest.mark.parametrize("sender", ["09350000000", "10008000", "Bank", "", "+", "9" * 40, "\0"])
def test_of_a_stranger_nothing_is_kept(clinic, sender):
    client = willing(clinic)
    assert hear(written("رمز ۴۴۱۲", sender=sender), written("11", sender=sender)) == 0
    assert (Reply.objects.count(), tasks_of(client), consents(client)) == (0, [], ALL)


def test_each_clinic_on_the_shared_account_gets_its_own(clinic, other_clinic):
    clients = [willing(clinic), willing(other_clinic)]
    assert hear("11") == 2
    assert [consents(client) for client in clients] == [["transactional"]] * 2
    assert [len(tasks_of(client, kind="stopped")) for client in clients] == [1, 1]
    assert set(Reply.objects.values_list("clinic", flat=True)) == {clinic.pk, other_clinic.pk}


def test_words_for_one_clinic_are_not_read_by_another(clinic, other_clinic):
    ours, theirs = willing(clinic), willing(other_clinic)
    for client, minutes in ((ours, 60), (theirs, 30)):
        sent_at = NOW - minutes * MINUTE
        MessageFactory(
            clinic=client.clinic,
            client=client,
            session=None,
            state="sent",
            provider="kavenegar",
            sent_at=sent_at,
        )
    assert hear("فردا دیر می‌رسم") == 1
    assert (waiting(clinic=clinic), waiting(clinic=other_clinic)) == ([], ["فردا دیر می‌رسم"])


def test_words_that_answer_no_text_are_read_by_whoever_knows_the_number(clinic, other_clinic):
    willing(clinic), willing(other_clinic)
    assert hear("سلام") == 2


def account_of(clinic, **fields):
    return ProviderAccount.objects.create(clinic=clinic, api_key="key", created_at=NOW, **fields)


def test_a_clinics_own_account_hears_for_that_clinic_alone(clinic, other_clinic):
    ours, theirs = willing(clinic), willing(other_clinic)
    account = account_of(clinic)
    assert hear("11", account=account, scope=clinic.pk) == 1
    assert (consents(ours), consents(theirs)) == (["transactional"], ALL)
    assert Reply.objects.get().account == account


def test_the_shared_account_does_not_speak_to_clinics_with_their_own(clinic, other_clinic):
    ours, theirs = willing(clinic), willing(other_clinic)
    account_of(clinic)
    assert hear("11") == 1
    assert (consents(ours), consents(theirs)) == (ALL, ["transactional"])


def test_whoever_was_texted_through_the_shared_account_can_still_stop_there(clinic):
    client = willing(clinic)
    MessageFactory(clinic=clinic, client=client, session=None, state="sent", provider="kavenegar")
    account_of(clinic)
    assert hear("11") == 1
    assert consents(client) == ["transactional"]


def test_an_account_that_rests_in_the_drawer_makes_no_difference(clinic):
    client = willing(clinic)
    account_of(clinic, active=False)
    hear("11")
    assert consents(client) == ["transactional"]


def test_an_account_of_another_channel_makes_no_difference(clinic):
    """Its SMS go by the installation's line, where whoever gets them can stop them."""
    client = willing(clinic)
    account_of(clinic, kind="whatsapp", channel="whatsapp", sender="5550001")
    hear("11")
    assert consents(client) == ["transactional"]


# Strangers on a clinic's own line


def test_a_stranger_on_a_clinics_own_line_waits_for_a_person_there(clinic, other_clinic):
    account = account_of(clinic)
    assert hear("سلام، وقت دارید؟", account=account, scope=clinic.pk) == 1
    reply = Reply.objects.get()
    assert (reply.clinic, reply.phone, reply.client) == (clinic, PHONE, None)
    assert waiting() == ["سلام، وقت دارید؟"]


def test_a_strangers_stop_waits_too_because_nobody_knows_whose_texts_it_means(clinic):
    client = willing(clinic, phone="+989350000000")
    hear("11", account=account_of(clinic), scope=clinic.pk)
    assert (waiting(), consents(client)) == (["11"], ALL)


@pytest.mark.parametrize("sender", ["10008000", "Bank", "", "+982188001122"])
def test_what_is_no_mobile_is_not_kept_even_there(clinic, sender):
    account = account_of(clinic)
    told = written("رمز ۴۴۱۲", sender=sender)
    assert hear(told, account=account, scope=clinic.pk) == 0
    assert Reply.objects.count() == 0


def test_whoever_was_named_behind_a_number_is_named_behind_the_next_text(clinic):
    account, client = account_of(clinic), willing(clinic, phone="+989350000000")
    hear("سلام", account=account, scope=clinic.pk)
    Reply.objects.update(client=client)
    hear("کسی هست؟", account=account, scope=clinic.pk, now=NOW + MINUTE)
    assert set(Reply.objects.values_list("client", flat=True)) == {client.pk}


# Twice, late, and in the wrong order


@pytest.mark.parametrize("text", ["11", "12", "بله"])
def test_a_text_told_twice_happens_once(clinic, text):
    client = willing(clinic)
    told = written(text)
    assert [hear(told), hear(told, now=NOW + MINUTE), hear(told, told)] == [1, 0, 0]
    assert Reply.objects.count() == 1
    assert len(tasks_of(client)) == (1 if text == "11" else 0)
    assert waiting() == (["بله"] if text == "بله" else [])


def test_a_text_told_again_after_the_other_word_changes_nothing(clinic):
    client = willing(clinic)
    stop = written("11")
    hear(stop)
    hear("12", now=NOW + MINUTE)
    hear(stop, now=NOW + 2 * MINUTE)
    assert consents(client) == ALL


def test_a_clinic_that_comes_later_still_hears_it_once(clinic, other_clinic):
    told = written("11")
    willing(clinic)
    assert hear(told) == 1
    late = willing(other_clinic)
    assert hear(told) == 1
    assert consents(late) == ["transactional"]


@pytest.mark.parametrize(
    ("first", "then", "left"),
    [("11", "12", ALL), ("12", "11", ["transactional"])],
    ids=["start again", "stop"],
)
def test_the_last_word_said_holds_in_whatever_order_it_is_heard(clinic, first, then, left):
    client = willing(clinic)
    earlier, later = written(first, at=NOW - DAY), written(then, at=NOW - MINUTE)
    hear(later)
    hear(earlier)
    assert consents(client) == left
    assert Reply.objects.get(text=first).done == "overtaken"


def test_texts_of_one_page_are_heard_in_their_order(clinic):
    client = willing(clinic)
    hear(written("12", at=NOW - MINUTE), written("11", at=NOW - DAY))
    assert consents(client) == ALL


def test_a_time_to_come_is_now(clinic):
    willing(clinic)
    hear(written("11", at=NOW + DAY))
    assert Reply.objects.get().received_at == NOW


def test_an_old_inbox_calls_nobody_and_starts_nothing_but_still_stops(clinic):
    client = willing(clinic, consent_follow_up=False, consent_campaign=False)
    old = NOW - FRESH - MINUTE
    hear(written("بله", at=old), written("12", at=old))
    assert (waiting(), consents(client)) == ([], ["transactional", "motivation"])
    hear(written("11", at=old + MINUTE / 2))
    assert consents(client) == ["transactional"]
    done = Reply.objects.order_by("pk").values_list("done", flat=True)
    assert list(done) == ["old", "old", "stopped"]


def test_another_clinics_staff_sees_nothing_of_it(clinic, other_clinic, outsider):
    willing(clinic)
    hear("کمی دیر می‌رسم")
    with wear(Hat.WEB, clinic_id=other_clinic.pk, user_id=outsider.pk):
        assert (Reply.objects.count(), CareTask.objects.count()) == (0, 0)
    with wear(Hat.WEB, clinic_id=clinic.pk, user_id=outsider.pk):
        assert Reply.objects.count() == 1
