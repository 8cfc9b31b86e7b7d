"""A sessions list: what is booked, changed, refused and left alone."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from clinic.models import Therapist
from exchange.reasons import ConflictError
from patients import care
from patients.models import Client, Treatment
from sessions_app import actions
from sessions_app.models import CareTask, Participant, Session, SessionChange
from tests import factories
from tests.conftest import NOW
from tests.exchange.conftest import counts, reasons
from tests.exchange.lists import LATER, START, row


def test_a_new_session_is_booked_with_its_history_and_treatment(load, people) -> None:
    report = load(row())
    assert counts(report, "created") == {"sessions": 1, "therapists": 1, "services": 1}
    session = Session.objects.get()
    assert session.session_no == "1"
    assert (session.starts_at, session.ends_at) == (START, START + dt.timedelta(minutes=45))
    assert (session.state, session.revision, session.source) == ("scheduled", 1, "import")
    assert (session.booked_at, session.recorded_at) == (NOW, None)
    assert list(session.clients.all()) == [people[0]]
    change = SessionChange.objects.get()
    assert (change.kind, change.before, change.at, change.by) == ("booked", {}, NOW, None)
    assert change.after["starts_at"] == "2026-11-27T14:00:00+00:00"
    treatment = Treatment.objects.get()
    assert (treatment.client, treatment.started_at) == (people[0], NOW)


def test_history_is_recorded_when_it_happened(load) -> None:
    load(row("1", start="1405/08/01 10:00", status="حاضر شد"), row("2", status="لغو توسط مراجع"))
    past, coming = Session.objects.order_by("starts_at")
    assert (past.state, past.recorded_at, past.booked_at) == (
        "attended",
        past.ends_at,
        past.starts_at,
    )
    assert (coming.state, coming.cancelled_by, coming.recorded_at) == ("cancelled", "client", NOW)
    assert Treatment.objects.get().started_at == past.starts_at


def test_the_same_list_twice_changes_nothing(load) -> None:
    rows = [
        row("1"),
        row("2", "102", "1405/09/07 10:00", "تایید شده"),
        row("", "103", "1405/09/08 10:00"),
        row("4", "102", "1405/08/08 10:00", "غیبت"),
    ]
    load(*rows)
    before = (
        list(Session.objects.values()),
        SessionChange.objects.count(),
        Treatment.objects.count(),
    )
    report = load(*rows, now=LATER)
    assert counts(report, "unchanged") == {"sessions": 4, "therapists": 1, "services": 1}
    assert counts(report, "created") == counts(report, "updated") == {}
    after = list(Session.objects.values()), SessionChange.objects.count(), Treatment.objects.count()
    assert after == before


@pytest.mark.parametrize(
    ("first", "then", "kind", "state", "revision"),
    [
        ({}, {"status": "confirmed"}, "outcome", "confirmed", 1),
        ({}, {"start": "1405/09/06 18:30"}, "moved", "scheduled", 2),
        ({"status": "confirmed"}, {"start": "1405/09/06 18:30"}, "moved", "scheduled", 2),
        (
            {"status": "confirmed"},
            {"start": "1405/09/06 18:30", "status": "confirmed"},
            "moved",
            "confirmed",
            2,
        ),
        ({}, {"minutes": "60"}, "moved", "scheduled", 1),
        ({}, {"therapist": "صادقی"}, "moved", "scheduled", 1),
        ({}, {"service": "زوج"}, "edited", "scheduled", 1),
        ({}, {"status": "cancelled"}, "cancelled", "cancelled", 1),
        ({"status": "cancelled"}, {"status": "scheduled"}, "restored", "scheduled", 2),
        ({"status": "cancelled"}, {"status": "confirmed"}, "restored", "confirmed", 2),
        (
            {"start": "1405/08/06 17:30", "status": "scheduled"},
            {"start": "1405/08/06 17:30", "status": "attended"},
            "outcome",
            "attended",
            1,
        ),
        (
            {"start": "1405/08/06 17:30", "status": "attended"},
            {"start": "1405/08/06 17:30", "status": "no_show"},
            "outcome",
            "no_show",
            1,
        ),
        (
            {"start": "1405/08/06 17:30", "status": "attended"},
            {"start": "1405/08/06 17:30", "status": "scheduled"},
            "outcome",
            "scheduled",
            1,
        ),
    ],
)
def test_a_changed_row_changes_its_session(load, first, then, kind, state, revision) -> None:
    load(row(**first))
    report = load(row(**then), now=LATER)
    assert counts(report, "updated") == {"sessions": 1}
    session = Session.objects.get()
    assert (session.state, session.revision) == (state, revision)
    change = SessionChange.objects.first()
    assert (change.kind, change.revision, change.at) == (kind, revision, LATER)
    assert session.booked_at == (LATER if revision == 2 else min(NOW, session.starts_at))
    assert counts(load(row(**then), now=LATER), "unchanged")["sessions"] == 1


def test_what_an_import_changed_can_be_undone(load) -> None:
    load(row())
    load(row(start="1405/09/06 18:30"), now=LATER)
    session = actions.undo(Session.objects.get(), now=LATER)
    assert (session.starts_at, session.revision) == (START, 3)


def test_a_blank_status_and_duration_say_nothing(load) -> None:
    load(row(status="confirmed", minutes="90"))
    assert counts(load(row(minutes="")), "unchanged")["sessions"] == 1
    load(row(start="1405/09/06 18:30", minutes=""))
    session = Session.objects.get()
    assert session.ends_at - session.starts_at == dt.timedelta(minutes=90)


def test_a_new_session_without_duration_lasts_as_its_service_does(load, scope) -> None:
    factories.ServiceFactory(clinic=scope, name="فردی", duration_minutes=70)
    load(row(minutes=""))
    session = Session.objects.get()
    assert session.ends_at - session.starts_at == dt.timedelta(minutes=70)


def test_scheduled_does_not_undo_what_somebody_recorded(load, receptionist) -> None:
    past = row(start="1405/08/06 17:30", status="scheduled")
    load(past, row("2", status="scheduled"), row("3", start="1405/09/07 17:30"))
    done, cancelled, confirmed = Session.objects.order_by("session_no")
    actions.record(done, "attended", now=NOW, by=receptionist)
    actions.cancel(cancelled, now=NOW, by=receptionist)
    actions.record(confirmed, "confirmed", now=NOW)
    third = row("3", start="1405/09/07 17:30", status="scheduled")
    report = load(past, row("2", status="scheduled"), third, now=LATER)
    assert counts(report, "unchanged")["sessions"] == 3
    report = load(row(start="1405/08/06 17:30", status="no_show"), now=LATER)
    assert counts(report, "updated") == {"sessions": 1}


def test_a_couple_is_one_session_with_two_clients(load, people) -> None:
    report = load(row(), row(file_no="102"))
    assert counts(report, "created")["sessions"] == 1
    assert set(Session.objects.get().clients.all()) == set(people[:2])
    assert Treatment.objects.count() == 2
    assert counts(load(row(), row(file_no="102")), "unchanged")["sessions"] == 1


def test_a_client_may_join_a_known_session(load, people) -> None:
    load(row())
    report = load(row(), row(file_no="102"), now=LATER)
    assert counts(report, "updated") == {"sessions": 1}
    assert Participant.objects.count() == 2
    assert SessionChange.objects.first().kind == "edited"
    assert counts(load(row(file_no="102")), "unchanged")["sessions"] == 1


def test_the_rows_of_a_couple_fill_each_other(load) -> None:
    load(
        row(start="1405/08/06 17:30"),
        row(file_no="102", start="1405/08/06 17:30", status="attended", therapist="", service=""),
    )
    assert Session.objects.get().state == "attended"


@pytest.mark.parametrize(
    ("second", "column"),
    [
        ({"start": "1405/09/06 18:30"}, "starts_at"),
        ({"therapist": "صادقی"}, "therapist"),
        ({"service": "زوج"}, "service"),
        ({"minutes": "60"}, "duration_minutes"),
        ({"status": "confirmed"}, "status"),
    ],
)
def test_rows_of_one_number_that_differ_are_refused(load, second, column) -> None:
    report = load(row(status="scheduled"), row(file_no="102", **({"status": "scheduled"} | second)))
    assert counts(report, "created")["sessions"] == 1
    assert reasons(report) == [
        (3, column, "Row 2 has the same session number and another value here.")
    ]


def test_a_repeated_row_is_reported(load) -> None:
    report = load(
        row(), row(), row("", "102", "1405/09/07 10:00"), row("", "102", "1405/09/07 10:00")
    )
    assert counts(report, "created")["sessions"] == 2
    assert reasons(report) == [
        (3, "session_no", "This repeats row 2."),
        (5, "starts_at", "This session is already in row 4."),
    ]


def test_a_number_of_another_clients_session_is_refused(load) -> None:
    load(row())
    report = load(row(file_no="102", start="1405/09/10 10:00"))
    assert reasons(report) == [
        (2, "session_no", "This session number belongs to another client's session.")
    ]
    assert Session.objects.get().starts_at == START


def test_a_session_without_number_is_known_by_client_therapist_and_start(load) -> None:
    load(row(""))
    report = load(row("", status="confirmed"), row("", start="1405/09/07 17:30"))
    assert (counts(report, "updated"), counts(report, "created")) == (
        {"sessions": 1},
        {"sessions": 1},
    )


def test_a_numbered_row_meets_the_session_booked_here(load, people, scope) -> None:
    booked = factories.SessionFactory(
        clinic=scope,
        therapist=factories.TherapistFactory(clinic=scope, name="ملکی"),
        service=factories.ServiceFactory(clinic=scope, name="فردی"),
        starts_at=START,
        clients=people[:1],
    )
    report = load(row("77", minutes="50"))
    assert counts(report, "updated") == {"sessions": 1}
    booked.refresh_from_db()
    assert (booked.session_no, booked.revision) == ("77", 1)


def test_a_couple_booked_here_meets_its_two_rows(load, people, scope) -> None:
    factories.SessionFactory(
        clinic=scope,
        therapist=factories.TherapistFactory(clinic=scope, name="ملکی"),
        service=factories.ServiceFactory(clinic=scope, name="فردی"),
        starts_at=START,
        clients=people[:2],
    )
    report = load(row("", minutes="50"), row("", "102", minutes="50"))
    assert counts(report, "unchanged")["sessions"] == 1
    assert report.rejected == []


def test_what_a_row_leaves_out_the_client_has(load, people, scope) -> None:
    people[0].therapist = factories.TherapistFactory(clinic=scope, name="ملکی")
    people[0].service = factories.ServiceFactory(clinic=scope, name="فردی")
    people[0].save()
    header = ["file_no", "تاریخ", "ساعت"]
    report = load(["101", "1405/09/06", "17:30"], ["102", "1405/09/06", "19:30"], header=header)
    assert counts(report, "created") == {"sessions": 1}
    assert reasons(report) == [
        (3, "therapist", "The therapist is missing, and the client has none of their own.")
    ]


def test_an_unknown_file_number_is_refused(load) -> None:
    report = load(row(file_no="999"), row("2"))
    assert [p.as_dict() for p in report.rejected] == [
        {
            "file": "sessions.csv",
            "row": 2,
            "column": "file_no",
            "value": "999",
            "reason": "No client has this file number.",
        }
    ]
    assert counts(report, "created")["sessions"] == 1


def test_nothing_is_booked_for_a_client_who_has_died(load, people, scope) -> None:
    load(row("1"))
    care.record_death(people[0], now=NOW)
    report = load(
        row("1"), row("2", start="1405/09/13 17:30"), row("3", "102", start="1405/09/14 17:30")
    )
    assert reasons(report) == [
        (3, "file_no", "The death of this client is recorded; no session can be booked.")
    ]
    assert sorted(Session.objects.values_list("session_no", flat=True)) == ["1", "3"]


def test_the_history_of_a_client_who_has_died_is_taken(load, people, scope) -> None:
    care.record_death(people[0], now=NOW)
    report = load(row("1", start="1405/08/09 17:30", status="attended"))
    assert reasons(report) == []
    assert Session.objects.get().state == "attended"


def test_therapists_of_refused_rows_are_not_made(load) -> None:
    load(row(file_no="999", therapist="ناشناس"))
    assert not Therapist.objects.exists()


def test_a_session_changed_meanwhile_stops_the_import(
    load, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(row())
    monkeypatch.setattr(
        "exchange.actions.Planner.plan", _and_then_cancel_everything(), raising=True
    )
    with pytest.raises(ConflictError):
        load(row(status="confirmed"))


def _and_then_cancel_everything():
    from exchange.session_plan import Planner

    plan = Planner.plan

    def run(planner, rows):
        found = plan(planner, rows)
        Session.objects.update(state="cancelled")
        return found

    return run


def test_a_session_booked_meanwhile_stops_the_import(
    load, people, scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    therapist = factories.TherapistFactory(clinic=scope, name="ملکی")
    service = factories.ServiceFactory(clinic=scope, name="فردی")
    monkeypatch.setattr("exchange.session_plan.Planner._others", lambda *_: iter(()))
    actions.book(clients=people[2:], therapist=therapist, service=service, starts_at=START, now=NOW)
    with pytest.raises(ConflictError):
        load(row())
    assert Session.objects.count() == 1


def test_a_finished_treatment_is_not_reopened_by_its_own_history(load, people) -> None:
    old = row("1", start="1405/08/06 17:30", status="attended")
    load(old)
    Treatment.objects.update(state="completed", ended_at=NOW)
    load(old, row("2", start="1405/08/10 17:30", status="attended"), now=LATER)
    assert Treatment.objects.count() == 1
    load(row("3", start="1405/09/20 17:30"), now=LATER)
    assert Treatment.objects.count() == 2


def test_news_of_changes_travels_and_of_imports_of_history_does_not(load) -> None:
    heard = []

    def hear(sender, change, **_):
        heard.append(change.kind)

    actions.session_changed.connect(hear)
    try:
        load(row("1"), row("2", start="1405/08/06 17:30"))
        load(row("1", status="cancelled"), row("2", start="1405/08/06 17:30", status="attended"))
    finally:
        actions.session_changed.disconnect(hear)
    assert heard == ["cancelled"]


@pytest.mark.parametrize(
    ("status", "outcome"), [("scheduled", "booked"), ("cancelled", "")], ids=["coming", "cancelled"]
)
def test_an_imported_booking_closes_the_call_that_asked_for_one(load, people, status, outcome):
    task = CareTask.objects.create(
        clinic=people[0].clinic, client=people[0], kind="no_next", due_at=NOW, created_at=NOW
    )
    load(row(status=status))
    task.refresh_from_db()
    assert task.outcome == outcome


def test_a_session_at_a_time_the_clocks_skipped_is_refused(load) -> None:
    report = load(row(start="1401/01/02 00:30", status="attended"))
    assert reasons(report) == [
        (2, "starts_at", "The clocks were put forward over this time of day.")
    ]


def test_queries_follow_thousands_of_rows_and_not_rows(load) -> None:
    def rows(number):
        return [
            row(str(n), start=f"1405/{1 + n // 300:02}/{1 + n % 30:02} {8 + n // 30 % 10}:00")
            for n in range(number)
        ]

    def queries(number, **other):
        with CaptureQueriesContext(connection) as found:
            load(*rows(number), **other)
        return len(found)

    few, many = queries(3), queries(900)
    assert many == few
    assert queries(900) <= 15
    assert Session.objects.count() == 900
    assert Client.objects.count() == 3
