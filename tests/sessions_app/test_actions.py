"""What happens to a session, at fixed times."""

import datetime as dt

import pytest

from clinic.tenancy import Hat, wear
from sessions_app import actions
from sessions_app.models import CancelledBy, Session, SessionChange, State
from tests import factories

NOW = factories.NOW
HOUR = dt.timedelta(hours=1)
TOMORROW = NOW + dt.timedelta(days=1)


@pytest.fixture
def people(clinic):
    """A therapist, a service and two clients, seen as the clinic's reception sees them."""
    made = {
        "therapist": factories.TherapistFactory(clinic=clinic),
        "service": factories.ServiceFactory(clinic=clinic),
        "wife": factories.ClientFactory(clinic=clinic),
        "husband": factories.ClientFactory(clinic=clinic),
    }
    with wear(Hat.WEB, clinic_id=clinic.pk):
        yield made


def book(people, starts_at=TOMORROW, clients=None, **fields):
    return actions.book(
        clients=clients or [people["wife"]],
        therapist=people["therapist"],
        service=people["service"],
        starts_at=starts_at,
        now=NOW,
        **fields,
    )


def clients_of(session):
    return {p.client_id for p in session.participants.all()}


def kinds(session):
    return [change.kind for change in session.changes.order_by("id")]


def test_booking_takes_the_service_length_and_begins_a_treatment(people):
    session = book(people)
    assert session.ends_at - session.starts_at == dt.timedelta(minutes=50)
    assert (session.state, session.revision, session.booked_at) == ("scheduled", 1, NOW)
    assert people["wife"].treatments.get().therapist == people["therapist"]
    assert kinds(session) == ["booked"]


def test_booking_nobody_is_refused(people):
    with pytest.raises(actions.SessionError) as caught:
        actions.book(
            clients=[],
            therapist=people["therapist"],
            service=people["service"],
            starts_at=TOMORROW,
            now=NOW,
        )
    assert caught.value.field == "clients"


@pytest.mark.parametrize("minutes", [4, 721])
def test_booking_an_impossible_length_is_refused(people, minutes):
    with pytest.raises(actions.SessionError) as caught:
        book(people, duration=dt.timedelta(minutes=minutes))
    assert caught.value.field == "duration"


@pytest.mark.parametrize(
    ("shift", "clashes"),
    [
        pytest.param(dt.timedelta(), True, id="same time"),
        pytest.param(dt.timedelta(minutes=49), True, id="last minute"),
        pytest.param(dt.timedelta(minutes=-49), True, id="first minute"),
        pytest.param(dt.timedelta(minutes=50), False, id="right after"),
        pytest.param(dt.timedelta(minutes=-50), False, id="right before"),
    ],
)
def test_a_therapist_is_in_one_place(people, shift, clashes):
    first = book(people)
    if not clashes:
        assert book(people, TOMORROW + shift, [people["husband"]]).pk
        return
    with pytest.raises(actions.SessionError) as caught:
        book(people, TOMORROW + shift, [people["husband"]])
    assert (caught.value.field, caught.value.clash) == ("starts_at", first)
    assert people["wife"].full_name not in str(caught.value)
    assert Session.objects.count() == 1


def test_moving_is_a_new_promise(people):
    session = actions.record(book(people), State.CONFIRMED, now=NOW)
    later = NOW + HOUR
    moved = actions.move(session, starts_at=TOMORROW + HOUR, now=later)
    assert (moved.revision, moved.state, moved.booked_at) == (2, "scheduled", later)
    assert moved.duration == dt.timedelta(minutes=50)


def test_another_length_at_the_same_start_keeps_the_promise(people):
    session = actions.record(book(people), State.CONFIRMED, now=NOW)
    moved = actions.move(
        session, starts_at=TOMORROW, duration=dt.timedelta(minutes=80), now=NOW + HOUR
    )
    assert (moved.revision, moved.state, moved.booked_at) == (1, "confirmed", NOW)
    assert moved.ends_at == TOMORROW + dt.timedelta(minutes=80)


def test_a_session_moved_to_another_therapist_begins_a_treatment_there(people, clinic):
    colleague = factories.TherapistFactory(clinic=clinic)
    actions.move(book(people), starts_at=TOMORROW, therapist=colleague, now=NOW)
    assert {t.therapist for t in people["wife"].treatments.all()} == {
        people["therapist"],
        colleague,
    }


def test_a_recorded_session_is_not_moved(people):
    session = actions.record(book(people, NOW - HOUR), State.ATTENDED, now=NOW)
    with pytest.raises(actions.SessionError):
        actions.move(session, starts_at=TOMORROW, now=NOW)


def test_cancelling_twice_is_refused(people):
    session = actions.cancel(book(people), by_whom=CancelledBy.LATE, now=NOW)
    assert (session.state, session.cancelled_by, session.recorded_at) == ("cancelled", "late", NOW)
    with pytest.raises(actions.SessionError):
        actions.cancel(session, now=NOW)


