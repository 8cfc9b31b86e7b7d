"""How each client comes: the maintained columns against the history they are taken from."""

import datetime as dt
import math
import statistics
import threading
from collections import Counter
from itertools import pairwise

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from structlog.testing import capture_logs

from clinic import jalali
from clinic.tenancy import EVERYWHERE, Hat, wear
from exchange.actions import ListFile, import_files
from sessions_app import actions, rhythm
from sessions_app.models import OPEN_STATES, Rhythm, Session
from tests import factories
from tests.exchange import files
from tests.locks import come_to_wait

NOW = factories.NOW
DAY = dt.timedelta(days=1)
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def people(clinic):
    """A therapist, a service and a client, as the clinic's reception sees them."""
    made = {
        "therapist": factories.TherapistFactory(clinic=clinic),
        "service": factories.ServiceFactory(clinic=clinic),
        "client": factories.ClientFactory(clinic=clinic),
    }
    with wear(Hat.WEB, clinic_id=clinic.pk):
        yield made


def session(people, day, hour="17:30", state="attended", **fields):
    """One of so many days after 2026-11-01, on Tehran's clocks."""
    date = dt.date(2026, 11, 1) + day * DAY
    return factories.SessionFactory(
        clinic=people["client"].clinic,
        therapist=fields.pop("therapist", people["therapist"]),
        service=fields.pop("service", people["service"]),
        starts_at=jalali.parse_datetime(f"{date} {hour}"),
        clients=[people["client"]],
        state=state,
        **fields,
    )


def row(people):
    rhythm.refresh([people["client"].pk])
    return Rhythm.objects.get(client=people["client"])


def day_of(moment):
    return moment and (jalali.local(moment).date() - dt.date(2026, 11, 1)).days


# -- A history and its columns ----------------------------------------------------------------------

# (day, state) of each session → last attended, next, how many attended, median gap, lapse
HISTORIES = [
    pytest.param([], (None, None, 0, None, 21), id="nothing yet"),
    pytest.param([(30, "scheduled")], (None, 30, 0, None, 21), id="a first booking"),
    pytest.param([(0, "attended")], (0, None, 1, None, 21), id="one visit"),
    pytest.param([(0, "attended"), (7, "confirmed")], (0, 7, 1, None, 21), id="the next confirmed"),
    pytest.param([(0, "attended"), (7, "arrived")], (0, 7, 1, None, 21), id="the next arrived"),
    pytest.param([(0, "attended"), (9, "cancelled")], (0, None, 1, None, 21), id="cancelled"),
    pytest.param([(0, "attended"), (9, "no_show")], (0, None, 1, None, 21), id="missed"),
    pytest.param(
        [(0, "attended"), (20, "scheduled"), (9, "scheduled")],
        (0, 9, 1, None, 21),
        id="the earliest of two",
    ),
    pytest.param(
        [(0, "scheduled"), (7, "attended")], (7, None, 1, None, 21), id="an open one before a visit"
    ),
    pytest.param([(0, "no_show"), (7, "cancelled")], (None, None, 0, None, 21), id="never came"),
    pytest.param([(0, "attended"), (7, "attended")], (7, None, 2, 7.0, 21), id="a week"),
    pytest.param([(0, "attended"), (8, "attended")], (8, None, 2, 8.0, 24), id="eight days"),
    pytest.param(
        [(0, "attended"), (7, "attended"), (15, "attended")],
        (15, None, 3, 7.5, 23),
        id="between two gaps",
    ),
    pytest.param(
        [(0, "attended"), (5, "no_show"), (14, "attended")],
        (14, None, 2, 14.0, 42),
        id="a missed one is no visit",
    ),
    pytest.param(
        [(n * 30, "attended") for n in range(5)]
        + [(120 + n * 7, "attended") for n in range(1, 11)],
        (190, None, 15, 7.0, 21),
        id="of the last eleven only",
    ),
]


@pytest.mark.parametrize(("sessions", "columns"), HISTORIES)
def test_a_history_has_its_columns(people, sessions, columns):
    for day, state in sessions:
        session(people, day, state=state)
    r = row(people)
    assert (
        day_of(r.last_attended_at),
        day_of(r.next_session_at),
        r.attended,
        r.median_gap_days,
        r.lapse_days,
    ) == columns


def test_an_hour_earlier_or_later_is_the_same_gap(people):
    for day, hour in ((0, "19:00"), (7, "10:00"), (14, "20:00")):
        session(people, day, hour)
    assert row(people).median_gap_days == 7.0


