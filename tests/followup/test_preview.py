"""What is foretold is what then happens, as long as nothing else does."""

import datetime as dt
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from clinic.tenancy import Hat, wear
from followup.planner import plan
from followup.preview import upcoming
from messaging.delivery import drain
from messaging.models import Template
from patients import care
from patients.actions import ensure_treatment
from sessions_app import actions, rhythm
from sessions_app.models import Session, SessionChange
from tests import factories
from tests.followup.clinics import outbox, tehran, tick
from tests.followup.practice import only_for_now, plan_at, practice
from tests.followup.scenes import SCENES, SILENT

pytestmark = pytest.mark.slow

MINUTE = dt.timedelta(minutes=1)
HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)

#: Why a text that was planned does not leave; every other reason keeps it from being planned.
SAID_BY_THE_SENDER = {"budget", "no_consent", "muted", "crisis", "no_phone", "no_template"}


@pytest.fixture(autouse=True)
def hat(owner, gateway):
    """Across clinics for the test's own looks, and a gateway that takes what leaves."""


def foretold(p, since, until, **only):
    with wear(Hat.WEB, clinic_id=p.clinic.pk):
        return upcoming(p.clinic, tehran(since), tehran(until), **only)


def said(previews):
    return [(text.rule_key, text.state, text.reason) for text in previews]


# -- One rule at a time -----------------------------------------------------------------------------


@pytest.mark.parametrize("scene", SCENES, ids=[s.rule for s in SCENES])
def test_each_rules_text_is_foretold_with_its_words_and_its_minute(scene):
    p, _ = scene.open()
    due = tehran(scene.due)
    with wear(Hat.WEB, clinic_id=p.clinic.pk):
        assert upcoming(p.clinic, due - DAY, due - MINUTE) == []
        (text,) = upcoming(p.clinic, due - MINUTE, due)
    assert (text.due_at, text.useful_until) == (due, tehran(scene.until))
    assert said([text]) == [(scene.rule, "queued", "")]
    tick(due)
    (message,) = outbox(p.clinic)
    assert (message.state, message.text) == ("sent", text.text)
    with wear(Hat.WEB, clinic_id=p.clinic.pk):
        assert upcoming(p.clinic, due - MINUTE, due) == []


def test_why_nothing_will_be_sent_is_said():
    p = practice("no_next_booking", "reminder_72h")
    p.came("2026-11-29 17:30")
    session = p.book("2026-12-06 17:30", at="2026-11-30 10:00", tell=False)
    p.do(actions.cancel, session, at="2026-11-30 11:00")
    p.book("2026-12-07 17:30", at="2026-12-05 10:00", tell=False)
    assert said(foretold(p, "2026-12-01 12:00", "2026-12-05 12:00")) == [
        ("no_next_booking", "skipped", "booked"),
        ("reminder_72h", "cancelled", "session_cancelled"),
        ("reminder_72h", "skipped", "booked_late"),
    ]


def test_a_rule_for_others_is_not_spoken_of():
    p = practice("no_next_booking")
    p.came("2026-11-29 17:30")
    p.change(p.rule("no_next_booking"), services=[0])
    assert foretold(p, "2026-12-01 12:00", "2026-12-05 12:00") == []


def test_one_client_alone_can_be_asked_about():
    p = practice("thank_you")
    for client in (p.client, p.someone()):
        p.came("2026-11-28 17:30" if client == p.client else "2026-11-28 18:30", clients=[client])
    previews = foretold(p, "2026-11-28 18:00", "2026-11-28 20:00", client=p.client)
    assert [text.client for text in previews] == [p.client]


def test_in_shadow_mode_it_is_foretold_as_shadow():
    p = practice("thank_you", live=False)
    p.came("2026-11-28 17:30")
    assert said(foretold(p, "2026-11-28 18:00", "2026-11-28 19:00")) == [
        ("thank_you", "shadow", "")
    ]


def test_whoever_was_silent_before_going_live_will_hear_nothing():
    p = practice(*SILENT, live=False)
    p.came("2026-11-08 17:30")
    p.change(p.clinic, live_since=tehran("2026-12-01 12:00"))
    assert said(foretold(p, "2026-12-01 12:00", "2027-03-01 12:00")) == [
        ("silent_2", "skipped", "before_live"),
        ("silent_3", "skipped", "before_live"),
    ]


