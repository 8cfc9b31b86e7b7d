"""Stops, holds, own hours and the turns of a treatment: what each does, leaves and refuses."""

import datetime as dt
import threading

import pytest
from django.db import connection

from clinic.tenancy import EVERYWHERE, Hat, wear
from patients import care
from patients.actions import ensure_treatment
from patients.models import Client, ClientEvent, Treatment
from patients.queries import is_muted
from tests import factories
from tests.locks import come_to_wait

NOW = factories.NOW
TODAY = dt.date(2026, 11, 21)
DAY = dt.timedelta(days=1)
HOUR = dt.timedelta(hours=1)
WEEK = TODAY + 7 * DAY
TEN, NOON = dt.time(10), dt.time(12)


def events(person):
    rows = ClientEvent.objects.filter(client=person).order_by("id")
    return [(event.kind, event.until, event.note) for event in rows]


def standing(treatment):
    kept = Treatment.objects.get(pk=treatment.pk)
    assert (kept.state, kept.paused_until, kept.ended_at) == (
        treatment.state,
        treatment.paused_until,
        treatment.ended_at,
    )
    return kept.state, kept.paused_until, kept.ended_at


# -- Stops -------------------------------------------------------------------------------------


@pytest.mark.parametrize("until", [None, WEEK], ids=["for good", "until a day"])
def test_a_stop_is_kept_on_the_row_and_in_the_file(person, receptionist, until):
    event = care.mute(person, until, note="در سفر", now=NOW, by=receptionist, via="link")
    kept = Client.objects.get(pk=person.pk)
    assert (kept.muted_at, kept.muted_until) == (person.muted_at, person.muted_until)
    assert (kept.muted_at, kept.muted_until) == (NOW, until)
    assert events(person) == [("muted", until, "در سفر")]
    assert (event.by, event.via, event.at) == (receptionist, "link", NOW)


def test_a_stop_can_be_given_another_end_and_keeps_its_beginning(person):
    care.mute(person, WEEK, now=NOW)
    care.mute(person, WEEK + DAY, now=NOW + HOUR)
    assert (person.muted_at, person.muted_until) == (NOW, WEEK + DAY)


def test_a_stop_that_is_over_begins_anew(person):
    care.mute(person, TODAY + DAY, now=NOW)
    care.mute(person, None, now=NOW + 3 * DAY)
    assert (person.muted_at, person.muted_until) == (NOW + 3 * DAY, None)


@pytest.mark.parametrize(
    ("until", "day", "muted"),
    [
        pytest.param(None, WEEK, True, id="for good"),
        pytest.param(WEEK, WEEK - DAY, True, id="the day before"),
        pytest.param(WEEK, WEEK, False, id="the day itself"),
    ],
)
def test_a_stop_ends_on_its_day(person, until, day, muted):
    care.mute(person, until, now=NOW)
    assert is_muted(person, day) is muted


def test_texts_are_allowed_again(person):
    care.mute(person, WEEK, now=NOW)
    care.unmute(person, now=NOW + DAY)
    kept = Client.objects.get(pk=person.pk)
    assert (kept.muted_at, kept.muted_until) == (None, None)
    assert [kind for kind, *_ in events(person)] == ["muted", "unmuted"]


# -- Crisis ------------------------------------------------------------------------------------


def test_a_crisis_hold_stands_until_it_is_lifted(person):
    care.hold_for_crisis(person, note="تماس با خانواده", now=NOW)
    assert Client.objects.get(pk=person.pk).crisis_since == NOW
    care.lift_crisis(person, note="دکتر صادقی دید", now=NOW + DAY)
    assert Client.objects.get(pk=person.pk).crisis_since is None
    assert events(person) == [
        ("crisis", None, "تماس با خانواده"),
        ("crisis_over", None, "دکتر صادقی دید"),
    ]


# -- Own hours ---------------------------------------------------------------------------------


def test_own_hours_are_kept_and_taken_back(person):
    care.set_hours(person, TEN, NOON, now=NOW)
    kept = Client.objects.get(pk=person.pk)
    assert (kept.texts_from, kept.texts_until) == (TEN, NOON)
    care.set_hours(person, None, None, now=NOW + HOUR)
    kept = Client.objects.get(pk=person.pk)
    assert (kept.texts_from, kept.texts_until) == (None, None)
    assert events(person) == [("hours", None, "10:00-12:00"), ("hours", None, "")]


