"""The day at reception: who comes, what became of it, and what waits for somebody."""

import datetime as dt
import re

import pytest

from clinic.tenancy import Hat, wear
from panel.lines import look_of, outcomes_of
from sessions_app import actions
from sessions_app.models import Session
from tests import factories
from tests.panel.screens import (
    CLINIC,
    buttons_of,
    html_of,
    line_of,
    notices_of,
    text_of,
    undo_of,
)

NOW = factories.NOW
HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)
HTMX = {"HX-Request": "true"}


def make(clinic, people, starts_at=NOW + HOUR, who="mine", **fields):
    client = people["my_client" if who == "mine" else "her_client"]
    fields.setdefault("clients", [client])
    return factories.SessionFactory(
        clinic=clinic,
        therapist=people[who],
        service=people["service"],
        starts_at=starts_at,
        **fields,
    )


def state_of(session):
    session.refresh_from_db()
    return session.state


# -- The list ----------------------------------------------------------------------------------


def test_a_line_says_when_who_with_whom_and_how_it_stands(as_reception, clinic, people):
    session = make(clinic, people)
    line = line_of(as_reception.get(CLINIC), session)
    words = re.sub(r"<[^>]*>", " ", line)
    for said in ("۱۱:۰۰", "کریمی", people["service"].name, "در انتظار", "هنوز پیامی نرفته"):
        assert said in words


def test_the_day_is_grouped_by_therapist_or_by_time(as_reception, clinic, people):
    late = make(clinic, people, NOW + 3 * HOUR)
    early = make(clinic, people, NOW + HOUR, "hers")
    middle = make(clinic, people, NOW + 2 * HOUR)
    by_time = re.findall(r'id="session-(\d+)"', html_of(as_reception.get(CLINIC + "?group=time")))
    assert by_time == [str(s.pk) for s in (early, middle, late)]
    page = html_of(as_reception.get(CLINIC))
    by_therapist = re.findall(r'id="session-(\d+)"', page)
    order = [[middle, late], [early]]
    if people["mine"].sort_key > people["hers"].sort_key:
        order.reverse()
    assert by_therapist == [str(s.pk) for group in order for s in group]
    assert len(re.findall(r'id="group-\d+"', page)) == 2


@pytest.mark.parametrize(
    ("asked", "title", "before", "after"),
    [
        pytest.param("1405/09/01", "یکشنبه ۱ آذر ۱۴۰۵", "1405-08-30", "1405-09-02", id="month"),
        pytest.param("۱۴۰۵-۰۶-۳۱", "سه‌شنبه ۳۱ شهریور ۱۴۰۵", "1405-06-30", "1405-07-01", id="31"),
        pytest.param("1404-12-29", "جمعه ۲۹ اسفند ۱۴۰۴", "1404-12-28", "1405-01-01", id="year"),
        pytest.param("1408-12-30", "چهارشنبه ۳۰ اسفند ۱۴۰۸", "1408-12-29", "1409-01-01", id="leap"),
    ],
)
def test_another_day_and_its_neighbours(as_reception, clinic, asked, title, before, after):
    response = as_reception.get(CLINIC, {"day": asked})
    assert title in text_of(response)
    assert re.findall(r"\?day=([\d-]+)&group=therapist", html_of(response)) == [before, after]


def test_a_day_ends_at_midnight_of_the_clinic(as_reception, clinic, people):
    midnight = dt.datetime(2026, 11, 21, 20, 30, tzinfo=dt.UTC)
    last = make(clinic, people, midnight - HOUR)
    first = make(clinic, people, midnight)
    page = as_reception.get(CLINIC)
    assert (line_of(page, last) != "", line_of(page, first) != "") == (True, False)
    page = as_reception.get(CLINIC + "?day=1405-09-01")
    assert (line_of(page, last) != "", line_of(page, first) != "") == (False, True)


