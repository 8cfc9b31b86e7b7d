"""Sessions: booking, moving, editing, and one session's page."""

import datetime as dt
import re

import pytest

from clinic.tenancy import Hat, wear
from clinic.text import persian_digits
from sessions_app import actions
from sessions_app.models import Session
from tests import factories
from tests.panel.screens import CLINIC, errors_of, html_of, notices_of, text_of, undo_of

NOW = factories.NOW
HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)
SESSIONS = CLINIC + "sessions/"
#: Sunday 1 Azar 1405, 17:30 in Tehran.
SUNDAY = dt.datetime(2026, 11, 22, 14, 0, tzinfo=dt.UTC)


@pytest.fixture
def booking(people):
    return {
        "clients": [people["my_client"].pk],
        "therapist": people["mine"].pk,
        "service": people["service"].pk,
        "day": "۱۴۰۵/۹/۱",
        "time": "۱۷:۳۰",
        "duration": "",
        "online_url": "",
    }


def make(clinic, people, starts_at=SUNDAY, who="mine", **fields):
    fields.setdefault("clients", [people["my_client" if who == "mine" else "her_client"]])
    return factories.SessionFactory(
        clinic=clinic,
        therapist=people[who],
        service=people["service"],
        starts_at=starts_at,
        **fields,
    )


def page(session):
    return f"{SESSIONS}{session.pk}/"


# -- Booking -----------------------------------------------------------------------------------


def test_booking_takes_what_people_type(as_reception, receptionist, people, booking):
    response = as_reception.post(SESSIONS + "new/", booking, follow=True)
    session = Session.objects.get()
    assert response.redirect_chain == [(page(session), 302)]
    assert (session.starts_at, session.duration) == (SUNDAY, dt.timedelta(minutes=50))
    assert [p.client for p in session.participants.all()] == [people["my_client"]]
    assert session.changes.get().by == receptionist
    assert notices_of(response) == ["جلسه برای یکشنبه ۱ آذر، ساعت ۱۷:۳۰ ثبت شد."]


def test_a_couple_and_a_length_of_its_own(as_reception, people, booking):
    both = [people["my_client"].pk, people["her_client"].pk]
    as_reception.post(SESSIONS + "new/", {**booking, "clients": both, "duration": "۸۰"})
    session = Session.objects.get()
    assert {p.client_id for p in session.participants.all()} == set(both)
    assert session.duration == dt.timedelta(minutes=80)


def test_a_clash_is_named_beside_the_time(as_reception, clinic, people, booking):
    make(clinic, people, clients=[people["her_client"]])
    response = as_reception.post(SESSIONS + "new/", {**booking, "time": "18:00"})
    assert response.status_code == 422
    other = people["her_client"].full_name
    said = f"{persian_digits(people['mine'])} در این زمان با {other} جلسه دارد، از ۱۷:۳۰ تا ۱۸:۲۰."
    assert errors_of(response) == {"time": said}
    assert Session.objects.count() == 1
    assert people["my_client"].full_name in text_of(response)


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("clients", [], "مراجع را با نام، تلفن یا شماره‌ی پرونده پیدا کنید و نامش را علامت بزنید."),
        (
            "clients",
            ["999999"],
            "پرونده‌ی یکی از مراجعان انتخاب‌شده دیگر پیدا نمی‌شود؛ دوباره انتخاب کنید.",
        ),
        ("day", "۳۱ مهر", None),
        ("day", "۱۴۰۵/۷/۳۱", None),
        ("time", "۲۵:۰۰", None),
        ("time", "۵", None),
        ("duration", "۳", None),
        ("duration", "۷۲۱", None),
        ("duration", "یک ساعت", None),
        ("therapist", "", None),
        ("service", "999999", None),
        ("online_url", "not a link", None),
    ],
)
def test_what_is_wrong_stands_beside_its_field(as_reception, people, booking, field, typed, said):
    response = as_reception.post(SESSIONS + "new/", {**booking, field: typed})
    assert response.status_code == 422
    assert list(errors_of(response)) == [field]
    if said:
        assert errors_of(response)[field] == said
    assert not Session.objects.exists()


def test_the_address_proposes_client_therapist_and_day(as_reception, people):
    person = people["my_client"]
    html = html_of(as_reception.get(f"{SESSIONS}new/?clients={person.pk}&day=1405-09-01"))
    assert f'name="clients" value="{person.pk}" id="client-{person.pk}" checked' in html
    assert f'<option value="{people["mine"].pk}" selected>' in html
    assert 'name="day" value="۱۴۰۵/۰۹/۰۱"' in html


