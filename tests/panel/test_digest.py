"""The daily letter: chosen, at its hour, once, in few words; and stopped from the letter itself."""

import datetime as dt
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client as Browser

from clinic.models import Digest, Directory, Membership
from clinic.tenancy import EVERYWHERE, Hat, wear
from panel import digest as digests
from panel.digest import STILL_NEWS, send_due, short_name
from patients.models import Client
from sandbox.testing import running_mail
from tests import factories
from tests.followup.clinics import tehran
from tests.panel.screens import CLINIC, errors_of, html_of, notices_of, text_of
from tests.panel.test_inbox import wrote

NOW = factories.NOW
EIGHT = tehran("2026-11-21 08:00")
EVENING = tehran("2026-11-20 20:00")
MINUTE, HOUR, DAY = dt.timedelta(minutes=1), dt.timedelta(hours=1), dt.timedelta(days=1)
LETTER = CLINIC + "letter/"


@pytest.fixture
def post(settings):
    """The stand-in mail server, as the installation's own."""
    with running_mail() as (office, port):
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
        settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
        settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
        yield office


def chosen(user, when="morning", at="08:00", **fields):
    member = user.memberships.get()
    values = {"language": "fa", "at": dt.time.fromisoformat(at), **fields}
    return Digest.objects.create(clinic=member.clinic, member=member, when=when, **values)


@pytest.fixture
def day(clinic, people):
    """Saturday: one session of mine, one of hers, a cancelled one; and one of mine on Sunday."""
    mine, hers = people["my_client"], people["her_client"]
    Client.objects.filter(pk=mine.pk).update(first_name="مریم")
    Client.objects.filter(pk=hers.pk).update(first_name="", honorific="آقا")
    book(clinic, people["mine"], "2026-11-21 17:30", mine)
    book(clinic, people["hers"], "2026-11-21 16:00", hers, state="confirmed")
    book(clinic, people["mine"], "2026-11-21 18:30", mine, state="cancelled", cancelled_by="clinic")
    book(clinic, people["mine"], "2026-11-22 10:00", mine)


def book(clinic, therapist, at, person, **fields):
    return factories.SessionFactory(
        clinic=clinic, therapist=therapist, starts_at=tehran(at), clients=[person], **fields
    )


def words_of(letter, kind="plain"):
    body = letter.parsed().get_body((kind,)).get_content()
    return " ".join(re.sub(r"<[^>]*>", " ", body).split())


def last_day(digest):
    digest.refresh_from_db()
    return digest.last_day


# -- What it says ------------------------------------------------------------------------------


def test_reception_reads_the_whole_day_in_few_words(day, receptionist, post):
    chosen(receptionist)
    assert send_due(EIGHT) == {"sent": 1}
    (letter,) = post.letters
    words = words_of(letter)
    assert letter.receptor == receptionist.email
    assert re.search(r"جلسه‌های امروز: ۱۶:۰۰ آقا م\. \(دکتر .+?\) - .*?تأیید", words)
    assert "۱۷:۳۰ مریم ک." in words
    assert "۱۸:۳۰" not in words
    assert "/c/aramesh/?day=1405-08-30" in words


@pytest.mark.parametrize("kind", ["plain", "html"])
def test_no_whole_name_no_number_no_service_and_no_word_of_a_client_is_in_it(
    day, clinic, people, receptionist, post, kind
):
    wrote(clinic, people["my_client"].phone, "راز مهم")
    chosen(receptionist)
    send_due(EIGHT)
    words = words_of(post.letters[0], kind)
    for secret in ("کریمی", "ملکی", "0912", "راز", people["service"].name):
        assert secret not in words
    assert "۱ پیامِ بی‌پاسخ" in words


def test_the_letter_is_right_to_left_and_has_both_bodies(day, receptionist, post):
    chosen(receptionist)
    send_due(EIGHT)
    parsed = post.letters[0].parsed()
    assert 'lang="fa" dir="rtl"' in parsed.get_body(("html",)).get_content()
    assert parsed["Subject"].strip() == "کلینیک آرامش: برنامه‌ی امروز، شنبه ۳۰ آبان"


def test_in_english_for_who_chose_it_in_english(day, receptionist, post):
    chosen(receptionist, language="en")
    send_due(EIGHT)
    assert "Today's sessions:" in words_of(post.letters[0])
    assert 'dir="ltr"' in post.letters[0].parsed().get_body(("html",)).get_content()


def test_a_therapist_reads_own_sessions_alone(day, people, therapist_login, post):
    chosen(therapist_login)
    send_due(EIGHT)
    words = words_of(post.letters[0])
    assert "مریم ک." in words
    assert "آقا م." not in words
    assert str(people["mine"]) not in words