# -- What leaves first ------------------------------------------------------------------------------


def test_the_weeks_budget_is_foretold():
    p = practice("thank_you")
    for hour in (10, 12, 14):
        p.came(f"2026-11-27 {hour}:00")
    assert said(foretold(p, "2026-11-27 09:00", "2026-11-28 12:00")) == [
        ("thank_you", "queued", ""),
        ("thank_you", "queued", ""),
        ("thank_you", "skipped", "budget"),
    ]


@pytest.mark.parametrize(
    ("then", "third"),
    [
        pytest.param(lambda p: None, ("skipped", "budget"), id="two wait in the outbox"),
        pytest.param(
            lambda p: outbox(p.clinic)[0].session.delete(), ("queued", ""), id="one will not leave"
        ),
    ],
)
def test_what_waits_in_the_outbox_is_reckoned_with(then, third):
    p = practice("thank_you", "no_next_booking")
    for day, hour in ((26, 20), (27, 10)):
        p.came(f"2026-11-{day} {hour}:30")
    plan_at("2026-11-27 12:00")
    then(p)
    previews = foretold(p, "2026-11-27 12:00", "2026-11-29 12:00")
    assert [(text.state, text.reason) for text in previews][-1] == third


def test_the_turn_of_the_wordings_and_the_invitation_are_foretold():
    p = practice("thank_you")
    Template.objects.filter(clinic=p.clinic).delete()
    with p.inside():
        for body, invites in (("یکم", False), ("دوم", False), ("دعوت", True)):
            factories.TemplateFactory(
                clinic=p.clinic, key="thank_you", body=f"{body} {{کلینیک}}", invites=invites
            )
    for day in (1, 8, 15):
        p.came(f"2026-11-{day:02} 17:30")
    previews = foretold(p, "2026-11-01 12:00", "2026-11-20 12:00")
    assert [text.text.split()[0] for text in previews] == ["دعوت", "دوم", "یکم"]


def test_of_a_couple_with_one_phone_the_one_who_can_be_told_is_foretold():
    p = practice("no_next_booking")
    partner = p.someone(phone=p.client.phone)
    p.came("2026-11-29 17:30", clients=[p.client, partner])
    p.do(care.pause_treatment, p.treatment, at="2026-11-29 19:00")
    (text,) = foretold(p, "2026-12-01 12:00", "2026-12-02 12:00")
    assert (text.client, text.state) == (partner, "queued")
    tick("2026-12-01 18:20")
    assert [(m.client, m.state) for m in outbox(p.clinic)] == [(partner, "sent")]


def test_what_the_planner_has_passed_by_is_not_promised():
    """Silent since Nowruz began, but booked then, and cancelled long after."""
    p = practice("silent_1")
    p.close("1405/12/28", "1406/01/08", "نوروز")
    p.came("1405/12/08 12:00")
    session = p.book("1406/01/20 12:00", at="1405/12/10 12:00", tell=False)
    plan_at("1406/01/06 12:00")
    p.do(actions.cancel, session, at="1406/01/06 13:00")
    assert foretold(p, "1406/01/06 13:00", "1406/01/10 12:00") == []
    tick("1406/01/09 12:00")
    assert p.texts() == []


# -- Any small clinic -------------------------------------------------------------------------------

NOWS = ["2026-11-26 12:00", "2026-11-27 18:00", "2026-11-28 11:00", "2026-12-02 20:40"]
visits = st.fixed_dictionaries(
    {
        "who": st.sampled_from([[0], [0], [0], [1], [2], [3], [0, 1]]),
        "day": st.sampled_from([-1, 0, -2, -2, -1, 0, -21, 1, 2, -20, 3, -45, 4, -7]),
        "hour": st.integers(9, 20),
        "fate": st.sampled_from(["attended", "attended", "attended", "no_show", "cancelled", ""]),
        "recorded": st.sampled_from([0, 1, 26]),
        "lead": st.sampled_from([2, 30, 80, 240]),
    }
)
clients = st.fixed_dictionaries(
    {
        "phone": st.sampled_from(["own", "own", "shared", ""]),
        "consent_follow_up": st.sampled_from([True, True, False]),
        "consent_motivation": st.booleans(),
        "texts_from": st.sampled_from([None, None, dt.time(14)]),
        "muted": st.sampled_from([False, False, True]),
    }
)