def test_finding_a_client_is_a_step_of_the_form(as_reception, people, booking):
    chosen, other = people["my_client"], people["her_client"]
    data = {**booking, "find": "ملكي", "step": "find"}
    response = as_reception.post(SESSIONS + "new/", data)
    html = html_of(response)
    assert response.status_code == 200
    assert f'value="{chosen.pk}" id="client-{chosen.pk}" checked' in html
    assert f'value="{other.pk}" id="client-{other.pk}">' in html
    assert 'name="time" value="۱۷:۳۰"' in html
    assert not errors_of(response)
    assert not Session.objects.exists()


def test_enter_in_the_search_looks_for_the_client_and_does_not_book(as_reception, people, booking):
    as_reception.post(SESSIONS + "new/", {**booking, "find": "ملکی", "found": ""})
    assert not Session.objects.exists()
    as_reception.post(SESSIONS + "new/", {**booking, "find": "ملکی", "found": "ملکی"})
    assert Session.objects.count() == 1


def test_typing_a_name_brings_tick_boxes(as_reception, clinic, people):
    chosen, other = people["my_client"], people["her_client"]
    response = as_reception.get(
        SESSIONS + "clients/", {"find": "ملکی", "clients": [chosen.pk, "x"]}
    )
    html = html_of(response)
    assert re.findall(r'name="clients" value="(\d+)"', html) == [str(chosen.pk), str(other.pk)]
    assert "<html" not in html


def test_many_fits_ask_for_more_of_the_name(as_reception, clinic):
    factories.ClientFactory.create_batch(9, clinic=clinic, last_name="احمدی")
    html = html_of(as_reception.get(SESSIONS + "clients/", {"find": "احمدی"}))
    assert len(re.findall(r'name="clients"', html)) == 8
    assert "کمی بیشتر از نام را بنویسید" in html


def test_a_past_time_and_a_session_elsewhere_are_pointed_out(as_reception, clinic, people, booking):
    make(clinic, people, NOW - DAY + HOUR, "hers", clients=[people["my_client"]])
    data = {**booking, "day": "۱۴۰۵/۸/۲۹", "time": "11:00"}
    said = notices_of(as_reception.post(SESSIONS + "new/", data, follow=True))
    assert said[2] == "این زمان گذشته است؛ یادآوری فرستاده نمی‌شود."
    assert said[3] == f"{people['my_client']} ساعت ۱۱:۰۰ با {people['hers']} هم جلسه دارد."


# -- Moving and editing --------------------------------------------------------------------------


def test_moving_gives_a_new_time_and_an_undo(as_reception, clinic, people):
    session = make(clinic, people)
    form = html_of(as_reception.get(page(session) + "move/"))
    assert 'value="۱۴۰۵/۰۹/۰۱"' in form
    assert 'value="۱۷:۳۰"' in form
    data = {"day": "1405/09/02", "time": "9:00", "duration": "50", "therapist": people["mine"].pk}
    response = as_reception.post(page(session) + "move/", {**data, "next": CLINIC}, follow=True)
    session.refresh_from_db()
    assert response.redirect_chain == [(CLINIC, 302)]
    assert session.starts_at == dt.datetime(2026, 11, 23, 5, 30, tzinfo=dt.UTC)
    assert (session.revision, session.booked_at) == (2, NOW)
    undo = undo_of(response)
    as_reception.post(undo)
    session.refresh_from_db()
    assert (session.starts_at, session.revision) == (SUNDAY, 3)


def test_moving_into_a_taken_time_is_refused_beside_it(as_reception, clinic, people):
    session = make(clinic, people)
    make(clinic, people, SUNDAY + 2 * HOUR)
    data = {"day": "1405/09/01", "time": "19:00", "duration": "50", "therapist": people["mine"].pk}
    response = as_reception.post(page(session) + "move/", data)
    assert list(errors_of(response)) == ["time"]
    session.refresh_from_db()
    assert session.starts_at == SUNDAY


def test_moving_offers_the_present_therapist_even_when_no_longer_active(
    as_reception, clinic, people
):
    session = make(clinic, people)
    type(people["mine"]).objects.filter(pk=people["mine"].pk).update(active=False)
    form = html_of(as_reception.get(page(session) + "move/"))
    assert f'<option value="{people["mine"].pk}" selected>' in form


