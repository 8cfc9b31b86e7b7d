"""What holds for all pages that clients reach from a text: who gets in, what they say and keep."""

import gzip
import re
from pathlib import Path

import pytest
import time_machine
from django.contrib.staticfiles import finders
from django.core.cache import cache

from clinic import directory
from clinic.models import Clinic, Directory
from clinic.tenancy import EVERYWHERE, Hat, wear
from clinic.text import ascii_digits
from feedback.models import Response
from patients import care
from sessions_app import client_pages, links
from sessions_app.client_pages import WINDOW, WRONG_ADDRESSES, when_somebody_works
from sessions_app.links import Page, Purpose
from sessions_app.models import CareTask, ClientLink, Session
from tests import factories
from tests.clinic.world import fingerprint
from tests.followup.clinics import tehran
from tests.sessions_app.client_links import (
    DAY,
    NOW,
    attended,
    books_by_link,
    published,
    receives,
    text_of,
    visitor,
)

EACH = (Purpose.SESSION, Purpose.FEEDBACK, Purpose.CHOICES, Purpose.BOOKING)
each_page = pytest.mark.parametrize("purpose", EACH, ids=lambda p: p.value)


@pytest.fixture(autouse=True)
def at_now():
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


@pytest.fixture
def person(clinic):
    return factories.ClientFactory(
        clinic=clinic, first_name="پروانه", last_name="شباهنگ", phone="+989123344556"
    )


def open_page(purpose, clinic, person):
    """The path of a page on which the client can act."""
    if purpose is Purpose.SESSION:
        session = factories.SessionFactory(clinic=clinic, clients=[person])
    else:
        session = attended(clinic, person)
    if purpose is Purpose.BOOKING:
        books_by_link(clinic)
        receives(session.therapist)
    return published(purpose, session, person)


#: Something that each page would do at once.
ACT = {
    Purpose.SESSION: {"do": "come", "revision": "1"},
    Purpose.FEEDBACK: {"overall": "5"},
    Purpose.CHOICES: {"do": "finish"},
    Purpose.BOOKING: {"do": "book", "start": "2026-11-28T05:30Z", "revision": "1"},
}


# -- Getting in --------------------------------------------------------------------------------


@each_page
@pytest.mark.parametrize("written", [str, str.upper, lambda p: p + "/"], ids=["", "CAPS", "slash"])
def test_the_address_leads_there_without_a_detour(clinic, person, purpose, written):
    path = open_page(purpose, clinic, person)
    letter, token = path[:3], path[3:]
    page = visitor().get(letter + written(token))
    assert page.status_code == 200
    assert "کلینیک آرامش" in text_of(page)


@each_page
@pytest.mark.parametrize("method", ["get", "post"])
def test_an_unknown_address_is_explained_kindly_and_names_no_clinic(clinic, purpose, method):
    page = getattr(visitor(), method)(f"/{links.PATHS[purpose]}/kxtq2mz7w4ahr5bn")
    assert page.status_code == 404
    assert "این پیوند به جایی نمی‌رسد" in text_of(page)
    assert "آرامش" not in page.content.decode()
    assert "tel:" not in page.content.decode()


@pytest.mark.parametrize("token", ["a", "x" * 500, "سلام", "a b", "%00", "..", "-", "a%2Fb"])
def test_no_address_whatever_is_an_error(db, token):
    assert visitor().get(f"/s/{token}").status_code == 404


@each_page
@pytest.mark.parametrize("other", EACH, ids=lambda p: p.value)
def test_an_address_opens_its_own_kind_of_page_only(clinic, person, purpose, other):
    token = open_page(purpose, clinic, person)[3:]
    page = visitor().get(f"/{links.PATHS[other]}/{token}")
    assert page.status_code == (200 if other is purpose else 404)


@each_page
def test_an_address_that_no_text_has_carried_yet_leads_nowhere(clinic, person, purpose):
    session = attended(clinic, person)
    token = Page(purpose, clinic.pk, session.pk, person.pk).token
    assert visitor().get(f"/{links.PATHS[purpose]}/{token}").status_code == 404