def test_restoring_raises_the_revision(people):
    session = actions.restore(actions.cancel(book(people), now=NOW), now=NOW + HOUR)
    assert (session.state, session.cancelled_by, session.revision) == ("scheduled", "", 2)
    assert session.booked_at == NOW + HOUR


def test_restoring_into_a_taken_time_names_the_clash(people):
    session = actions.cancel(book(people), now=NOW)
    other = book(people, clients=[people["husband"]])
    with pytest.raises(actions.SessionError) as caught:
        actions.restore(session, now=NOW)
    assert caught.value.clash == other


@pytest.mark.parametrize("outcome", [State.ATTENDED, State.NO_SHOW])
def test_an_outcome_waits_for_the_start(people, outcome):
    with pytest.raises(actions.SessionError):
        actions.record(book(people, NOW + HOUR), outcome, now=NOW)
    assert actions.record(book(people, NOW - HOUR), outcome, now=NOW).recorded_at == NOW


def test_an_outcome_may_be_corrected(people):
    session = actions.record(book(people, NOW - HOUR), State.NO_SHOW, now=NOW)
    assert actions.record(session, State.ATTENDED, now=NOW).state == "attended"


def test_undo_puts_an_outcome_back(people):
    session = actions.record(book(people), State.CONFIRMED, now=NOW)
    undone = actions.undo(session, now=NOW)
    assert (undone.state, undone.revision) == ("scheduled", 1)
    assert kinds(undone) == ["booked", "outcome", "undone"]


def test_undo_of_a_move_raises_the_revision_again(people):
    session = actions.move(book(people), starts_at=TOMORROW + HOUR, now=NOW)
    undone = actions.undo(session, now=NOW)
    assert (undone.starts_at, undone.revision) == (TOMORROW, 3)


def test_undo_of_a_cancellation_raises_the_revision(people):
    undone = actions.undo(actions.cancel(book(people), now=NOW), now=NOW)
    assert (undone.state, undone.cancelled_by, undone.revision) == ("scheduled", "", 2)


def test_undo_of_a_change_that_is_no_longer_the_last_is_refused(people):
    session = actions.record(book(people), State.CONFIRMED, now=NOW)
    change = session.changes.first()
    actions.cancel(session, now=NOW)
    with pytest.raises(actions.SessionError):
        actions.undo(session, change=change, now=NOW)
    session.refresh_from_db()
    assert session.state == "cancelled"


def test_nothing_to_undo_after_a_booking_or_an_undo(people):
    session = book(people)
    with pytest.raises(actions.SessionError):
        actions.undo(session, now=NOW)
    session = actions.undo(actions.record(session, State.CONFIRMED, now=NOW), now=NOW)
    with pytest.raises(actions.SessionError):
        actions.undo(session, now=NOW)


def test_editing_changes_who_comes_and_keeps_the_promise(people, clinic):
    session = book(people)
    service = factories.ServiceFactory(clinic=clinic)
    edited = actions.edit(
        session, clients=[people["wife"], people["husband"]], service=service, now=NOW
    )
    assert clients_of(edited) == {people["wife"].pk, people["husband"].pk}
    assert (edited.revision, edited.service) == (1, service)
    assert people["husband"].treatments.get().service == service
    change = edited.changes.first()
    assert (change.kind, change.before["clients"]) == ("edited", [people["wife"].pk])
    assert change.after["clients"] == [people["wife"].pk, people["husband"].pk]


def test_undo_of_an_edit_puts_the_clients_back(people):
    session = book(people)
    edited = actions.edit(session, clients=[people["husband"]], service=session.service, now=NOW)
    assert clients_of(edited) == {people["husband"].pk}
    undone = actions.undo(edited, now=NOW)
    assert clients_of(undone) == {people["wife"].pk}
    assert undone.changes.first().after["clients"] == [people["wife"].pk]


def test_editing_without_a_client_is_refused(people):
    session = book(people)
    with pytest.raises(actions.SessionError) as caught:
        actions.edit(session, clients=[], service=session.service, now=NOW)
    assert caught.value.field == "clients"


def test_a_cancelled_session_is_not_edited(people):
    session = actions.cancel(book(people), now=NOW)
    with pytest.raises(actions.SessionError):
        actions.edit(session, clients=[people["husband"]], service=session.service, now=NOW)


def test_every_change_is_told_to_whoever_listens(people):
    heard = []

    def listen(sender, session, change, now, **kwargs):
        heard.append((session.pk, change.kind, now))

    actions.session_changed.connect(listen)
    try:
        session = actions.cancel(book(people), now=NOW + HOUR)
    finally:
        actions.session_changed.disconnect(listen)
    assert heard == [(session.pk, "booked", NOW), (session.pk, "cancelled", NOW + HOUR)]


def test_a_change_keeps_what_was_and_what_became(people):
    session = actions.move(book(people), starts_at=TOMORROW + HOUR, now=NOW)
    change = SessionChange.objects.filter(session=session).first()
    assert change.before["starts_at"] == "2026-11-22T06:30:00+00:00"
    assert change.after == {
        "starts_at": "2026-11-22T07:30:00+00:00",
        "ends_at": "2026-11-22T08:20:00+00:00",
    }
