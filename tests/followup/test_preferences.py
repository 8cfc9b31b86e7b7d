"""The page under all of a client's pages: which texts, a break, an end, and each of them taken back."""

import datetime as dt
import gzip
import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.core.cache import cache
from hypothesis import HealthCheck, given, settings as effort, strategies as st

from clinic.tenancy import EVERYWHERE, Hat, wear
from messaging import stopping
from messaging.models import Reason
from patients import care
from patients.models import Client, ClientEvent, ConsentRecord, Treatment
from sessions_app import links
from sessions_app.client_pages import WRONG_ADDRESSES
from sessions_app.links import Page, Purpose
from sessions_app.models import CareTask, ClientLink
from tests import factories
from tests.clinic.world import fingerprint
from tests.effort import examples
from tests.messaging.inbound import consents
from tests.sessions_app.client_links import NOW, attended, published, text_of, visitor

pytestmark = pytest.mark.usefixtures("clock")

State = Treatment.State
EVERYTHING = ["transactional", "follow_up", "motivation", "campaign"]
EACH_LINK = pytest.mark.parametrize("purpose", list(links.PATHS), ids=lambda p: p.value)


@pytest.fixture
def person(clinic):
    return factories.ClientFactory(
        clinic=clinic,
        first_name="پروانه",
        last_name="شباهنگ",
        phone="+989123344556",
        consent_motivation=True,
        consent_campaign=True,
    )


@pytest.fixture
def session(clinic, person):
    return attended(clinic, person)


@pytest.fixture
def path(session, person):
    """The page as one comes to it from the page of a silent client."""
    return under(published(Purpose.CHOICES, session, person))


@pytest.fixture
def phone():
    return visitor()


def under(page):
    """Where the foot of a client's page leads."""
    return f"/u/{page.rpartition('/')[2]}"


def press(phone, path, do, **fields):
    return phone.post(path, {"do": do} | fields)


def treatment():
    return Treatment.objects.get()


def events():
    return [(e.kind, e.via) for e in ClientEvent.objects.order_by("id")]


def records(person):
    rows = ConsentRecord.objects.filter(client=person).order_by("id")
    return [(r.purpose, r.given, r.source) for r in rows]


def staff(clinic, verb, *arguments, **fields):
    with wear(Hat.WEB, clinic_id=clinic.pk):
        return verb(*arguments, now=fields.pop("now", NOW), **fields)


def queued(person, purpose):
    return factories.MessageFactory(
        clinic=person.clinic, client=person, session=None, purpose=purpose, occasion=purpose
    )


# -- Getting there -----------------------------------------------------------------------------


@EACH_LINK
def test_every_page_leads_there_from_its_foot(phone, clinic, person, session, purpose):
    if purpose is Purpose.SESSION:
        session = factories.SessionFactory(clinic=clinic, clients=[person])
    page = published(purpose, session, person)
    assert f'<a href="{under(page)}/">' in phone.get(page).content.decode()
    assert phone.get(under(page)).status_code == 200


def test_the_language_asked_for_goes_along(phone, session, person):
    page = published(Purpose.FEEDBACK, session, person)
    assert f'<a href="{under(page)}/?lang=en">' in phone.get(f"{page}?lang=en").content.decode()


@pytest.mark.parametrize("written", [str, str.upper, lambda p: p + "/"], ids=["", "CAPS", "slash"])
def test_the_address_works_in_capitals_and_with_its_slash(phone, path, written):
    assert phone.get("/u/" + written(path.removeprefix("/u/"))).status_code == 200


@EACH_LINK
def test_a_token_that_no_text_has_carried_leads_nowhere(phone, clinic, person, session, purpose):
    token = Page(purpose, clinic.pk, session.pk, person.pk).token
    page = press(phone, f"/u/{token}", "stop_all")
    assert page.status_code == 404
    assert "این پیوند به جایی نمی‌رسد" in text_of(page)
    assert "آرامش" not in page.content.decode()
    assert consents(person) == EVERYTHING


def test_guessing_is_answered_as_everywhere_and_ends_alike(phone, path):
    cache.clear()
    unknown = phone.get("/s/kxtq2mz7w4ahr5bn").content
    assert phone.get("/u/kxtq2mz7w4ahr5bn").content.replace(b"/u/", b"/s/") == unknown
    for n in range(WRONG_ADDRESSES):
        phone.get(f"/u/guess{n}")
    assert phone.get("/u/guess").status_code == 429
    assert phone.get(path).status_code == 200


def test_the_page_of_who_has_died_asks_nothing_and_changes_nothing(phone, path, clinic, person):
    staff(clinic, care.record_death, person)
    for page in (phone.get(path), press(phone, path, "stop_all")):
        assert page.status_code == 410
        assert "در این صفحه کاری نمانده است" in text_of(page)
    assert consents(person) == EVERYTHING


