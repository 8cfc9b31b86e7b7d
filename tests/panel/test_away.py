"""A therapist is ill today: all sessions of the day are settled at once, with one text each."""

import datetime as dt

import pytest

from clinic.models import TimeOff
from clinic.tenancy import Hat, wear
from sessions_app import actions
from sessions_app.models import Session, SessionChange
from tests import factories
from tests.followup.clinics import tehran
from tests.panel.screens import CLINIC, errors_of, html_of, notices_of, text_of, undo_of

NOW = factories.NOW
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
#: Of the day after, which is a Sunday.
TOMORROW = "۱۴۰۵/۰۹/۰۱"


@pytest.fixture
def therapist(people):
    return people["mine"]


def make(clinic, people, ahead=HOUR, who="mine", **fields):
    return factories.SessionFactory(
        clinic=clinic,
        therapist=people[who],
        service=people["service"],
        starts_at=NOW + ahead,
        **{"clients": [factories.ClientFactory(clinic=clinic)]} | fields,
    )


def page_of(therapist, day="1405-08-30"):
    return f"{CLINIC}therapists/{therapist.pk}/away/?day={day}"


def act(client, therapist, sessions, do="cancel", **typed):
    values = {"sessions": [s.pk for s in sessions], "do": do, "tell": "on", **typed}
    return client.post(page_of(therapist), values, follow=True)


def states():
    return list(Session.objects.order_by("starts_at", "id").values_list("state", flat=True))


def test_the_page_lists_what_the_therapist_still_has_on_that_day(
    as_reception, clinic, people, therapist
):
    wanted = [make(clinic, people, n * HOUR) for n in (1, 2)]
    make(clinic, people, -HOUR)
    make(clinic, people, DAY)
    make(clinic, people, 3 * HOUR, who="hers")
    make(clinic, people, 4 * HOUR, state="cancelled")
    page = html_of(as_reception.get(page_of(therapist)))
    assert [s.pk for s in Session.objects.all() if f'id="session-{s.pk}"' in page] == [
        s.pk for s in wanted
    ]


def test_all_are_cancelled_by_the_clinic_and_each_client_is_told(
    as_reception, clinic, people, therapist
):
    sessions = [make(clinic, people, n * HOUR) for n in (1, 2)]
    answer = act(as_reception, therapist, sessions)
    assert notices_of(answer)[0] == "۲ جلسه لغو شد."
    assert [(s.state, s.cancelled_by) for s in Session.objects.all()] == [
        ("cancelled", "clinic")
    ] * 2
    assert list(SessionChange.objects.values_list("kind", "tell")) == [("cancelled", True)] * 2


def test_nobody_is_told_where_reception_says_so(as_reception, clinic, people, therapist):
    act(as_reception, therapist, [make(clinic, people)], tell="")
    assert list(SessionChange.objects.values_list("kind", "tell")) == [("cancelled", False)]


def test_what_is_not_ticked_stays(as_reception, clinic, people, therapist):
    first, _second = (make(clinic, people, n * HOUR) for n in (1, 2))
    act(as_reception, therapist, [first])
    assert states() == ["cancelled", "scheduled"]


def test_all_are_moved_to_the_same_hour_of_another_day(as_reception, clinic, people, therapist):
    sessions = [make(clinic, people, n * HOUR) for n in (1, 2)]
    answer = act(as_reception, therapist, sessions, "move", to_day=TOMORROW)
    assert notices_of(answer)[0] == "۲ جلسه جابه‌جا شد."
    assert list(Session.objects.order_by("id").values_list("starts_at", flat=True)) == [
        tehran("2026-11-22 11:00"),
        tehran("2026-11-22 12:00"),
    ]
    assert list(SessionChange.objects.values_list("kind", "tell")) == [("moved", True)] * 2


