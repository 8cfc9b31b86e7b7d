"""Clients: the list and its search, the file, and the page of one person."""

import datetime as dt
import re

import pytest

from clinic.tenancy import Hat, wear
from feedback.models import Response
from messaging.models import Reply
from patients.models import Client, ClientEvent, ConsentRecord
from sessions_app import actions
from sessions_app.models import CancelledBy, CareAttempt, CareTask
from tests import factories
from tests.panel.screens import CLINIC, errors_of, html_of, notices_of, text_of

NOW = factories.NOW
HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)
LIST = CLINIC + "clients/"
FILE = {
    "file_no": "۲۰۰۱",
    "honorific": "خانم",
    "first_name": "سارا",
    "last_name": "صادقي",
    "gender": "female",
    "phone": "۰۹۱۲ ۱۲۳ ۴۵۶۷",
    "email": "sara@example.ir",
    "birth_date": "۱۳۶۸/۴/۳۱",
    "consents": ["transactional", "follow_up"],
}


def rows_of(response):
    return [
        int(pk)
        for pk in re.findall(r'<a class="title" href="[^"]*/clients/(\d+)/"', html_of(response))
    ]


def page(client):
    return f"{LIST}{client.pk}/"


# -- The list ----------------------------------------------------------------------------------


def test_everybody_in_alphabetical_order_with_the_next_session(as_reception, clinic, people):
    factories.SessionFactory(
        clinic=clinic, clients=[people["her_client"]], starts_at=NOW + DAY, therapist=people["hers"]
    )
    response = as_reception.get(LIST)
    assert rows_of(response) == [people["my_client"].pk, people["her_client"].pk]
    assert "فردا، ساعت ۱۰:۰۰" in text_of(response)
    assert "۲ مراجع" in text_of(response)


def test_pages_hold_thirty(as_reception, clinic):
    factories.ClientFactory.create_batch(31, clinic=clinic)
    assert len(rows_of(as_reception.get(LIST))) == 30
    second = as_reception.get(LIST + "?page=2&q=")
    assert len(rows_of(second)) == 1
    assert "صفحه" in text_of(second)
    assert len(rows_of(as_reception.get(LIST + "?page=nonsense"))) == 30


def test_search_works_as_an_ordinary_form(as_reception, people):
    response = as_reception.get(LIST, {"q": "كريمي"})
    assert rows_of(response) == [people["my_client"].pk]
    assert 'value="كريمي"' in html_of(response)
    assert "<html" in html_of(response)


def test_typing_changes_only_the_list(as_reception, people):
    headers = {"HX-Request": "true", "HX-Target": "client-list"}
    response = as_reception.get(LIST, {"q": "ملک"}, headers=headers)
    assert rows_of(response) == [people["her_client"].pk]
    assert "<html" not in html_of(response)
    assert "HX-Request" in response.headers["Vary"]


def test_near_spellings_stand_apart(as_reception, clinic, people):
    near = factories.ClientFactory(clinic=clinic, last_name="کرمی")
    response = as_reception.get(LIST, {"q": "کریمی"})
    assert rows_of(response) == [people["my_client"].pk, near.pk]
    before, after = html_of(response).split("با املایی نزدیک به این")
    assert f"/clients/{people['my_client'].pk}/" in before
    assert f"/clients/{near.pk}/" in after


def test_nobody_found_offers_a_new_file(as_reception, people):
    response = as_reception.get(LIST, {"q": "پرویز"})
    assert "کسی با «پرویز» پیدا نشد" in text_of(response)
    assert f'href="{LIST}new/"' in html_of(response)


def test_an_empty_clinic_offers_the_import(as_reception, clinic):
    response = as_reception.get(LIST)
    assert "هنوز مراجعی ثبت نشده" in text_of(response)
    assert f'href="{CLINIC}import/"' in html_of(response)


# -- The file ----------------------------------------------------------------------------------


def test_the_next_free_file_number_is_proposed(as_reception, clinic):
    factories.ClientFactory(clinic=clinic, file_no="1041")
    assert 'value="۱۰۴۲"' in html_of(as_reception.get(LIST + "new/"))