def people_of(p, drawn):
    for values in drawn:
        how, phone, muted = dict(values), values["phone"], values["muted"]
        del how["muted"], how["phone"]
        if phone != "own":
            how["phone"] = "+989120000001" if phone else ""
        if muted:
            how["muted_at"] = tehran("2026-01-01 12:00")
        if how["texts_from"]:
            how["texts_until"] = dt.time(18)
        yield factories.ClientFactory(clinic=p.clinic, **how)


def session_of(p, people, n, now, it):
    """A row as history has left it; each with a therapist of its own hour, so that none clash."""
    starts_at = (now + it["day"] * DAY).replace(hour=0, minute=0) + (it["hour"] - 3.5) * HOUR
    ends_at, state, recorded_at = starts_at + 50 * MINUTE, "scheduled", None
    if it["fate"] == "cancelled" or ends_at <= now:
        state = it["fate"] or "scheduled"
        recorded_at = min(ends_at + it["recorded"] * HOUR, now) if it["fate"] else None
    booked_at = min(starts_at - it["lead"] * HOUR, now - 2 * MINUTE)
    session = factories.SessionFactory(
        clinic=p.clinic,
        therapist=p.therapist
        if state != "scheduled"
        else factories.TherapistFactory(clinic=p.clinic),
        service=p.service,
        starts_at=starts_at,
        ends_at=ends_at,
        booked_at=booked_at,
        clients=[people[i] for i in it["who"]],
        state=state,
        recorded_at=recorded_at,
    )
    SessionChange.objects.create(
        clinic=p.clinic,
        session=session,
        kind="cancelled" if state == "cancelled" else "booked",
        revision=1,
        at=recorded_at if state == "cancelled" else booked_at,
        tell=n % 2 == 0,
    )
    for i in it["who"]:
        ensure_treatment(people[i], session.therapist, p.service, now=booked_at)


def moments(p, since, until):
    """Every moment at which something may fall due, or leave."""
    with wear(Hat.WEB, clinic_id=p.clinic.pk):
        found = {text.due_at for text in upcoming(p.clinic, since, until)}
        for s in Session.objects.filter(clinic=p.clinic):
            found |= {s.ends_at, s.ends_at + 2 * DAY, s.ends_at + 3 * DAY}
            found |= {s.starts_at + 21 * DAY, s.starts_at + 45 * DAY}
            if s.recorded_at:
                found |= {s.recorded_at, s.recorded_at + 2 * HOUR}
    return sorted(moment for moment in found if since < moment <= until)


def a_minute_or_later(moment):
    whole = moment.replace(second=0, microsecond=0)
    return whole if whole == moment else whole + MINUTE


def story(message_or_preview, state, reason):
    it = message_or_preview
    return (it.session.pk, it.rule_key, it.recipient, it.text, it.due_at, state, reason)


@settings(max_examples=5, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    now=st.sampled_from(NOWS),
    drawn=st.lists(clients, min_size=3, max_size=3),
    history=st.lists(visits, min_size=8, max_size=12),
)
def test_what_is_foretold_is_what_the_ticks_then_do(now, drawn, history):
    with only_for_now():
        p = practice()
        since = tehran(now)
        until = since + 2 * DAY
        with wear(Hat.WEB, clinic_id=p.clinic.pk):
            people = [p.client, *people_of(p, drawn)]
            for n, it in enumerate(history):
                session_of(p, people, n, since, it)
            rhythm.refresh_clinic(p.clinic.pk)
        tick(since)
        before = {m.pk for m in outbox(p.clinic)}
        with wear(Hat.WEB, clinic_id=p.clinic.pk):
            previews = upcoming(p.clinic, since, until)
        expected = Counter(
            story(text, {"queued": "sent"}.get(text.state, text.state), text.reason)
            for text in previews
            if text.state in ("queued", "missed") or text.reason in SAID_BY_THE_SENDER
        )
        for moment in sorted({a_minute_or_later(m) for m in moments(p, since, until)}):
            plan(moment)
            drain(lambda moment=moment: moment)
        done = Counter(
            story(m, m.state, m.reason)
            for m in outbox(p.clinic)
            if m.pk not in before and since < m.due_at <= until
        )
        assert done == expected