def test_what_would_clash_stays_and_is_named(as_reception, clinic, people, therapist):
    person = factories.ClientFactory(clinic=clinic, first_name="لیلا", last_name="ناصری")
    sessions = [make(clinic, people, clients=[person]), make(clinic, people, 2 * HOUR)]
    make(clinic, people, DAY + HOUR)
    answer = act(as_reception, therapist, sessions, "move", to_day=TOMORROW)
    assert "جلسه‌ی لیلا ناصری سر جایش ماند" in text_of(answer)
    assert [
        s.starts_at for s in Session.objects.filter(pk__in=[s.pk for s in sessions]).order_by("pk")
    ] == [
        NOW + HOUR,
        NOW + 2 * HOUR + DAY,
    ]


@pytest.mark.parametrize("do", ["cancel", "move"])
def test_all_of_it_is_undone_by_one_press(as_reception, clinic, people, therapist, do):
    sessions = [make(clinic, people, n * HOUR) for n in (1, 2)]
    answer = act(as_reception, therapist, sessions, do, to_day=TOMORROW)
    as_reception.post(undo_of(answer).replace("&amp;", "&"))
    rows = Session.objects.order_by("id").values_list("state", "starts_at")
    assert list(rows) == [("scheduled", NOW + HOUR), ("scheduled", NOW + 2 * HOUR)]


def test_what_somebody_has_changed_since_is_not_undone(as_reception, clinic, people, therapist):
    session = make(clinic, people)
    answer = act(as_reception, therapist, [session], "move", to_day=TOMORROW)
    session.refresh_from_db()
    with wear(Hat.WEB, clinic_id=clinic.pk):
        actions.cancel(session, now=NOW)
    said = as_reception.post(undo_of(answer).replace("&amp;", "&"), follow=True)
    assert states() == ["cancelled"]
    assert "سر جایش ماند" in text_of(said)


@pytest.mark.parametrize("asked", ["", "x", "1.x.9999999999999999999999", "%D8", "1"])
def test_an_undo_of_nothing_changes_nothing(as_reception, clinic, people, asked):
    make(clinic, people)
    answer = as_reception.post(f"{CLINIC}sessions/changes/undo/?changes={asked}")
    assert (answer.status_code, states()) == (302, ["scheduled"])


def test_another_clinics_change_is_not_undone(as_reception, other_clinic, clinic):
    theirs = factories.SessionFactory(clinic=other_clinic, starts_at=NOW + HOUR)
    change = SessionChange.objects.create(
        clinic=other_clinic,
        session=theirs,
        kind="cancelled",
        revision=1,
        before=actions.snapshot(theirs),
        after={"state": "cancelled"},
        at=NOW,
    )
    Session.objects.filter(pk=theirs.pk).update(state="cancelled")
    as_reception.post(f"{CLINIC}sessions/changes/undo/?changes={change.pk}")
    theirs.refresh_from_db()
    assert theirs.state == "cancelled"


def test_the_day_is_entered_as_an_absence_once(as_reception, clinic, people, therapist):
    for hours in (1, 2):
        session = make(clinic, people, hours * HOUR)
        act(as_reception, therapist, [session], absent="on", reason="بیماری")
    (away,) = TimeOff.objects.all()
    assert (away.therapist, away.reason) == (therapist, "بیماری")
    assert (away.starts_at, away.ends_at) == (
        tehran("2026-11-21 00:00"),
        tehran("2026-11-22 00:00"),
    )


def test_undoing_it_takes_the_absence_back(as_reception, clinic, people, therapist):
    answer = act(as_reception, therapist, [make(clinic, people)], absent="on")
    as_reception.post(undo_of(answer).replace("&amp;", "&"))
    assert (states(), TimeOff.objects.count()) == (["scheduled"], 0)


def test_an_absence_that_stood_before_stays(as_reception, clinic, people, therapist):
    TimeOff.objects.create(
        clinic=clinic,
        therapist=therapist,
        starts_at=tehran("2026-11-21 00:00"),
        ends_at=tehran("2026-11-22 00:00"),
        created_at=NOW,
    )
    answer = act(as_reception, therapist, [make(clinic, people)], absent="on")
    as_reception.post(undo_of(answer).replace("&amp;", "&"))
    assert TimeOff.objects.count() == 1