def test_an_invitation_of_staff_opens_no_page_of_clients(clinic):
    with wear(Hat.WEB, clinic_id=clinic.pk):
        directory.publish("kxtq2mz7w4ahr5bn", Directory.Purpose.INVITATION)
    assert visitor().get("/s/kxtq2mz7w4ahr5bn").status_code == 404


@each_page
def test_who_is_no_longer_part_of_the_session_reads_so_and_changes_nothing(clinic, person, purpose):
    path = open_page(purpose, clinic, person)
    Session.objects.get().participants.all().delete()
    phone = visitor()
    for page in (phone.get(path), phone.post(path, ACT[purpose])):
        assert page.status_code == 410
        assert "این پیوند دیگر لازم نیست" in text_of(page)
        assert "با خانم دکتر" not in text_of(page)
    assert not CareTask.objects.exists()
    assert not Response.objects.exists()
    assert ClientLink.objects.get().answered_at is None


@each_page
def test_the_pages_of_a_client_who_has_died_say_nothing_and_change_nothing(clinic, person, purpose):
    path = open_page(purpose, clinic, person)
    with wear(Hat.WEB, clinic_id=clinic.pk):
        care.record_death(person, now=NOW)
    before = Session.objects.values_list("state", flat=True).get()
    phone = visitor()
    for page in (phone.get(path), phone.post(path, ACT[purpose])):
        assert page.status_code == 410
        words = text_of(page)
        assert "در این صفحه کاری نمانده است" in words
        for unsaid in ("درگذ", person.last_name, "با خانم دکتر"):
            assert unsaid not in words
    assert Session.objects.values_list("state", flat=True).get() == before
    assert not CareTask.objects.exists()
    assert not Response.objects.exists()
    assert ClientLink.objects.get().answered_at is None


@each_page
def test_a_death_recorded_by_mistake_opens_the_page_again(clinic, person, purpose):
    path = open_page(purpose, clinic, person)
    with wear(Hat.WEB, clinic_id=clinic.pk):
        care.record_death(person, now=NOW)
        care.undo_death(person, now=NOW)
    assert visitor().get(path).status_code == 200


@each_page
def test_a_page_whose_session_was_deleted_leads_nowhere(clinic, person, purpose):
    path = open_page(purpose, clinic, person)
    Session.objects.all().delete()
    assert visitor().get(path).status_code == 404


@each_page
@pytest.mark.parametrize("method", ["put", "patch", "delete", "options", "trace"])
def test_nothing_but_reading_and_posting_is_known(clinic, person, purpose, method):
    path = open_page(purpose, clinic, person)
    assert getattr(visitor(), method)(path).status_code == 405


# -- Whose it is -------------------------------------------------------------------------------


@each_page
def test_a_page_shows_and_changes_its_own_clinic_only(clinic, other_clinic, person, purpose):
    other_clinic.phone = "021-77006655"
    other_clinic.save()
    theirs = factories.ClientFactory(clinic=other_clinic)
    open_page(purpose, other_clinic, theirs)
    path = open_page(purpose, clinic, person)

    class Other:
        clinic = other_clinic
        person = factories.UserFactory()

    before = fingerprint(Other)
    phone = visitor()
    page = phone.get(path)
    assert "کلینیک امید" not in page.content.decode()
    assert "77006655" not in ascii_digits(page.content.decode())
    assert phone.post(path, ACT[purpose]).status_code == 303
    with wear(Hat.OWNER, clinic_id=EVERYWHERE):
        assert fingerprint(Other) == before


@each_page
def test_a_member_of_another_clinic_sees_no_more_and_no_less(clinic, person, purpose, outsider):
    path = open_page(purpose, clinic, person)
    phone = visitor()
    plain = text_of(phone.get(path))
    phone.force_login(outsider)
    assert text_of(phone.get(path)) == plain


# -- What it says and keeps --------------------------------------------------------------------


