"""Those who were silent before the clinic went live: who is listed, and what settles them."""

import datetime as dt

import pytest

from clinic.tenancy import Hat, wear
from followup import silent
from patients import care
from patients.models import Treatment
from sessions_app import care_tasks
from sessions_app.models import CareTask, Rhythm
from tests import factories

NOW = factories.NOW
TODAY = dt.date(2026, 11, 21)
DAY = dt.timedelta(days=1)


@pytest.fixture
def live(clinic):
    clinic.live_since = NOW - 10 * DAY
    clinic.save()
    with wear(Hat.WEB, clinic_id=clinic.pk):
        yield clinic


TREATMENT = ("state", "paused_until", "ends_on", "ends_after")


def quiet_client(clinic, days, *, lapse=21, **fields):
    """A client whose last visit was so many days ago."""
    treatment = {name: fields.pop(name) for name in TREATMENT if name in fields}
    person = factories.ClientFactory(clinic=clinic)
    last = factories.SessionFactory(
        clinic=clinic, clients=[person], starts_at=NOW - days * DAY, state="attended"
    )
    Treatment.objects.create(
        clinic=clinic,
        client=person,
        therapist=last.therapist,
        service=last.service,
        started_at=NOW - 300 * DAY,
        **treatment,
    )
    values = {"last_attended_at": last.starts_at, "last_attended": last, "lapse_days": lapse}
    Rhythm.objects.update_or_create(
        clinic=clinic, client=person, defaults={**values, **fields, "attended": 1}
    )
    return person


def asked(clinic, person, state="sent"):
    """A text about this silence has been planned."""
    rule = factories.RuleFactory(clinic=clinic, key="silent_1", kind="silent", purpose="follow_up")
    last = Rhythm.objects.get(client=person).last_attended
    factories.MessageFactory(
        clinic=clinic,
        client=person,
        session=last,
        rule_number=rule.pk,
        rule_key=rule.key,
        state=state,
    )


def listed(clinic):
    return [rhythm.client for rhythm in silent.long_silent(clinic, NOW)]


@pytest.mark.parametrize(
    ("days", "lapse", "is_listed"),
    [
        pytest.param(32, 21, True, id="silent the day before going live"),
        pytest.param(23, 21, False, id="silent since then: the rules still look"),
        pytest.param(80, 90, False, id="not silent by the service's measure"),
        pytest.param(101, 90, True, id="silent by the service's measure"),
    ],
)
def test_only_silences_older_than_going_live(live, days, lapse, is_listed):
    person = quiet_client(live, days, lapse=lapse)
    assert listed(live) == ([person] if is_listed else [])


def test_in_trial_mode_every_silence_is_listed_the_latest_first(live):
    live.live_since = None
    old, new = quiet_client(live, 200), quiet_client(live, 22)
    assert listed(live) == [new, old]


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"next_session_at": NOW + DAY}, id="a session is booked"),
        pytest.param({"next_session_at": NOW - DAY}, id="an outcome is not recorded"),
        pytest.param({"state": "completed"}, id="a planned ending"),
        pytest.param({"state": "dropped"}, id="given up"),
        pytest.param({"state": "paused"}, id="paused until further notice"),
        pytest.param({"state": "paused", "paused_until": TODAY + DAY}, id="paused"),
        pytest.param({"ends_on": TODAY}, id="a plan that has come to its day"),
        pytest.param({"ends_after": 1}, id="a plan with its sessions done"),
        pytest.param({"last_attended_at": None}, id="never came"),
    ],
)
def test_who_is_not_silent_is_not_listed(live, fields):
    quiet_client(live, 100, **fields)
    assert listed(live) == []


def test_a_pause_that_is_over_is_silence(live):
    person = quiet_client(live, 100, state="paused", paused_until=TODAY)
    assert listed(live) == [person]


@pytest.mark.parametrize("plan", [{"ends_on": TODAY + DAY}, {"ends_after": 2}])
def test_a_plan_that_is_not_over_holds_nobody_back(live, plan):
    person = quiet_client(live, 100, **plan)
    assert listed(live) == [person]


def test_the_latest_treatment_of_the_last_visit_decides(live):
    person = quiet_client(live, 100, state="completed")
    ended = Treatment.objects.get()
    other = factories.SessionFactory(clinic=live, clients=[])
    for session, shown in ((other, []), (ended, [person])):
        Treatment.objects.create(
            client=person, therapist=session.therapist, service=session.service, started_at=NOW
        )
        assert listed(live) == shown


def test_a_crisis_hold_is_nobodys_list(live):
    care.hold_for_crisis(quiet_client(live, 100), now=NOW)
    assert listed(live) == []


def test_who_is_on_the_call_list_leaves_this_one_for_this_silence(live, receptionist):
    person = quiet_client(live, 100)
    rhythm = silent.long_silent(live, NOW).get()
    task = silent.put_on_call_list(rhythm, now=NOW, by=receptionist)
    assert (task.kind, task.client, task.session, task.due_at, task.created_by) == (
        "silent",
        person,
        rhythm.last_attended,
        NOW,
        receptionist,
    )
    assert silent.put_on_call_list(rhythm, now=NOW + DAY, by=receptionist) == task
    assert listed(live) == []
    care_tasks.attempt(task, "done", now=NOW)
    assert listed(live) == []


def test_a_call_of_an_earlier_silence_says_nothing_of_this_one(live):
    person = quiet_client(live, 100)
    before = {"due_at": NOW - 200 * DAY, "created_at": NOW - 200 * DAY}
    CareTask.objects.create(client=person, kind="silent", **before)
    assert listed(live) == [person]


@pytest.mark.parametrize(("planned", "state"), [(True, "completed"), (False, "dropped")])
def test_settling_ends_all_open_treatments(live, receptionist, planned, state):
    person = quiet_client(live, 100)
    other = factories.SessionFactory(clinic=live, clients=[])
    Treatment.objects.create(
        client=person, therapist=other.therapist, service=other.service, started_at=NOW
    )
    rhythm = silent.long_silent(live, NOW).get()
    left = silent.settle(rhythm, planned=planned, now=NOW, by=receptionist)
    assert [event.kind for event in left] == [state, state]
    assert set(Treatment.objects.values_list("state", flat=True)) == {state}
    assert listed(live) == []


def test_another_clinics_silent_stay_its_own(other_clinic, live):
    with wear(Hat.WEB, clinic_id=other_clinic.pk):
        quiet_client(other_clinic, 100)
    assert listed(live) == []


def test_a_silence_that_a_text_asked_about_is_not_listed(live):
    asked(live, quiet_client(live, 27))
    assert listed(live) == []


def test_a_silence_that_every_scan_has_missed_is_listed(live):
    recorded_late = quiet_client(live, 27)
    assert listed(live) == [recorded_late]