def test_who_takes_no_part_in_the_session_any_more_may_still_stop(phone, path, session, person):
    session.participants.all().delete()
    assert press(phone, path, "stop_all").status_code == 200
    assert consents(person) == []


@pytest.mark.parametrize("method", ["put", "patch", "delete", "options", "trace"])
def test_nothing_but_reading_and_posting_is_known(phone, path, method):
    assert getattr(phone, method)(path).status_code == 405


@pytest.mark.parametrize("method", ["get", "head"])
def test_a_visit_changes_nothing(phone, path, clinic, method):
    class Ours:
        person = factories.UserFactory()

    Ours.clinic = clinic
    before = fingerprint(Ours)
    tries = [path, f"{path}?do=stop_all", f"{path}?do=speak&language=en", f"{path}?lang=en"]
    assert {getattr(phone, method)(address).status_code for address in tries} == {200}
    assert fingerprint(Ours) == before


def test_a_page_changes_its_own_client_and_clinic_only(phone, path, clinic, other_clinic, person):
    theirs = factories.ClientFactory(clinic=other_clinic, consent_motivation=True)
    published(Purpose.CHOICES, attended(other_clinic, theirs), theirs)
    sibling = factories.ClientFactory(clinic=clinic, phone=person.phone)

    class Other:
        clinic = other_clinic
        person = factories.UserFactory()

    before = fingerprint(Other)
    for do in ("stop_all", "finish", "start", "go_on"):
        press(phone, path, do)
    with wear(Hat.OWNER, clinic_id=EVERYWHERE):
        assert fingerprint(Other) == before
    assert consents(sibling) == ["transactional", "follow_up"]


def test_a_member_of_another_clinic_sees_no_more_and_no_less(phone, path, outsider):
    plain = text_of(phone.get(path))
    phone.force_login(outsider)
    assert text_of(phone.get(path)) == plain


# -- What it says and keeps --------------------------------------------------------------------


@pytest.mark.parametrize("language", ["fa", "en"])
def test_the_page_names_neither_client_nor_service_nor_therapist(
    phone, path, person, session, language
):
    body = phone.get(f"{path}?lang={language}").content.decode()
    hidden = {"پروانه", "شباهنگ", person.file_no, session.service.name, session.therapist.name}
    assert not [word for word in hidden if word in re.split(r"[<>\s«»،]", body)]
    assert re.search(r"<title>(.*?)</title>", body)[1] in ("انتخاب با شماست", "The choice is yours")


def test_nobody_keeps_finds_or_is_told_of_the_page(phone, path):
    for page in (phone.get(path), press(phone, path, "stop")):
        assert page["Cache-Control"] == "no-store, private"
        assert page["Referrer-Policy"] == "no-referrer"
        assert page["X-Robots-Tag"] == "noindex, nofollow, noarchive"
        assert "default-src 'none'" in page["Content-Security-Policy"]
        assert not page.cookies


@pytest.mark.parametrize("language", ["fa", "en"])
def test_the_page_is_light_and_has_no_script(phone, path, language):
    page = phone.get(f"{path}?lang={language}")
    body = page.content.decode()
    assert not re.search(r"<script|\sstyle=|<style|\son\w+=", body)
    files = ("css/client.css", "img/peygir.svg")
    plain = [page.content, *(Path(finders.find(name)).read_bytes() for name in files)]
    assert sum(map(len, plain)) < 40 * 1024
    assert sum(len(gzip.compress(each)) for each in plain) < 12 * 1024


@pytest.mark.parametrize("rows", [1, 30])
def test_the_page_takes_the_same_queries_for_one_treatment_and_for_thirty(
    phone, path, clinic, person, session, rows, django_assert_num_queries
):
    for _ in range(rows - 1):
        attended(clinic, person)
    with django_assert_num_queries(12):
        assert phone.get(path).status_code == 200


# -- Texts -------------------------------------------------------------------------------------


@pytest.mark.parametrize("purpose", EVERYTHING)
def test_one_kind_is_refused_and_taken_back(phone, path, person, purpose):
    waiting, other = queued(person, purpose), queued(person, _another(purpose))
    page = press(phone, path, "refuse", purpose=purpose)
    assert page.status_code == 200
    assert "«می‌خواهم»" in text_of(page)
    assert consents(person) == [it for it in EVERYTHING if it != purpose]
    waiting.refresh_from_db()
    other.refresh_from_db()
    assert (waiting.state, waiting.reason, other.state) == (
        "cancelled",
        Reason.NO_CONSENT,
        "queued",
    )
    page = press(phone, path, "allow", purpose=purpose)
    assert "«نمی‌خواهم»" in text_of(page)
    assert consents(person) == EVERYTHING
    assert records(person) == [(purpose, False, "link"), (purpose, True, "link")]