def test_a_new_file_is_cleaned_and_its_consents_recorded(as_reception, receptionist, clinic):
    response = as_reception.post(LIST + "new/", FILE, follow=True)
    made = Client.objects.get()
    assert response.redirect_chain == [(page(made), 302)]
    assert (made.file_no, made.last_name, made.phone) == ("2001", "صادقی", "+989121234567")
    assert (made.birth_date, made.created_at) == (dt.date(1989, 7, 22), NOW)
    assert (made.consent_transactional, made.consent_follow_up) == (True, True)
    assert (made.consent_motivation, made.consent_campaign) == (False, False)
    kept = ConsentRecord.objects.values_list("purpose", "given", "source", "recorded_by")
    assert sorted(kept) == [
        ("follow_up", True, "panel", receptionist.pk),
        ("transactional", True, "panel", receptionist.pk),
    ]


def test_a_refusal_in_a_new_file_is_recorded_too(as_reception, clinic):
    as_reception.post(LIST + "new/", {**FILE, "consents": ["transactional", "motivation"]})
    made = Client.objects.get()
    assert (made.consent_follow_up, made.consent_motivation) == (False, True)
    kept = ConsentRecord.objects.values_list("purpose", "given")
    assert sorted(kept) == [("follow_up", False), ("motivation", True), ("transactional", True)]


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("", ""),
        ("0912-123-4567", "+989121234567"),
        ("+98 912 123 4567", "+989121234567"),
        ("9121234567", "+989121234567"),
        ("٠٩١٢١٢٣٤٥٦٧", "+989121234567"),
        ("021 88001122", "+982188001122"),
    ],
)
def test_a_phone_is_taken_in_every_form(as_reception, clinic, typed, kept):
    as_reception.post(LIST + "new/", {**FILE, "phone": typed})
    assert Client.objects.get().phone == kept


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("phone", "0912 123", "چند رقم کم است. شماره را مثل ۰۹۱۲ ۱۲۳ ۴۵۶۷ بنویسید."),
        ("phone", "0912 1234 56789", "چند رقم زیادی است. شماره را مثل ۰۹۱۲ ۱۲۳ ۴۵۶۷ بنویسید."),
        ("phone", "ندارد", "شماره‌ی تلفن فقط رقم دارد، مثل ۰۹۱۲ ۱۲۳ ۴۵۶۷."),
        ("phone", "88001122", "تلفن ثابت را با کد شهر بنویسید، مثل ۰۲۱ ۸۸۰۰ ۱۱۲۲."),
        ("birth_date", "۱۳۶۸/۱۳/۱", "چنین روزی در تقویم نیست؛ تاریخ را درست کنید."),
        ("birth_date", "۱۴۰۵/۰۹/۰۱", "تاریخ تولد در آینده است."),
        ("last_name", "", None),
        ("file_no", "", None),
        ("email", "sara@", None),
    ],
)
def test_what_is_wrong_stands_beside_its_field(as_reception, clinic, field, typed, said):
    response = as_reception.post(LIST + "new/", {**FILE, field: typed})
    errors = errors_of(response)
    assert response.status_code == 422
    assert list(errors) == [field]
    if said:
        assert errors[field] == said
    assert not Client.objects.exists()
    assert "صادقي" in html_of(response) or field == "last_name"


def test_a_taken_file_number_names_its_holder(as_reception, clinic, people):
    taken = people["my_client"]
    response = as_reception.post(LIST + "new/", {**FILE, "file_no": taken.file_no})
    assert errors_of(response) == {"file_no": f"این شماره‌ی پرونده‌ی {taken.full_name} است."}


def test_a_file_number_taken_at_the_same_moment_is_told(as_reception, clinic, monkeypatch):
    from patients.forms import ClientForm

    monkeypatch.setattr(ClientForm, "clean_file_no", lambda form: "2001")
    factories.ClientFactory(clinic=clinic, file_no="2001")
    response = as_reception.post(LIST + "new/", FILE)
    assert "پرونده‌ی دیگری این شماره را گرفت" in errors_of(response)["file_no"]


def test_a_shared_phone_is_allowed_and_named(as_reception, clinic, people):
    mother = people["my_client"]
    data = {**FILE, "phone": mother.phone}
    response = as_reception.post(LIST + "new/", data, follow=True)
    said = notices_of(response)
    assert any(mother.full_name in words for words in said)
    assert f"همین شماره در پرونده‌ی این افراد هم هست: {mother.full_name}" in text_of(response)