@pytest.mark.parametrize(
    ("start", "end"),
    [
        pytest.param(TEN, None, id="only one"),
        pytest.param(None, TEN, id="only the other"),
        pytest.param(dt.time(8, 59), NOON, id="before the clinic wakes"),
        pytest.param(dt.time(18), dt.time(21, 1), id="after it sleeps"),
        pytest.param(NOON, TEN, id="the wrong way round"),
        pytest.param(TEN, dt.time(11, 59), id="too short"),
    ],
)
def test_hours_that_would_hold_back_texts_are_refused(person, start, end):
    with pytest.raises(care.CareError):
        care.set_hours(person, start, end, now=NOW)
    assert events(person) == []


def test_the_clinics_whole_day_is_allowed(person):
    care.set_hours(person, dt.time(9), dt.time(21), now=NOW)
    assert events(person) == [("hours", None, "09:00-21:00")]


# -- Treatments --------------------------------------------------------------------------------


def test_a_treatment_pauses_goes_on_ends_and_is_taken_up(treatment, person):
    care.pause_treatment(treatment, WEEK, now=NOW)
    assert standing(treatment) == ("paused", WEEK, None)
    care.pause_treatment(treatment, None, now=NOW)
    assert standing(treatment) == ("paused", None, None)
    care.resume_treatment(treatment, now=NOW)
    assert standing(treatment) == ("active", None, None)
    care.complete_treatment(treatment, note="به هدف رسید", now=NOW + DAY)
    assert standing(treatment) == ("completed", None, NOW + DAY)
    care.resume_treatment(treatment, now=NOW + 2 * DAY)
    assert standing(treatment) == ("active", None, None)
    care.drop_treatment(treatment, now=NOW + 3 * DAY)
    assert standing(treatment) == ("dropped", None, NOW + 3 * DAY)
    assert events(person) == [
        ("paused", WEEK, ""),
        ("paused", None, ""),
        ("resumed", None, ""),
        ("completed", None, "به هدف رسید"),
        ("resumed", None, ""),
        ("dropped", None, ""),
    ]
    assert ClientEvent.objects.exclude(treatment=treatment).count() == 0


def test_a_paused_treatment_can_end_at_once(treatment):
    care.pause_treatment(treatment, WEEK, now=NOW)
    care.complete_treatment(treatment, now=NOW)
    assert standing(treatment) == ("completed", None, NOW)


def test_a_treatment_is_not_taken_up_beside_its_own_successor(treatment, person):
    care.complete_treatment(treatment, now=NOW)
    successor = ensure_treatment(person, treatment.therapist, treatment.service, now=NOW + DAY)
    with pytest.raises(care.CareError, match="درمانگر"):
        care.resume_treatment(treatment, now=NOW + DAY)
    assert Treatment.objects.get(pk=treatment.pk).state == "completed"
    assert Treatment.objects.get(pk=successor.pk).state == "active"


# -- Refusals ----------------------------------------------------------------------------------


def _closed(treatment):
    care.complete_treatment(treatment, now=NOW)


REFUSED = {
    "mute until today": (None, lambda t: care.mute(t.client, TODAY, now=NOW)),
    "unmute what is not stopped": (None, lambda t: care.unmute(t.client, now=NOW)),
    "a second hold": (
        lambda t: care.hold_for_crisis(t.client, now=NOW),
        lambda t: care.hold_for_crisis(t.client, now=NOW),
    ),
    "lift without a hold": (None, lambda t: care.lift_crisis(t.client, now=NOW)),
    "pause until yesterday": (None, lambda t: care.pause_treatment(t, TODAY - DAY, now=NOW)),
    "resume what goes on": (None, lambda t: care.resume_treatment(t, now=NOW)),
    "pause what has ended": (_closed, lambda t: care.pause_treatment(t, WEEK, now=NOW)),
    "end what has ended": (_closed, lambda t: care.complete_treatment(t, now=NOW)),
    "drop what has ended": (_closed, lambda t: care.drop_treatment(t, now=NOW)),
}