@each_page
@pytest.mark.parametrize("language", ["fa", "en"])
def test_a_page_names_neither_the_client_nor_the_service(clinic, person, purpose, language):
    path = open_page(purpose, clinic, person)
    service = Session.objects.get().service.name
    phone = visitor()
    pages = [phone.get(f"{path}?lang={language}")]
    phone.post(path, ACT[purpose])
    pages.append(phone.get(f"{path}?lang={language}"))
    for page in pages:
        body = page.content.decode()
        assert not {"پروانه", "شباهنگ", service, person.file_no} & set(re.split(r"[<>\s«»،]", body))
        assert "3344556" not in ascii_digits(body)


@each_page
def test_the_title_says_nothing_of_whom_or_what_it_is_about(clinic, person, purpose):
    body = visitor().get(open_page(purpose, clinic, person)).content.decode()
    titles = {"session": "قرار شما", "feedback": "نظر شما", "choices": "انتخاب با شماست"}
    titles["booking"] = "قرار شما"
    assert re.search(r"<title>(.*?)</title>", body)[1] == titles[purpose]
    metas = re.findall(r"<meta[^>]*>", body)
    assert not [meta for meta in metas if "description" in meta or "og:" in meta]


@each_page
def test_the_clinics_phone_can_be_tapped(clinic, person, purpose):
    body = visitor().get(open_page(purpose, clinic, person)).content.decode()
    assert 'href="tel:02188001122"' in body
    assert "۰۲۱-۸۸۰۰۱۱۲۲" in body


@pytest.mark.parametrize(
    ("phone", "tel"),
    [
        ("021-88001122", "02188001122"),
        ("+98 21 8800 1122", "+982188001122"),
        ("۰۲۱۸۸۰۰۱۱۲۲", "02188001122"),
        ("021-88001122 داخلی 5", None),
        ("", None),
    ],
)
def test_a_phone_that_is_more_than_a_number_is_only_read(clinic, person, phone, tel):
    clinic.phone = phone
    clinic.save()
    body = visitor().get(open_page(Purpose.SESSION, clinic, person)).content.decode()
    assert re.findall(r'href="tel:([^"]*)"', body) == ([tel] if tel else [])


@each_page
def test_nobody_keeps_finds_or_is_told_of_a_page(clinic, person, purpose):
    path = open_page(purpose, clinic, person)
    phone = visitor()
    unknown = phone.get("/s/kxtq2mz7w4ahr5bn")
    for page in (phone.get(path), phone.post(path, ACT[purpose]), unknown):
        assert "no-store" in page["Cache-Control"]
        assert page["Referrer-Policy"] == "no-referrer"
        assert page["X-Robots-Tag"] == "noindex, nofollow, noarchive"
        assert page["X-Frame-Options"] == "DENY"
        assert "default-src 'none'" in page["Content-Security-Policy"]
        assert not page.cookies


@each_page
def test_a_page_has_no_script_and_no_inline_style(clinic, person, purpose):
    body = visitor().get(open_page(purpose, clinic, person)).content.decode()
    assert "<script" not in body
    assert not re.search(r"\sstyle=|<style|\son\w+=", body)


@each_page
def test_a_page_weighs_less_than_40_kilobytes_in_all(clinic, person, purpose):
    page = visitor().get(open_page(purpose, clinic, person))
    files = set(re.findall(r'(?:href|src)="/static/([^"]+)"', page.content.decode()))
    assert files == {"css/client.css", "img/peygir.svg"}
    plain = [page.content, *(Path(finders.find(name)).read_bytes() for name in files)]
    assert sum(map(len, plain)) < 40 * 1024  # even where nothing is compressed
    assert sum(len(gzip.compress(each)) for each in plain) < 12 * 1024


def test_the_style_sheet_asks_for_nothing_else():
    assert not re.search(
        r"url\(|@import|@font-face", Path(finders.find("css/client.css")).read_text()
    )


# -- Language ----------------------------------------------------------------------------------


@each_page
def test_a_page_speaks_persian_whatever_the_phone_prefers(clinic, person, purpose):
    page = visitor().get(open_page(purpose, clinic, person), headers={"accept-language": "en"})
    assert '<html lang="fa" dir="rtl">' in page.content.decode()
    assert page["Content-Language"] == "fa"