def test_editing_keeps_the_consents_under_their_record(as_reception, receptionist, clinic, people):
    person = people["my_client"]
    shown = html_of(as_reception.get(page(person) + "edit/"))
    assert f'value="{"".join(chr(ord("۰") + int(d)) for d in person.file_no)}"' in shown
    data = {**FILE, "file_no": person.file_no, "phone": "", "consents": ["transactional"]}
    response = as_reception.post(page(person) + "edit/", data, follow=True)
    person.refresh_from_db()
    assert response.redirect_chain == [(page(person), 302)]
    assert (person.last_name, person.phone, person.consent_follow_up) == ("صادقی", "", False)
    assert "صادقی" in person.search_text
    record = ConsentRecord.objects.get()
    assert (record.purpose, record.given, record.recorded_by) == ("follow_up", False, receptionist)


def test_a_number_on_file_is_shown_as_people_read_it(as_reception, people):
    person = people["my_client"]
    Client.objects.filter(pk=person.pk).update(phone="+989121234567")
    assert 'value="۰۹۱۲ ۱۲۳ ۴۵۶۷"' in html_of(as_reception.get(page(person) + "edit/"))


# -- One person ----------------------------------------------------------------------------------


def test_the_page_says_how_a_text_addresses_and_whom_no_text_reaches(as_reception, clinic):
    person = factories.ClientFactory(
        clinic=clinic,
        honorific="خانم",
        last_name="کریمی",
        phone="",
        birth_date=dt.date(1989, 7, 22),
    )
    words = text_of(as_reception.get(page(person)))
    assert "خطاب در پیام: «خانم کریمی»" in words
    assert "۳۷ ساله" in words
    assert "شماره‌ای در پرونده نیست و پیامکی به این مراجع نمی‌رسد." in words


@pytest.mark.parametrize("given", [True, False])
def test_a_consent_is_changed_with_one_click(as_reception, receptionist, people, given):
    person = people["my_client"]
    Client.objects.filter(pk=person.pk).update(consent_motivation=not given)
    data = {"purpose": "motivation", **({"given": "on"} if given else {})}
    response = as_reception.post(page(person) + "consent/", data, follow=True)
    person.refresh_from_db()
    record = ConsentRecord.objects.get()
    assert (person.consent_motivation, record.given, record.recorded_by) == (
        given,
        given,
        receptionist,
    )
    assert len(notices_of(response)) == 1


def test_a_consent_that_is_none_is_refused(as_reception, people):
    response = as_reception.post(page(people["my_client"]) + "consent/", {"purpose": "nonsense"})
    assert response.status_code == 400


@pytest.fixture
def lived(clinic, people, receptionist):
    """A client with a past: two sessions, a move, a message, a consent."""
    person, therapist = people["my_client"], people["mine"]
    with wear(Hat.WEB, clinic_id=clinic.pk):
        first = actions.book(
            clients=[person],
            therapist=therapist,
            service=people["service"],
            starts_at=NOW - 7 * DAY,
            now=NOW - 20 * DAY,
            by=receptionist,
        )
        actions.record(first, "attended", now=NOW - 7 * DAY + HOUR, by=receptionist)
        second = actions.book(
            clients=[person],
            therapist=therapist,
            service=people["service"],
            starts_at=NOW + 3 * DAY,
            now=NOW - 6 * DAY,
            by=receptionist,
        )
        actions.move(second, starts_at=NOW + 4 * DAY, now=NOW - 2 * DAY, by=receptionist)
    message = factories.MessageFactory(
        clinic=clinic, client=person, session=first, state="delivered", due_at=NOW - 8 * DAY
    )
    ConsentRecord.objects.create(
        clinic=clinic,
        client=person,
        purpose="motivation",
        given=True,
        source="panel",
        recorded_at=NOW - DAY,
        recorded_by=receptionist,
    )
    return {"person": person, "first": first, "second": second, "message": message}


def timeline_of(response):
    part = re.search(r'id="timeline".*?</section>', html_of(response), re.DOTALL)[0]
    return re.findall(r'<li class="moment-(\w+)"', part), re.sub(r"<[^>]*>", " ", part)