@pytest.mark.parametrize(("before", "act"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_possible_is_refused_and_changes_nothing(treatment, before, act):
    if before:
        before(treatment)
    kept = list(Client.objects.values()), list(Treatment.objects.values())
    left = events(treatment.client)
    with pytest.raises(care.CareError):
        act(treatment)
    assert (list(Client.objects.values()), list(Treatment.objects.values())) == kept
    assert events(treatment.client) == left


def test_midnight_is_the_clinics(person):
    evening = dt.datetime(2026, 11, 21, 20, 29, tzinfo=dt.UTC)
    care.mute(person, dt.date(2026, 11, 22), now=evening)
    with pytest.raises(care.CareError):
        care.mute(person, dt.date(2026, 11, 22), now=evening + dt.timedelta(minutes=1))


# -- Undo --------------------------------------------------------------------------------------


def picture(treatment):
    client = Client.objects.filter(pk=treatment.client_id).values(
        "muted_until", "texts_from", "texts_until", "crisis_since"
    )
    now = Treatment.objects.filter(pk=treatment.pk).values("state", "paused_until")
    return client.get(), now.get()


UNDONE = {
    "a stop": ([], lambda t, now: care.mute(t.client, WEEK, now=now)),
    "another end of a stop": (
        [lambda t, now: care.mute(t.client, WEEK, now=now)],
        lambda t, now: care.mute(t.client, None, now=now),
    ),
    "the end of a stop": (
        [lambda t, now: care.mute(t.client, WEEK, now=now)],
        lambda t, now: care.unmute(t.client, now=now),
    ),
    "first hours": ([], lambda t, now: care.set_hours(t.client, TEN, NOON, now=now)),
    "other hours": (
        [lambda t, now: care.set_hours(t.client, TEN, NOON, now=now)],
        lambda t, now: care.set_hours(t.client, None, None, now=now),
    ),
    "a pause": ([], lambda t, now: care.pause_treatment(t, WEEK, now=now)),
    "another pause": (
        [lambda t, now: care.pause_treatment(t, WEEK, now=now)],
        lambda t, now: care.pause_treatment(t, WEEK + DAY, now=now),
    ),
    "the end of a pause": (
        [lambda t, now: care.pause_treatment(t, WEEK, now=now)],
        lambda t, now: care.resume_treatment(t, now=now),
    ),
    "an ending": ([], lambda t, now: care.complete_treatment(t, now=now)),
    "an ending out of a pause": (
        [lambda t, now: care.pause_treatment(t, WEEK, now=now)],
        lambda t, now: care.complete_treatment(t, now=now),
    ),
    "giving up after taking up": (
        [
            lambda t, now: care.complete_treatment(t, now=now),
            lambda t, now: care.resume_treatment(t, now=now),
        ],
        lambda t, now: care.drop_treatment(t, now=now),
    ),
    "taking up what was finished": (
        [lambda t, now: care.complete_treatment(t, now=now)],
        lambda t, now: care.resume_treatment(t, now=now),
    ),
    "taking up what was given up": (
        [lambda t, now: care.drop_treatment(t, now=now)],
        lambda t, now: care.resume_treatment(t, now=now),
    ),
}


@pytest.mark.parametrize(("before", "act"), UNDONE.values(), ids=UNDONE)
def test_undo_puts_back_what_stood_before(treatment, before, act):
    for n, step in enumerate(before):
        step(treatment, NOW + n * HOUR)
    stood = picture(treatment)
    event = act(treatment, NOW + 5 * HOUR)
    assert picture(treatment) != stood
    event = ClientEvent.objects.get(pk=event.pk)
    care.undo(event, now=NOW + 6 * HOUR)
    assert picture(treatment) == stood


def test_what_has_been_changed_since_is_not_undone(treatment):
    event = care.pause_treatment(treatment, WEEK, now=NOW)
    care.complete_treatment(treatment, now=NOW + HOUR)
    with pytest.raises(care.CareError, match="دوباره"):
        care.undo(event, now=NOW + 2 * HOUR)
    assert standing(treatment)[0] == "completed"


def test_events_of_another_sort_do_not_stand_in_the_way(treatment):
    event = care.mute(treatment.client, WEEK, now=NOW)
    care.pause_treatment(treatment, WEEK, now=NOW + HOUR)
    care.undo(event, now=NOW + 2 * HOUR)
    assert Client.objects.get().muted_at is None


@pytest.mark.parametrize("verb", [care.hold_for_crisis, care.lift_crisis])
def test_a_crisis_hold_is_not_undone(person, verb):
    if verb is care.lift_crisis:
        care.hold_for_crisis(person, now=NOW)
    event = verb(person, now=NOW + HOUR)
    with pytest.raises(care.CareError):
        care.undo(event, now=NOW + HOUR)


# -- Booking -----------------------------------------------------------------------------------


def test_a_booking_ends_a_pause_and_says_so(treatment, person, receptionist):
    care.pause_treatment(treatment, WEEK, now=NOW)
    found = ensure_treatment(
        person, treatment.therapist, treatment.service, now=NOW + DAY, by=receptionist, via="panel"
    )
    assert found == treatment
    assert (found.state, Treatment.objects.get().state) == ("active", "active")
    last = ClientEvent.objects.order_by("-id")[0]
    assert (last.kind, last.treatment, last.by, last.at) == (
        "resumed",
        treatment,
        receptionist,
        NOW + DAY,
    )


def test_what_fills_in_the_past_leaves_a_pause_alone(treatment, person):
    care.pause_treatment(treatment, WEEK, now=NOW)
    ensure_treatment(person, treatment.therapist, treatment.service, now=NOW, resume=False)
    assert Treatment.objects.get().state == "paused"


def test_a_booking_after_an_ending_begins_a_new_treatment(treatment, person):
    care.complete_treatment(treatment, now=NOW)
    found = ensure_treatment(person, treatment.therapist, treatment.service, now=NOW + DAY)
    assert found != treatment
    assert sorted(Treatment.objects.values_list("state", flat=True)) == ["active", "completed"]


# -- Two at once -------------------------------------------------------------------------------


def in_thread(clinic, work):
    found = []

    def run():
        try:
            with wear(Hat.WEB, clinic_id=clinic.pk, user_id=1):
                found.append(work())
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread, found


@pytest.fixture
def settled(transactional_db):
    """A committed client with a therapist and a service."""
    with wear(Hat.OWNER, clinic_id=EVERYWHERE):
        clinic = factories.ClinicFactory(slug="aramesh")
        return (
            factories.ClientFactory(clinic=clinic),
            factories.TherapistFactory(clinic=clinic),
            factories.ServiceFactory(clinic=clinic),
        )


def test_two_first_bookings_at_once_make_one_treatment(settled):
    person = settled[0]
    with wear(Hat.WEB, clinic_id=person.clinic_id, user_id=1):
        first = ensure_treatment(*settled, now=NOW)
        thread, found = in_thread(person.clinic, lambda: ensure_treatment(*settled, now=NOW))
        waited = come_to_wait()
    thread.join(timeout=20)
    assert (waited, found) == (True, [first])


def test_a_second_hold_waits_for_the_first_and_is_refused(settled):
    person = settled[0]

    def hold():
        try:
            return care.hold_for_crisis(person, now=NOW).kind
        except care.CareError:
            return "refused"

    with wear(Hat.WEB, clinic_id=person.clinic_id, user_id=1):
        care.hold_for_crisis(person, now=NOW)
        thread, found = in_thread(person.clinic, hold)
        waited = come_to_wait()
    thread.join(timeout=20)
    assert (waited, found) == (True, ["refused"])


# -- Death -------------------------------------------------------------------------------------


def test_a_death_is_kept_on_the_row_and_in_the_file(person, receptionist):
    event = care.record_death(person, note="همسرش خبر داد", now=NOW, by=receptionist)
    assert Client.objects.get(pk=person.pk).deceased_at == person.deceased_at == NOW
    assert events(person) == [("died", None, "همسرش خبر داد")]
    assert (event.by, event.via, event.at) == (receptionist, "panel", NOW)


def test_a_death_recorded_by_mistake_is_taken_back(person):
    care.record_death(person, now=NOW)
    care.undo_death(person, note="اشتباه شده بود", now=NOW + HOUR)
    assert Client.objects.get(pk=person.pk).deceased_at is None
    assert events(person) == [("died", None, ""), ("not_died", None, "اشتباه شده بود")]


def test_a_death_is_recorded_once_and_taken_back_once(person):
    with pytest.raises(care.CareError):
        care.undo_death(person, now=NOW)
    care.record_death(person, now=NOW)
    with pytest.raises(care.CareError):
        care.record_death(person, now=NOW + HOUR)
    assert [kind for kind, *_ in events(person)] == ["died"]


def test_undo_takes_a_death_back_and_a_second_one_brings_it_again(person):
    event = care.record_death(person, now=NOW)
    back = care.undo(event, now=NOW + HOUR)
    assert Client.objects.get(pk=person.pk).deceased_at is None
    care.undo(back, now=NOW + 2 * HOUR)
    assert Client.objects.get(pk=person.pk).deceased_at == NOW + 2 * HOUR


def test_a_mute_between_does_not_hinder_undoing_a_death(person):
    event = care.record_death(person, now=NOW)
    care.mute(person, None, now=NOW + HOUR)
    care.undo(event, now=NOW + 2 * HOUR)
    assert Client.objects.get(pk=person.pk).deceased_at is None