def test_a_day_that_cannot_be_read_shows_today_and_says_so(as_reception, clinic):
    response = as_reception.get(CLINIC + "?day=1405-13-40")
    assert "شنبه ۳۰ آبان ۱۴۰۵" in text_of(response)
    assert notices_of(response) == ["این تاریخ خوانده نشد؛ امروز را می‌بینید."]


def test_an_empty_day_offers_the_first_step(as_reception, clinic):
    page = html_of(as_reception.get(CLINIC + "?day=1405-09-03"))
    assert f'href="{CLINIC}sessions/new/?day=1405-09-03"' in page


def test_the_latest_message_about_the_present_time_is_shown(as_reception, clinic, people):
    session = make(clinic, people, revision=2)
    common = {"clinic": clinic, "client": people["my_client"], "session": session}
    factories.MessageFactory(**common, revision=1, state="failed", due_at=NOW)
    factories.MessageFactory(**common, state="delivered", due_at=NOW - 3 * DAY)
    latest = factories.MessageFactory(
        **common, rule_number=2, state="skipped", reason="no_consent", due_at=NOW - DAY
    )
    line = line_of(as_reception.get(CLINIC), session)
    assert re.findall(r"/messages/(\d+)/", line) == [str(latest.pk)]
    assert "مراجع چنین پیام‌هایی نمی‌خواهد" in line


def test_a_couple_has_a_message_each(as_reception, clinic, people):
    both = [people["my_client"], people["her_client"]]
    session = make(clinic, people, clients=both)
    for client in both:
        factories.MessageFactory(clinic=clinic, client=client, session=session, state="sent")
    line = line_of(as_reception.get(CLINIC), session)
    assert len(re.findall(r"/messages/\d+/", line)) == 2
    assert "کریمی" in line
    assert "ملکی" in line


# -- One click ---------------------------------------------------------------------------------

OFFERED = [
    pytest.param("scheduled", 2 * DAY, ["confirmed"], id="another day"),
    pytest.param("scheduled", HOUR, ["confirmed", "arrived"], id="later today"),
    pytest.param("confirmed", HOUR, ["arrived"], id="confirmed"),
    pytest.param("scheduled", -HOUR / 2, ["arrived", "attended", "no_show"], id="going on"),
    pytest.param("scheduled", -2 * HOUR, ["attended", "no_show"], id="over"),
    pytest.param("scheduled", -2 * DAY, ["attended", "no_show"], id="days ago"),
    pytest.param("arrived", HOUR / 4, [], id="came early"),
    pytest.param("arrived", -HOUR, ["attended"], id="arrived"),
    pytest.param("attended", -HOUR, ["no_show"], id="correct a visit"),
    pytest.param("no_show", -HOUR, ["attended"], id="correct a no-show"),
    pytest.param("cancelled", HOUR, [], id="cancelled"),
]


@pytest.mark.parametrize(("state", "ahead", "expected"), OFFERED)
def test_what_may_be_recorded(state, ahead, expected):
    start = NOW + ahead
    session = Session(state=state, starts_at=start, ends_at=start + dt.timedelta(minutes=50))
    assert [o.value for o in outcomes_of(session, NOW, "Asia/Tehran")] == expected


@pytest.mark.parametrize(
    ("state", "by", "ahead", "look"),
    [
        ("scheduled", "", HOUR, "scheduled"),
        ("scheduled", "", -2 * HOUR, "unrecorded"),
        ("arrived", "", -2 * HOUR, "unrecorded"),
        ("attended", "", -2 * HOUR, "attended"),
        ("cancelled", "client", HOUR, "cancelled_by_client"),
        ("cancelled", "clinic", HOUR, "cancelled_by_clinic"),
        ("cancelled", "late", HOUR, "cancelled_late"),
        ("cancelled", "", HOUR, "cancelled"),
    ],
)
def test_how_a_session_looks(state, by, ahead, look):
    start = NOW + ahead
    session = Session(
        state=state, cancelled_by=by, starts_at=start, ends_at=start + dt.timedelta(minutes=50)
    )
    assert look_of(session, NOW) == look