@pytest.mark.parametrize(
    ("hours", "minute"),
    [
        (["17:30"], 1050),
        (["17:30", "10:00", "10:00"], 600),
        (["10:00", "17:30"], 600),
        (["17:30", "10:00", "12:00", "12:00", "17:30"], 720),
    ],
    ids=["the only one", "the most frequent", "the earlier of two", "the earlier of two often"],
)
def test_the_usual_minute(people, hours, minute):
    for day, hour in enumerate(hours):
        session(people, day * 7, hour)
    assert row(people).usual_minute == minute


def test_the_middle_of_the_gap_is_halfway_to_the_next_session(people):
    session(people, 0)
    session(people, 9, "18:30", state="scheduled")
    assert row(people).gap_middle_at == jalali.parse_datetime("2026-11-06 06:00")


def test_the_zone_is_the_clinics(people):
    clinic = people["client"].clinic
    type(clinic).objects.filter(pk=clinic.pk).update(timezone="Europe/Berlin")
    session(people, 0, "17:30")
    assert row(people).usual_minute == 15 * 60


@pytest.mark.parametrize(
    ("lapse", "days"), [(None, 42), (10, 10), (60, 60), (730, 730)], ids=["own", "10", "60", "730"]
)
def test_the_lapse_is_the_services_if_it_says_one(people, lapse, days):
    service = factories.ServiceFactory(clinic=people["client"].clinic, lapse_days=lapse)
    session(people, 0)
    session(people, 14, service=service)
    assert row(people).lapse_days == days


def test_the_service_of_the_last_visit_counts(people):
    service = factories.ServiceFactory(clinic=people["client"].clinic, lapse_days=60)
    session(people, 0, service=service)
    session(people, 14)
    assert row(people).lapse_days == 42


def test_a_gap_of_a_lifetime_has_its_place(people):
    session(people, -15_000)
    session(people, 0)
    assert row(people).lapse_days == 32_767


def test_refreshing_again_finds_nothing_wrong(people):
    session(people, 0)
    row(people)
    assert rhythm.refresh([people["client"].pk]) == 0