@each_page
def test_the_switch_turns_to_english_without_a_cookie_and_stays_so(clinic, person, purpose):
    path = open_page(purpose, clinic, person)
    phone = visitor()
    assert 'href="?lang=en"' in phone.get(path).content.decode()
    page = phone.get(f"{path}?lang=en")
    assert '<html lang="en" dir="ltr">' in page.content.decode()
    assert page["Content-Language"] == "en"
    done = phone.post(f"{path}?lang=en", ACT[purpose])
    assert (done.status_code, done["Location"]) == (303, f"{path}?lang=en")


def test_a_language_that_is_none_is_persian(clinic, person):
    path = open_page(Purpose.SESSION, clinic, person)
    page = visitor().get(f"{path}?lang=xx")
    assert page["Content-Language"] == "fa"
    assert visitor().post(f"{path}?lang=xx", ACT[Purpose.SESSION])["Location"] == path


def test_the_language_that_staff_chose_in_the_panel_holds_here_too(clinic, person):
    phone = visitor()
    phone.cookies["django_language"] = "en"
    assert phone.get(open_page(Purpose.SESSION, clinic, person))["Content-Language"] == "en"


# -- Scanners ----------------------------------------------------------------------------------


@each_page
@pytest.mark.parametrize("method", ["get", "head"])
def test_a_scanner_that_opens_every_link_changes_nothing(clinic, person, purpose, method):
    path = open_page(purpose, clinic, person)

    class Ours:
        pass

    Ours.clinic, Ours.person = clinic, factories.UserFactory()
    before = fingerprint(Ours)
    scanner = visitor()
    body = scanner.get(path).content.decode()
    ours = [a for a in re.findall(r'href="([^"]+)"', body) if not a.startswith(("tel:", "/static"))]
    tries = [path, *(a if a.startswith("/") else path + a for a in ours)]
    tries += [f"{path}?{name}={value}" for name, value in ACT[purpose].items()]
    for address in tries:
        assert getattr(scanner, method)(address).status_code == 200
    assert fingerprint(Ours) == before


# -- Guessing ----------------------------------------------------------------------------------


def guess(phone, times, **options):
    return [phone.get(f"/s/guess{n}", **options).status_code for n in range(times)]


def test_guessing_ends_after_twenty_wrong_addresses(db):
    phone = visitor()
    assert guess(phone, WRONG_ADDRESSES + 2) == [404] * WRONG_ADDRESSES + [429] * 2
    page = phone.get("/s/guess")
    assert page["Retry-After"] == "600"
    assert "کمی صبر کنید" in text_of(page)


@each_page
def test_whoever_shares_a_line_with_a_guesser_still_gets_in(clinic, person, purpose):
    """A carrier puts thousands of phones behind one address."""
    path = open_page(purpose, clinic, person)
    phone = visitor()
    guess(phone, WRONG_ADDRESSES + 1)
    assert phone.get(path).status_code == 200
    assert phone.post(path, ACT[purpose]).status_code == 303
    assert phone.get("/s/guess").status_code == 429


def test_wrong_addresses_of_every_kind_count_together(db):
    phone = visitor()
    for n in range(WRONG_ADDRESSES):
        letter = "sfpb"[n % 4]
        assert phone.get(f"/{letter}/guess{n}").status_code == 404
    assert [phone.get(f"/{letter}/more").status_code for letter in "sfpb"] == [429] * 4


def test_right_addresses_never_count(clinic, person):
    path = open_page(Purpose.SESSION, clinic, person)
    phone = visitor()
    assert {phone.get(path).status_code for _ in range(WRONG_ADDRESSES + 5)} == {200}


def test_other_places_are_not_affected(db):
    phone = visitor()
    guess(phone, WRONG_ADDRESSES, REMOTE_ADDR="5.112.0.7")
    assert phone.get("/s/guess", REMOTE_ADDR="5.112.0.7").status_code == 429
    assert phone.get("/s/guess", REMOTE_ADDR="5.112.0.8").status_code == 404