def test_the_evening_letter_is_tomorrows_agenda(day, therapist_login, post):
    chosen(therapist_login, "evening", "20:00")
    assert send_due(EVENING) == {"sent": 1}
    (letter,) = post.letters
    assert "جلسه‌های فردا: ۱۷:۳۰ مریم ک." in words_of(letter)
    assert letter.parsed()["Subject"].strip() == "کلینیک آرامش: برنامه‌ی فردا، شنبه ۳۰ آبان"


def test_a_long_day_is_cut_and_says_so(clinic, receptionist, post):
    for _ in range(digests.MOST + 2):
        person, therapist = (
            make(clinic=clinic) for make in (factories.ClientFactory, factories.TherapistFactory)
        )
        book(clinic, therapist, "2026-11-21 17:30", person)
    chosen(receptionist)
    send_due(EIGHT)
    assert "و ۲ جلسه‌ی دیگر" in words_of(post.letters[0])


@pytest.mark.parametrize(
    ("first", "honorific", "last", "short"),
    [
        ("مریم", "خانم", "کریمی", "مریم ک."),
        ("", "خانم", "کریمی", "خانم ک."),
        ("", "", "کریمی", "ک."),
    ],
)
def test_a_client_is_named_by_little(first, honorific, last, short):
    assert short_name(Client(first_name=first, honorific=honorific, last_name=last)) == short


# -- When, and once ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "sent"),
    [
        (EIGHT - MINUTE, 0),
        (EIGHT, 1),
        (EIGHT + STILL_NEWS - MINUTE, 1),
        (EIGHT + STILL_NEWS, 0),
    ],
    ids=["too early", "its hour", "late", "no news any more"],
)
def test_it_goes_at_its_hour_on_the_clinics_clock(day, receptionist, post, at, sent):
    chosen(receptionist)
    send_due(at)
    assert len(post.letters) == sent


def test_a_clinic_elsewhere_has_its_own_clock(clinic, day, receptionist, post):
    type(clinic).objects.filter(pk=clinic.pk).update(timezone="UTC")
    chosen(receptionist)
    assert send_due(EIGHT) == {}
    assert send_due(dt.datetime(2026, 11, 21, 8, 0, tzinfo=dt.UTC)) == {"sent": 1}


def test_once_a_day_however_often_it_is_looked(day, receptionist, post):
    digest = chosen(receptionist)
    for minutes in (0, 5, 60):
        send_due(EIGHT + minutes * MINUTE)
    assert (len(post.letters), last_day(digest)) == (1, dt.date(2026, 11, 21))
    send_due(EIGHT + DAY)
    assert len(post.letters) == 2


def test_a_sender_that_dies_with_the_letter_in_hand_sends_no_second_one(
    day, receptionist, post, monkeypatch
):
    digest = chosen(receptionist)
    monkeypatch.setattr(digests, "_deliver", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        send_due(EIGHT)
    monkeypatch.undo()
    assert last_day(digest) == dt.date(2026, 11, 21)
    assert send_due(EIGHT + 5 * MINUTE) == {}


@pytest.mark.parametrize("mode", ["busy", "greylist", "later_letter", "bad_login"])
def test_what_was_certainly_not_taken_is_tried_again(day, receptionist, post, mode):
    digest = chosen(receptionist)
    post.fail_next(mode)
    assert send_due(EIGHT) == {"later": 1}
    assert last_day(digest) is None
    assert send_due(EIGHT + 5 * MINUTE) == {"sent": 1}
    assert len(post.letters) == 1


@pytest.mark.parametrize("mode", ["drop", "no_mailbox", "drop_in_letter"])
def test_what_may_have_arrived_or_never_can_is_not(day, receptionist, post, mode):
    chosen(receptionist)
    post.fail_next(mode)
    assert send_due(EIGHT) == {"lost": 1}
    assert send_due(EIGHT + 5 * MINUTE) == {}


def test_on_a_day_that_brings_nothing_no_letter_comes(receptionist, post):
    chosen(receptionist)
    assert send_due(EIGHT) == {"nothing": 1}
    assert post.letters == []


def test_what_waits_is_reason_enough(clinic, people, receptionist, post):
    wrote(clinic, people["my_client"].phone)
    chosen(receptionist)
    send_due(EIGHT)
    assert "برای امروز جلسه‌ای ثبت نشده است." in words_of(post.letters[0])


def test_who_left_or_chose_none_gets_none(day, clinic, receptionist, manager, post):
    chosen(receptionist, "")
    chosen(manager)
    type(manager).objects.filter(pk=manager.pk).update(is_active=False)
    assert send_due(EIGHT) == {"nothing": 1}
    Membership.objects.filter(user=manager).delete()
    assert Digest.objects.filter(member__user=manager).count() == 0


def test_each_clinic_gets_its_own(day, other_clinic, receptionist, outsider, post):
    chosen(receptionist)
    chosen(outsider)
    assert send_due(EIGHT) == {"sent": 1, "nothing": 1}
    assert [letter.receptor for letter in post.letters] == [receptionist.email]


def test_no_address_and_no_name_is_logged(day, receptionist, post, caplog, capsys):
    post.fail_next("no_mailbox")
    chosen(receptionist)
    send_due(EIGHT)
    told = caplog.text + capsys.readouterr().err + capsys.readouterr().out
    assert receptionist.email not in told


@pytest.mark.django_db(transaction=True)
def test_two_senders_at_once_send_one(post):
    with wear(Hat.OWNER, clinic_id=EVERYWHERE):
        clinic = factories.ClinicFactory(slug="aramesh")
        user = factories.MembershipFactory(clinic=clinic).user
        book(
            clinic,
            factories.TherapistFactory(clinic=clinic),
            "2026-11-21 17:30",
            factories.ClientFactory(clinic=clinic),
        )
        chosen(user)

    def look(_):
        try:
            return send_due(EIGHT)["sent"]
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(look, range(4))) == 1
    assert len(post.letters) == 1