def test_the_timeline_tells_everything_newest_first(as_reception, lived):
    kinds, words = timeline_of(as_reception.get(page(lived["person"])))
    assert kinds == [
        "consent",
        "change",
        "change",
        "change",
        "session",
        "message",
        "change",
    ]
    assert "از سه‌شنبه ۳ آذر، ساعت ۱۰:۰۰ به چهارشنبه ۴ آذر، ساعت ۱۰:۰۰" in words


def test_the_timeline_comes_in_pages(as_reception, clinic, lived):
    for n in range(40):
        factories.MessageFactory(
            clinic=clinic,
            client=lived["person"],
            session=None,
            rule_number=n,
            due_at=NOW - n * HOUR,
        )
    assert len(timeline_of(as_reception.get(page(lived["person"])))[0]) == 30
    second, _ = timeline_of(as_reception.get(page(lived["person"]) + "?page=2"))
    assert len(second) == 17
    assert second[-1] == "change"


def test_the_page_shows_what_comes_and_what_will_be_sent(as_reception, clinic, lived):
    factories.RuleFactory(clinic=clinic)
    type(clinic).objects.filter(pk=clinic.pk).update(live_since=NOW - 30 * DAY)
    words = text_of(as_reception.get(page(lived["person"])))
    assert "چهارشنبه ۴ آذر، ساعت ۱۰:۰۰" in words
    assert "فرستاده می‌شود" in words
    assert lived["person"].addressed in words
    assert "۱ برگزارشده" in words


def test_a_text_that_will_not_go_says_why(as_reception, clinic, lived):
    factories.RuleFactory(clinic=clinic)
    type(clinic).objects.filter(pk=clinic.pk).update(live_since=NOW - 30 * DAY)
    Client.objects.filter(pk=lived["person"].pk).update(consent_transactional=False)
    words = text_of(as_reception.get(page(lived["person"])))
    assert "مراجع چنین پیام‌هایی نمی‌خواهد" in words


# -- Who sees what -----------------------------------------------------------------------------


def test_a_therapist_sees_own_clients_only(as_therapist, clinic, people):
    assert rows_of(as_therapist.get(LIST)) == [people["my_client"].pk]
    assert as_therapist.get(page(people["my_client"])).status_code == 200
    assert as_therapist.get(page(people["her_client"])).status_code == 404
    assert rows_of(as_therapist.get(LIST, {"q": "ملکی"})) == []


@pytest.mark.parametrize("how", ["treatment", "session"])
def test_a_client_becomes_a_therapists_own_by_treatment_or_session(
    as_therapist, clinic, people, how
):
    person = people["her_client"]
    if how == "session":
        factories.SessionFactory(clinic=clinic, therapist=people["mine"], clients=[person])
    else:
        person.treatments.create(
            clinic=clinic, therapist=people["mine"], service=people["service"], started_at=NOW
        )
    assert as_therapist.get(page(person)).status_code == 200


def test_of_a_shared_client_a_therapist_sees_only_their_half(as_therapist, clinic, people):
    person = people["my_client"]
    other = factories.SessionFactory(
        clinic=clinic, therapist=people["hers"], clients=[person], starts_at=NOW - DAY
    )
    ahead = factories.SessionFactory(
        clinic=clinic, therapist=people["hers"], clients=[person], starts_at=NOW + DAY
    )
    with wear(Hat.WEB, clinic_id=clinic.pk):
        actions.cancel(other, by_whom=CancelledBy.CLINIC, now=NOW)
    factories.MessageFactory(clinic=clinic, client=person, session=other, due_at=NOW - DAY)
    person.treatments.create(
        clinic=clinic, therapist=people["hers"], service=people["service"], started_at=NOW
    )
    factories.RuleFactory(clinic=clinic)
    response = as_therapist.get(page(person))
    assert timeline_of(response)[0] == []
    for session in (other, ahead):
        assert f"/sessions/{session.pk}/" not in html_of(response)
    assert people["hers"].name not in html_of(response)


def test_a_shared_phone_does_not_show_another_therapists_client(as_therapist, people):
    hidden = people["her_client"]
    Client.objects.filter(pk=hidden.pk).update(phone=people["my_client"].phone)
    assert hidden.last_name not in html_of(as_therapist.get(page(people["my_client"])))