@pytest.mark.parametrize("outcome", ["confirmed", "arrived"])
def test_one_click_records_and_offers_an_undo(as_reception, receptionist, clinic, people, outcome):
    session = make(clinic, people)
    back = CLINIC + "?day=1405-08-30&group=time"
    response = as_reception.post(
        f"{CLINIC}sessions/{session.pk}/record/", {"outcome": outcome, "next": back}, follow=True
    )
    assert response.redirect_chain == [(back, 302)]
    assert state_of(session) == outcome
    change = session.changes.get()
    assert (change.by, change.at) == (receptionist, NOW)
    undo = undo_of(response)
    response = as_reception.post(undo, follow=True)
    assert response.redirect_chain == [(back, 302)]
    assert state_of(session) == "scheduled"
    assert notices_of(response) == ["به حالت قبل برگشت."]


def test_undo_refuses_when_somebody_changed_the_session_since(as_reception, clinic, people):
    session = make(clinic, people)
    response = as_reception.post(
        f"{CLINIC}sessions/{session.pk}/record/", {"outcome": "confirmed"}, follow=True
    )
    with wear(Hat.WEB, clinic_id=clinic.pk):
        actions.record(session, "arrived", now=NOW)
    undo = undo_of(response)
    response = as_reception.post(undo, follow=True)
    assert state_of(session) == "arrived"
    assert notices_of(response) == ["جلسه پس از آن دوباره تغییر کرده است؛ اول آن را ببینید."]


def test_an_outcome_before_the_start_is_refused_in_words(as_reception, clinic, people):
    session = make(clinic, people)
    response = as_reception.post(
        f"{CLINIC}sessions/{session.pk}/record/", {"outcome": "attended"}, follow=True
    )
    assert state_of(session) == "scheduled"
    assert notices_of(response) == ["جلسه هنوز شروع نشده است."]


@pytest.mark.parametrize("by_whom", ["client", "clinic", "late"])
def test_cancelling_says_by_whom_and_can_be_undone(as_reception, clinic, people, by_whom):
    session = make(clinic, people)
    response = as_reception.post(
        f"{CLINIC}sessions/{session.pk}/cancel/", {"by_whom": by_whom, "next": CLINIC}, follow=True
    )
    assert (state_of(session), session.cancelled_by) == ("cancelled", by_whom)
    undo = undo_of(response)
    as_reception.post(undo)
    assert (state_of(session), session.cancelled_by, session.revision) == ("scheduled", "", 2)


def test_restoring_into_a_taken_time_names_who_is_there(as_reception, clinic, people):
    session = make(clinic, people, state="cancelled", cancelled_by="client")
    make(clinic, people, clients=[people["her_client"]])
    response = as_reception.post(f"{CLINIC}sessions/{session.pk}/restore/", follow=True)
    assert state_of(session) == "cancelled"
    said = notices_of(response)[0]
    assert people["her_client"].full_name in said
    assert "از ۱۱:۰۰ تا ۱۱:۵۰" in said


@pytest.mark.parametrize(
    ("name", "data"),
    [("record", {"outcome": "cancelled"}), ("record", {}), ("cancel", {"by_whom": "nobody"})],
)
def test_an_act_that_is_none_changes_nothing(as_reception, clinic, people, name, data):
    session = make(clinic, people)
    assert as_reception.post(f"{CLINIC}sessions/{session.pk}/{name}/", data).status_code == 400
    assert state_of(session) == "scheduled"


def test_the_way_back_stays_in_the_house(as_reception, clinic, people):
    session = make(clinic, people)
    response = as_reception.post(
        f"{CLINIC}sessions/{session.pk}/record/",
        {"outcome": "confirmed", "next": "https://elsewhere.example/"},
    )
    assert response.headers["Location"] == f"{CLINIC}sessions/{session.pk}/"