def test_no_absence_is_entered_unasked(as_reception, clinic, people, therapist):
    act(as_reception, therapist, [make(clinic, people)])
    assert not TimeOff.objects.exists()


WRONG = {
    "nothing ticked": ({"sessions": []}, "sessions"),
    "no day": ({"do": "move"}, "to_day"),
    "the same day": ({"do": "move", "to_day": "۱۴۰۵/۰۸/۳۰"}, "to_day"),
    "a day that is over": ({"do": "move", "to_day": "۱۴۰۵/۰۸/۲۹"}, "to_day"),
    "no date": ({"do": "move", "to_day": "فردا صبح"}, "to_day"),
}


@pytest.mark.parametrize(("typed", "field"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_done_is_said_beside_its_field(
    as_reception, clinic, people, therapist, typed, field
):
    session = make(clinic, people)
    values = {"sessions": [session.pk], "do": "cancel", **typed}
    answer = as_reception.post(page_of(therapist), values)
    assert (list(errors_of(answer)), states()) == ([field], ["scheduled"])


def test_a_session_that_was_cancelled_meanwhile_is_asked_about_again(
    as_reception, clinic, people, therapist
):
    first, second = (make(clinic, people, n * HOUR) for n in (1, 2))
    with wear(Hat.WEB, clinic_id=clinic.pk):
        actions.cancel(first, now=NOW)
    answer = as_reception.post(
        page_of(therapist), {"sessions": [first.pk, second.pk], "do": "cancel"}
    )
    assert list(errors_of(answer)) == ["sessions"]
    assert states() == ["cancelled", "scheduled"]


def test_an_empty_day_says_so(as_reception, clinic, therapist):
    assert "در این روز جلسه‌ی بازی نیست" in text_of(as_reception.get(page_of(therapist)))


def test_today_leads_there_and_yesterday_does_not(as_reception, clinic, people, therapist):
    make(clinic, people)
    make(clinic, people, -DAY)
    link = f'href="{CLINIC}therapists/{therapist.pk}/away/?day='
    assert link in html_of(as_reception.get(CLINIC))
    assert link not in html_of(as_reception.get(CLINIC + "?day=1405-08-29"))


def test_a_therapist_may_not_and_an_outsider_finds_nothing(as_therapist, clinic, people, therapist):
    session = make(clinic, people)
    values = {"sessions": [session.pk], "do": "cancel"}
    assert as_therapist.post(page_of(therapist), values).status_code == 403
    assert states() == ["scheduled"]


def test_an_outsider_finds_nothing(as_outsider, clinic, people, therapist):
    session = make(clinic, people)
    values = {"sessions": [session.pk], "do": "cancel"}
    assert as_outsider.post(page_of(therapist), values).status_code == 404
    assert states() == ["scheduled"]


@pytest.mark.parametrize("rows", [1, 30])
def test_the_page_takes_the_same_queries_for_one_session_and_for_thirty(
    as_reception, clinic, people, therapist, django_assert_num_queries, rows
):
    for n in range(rows):
        make(
            clinic,
            people,
            (n + 1) * dt.timedelta(minutes=20),
            ends_at=NOW + (n + 1) * dt.timedelta(minutes=20) + dt.timedelta(minutes=19),
        )
    with django_assert_num_queries(14):
        as_reception.get(page_of(therapist))


def test_an_undo_takes_back_no_leave_that_somebody_else_entered(
    as_reception, manager, clinic, therapist
):
    leave = TimeOff.objects.create(
        clinic=clinic, therapist=therapist, starts_at=NOW, ends_at=NOW + DAY, created_at=NOW,
        created_by=manager,
    )  # fmt: skip
    as_reception.post(f"{CLINIC}sessions/changes/undo/?changes=&absence={leave.pk}")
    assert TimeOff.objects.filter(pk=leave.pk).exists()