def test_a_recorded_session_is_not_moved(as_reception, clinic, people):
    session = make(clinic, people, NOW - DAY, state="attended")
    response = as_reception.get(page(session) + "move/", follow=True)
    assert response.redirect_chain == [(page(session), 302)]
    assert "فقط جلسه‌ای جابه‌جا می‌شود" in notices_of(response)[0]


def test_editing_changes_who_comes_and_can_be_undone(as_reception, clinic, people):
    session = make(clinic, people)
    both = [people["my_client"].pk, people["her_client"].pk]
    shown = html_of(as_reception.get(page(session) + "edit/"))
    assert re.findall(r'name="clients" value="(\d+)"[^>]*checked', shown) == [str(both[0])]
    data = {
        "clients": both,
        "service": people["service"].pk,
        "online_url": "https://meet.example/a",
    }
    response = as_reception.post(page(session) + "edit/", data, follow=True)
    session.refresh_from_db()
    assert {p.client_id for p in session.participants.all()} == set(both)
    assert (session.revision, session.online_url) == (1, "https://meet.example/a")
    assert f"از {people['my_client']} به {people['my_client']} و" in text_of(response)
    as_reception.post(undo_of(response))
    assert [p.client_id for p in session.participants.all()] == [both[0]]


def test_editing_without_a_client_is_refused(as_reception, clinic, people):
    session = make(clinic, people)
    data = {"service": people["service"].pk, "online_url": ""}
    assert list(errors_of(as_reception.post(page(session) + "edit/", data))) == ["clients"]


def test_finding_a_client_while_editing_keeps_what_was_typed(as_reception, clinic, people):
    session = make(clinic, people)
    data = {"clients": [people["my_client"].pk], "find": "ملکی", "step": "find"}
    data |= {"service": people["service"].pk, "online_url": "https://meet.example/a"}
    html = html_of(as_reception.post(page(session) + "edit/", data))
    assert f'id="client-{people["her_client"].pk}">' in html
    assert 'value="https://meet.example/a"' in html


# -- One session ---------------------------------------------------------------------------------


def test_the_page_tells_what_changed_by_whom(as_reception, receptionist, clinic, people):
    with wear(Hat.WEB, clinic_id=clinic.pk):
        session = actions.book(
            clients=[people["my_client"]],
            therapist=people["mine"],
            service=people["service"],
            starts_at=SUNDAY,
            now=NOW - 3 * DAY,
            by=receptionist,
        )
        actions.record(session, "confirmed", now=NOW - 2 * DAY, by=receptionist)
        actions.move(
            session,
            starts_at=SUNDAY + HOUR,
            therapist=people["hers"],
            now=NOW - DAY,
            by=receptionist,
        )
        actions.cancel(session, by_whom="late", now=NOW - 2 * HOUR, by=receptionist)
        actions.undo(session, now=NOW - HOUR)
    html = html_of(as_reception.get(page(session)))
    part = html[html.index('<ol class="moments">') :]
    titles = re.findall(r'<div class="title">(.*?)</div>', part)
    assert titles == ["به حالت قبل برگشت", "لغو شد", "جابه‌جا شد", "مراجع تأیید کرد", "ثبت شد"]
    words = re.sub(r"<[^>]*>", " ", part)
    assert "از یکشنبه ۱ آذر، ساعت ۱۷:۳۰ به یکشنبه ۱ آذر، ساعت ۱۸:۳۰" in words
    assert f"از {people['mine']} به {people['hers']}" in words
    assert "دیرهنگام، از سوی مراجع" in words
    assert words.count(str(receptionist)) == 4


def test_the_last_change_can_be_undone_from_the_page(as_reception, clinic, people):
    session = make(clinic, people)
    assert "/undo/" not in html_of(as_reception.get(page(session)))
    as_reception.post(page(session) + "record/", {"outcome": "confirmed"})
    change = session.changes.first()
    as_reception.get(CLINIC)  # the message with its own button is read
    path = f"{SESSIONS}changes/{change.pk}/undo/"
    assert f'action="{path}"' in html_of(as_reception.get(page(session)))
    response = as_reception.post(path, follow=True)
    assert response.redirect_chain == [(page(session), 302)]
    assert "/undo/" not in html_of(response)