def _another(purpose):
    return next(it for it in EVERYTHING if it != purpose)


def test_without_reminders_the_page_asks_to_keep_the_times_in_mind(phone, path):
    page = press(phone, path, "refuse", purpose="transactional")
    assert "وقت‌هایتان را خودتان به یاد داشته باشید" in text_of(page)


def test_only_sessions_is_what_11_does(phone, path, person):
    page = press(phone, path, "stop")
    assert "دیگر در این باره نمی‌نویسیم" in text_of(page)
    assert consents(person) == ["transactional"]
    assert CareTask.objects.get().kind == "stopped"


def test_everything_is_stopped_at_once(phone, path, person):
    messages = [queued(person, purpose) for purpose in EVERYTHING]
    page = press(phone, path, "stop_all")
    assert "دیگر هیچ پیامی برایتان نمی‌فرستیم" in text_of(page)
    assert consents(person) == []
    for message in messages:
        message.refresh_from_db()
    assert {message.state for message in messages} == {"cancelled"}
    assert sorted(records(person)) == sorted((it, False, "link") for it in EVERYTHING)


@pytest.mark.parametrize("do", ["stop", "stop_all"])
def test_starting_again_brings_back_what_there_was(phone, path, person, do):
    press(phone, path, do)
    assert "مثل پیش" in text_of(press(phone, path, "start"))
    assert consents(person) == EVERYTHING


def test_starting_again_brings_nothing_that_was_never_wanted(phone, clinic):
    person = factories.ClientFactory(clinic=clinic)
    path = under(published(Purpose.CHOICES, attended(clinic, person), person))
    press(phone, path, "stop_all")
    press(phone, path, "start")
    assert consents(person) == ["transactional", "follow_up"]


def test_what_staff_recorded_as_refused_is_not_started_by_start(phone, path, clinic, person):
    from patients.actions import set_consent

    staff(clinic, set_consent, person, "motivation", False, source="panel")
    press(phone, path, "stop_all")
    press(phone, path, "start")
    assert "motivation" not in consents(person)


@pytest.mark.parametrize("do", ["stop", "stop_all", "start", "finish", "go_on"])
def test_pressed_twice_it_is_done_once(phone, path, person, do):
    press(phone, path, do)
    kept = records(person), events(), CareTask.objects.count()
    press(phone, path, do)
    assert (records(person), events(), CareTask.objects.count()) == kept


def test_news_are_named_only_to_who_gets_them(phone, path, person):
    assert "خبرهای کلینیک" in text_of(phone.get(path))
    assert "خبرهای کلینیک" in text_of(press(phone, path, "refuse", purpose="campaign"))
    assert "خبرهای کلینیک" not in text_of(phone.get(path))


# -- A break and an end ------------------------------------------------------------------------


def test_a_break_lasts_until_the_chosen_day_and_is_ended_there(phone, path):
    page = press(phone, path, "pause", months="1")
    assert "تا دوشنبه ۳۰ آذر" in text_of(page)
    assert (treatment().state, treatment().paused_until) == (State.PAUSED, dt.date(2026, 12, 21))
    page = press(phone, path, "go_on")
    assert page.status_code == 200
    assert treatment().state == State.ACTIVE
    assert events() == [("paused", "link"), ("resumed", "link")]


def test_a_break_until_no_such_day_is_refused_beside_the_days(phone, path):
    page = press(phone, path, "pause", day="31", month="1405-9")
    assert page.status_code == 422
    assert '<p class="error" role="alert">' in page.content.decode()
    assert treatment().state == State.ACTIVE


def test_a_break_is_of_all_treatments(phone, path, clinic, person):
    attended(clinic, person)
    press(phone, path, "pause", months="2")
    assert list(Treatment.objects.values_list("state", flat=True)) == ["paused"] * 2


def test_finishing_well_is_a_planned_ending_and_can_be_taken_back(phone, path):
    assert "ممنون از راهی که با هم آمدیم" in text_of(press(phone, path, "finish"))
    assert treatment().state == State.COMPLETED
    assert "به پایان رسیده است" in text_of(phone.get(path))
    press(phone, path, "go_on")
    assert treatment().state == State.ACTIVE
    assert events() == [("completed", "link"), ("resumed", "link")]


@pytest.mark.parametrize("end", [care.complete_treatment, care.drop_treatment])
def test_an_ending_of_staff_is_theirs_to_take_back(phone, path, clinic, end):
    staff(clinic, end, treatment())
    assert 'value="go_on"' not in phone.get(path).content.decode()
    before = treatment().state
    press(phone, path, "go_on")
    assert treatment().state == before