def test_the_window_ends(db):
    phone = visitor()
    guess(phone, WRONG_ADDRESSES)
    assert phone.get("/s/guess").status_code == 429
    (key,) = [client_pages._key("127.0.0.1")]
    redis = cache._cache.get_client(key)
    assert 0 < redis.ttl(cache.make_key(key)) <= WINDOW.total_seconds()
    cache.delete(key)  # what Redis does when it is over
    assert phone.get("/s/guess").status_code == 404


def test_behind_the_proxy_it_is_the_visitors_own_address_that_counts(db, settings):
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    phone = visitor()
    # What the visitor writes in the header stands before what the proxy adds.
    for n in range(WRONG_ADDRESSES):
        phone.get(f"/s/guess{n}", headers={"x-forwarded-for": f"10.0.0.{n}, 5.112.0.7"})
    there, elsewhere = {"x-forwarded-for": "1.1.1.1, 5.112.0.7"}, {"x-forwarded-for": "5.112.0.8"}
    assert phone.get("/s/guess", headers=there).status_code == 429
    assert phone.get("/s/guess", headers=elsewhere).status_code == 404


def test_a_line_with_many_addresses_is_one_place(db):
    phone = visitor()
    for n in range(WRONG_ADDRESSES):
        phone.get("/s/guess", REMOTE_ADDR=f"2a01:5ec0:1:2::{n:x}")
    assert phone.get("/s/guess", REMOTE_ADDR="2a01:5ec0:1:2:ffff::1").status_code == 429
    assert phone.get("/s/guess", REMOTE_ADDR="2a01:5ec0:1:3::1").status_code == 404


def test_old_addresses_inside_new_ones_are_places_of_their_own(db):
    """As a server says them that listens for both kinds at once."""
    phone = visitor()
    guess(phone, WRONG_ADDRESSES, REMOTE_ADDR="::ffff:5.112.0.7")
    assert phone.get("/s/guess", REMOTE_ADDR="::ffff:5.112.0.7").status_code == 429
    assert phone.get("/s/guess", REMOTE_ADDR="5.112.0.7").status_code == 429
    assert phone.get("/s/guess", REMOTE_ADDR="::ffff:5.112.0.8").status_code == 404


def test_who_comes_from_nowhere_is_not_locked_out(clinic, person):
    path = open_page(Purpose.SESSION, clinic, person)
    phone = visitor()
    assert set(guess(phone, WRONG_ADDRESSES + 2, REMOTE_ADDR="")) == {404}
    assert phone.get(path, REMOTE_ADDR="").status_code == 200


@each_page
def test_a_page_works_while_redis_is_away(clinic, person, purpose, settings):
    path = open_page(purpose, clinic, person)
    phone = visitor()
    redis = settings.CACHES["default"]
    settings.CACHES = {"default": redis | {"LOCATION": "redis://127.0.0.1:1/0"}}
    assert phone.get(path).status_code == 200
    assert phone.post(path, ACT[purpose]).status_code == 303
    assert phone.get("/s/guess").status_code == 404


# -- When somebody works -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "due"),
    [
        ("2026-11-21 10:00", "2026-11-21 10:00"),
        ("2026-11-21 22:30", "2026-11-22 09:00"),
        ("2026-11-27 12:00", "2026-11-28 10:00"),
        ("2026-11-26 23:00", "2026-11-28 10:00"),
    ],
    ids=["by day", "at night", "on Friday", "in the night to Friday"],
)
def test_what_a_client_asks_is_due_when_somebody_works(clinic, asked, due):
    with wear(Hat.WEB, clinic_id=clinic.pk):
        assert when_somebody_works(Clinic.objects.get(), tehran(asked)) == tehran(due)


def test_the_clinics_own_closed_days_count(clinic):
    factories.ClosureFactory(
        clinic=clinic, first_day=NOW.date(), last_day=(NOW + DAY).date(), name="تعطیلی"
    )
    with wear(Hat.WEB, clinic_id=clinic.pk):
        assert when_somebody_works(Clinic.objects.get(), NOW) == tehran("2026-11-23 10:00")