def test_messages_of_the_session_tell_those_of_an_earlier_time(as_reception, clinic, people):
    session = make(clinic, people, revision=2)
    common = {"clinic": clinic, "client": people["my_client"], "session": session}
    factories.MessageFactory(**common, revision=1, state="delivered")
    factories.MessageFactory(**common, state="skipped", reason="no_consent")
    words = text_of(as_reception.get(page(session)))
    assert words.count("درباره‌ی زمان قبلی") == 1
    assert "مراجع چنین پیام‌هایی نمی‌خواهد" in words


def test_an_imported_session_says_so(as_reception, clinic, people):
    session = make(clinic, people, session_no="J-7", online_url="https://meet.example/a")
    words = text_of(as_reception.get(page(session)))
    assert "با فهرست واردشده آمده" in words
    assert "J-۷" in words


# -- Who sees what -----------------------------------------------------------------------------

NAMES = ["", "new/", "clients/", "{}/", "{}/move/", "{}/edit/"]


def test_a_therapist_sees_only_own_sessions(as_therapist, clinic, people):
    mine, hers = make(clinic, people), make(clinic, people, who="hers")
    assert as_therapist.get(page(mine)).status_code == 200
    assert as_therapist.get(page(hers)).status_code == 404


@pytest.mark.parametrize("name", ["new/", "clients/", "{}/move/", "{}/edit/"])
def test_a_therapist_may_not_manage(as_therapist, clinic, people, booking, name):
    session = make(clinic, people, NOW + 3 * DAY)
    path = SESSIONS + name.format(session.pk)
    assert as_therapist.get(path).status_code == 403
    assert as_therapist.post(path, booking).status_code in (403, 405)
    assert Session.objects.count() == 1


@pytest.mark.parametrize("name", NAMES)
def test_an_outsider_finds_nothing(as_outsider, clinic, people, booking, name):
    session = make(clinic, people, NOW + 3 * DAY)
    path = name.format(session.pk)
    assert as_outsider.get(SESSIONS + path).status_code == 404
    assert as_outsider.post(SESSIONS + path, booking).status_code in (404, 405)
    if "{}" in name:
        assert as_outsider.get(f"/c/omid/sessions/{path}").status_code == 404
    assert Session.objects.count() == 1


def test_an_outsider_cannot_book_our_people_into_their_clinic(as_outsider, people, booking):
    response = as_outsider.post("/c/omid/sessions/new/", booking)
    assert set(errors_of(response)) == {"clients", "therapist", "service"}
    assert people["my_client"].last_name not in html_of(response)


def fill(clinic, people, rows):
    for n in range(rows):
        therapist = {**people, "mine": factories.TherapistFactory(clinic=clinic)}
        client = factories.ClientFactory(clinic=clinic)
        make(clinic, therapist, SUNDAY + n * HOUR / 12, clients=[client])


@pytest.mark.parametrize("rows", [1, 30])
def test_the_booking_form_takes_the_same_queries_for_one_client_and_for_thirty(
    as_reception, clinic, people, rows, django_assert_num_queries
):
    found = factories.ClientFactory.create_batch(rows + 1, clinic=clinic, last_name="احمدی")
    fill(clinic, people, rows)
    data = {"find": "احمدی", "clients": [client.pk for client in found[: (rows + 1) // 2]]}
    with django_assert_num_queries(17):
        as_reception.get(SESSIONS + "new/", data)


@pytest.mark.parametrize("rows", [1, 30])
def test_the_page_takes_the_same_queries_for_one_change_and_for_thirty(
    as_reception, receptionist, clinic, people, rows, django_assert_num_queries
):
    session = make(clinic, people)
    for n in range(rows):
        with wear(Hat.WEB, clinic_id=clinic.pk):
            actions.edit(
                session,
                clients=[factories.ClientFactory(clinic=clinic)],
                service=factories.ServiceFactory(clinic=clinic),
                now=NOW,
                by=receptionist,
            )
            actions.move(
                session,
                starts_at=SUNDAY + (n + 1) * DAY,
                therapist=factories.TherapistFactory(clinic=clinic),
                now=NOW,
            )
        factories.MessageFactory(
            clinic=clinic, client=people["my_client"], session=session, rule_number=n
        )
    with django_assert_num_queries(19):
        as_reception.get(page(session))