def test_with_htmx_only_the_line_changes(as_reception, clinic, people):
    session = make(clinic, people, NOW - 2 * HOUR)
    response = as_reception.post(
        f"{CLINIC}sessions/{session.pk}/record/",
        {"outcome": "attended", "live": "1", "day": "۱۴۰۵/۰۸/۳۰", "next": CLINIC},
        headers=HTMX,
    )
    page = html_of(response)
    assert "<html" not in page
    assert re.findall(r'id="([\w-]+)"[^>]*hx-swap-oob="true"', page) == [
        f"session-{session.pk}",
        "attention",
        "bell",
        "messages",
    ]
    assert buttons_of(response, session) == ["no_show"]
    assert undo_of(response).endswith(f"/undo/?next={CLINIC}")


def test_with_htmx_a_line_of_another_day_is_not_sent(as_reception, clinic, people):
    session = make(clinic, people, NOW - 2 * DAY)
    response = as_reception.post(
        f"{CLINIC}sessions/{session.pk}/record/",
        {"outcome": "attended", "live": "1", "day": "۱۴۰۵/۰۸/۳۰"},
        headers=HTMX,
    )
    assert line_of(response, session) == ""
    assert state_of(session) == "attended"


# -- Needs attention -----------------------------------------------------------------------------


def attention_of(response):
    return re.search(r'<aside class="attention".*?</aside>', html_of(response), re.DOTALL)[0]


@pytest.mark.parametrize(
    ("state", "due_at", "shown"),
    [
        pytest.param("unknown", NOW - 30 * DAY, True, id="unknown until settled"),
        pytest.param("failed", NOW - 2 * DAY, True, id="failed"),
        pytest.param("failed", NOW - 4 * DAY, False, id="failed long ago"),
        pytest.param("undelivered", NOW - HOUR, True, id="undelivered"),
        pytest.param("delivered", NOW - HOUR, False, id="delivered"),
        pytest.param("skipped", NOW - HOUR, False, id="skipped"),
    ],
)
def test_messages_that_wait_for_somebody(as_reception, clinic, people, state, due_at, shown):
    session = make(clinic, people, NOW + DAY)
    message = factories.MessageFactory(
        clinic=clinic, client=people["my_client"], session=session, state=state, due_at=due_at
    )
    assert (f"/messages/{message.pk}/" in attention_of(as_reception.get(CLINIC))) is shown


def test_sessions_nobody_recorded_are_shown_newest_first_with_their_count(
    as_reception, clinic, people
):
    sessions = [make(clinic, people, NOW - n * DAY - HOUR) for n in range(23)]
    part = attention_of(as_reception.get(CLINIC))
    shown = re.findall(r'id="open-(\d+)"', part)
    assert shown == [str(s.pk) for s in sessions[:20]]
    assert "۲۰ جلسه‌ی تازه‌تر از ۲۳ جلسه" in part
    assert '<span class="count card-actions">۲۳</span>' in part


@pytest.mark.parametrize(
    ("phone", "ahead", "shown"),
    [
        pytest.param("", DAY, True, id="no number"),
        pytest.param("+982188001122", DAY, True, id="landline"),
        pytest.param("+989121234567", DAY, False, id="mobile"),
        pytest.param("", 3 * DAY + HOUR, False, id="later than three days"),
        pytest.param("", -HOUR, False, id="past"),
    ],
)
def test_clients_no_text_can_reach(as_reception, clinic, people, phone, ahead, shown):
    client = factories.ClientFactory(clinic=clinic, phone=phone)
    make(clinic, people, NOW + ahead, clients=[client], state="confirmed")
    part = attention_of(as_reception.get(CLINIC))
    assert (f"/clients/{client.pk}/" in part) is shown


def test_a_client_is_named_once_with_the_soonest_session(as_reception, clinic, people):
    client = factories.ClientFactory(clinic=clinic, phone="")
    make(clinic, people, NOW + 2 * DAY, clients=[client])
    make(clinic, people, NOW + DAY, clients=[client])
    part = attention_of(as_reception.get(CLINIC))
    assert part.count(f"/clients/{client.pk}/") == 1
    assert "فردا، ساعت ۱۰:۰۰" in part


def test_when_nothing_waits_it_says_so(as_reception, clinic):
    assert "کاری در انتظار شما نیست." in attention_of(as_reception.get(CLINIC))