@pytest.mark.parametrize("name", ["new/", "{}/edit/", "{}/consent/"])
def test_a_therapist_reads_and_does_not_write(as_therapist, people, name):
    path = LIST + name.format(people["my_client"].pk)
    assert as_therapist.post(path, FILE).status_code == 403
    assert as_therapist.get(path).status_code in (403, 405)


@pytest.mark.parametrize("name", ["", "new/", "{}/", "{}/edit/", "{}/consent/"])
def test_an_outsider_finds_nothing(as_outsider, people, name):
    path = name.format(people["my_client"].pk)
    assert as_outsider.get(LIST + path).status_code in (404, 405)
    assert as_outsider.post(LIST + path, FILE).status_code in (404, 405)
    if "{}" in name:
        assert as_outsider.post(f"/c/omid/clients/{path}", FILE).status_code in (404, 405)
    assert Client.objects.filter(last_name="صادقی").count() == 0


@pytest.mark.parametrize("rows", [1, 30])
def test_the_list_takes_the_same_queries_for_one_and_for_thirty(
    as_reception, clinic, rows, django_assert_num_queries
):
    for _ in range(rows):
        person = factories.ClientFactory(
            clinic=clinic,
            last_name="صادقی",
            therapist=factories.TherapistFactory(clinic=clinic),
            service=factories.ServiceFactory(clinic=clinic),
        )
        factories.SessionFactory(clinic=clinic, clients=[person], starts_at=NOW + DAY)
    with django_assert_num_queries(15):
        response = as_reception.get(LIST, {"q": "صادفی"})
    assert len(rows_of(response)) == rows


def follow_up_of(person, session, at, by):
    """One of each: a decision, a task with a try, an answer, a text of the client's own."""
    common = {"clinic": person.clinic}
    treatment = person.treatments.filter(therapist=session.therapist).first()
    ClientEvent.objects.create(
        **common, client=person, treatment=treatment, kind="resumed", at=at, by=by
    )
    task = CareTask.objects.create(
        **common,
        client=person,
        session=session,
        kind="call",
        due_at=at,
        created_at=at,
        created_by=by,
    )
    CareAttempt.objects.create(**common, task=task, outcome="no_answer", at=at, by=by)
    Response.objects.create(
        **common, client=person, session=session, overall=4, created_at=at, changed_at=at
    )
    Reply.objects.create(
        **common,
        provider="kavenegar",
        provider_id=str(session.pk),
        phone=person.phone,
        text="سلام",
        intent="other",
        received_at=at,
    )


@pytest.mark.parametrize("rows", [1, 30])
def test_the_page_takes_the_same_queries_for_one_and_for_thirty(
    as_reception, receptionist, clinic, people, rows, django_assert_num_queries
):
    person = people["my_client"]
    factories.RuleFactory(clinic=clinic)
    for n in range(1, rows + 1):
        therapist = factories.TherapistFactory(clinic=clinic)
        past = factories.SessionFactory(
            clinic=clinic, therapist=therapist, clients=[person], starts_at=NOW - n * DAY
        )
        ahead = factories.SessionFactory(
            clinic=clinic, therapist=therapist, clients=[person], starts_at=NOW + n * DAY
        )
        with wear(Hat.WEB, clinic_id=clinic.pk):
            actions.cancel(past, now=NOW - n * DAY, by=receptionist)
            actions.move(
                ahead,
                starts_at=ahead.starts_at + HOUR,
                therapist=people["mine"],
                now=NOW - n * DAY,
                by=receptionist,
            )
        factories.MessageFactory(
            clinic=clinic, client=person, session=ahead, due_at=NOW - n * DAY, state="sent"
        )
        person.treatments.create(
            clinic=clinic, therapist=therapist, service=ahead.service, started_at=NOW
        )
        ConsentRecord.objects.create(
            clinic=clinic,
            client=person,
            purpose="motivation",
            given=bool(n % 2),
            source="panel",
            recorded_at=NOW - n * DAY,
            recorded_by=receptionist,
        )
        follow_up_of(person, ahead, NOW - n * DAY, receptionist)
    with django_assert_num_queries(48):
        assert as_reception.get(page(person)).status_code == 200