@pytest.mark.parametrize(("do", "fields"), [("pause", {"months": "1"}), ("finish", {})])
def test_with_a_session_booked_a_person_is_asked(phone, path, clinic, person, do, fields):
    factories.SessionFactory(clinic=clinic, clients=[person])
    body = phone.get(path)
    assert f'value="{do}"' not in body.content.decode()
    assert "تماس بگیرید تا چشم‌به‌راهتان نمانیم" in text_of(body)
    assert press(phone, path, do, **fields).status_code == 409
    assert treatment().state == State.ACTIVE


@pytest.mark.parametrize(("do", "fields"), [("pause", {"months": "1"}), ("finish", {})])
def test_nobody_calls_to_ask_what_the_client_has_said(phone, path, person, session, do, fields):
    CareTask.objects.create(
        clinic=person.clinic,
        client=person,
        session=session,
        kind=CareTask.Kind.SILENT,
        due_at=NOW,
        created_at=NOW,
    )
    press(phone, path, do, **fields)
    assert CareTask.objects.get().outcome == "done"


# -- One home ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("do", "fields", "words"),
    [
        ("pause", {"months": "1"}, "تا دوشنبه ۳۰ آذر پیامی از ما نمی‌گیرید"),
        ("finish", {}, "ممنون از راهی که با هم آمدیم"),
    ],
)
def test_the_page_of_a_silent_client_says_the_same(
    phone, path, session, person, clock, do, fields, words
):
    silent = Page(Purpose.CHOICES, session.clinic_id, session.pk, person.pk).path
    press(phone, path, do, **fields)
    assert words in text_of(phone.get(silent))
    assert ClientLink.objects.get().answer == do
    clock.shift(60)
    press(phone, path, "go_on")
    assert "دوست دارید چطور پیش برویم؟" in text_of(phone.get(silent))
    assert ClientLink.objects.get().answered_at is None


def test_what_was_chosen_on_the_silent_page_is_taken_back_here(phone, path, session, person):
    silent = Page(Purpose.CHOICES, session.clinic_id, session.pk, person.pk).path
    phone.post(silent, {"do": "finish"})
    assert "به پایان رسیده است" in text_of(phone.get(path))
    press(phone, path, "go_on")
    assert treatment().state == State.ACTIVE


def test_the_address_in_letters_leads_to_the_same_page(phone, path, person):
    with wear(Hat.WORKER, clinic_id=person.clinic_id):
        letter = stopping.stop_url(person.clinic_id, person.pk)
    from_letter = "/u/" + letter.partition("/u/")[2]
    assert text_of(phone.get(from_letter)) == text_of(phone.get(path))


def test_a_post_of_no_act_stops_only_from_a_letter(phone, path, person):
    assert phone.post(path, {}).status_code == 400
    assert consents(person) == EVERYTHING


# -- Language ----------------------------------------------------------------------------------


def test_the_language_chosen_lasts_for_all_pages_of_the_client(phone, path, session, person):
    done = press(phone, path, "speak", language="en")
    assert (done.status_code, done["Location"]) == (303, path)
    silent = published(Purpose.CHOICES, session, person)
    for address in (path, silent):
        page = phone.get(address)
        assert '<html lang="en" dir="ltr">' in page.content.decode()
        assert page["Content-Language"] == "en"
    assert phone.get(f"{silent}?lang=fa")["Content-Language"] == "fa"
    press(phone, path, "speak", language="fa")
    assert phone.get(silent)["Content-Language"] == "fa"


# -- Anything else -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"do": ""},
        {"do": "x"},
        {"do": "STOP"},
        {"do": "refuse"},
        {"do": "refuse", "purpose": "x"},
        {"do": "allow", "purpose": "safety"},
        {"do": "speak"},
        {"do": "speak", "language": "xx"},
    ],
    ids=str,
)
def test_what_is_no_act_changes_nothing(phone, path, person, sent):
    assert phone.post(path, sent).status_code == 400
    assert consents(person) == EVERYTHING
    assert Client.objects.get(pk=person.pk).language == ""


@effort(
    max_examples=examples(60),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    do=st.sampled_from(["refuse", "pause", "speak", "x"]),
    fields=st.dictionaries(
        st.sampled_from(["purpose", "months", "month", "day", "language"]), st.text(max_size=12)
    ),
)
def test_no_form_is_an_error_of_ours(phone, path, do, fields):
    assert press(phone, path, do, **fields).status_code in (200, 303, 400, 422)


def test_a_strange_charset_is_no_error(phone, path):
    kind = "application/x-www-form-urlencoded; charset=hex"
    assert phone.generic("POST", path, b"do=stop", content_type=kind).status_code == 200


def test_staff_read_in_the_file_what_the_client_chose(phone, path, client, receptionist, person):
    for do in ("stop_all", "finish"):
        press(phone, path, do)
    client.force_login(receptionist)
    page = text_of(client.get(f"/c/aramesh/clients/{person.pk}/"))
    assert "صفحه‌ی خود مراجع" in page
    assert "با پیوند" in page