def test_refreshing_nobody_asks_nothing(people, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert rhythm.refresh([]) == 0


def test_refreshing_takes_three_statements_whoever_and_however_many(
    people, django_assert_num_queries
):
    clients = [people["client"], *factories.ClientFactory.create_batch(9, clinic=_clinic(people))]
    for some in (clients[:1], clients):
        with django_assert_num_queries(3):
            rhythm.refresh([client.pk for client in some])


def _clinic(people):
    return people["client"].clinic


# -- Every action keeps them right ------------------------------------------------------------------


def expected(client):
    """The columns, taken from the sessions in plain Python."""
    tz = client.clinic.timezone
    mine = list(Session.objects.filter(clients=client).select_related("service"))
    came = sorted((s for s in mine if s.state == "attended"), key=lambda s: (s.starts_at, s.pk))
    last = came[-1] if came else None
    coming = [s for s in mine if s.state in OPEN_STATES]
    coming = [s for s in coming if last is None or s.starts_at > last.starts_at]
    following = min(coming, key=lambda s: (s.starts_at, s.pk), default=None)
    visits = [jalali.local(s.starts_at, tz) for s in came[-rhythm.RECENT :]]
    gaps = [(b.date() - a.date()).days for a, b in pairwise(visits)]
    median = statistics.median(gaps) if gaps else None
    minutes = Counter(visit.hour * 60 + visit.minute for visit in visits)
    usual = min(minutes, key=lambda m: (-minutes[m], m)) if minutes else None
    own = max(21, math.ceil(3 * median)) if median is not None else 21
    lapse = last.service.lapse_days if last and last.service.lapse_days is not None else own
    return {
        "last_attended_id": last and last.pk,
        "last_attended_at": last and last.starts_at,
        "next_session_id": following and following.pk,
        "next_session_at": following and following.starts_at,
        "attended": len(came),
        "median_gap_days": median,
        "usual_minute": usual,
        "lapse_days": lapse,
    }


class Diary(RuleBasedStateMachine):
    """Whatever reception does to a small diary."""

    clinic = None
    sessions = Bundle("sessions")

    def __init__(self):
        super().__init__()
        self.day = transaction.atomic()
        self.day.__enter__()

    def teardown(self):
        transaction.set_rollback(True)
        self.day.__exit__(None, None, None)

    @initialize()
    def open(self):
        c = self.clinic
        self.clients = factories.ClientFactory.create_batch(2, clinic=c)
        self.therapists = factories.TherapistFactory.create_batch(2, clinic=c)
        self.services = factories.ServiceFactory.create_batch(2, clinic=c)

    def attempt(self, verb, *args, **fields):
        with wear(Hat.WEB, clinic_id=self.clinic.pk, user_id=1):
            try:
                return verb(*args, now=NOW, **fields)
            except actions.SessionError:
                return None

    @rule(
        target=sessions,
        who=st.sampled_from([[0], [1], [0, 1]]),
        therapist=st.integers(0, 1),
        service=st.integers(0, 1),
        day=st.integers(-60, 30),
        hour=st.integers(4, 16),
        outcome=st.sampled_from([None, "attended", "attended", "no_show"]),
    )
    def book(self, who, therapist, service, day, hour, outcome):
        made = self.attempt(
            actions.book,
            clients=[self.clients[n] for n in who],
            therapist=self.therapists[therapist],
            service=self.services[service],
            starts_at=NOW.replace(hour=hour, minute=0) + day * DAY,
        )
        if made and outcome:
            self.attempt(actions.record, made, outcome)
        return made or multiple()

    @rule(session=sessions, hours=st.integers(-400, 400), therapist=st.integers(0, 1))
    def move(self, session, hours, therapist):
        self.attempt(
            actions.move,
            session,
            starts_at=session.starts_at + hours * HOUR,
            therapist=self.therapists[therapist],
        )

    @rule(session=sessions)
    def cancel(self, session):
        self.attempt(actions.cancel, session)

    @rule(session=sessions)
    def restore(self, session):
        self.attempt(actions.restore, session)

    @rule(session=sessions, outcome=st.sampled_from(actions.OUTCOMES))
    def record(self, session, outcome):
        self.attempt(actions.record, session, outcome)

    @rule(session=sessions)
    def undo(self, session):
        self.attempt(actions.undo, session)

    @rule(
        session=consumes(sessions),
        target=sessions,
        who=st.sampled_from([[0], [1], [0, 1]]),
        service=st.integers(0, 1),
    )
    def edit(self, session, who, service):
        self.attempt(
            actions.edit,
            session,
            clients=[self.clients[n] for n in who],
            service=self.services[service],
        )
        return session

    @rule(service=st.integers(0, 1), lapse=st.sampled_from([None, 5, 40, 400]))
    def edit_service(self, service, lapse):
        with wear(Hat.WEB, clinic_id=self.clinic.pk, user_id=1):
            self.services[service].lapse_days = lapse
            self.services[service].save()

    @invariant()
    def rows_are_right(self):
        for client in self.clients if hasattr(self, "clients") else ():
            found = Rhythm.objects.filter(client=client).first()
            if found is not None:
                assert {name: getattr(found, name) for name in expected(client)} == expected(client)
        assert rhythm.refresh_clinic(self.clinic.pk) == 0


def test_whatever_reception_does_the_rows_stay_right(clinic):
    Diary.clinic = clinic
    run_state_machine_as_test(
        Diary,
        settings=settings(
            max_examples=12,
            stateful_step_count=14,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_editing_a_services_lapse_reaches_the_clients_whose_last_visit_it_was(people):
    session(people, 0)
    row(people)
    people["service"].lapse_days = 50
    people["service"].save()
    assert Rhythm.objects.get().lapse_days == 50


def test_an_import_leaves_them_right(people):
    header = ["شماره جلسه", "شماره پرونده", "درمانگر", "خدمت", "تاریخ", "ساعت", "وضعیت"]
    who = [people["client"].file_no, people["therapist"].name, people["service"].name]
    rows = [
        ["1", *who, "1405/08/01", "17:30", "حاضر شد"],
        ["2", *who, "1405/08/15", "17:30", "حاضر شد"],
        ["3", *who, "1405/09/15", "17:30", "رزرو شده"],
    ]
    list_file = ListFile("sessions.csv", files.csv_file([header, *rows]))
    report = import_files(_clinic(people), sessions=list_file, now=NOW)
    assert (report.rejected, report.created["sessions"]) == ([], 3)
    found = Rhythm.objects.get()
    assert (found.attended, found.lapse_days, day_of(found.next_session_at)) == (2, 42, 35)
    assert rhythm.refresh_clinic(_clinic(people).pk) == 0


# -- Two at once ------------------------------------------------------------------------------------


@pytest.fixture
def shared(transactional_db):
    with wear(Hat.OWNER, clinic_id=EVERYWHERE):
        clinic = factories.ClinicFactory()
        return {
            "clinic": clinic,
            "client": factories.ClientFactory(clinic=clinic),
            "therapists": factories.TherapistFactory.create_batch(2, clinic=clinic),
            "service": factories.ServiceFactory(clinic=clinic),
        }


def book_at(shared, day, therapist):
    return actions.book(
        clients=[shared["client"]],
        therapist=shared["therapists"][therapist],
        service=shared["service"],
        starts_at=NOW + day * DAY,
        now=NOW,
    )


def inside(shared):
    return wear(Hat.WEB, clinic_id=shared["clinic"].pk, user_id=1)


def meanwhile(shared, work):
    """Run `work` in another transaction, up to where it waits for the one that is open here."""

    def run():
        try:
            with inside(shared):
                work()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread, come_to_wait()


@pytest.mark.parametrize("is_known", [True, False], ids=["a known client", "a new client"])
def test_two_bookings_at_once_leave_the_earlier_as_the_next(shared, is_known):
    if is_known:
        with inside(shared):
            book_at(shared, 30, 0)
    with inside(shared):
        book_at(shared, 3, 0)
        thread, waited = meanwhile(shared, lambda: book_at(shared, 9, 1))
    thread.join(timeout=20)
    with wear(Hat.OWNER, clinic_id=EVERYWHERE):
        found = Rhythm.objects.get()
        assert (waited, found.next_session_at) == (True, NOW + 3 * DAY)
        assert rhythm.refresh_clinic(shared["clinic"].pk) == 0


def test_a_visit_recorded_while_another_session_is_booked_is_not_lost(shared):
    with inside(shared):
        visit = book_at(shared, -1, 0)
    with inside(shared):
        actions.record(visit, "attended", now=NOW)
        thread, waited = meanwhile(shared, lambda: book_at(shared, 9, 1))
    thread.join(timeout=20)
    with wear(Hat.OWNER, clinic_id=EVERYWHERE):
        found = Rhythm.objects.get()
        assert (waited, found.last_attended_id) == (True, visit.pk)
        assert found.next_session_at == NOW + 9 * DAY


# -- The nightly check ------------------------------------------------------------------------------


def test_the_nightly_check_reports_and_mends_what_is_wrong(owner, clinic, other_clinic):
    for place in (clinic, other_clinic):
        for _ in range(2):
            client = factories.ClientFactory(clinic=place)
            factories.SessionFactory(clinic=place, clients=[client], state="attended")
            rhythm.refresh([client.pk])
    assert rhythm.check() == Counter(clinics=2, wrong=0)
    planted = Rhythm.objects.filter(clinic=clinic).first()
    Rhythm.objects.filter(pk=planted.pk).update(attended=7, lapse_days=3)
    with capture_logs() as logs:
        assert rhythm.check() == Counter(clinics=2, wrong=1)
    assert [(line["event"], line["clinic"], line["rows"], line["log_level"]) for line in logs] == [
        ("rhythm_was_wrong", clinic.pk, 1, "error")
    ]
    planted.refresh_from_db()
    assert (planted.attended, planted.lapse_days) == (1, 21)


def test_a_row_that_is_missing_is_wrong_too(owner, clinic):
    client = factories.ClientFactory(clinic=clinic)
    factories.SessionFactory(clinic=clinic, clients=[client], state="attended")
    assert rhythm.check() == Counter(clinics=1, wrong=1)
    assert Rhythm.objects.get(client=client).attended == 1


def test_clients_who_never_had_a_session_have_no_row(owner, clinic):
    factories.ClientFactory(clinic=clinic)
    assert rhythm.check() == Counter(clinics=1, wrong=0)
    assert not Rhythm.objects.exists()


def test_another_clinics_rows_are_out_of_reach(owner, clinic, other_clinic):
    client = factories.ClientFactory(clinic=other_clinic)
    factories.SessionFactory(clinic=other_clinic, clients=[client], state="attended")
    with wear(Hat.WEB, clinic_id=clinic.pk):
        assert rhythm.refresh([client.pk]) == 0
    assert not Rhythm.objects.exists()