# -- Choosing it -------------------------------------------------------------------------------


def test_everybody_chooses_for_themselves(as_therapist, therapist_login):
    response = as_therapist.post(LETTER, {"when": "evening", "at": "۱۹:۳۰"})
    digest = Digest.objects.get()
    assert (digest.member.user, digest.when, digest.at) == (
        therapist_login,
        "evening",
        dt.time(19, 30),
    )
    assert digest.language == "fa"
    assert therapist_login.email in notices_of(as_therapist.get(response.url))[0]


@pytest.mark.parametrize(("when", "hour"), [("morning", 8), ("evening", 20)])
def test_without_an_hour_it_is_the_usual_one(as_reception, when, hour):
    as_reception.post(LETTER, {"when": when})
    assert Digest.objects.get().at == dt.time(hour)


def test_it_can_be_chosen_off(as_reception, receptionist):
    digest = chosen(receptionist)
    as_reception.post(LETTER, {"when": ""})
    digest.refresh_from_db()
    assert digest.when == ""


def test_an_hour_that_has_passed_begins_tomorrow(as_reception, day, post):
    as_reception.post(LETTER, {"when": "morning", "at": "9:00"})
    assert send_due(NOW) == {}
    assert send_due(tehran("2026-11-22 09:00")) == {"sent": 1}


@pytest.mark.parametrize(
    "fields", [{"when": "noon"}, {"when": "morning", "at": "23:00"}, {"at": "آ"}]
)
def test_what_is_no_choice_is_refused_beside_its_field(as_reception, fields):
    response = as_reception.post(LETTER, fields)
    assert response.status_code == 422
    assert len(errors_of(response)) == 1
    assert Digest.objects.count() == 0


def test_an_outsider_has_no_letter_of_ours(as_outsider):
    assert as_outsider.get(LETTER).status_code == 404
    assert as_outsider.post(LETTER, {"when": "morning"}).status_code == 404
    assert Digest.objects.count() == 0


def test_the_page_takes_few_queries(as_reception, receptionist, django_assert_num_queries):
    chosen(receptionist)
    with django_assert_num_queries(12):
        assert "نامه‌ی روزانه" in text_of(as_reception.get(LETTER))


# -- Stopping it from the letter ---------------------------------------------------------------


@pytest.fixture
def stop_path(day, receptionist, post):
    cache.clear()  # of wrong addresses that other tests have tried
    chosen(receptionist)
    send_due(EIGHT)
    header = post.letters[0].parsed()["List-Unsubscribe"]
    return re.fullmatch(r"<https?://[^/]+(/d/[a-z2-7]{16}-\d+/)>", header)[1]


def test_a_visit_asks_and_a_press_stops(stop_path):
    assert "قطع کن" in text_of(Browser().get(stop_path))
    assert Digest.objects.get().when == "morning"
    assert "قطع شد" in text_of(Browser().post(stop_path))
    assert Digest.objects.get().when == ""
    assert send_due(EIGHT + DAY) == {}


def test_a_mail_program_stops_it_by_itself(stop_path):
    response = Browser().post(stop_path, {"List-Unsubscribe": "One-Click"})
    assert (response.status_code, Digest.objects.get().when) == (200, "")


def test_a_wrong_address_leads_nowhere(stop_path, other_clinic):
    digest = Digest.objects.get()
    wrong = stop_path.replace(str(digest.pk), str(digest.pk + 1))
    assert Browser().post(wrong).status_code == 404
    Directory.objects.update(clinic=other_clinic)
    assert Browser().post(stop_path).status_code == 404
    digest.refresh_from_db()
    assert digest.when == "morning"


def test_who_has_left_stops_nothing(stop_path):
    Membership.objects.filter(digests__isnull=False).delete()
    assert Browser().get(stop_path).status_code == 404
    assert "مریم" not in html_of(Browser().get(stop_path))