# -- Who sees what -----------------------------------------------------------------------------


def test_a_therapist_sees_and_records_only_own_sessions(as_therapist, clinic, people):
    mine, hers = make(clinic, people), make(clinic, people, who="hers")
    late = make(clinic, people, NOW - 3 * HOUR, who="hers")
    page = as_therapist.get(CLINIC)
    assert (line_of(page, mine) != "", line_of(page, hers) != "") == (True, False)
    assert f'id="open-{late.pk}"' not in html_of(page)
    assert "ملکی" not in html_of(page)
    recorded = as_therapist.post(f"{CLINIC}sessions/{mine.pk}/record/", {"outcome": "confirmed"})
    assert (recorded.status_code, state_of(mine)) == (302, "confirmed")
    response = as_therapist.post(f"{CLINIC}sessions/{hers.pk}/record/", {"outcome": "confirmed"})
    assert (response.status_code, state_of(hers)) == (404, "scheduled")


def test_a_therapist_takes_back_only_what_they_recorded(
    as_therapist, therapist_login, receptionist, clinic, people
):
    session = make(clinic, people)
    with wear(Hat.WEB, clinic_id=clinic.pk):
        actions.record(session, "confirmed", now=NOW, by=receptionist)
        theirs = session.changes.first()
    assert as_therapist.post(f"{CLINIC}sessions/changes/{theirs.pk}/undo/").status_code == 404
    as_therapist.post(f"{CLINIC}sessions/{session.pk}/record/", {"outcome": "arrived"})
    own = session.changes.first()
    assert as_therapist.post(f"{CLINIC}sessions/changes/{own.pk}/undo/").status_code == 302
    assert state_of(session) == "confirmed"


@pytest.mark.parametrize("name", ["cancel", "restore"])
def test_a_therapist_may_not_manage(as_therapist, clinic, people, name):
    session = make(clinic, people)
    response = as_therapist.post(f"{CLINIC}sessions/{session.pk}/{name}/", {"by_whom": "clinic"})
    assert (response.status_code, state_of(session)) == (403, "scheduled")
    assert f"/sessions/{session.pk}/cancel/" not in html_of(as_therapist.get(CLINIC))


def test_a_login_without_its_therapist_sees_nothing(client, clinic, people, at_ten):
    user = factories.MembershipFactory(clinic=clinic, role="therapist").user
    factories.ClientFactory(clinic=clinic, therapist=None)
    make(clinic, people)
    client.force_login(user)
    assert 'class="line' not in html_of(client.get(CLINIC))
    assert "/clients/new/" not in html_of(client.get(CLINIC + "clients/"))
    assert not re.findall(r"/clients/\d+/", html_of(client.get(CLINIC + "clients/")))


def test_an_outsider_finds_nothing(as_outsider, clinic, people):
    session = make(clinic, people)
    assert as_outsider.get(CLINIC).status_code == 404
    for name in ("record", "cancel", "restore"):
        path = f"{CLINIC}sessions/{session.pk}/{name}/"
        assert as_outsider.post(path, {"outcome": "confirmed"}).status_code == 404
    # Nor through the door of their own clinic.
    path = f"/c/omid/sessions/{session.pk}/record/"
    assert as_outsider.post(path, {"outcome": "confirmed"}).status_code == 404
    assert state_of(session) == "scheduled"


@pytest.mark.parametrize("rows", [1, 30])
def test_the_day_takes_the_same_queries_for_one_session_and_for_thirty(
    as_reception, clinic, people, rows, django_assert_num_queries
):
    for n in range(rows):
        client = factories.ClientFactory(clinic=clinic, phone="")
        therapist = {**people, "mine": factories.TherapistFactory(clinic=clinic)}
        session = make(clinic, therapist, NOW + HOUR, clients=[client])
        factories.MessageFactory(clinic=clinic, client=client, session=session, state="unknown")
        make(clinic, people, NOW - n * DAY - 2 * HOUR)
    with django_assert_num_queries(25):
        as_reception.get(CLINIC)
