"""When a text that can wait goes, how many a week, in which words, and never to ghosts."""

import datetime as dt
from collections import Counter

import pytest

from clinic.tenancy import EVERYWHERE, Hat, wear
from followup import actions as rules
from messaging import outbox as messages
from messaging.accounts import gateways_of
from messaging.claiming import claim
from messaging.models import Template
from patients import care
from sessions_app import actions
from tests import factories
from tests.followup.clinics import due_times, outbox, tehran, tick
from tests.followup.practice import only_for_now, plan_at, practice, send_at
from tests.followup.scenes import BY_RULE


@pytest.fixture(autouse=True)
def hat(owner, gateway):
    """Across clinics for the test's own looks, and a gateway that takes what leaves."""


# -- Quiet hours and closed days --------------------------------------------------------------------

# The end of a session of fifty minutes, whose thanks fall due there → when they go
WAITS = [
    pytest.param("2026-11-25 18:00", "2026-11-25 18:50", id="Wednesday evening: at once"),
    pytest.param("2026-11-25 20:10", "2026-11-26 09:00", id="Wednesday night: Thursday at nine"),
    pytest.param("2026-11-26 20:09", "2026-11-26 20:59", id="the last minute of Thursday"),
    pytest.param("2026-11-26 20:10", "2026-11-28 10:00", id="Thursday night: Saturday at ten"),
    pytest.param("2026-11-26 23:20", "2026-11-28 10:00", id="the first minutes of Friday"),
    pytest.param("2026-11-27 12:00", "2026-11-28 10:00", id="Friday: Saturday at ten"),
    pytest.param("2026-11-27 22:20", "2026-11-28 10:00", id="Friday night: not at nine"),
    pytest.param("2026-11-27 23:20", "2026-11-28 09:00", id="the first minutes of Saturday"),
    pytest.param("2026-11-28 08:30", "2026-11-28 09:20", id="Saturday morning: at once"),
]


@pytest.mark.parametrize(("starts", "due"), WAITS)
def test_what_can_wait_goes_on_a_working_day_outside_quiet_hours(starts, due):
    p = practice("thank_you")
    p.came(starts)
    a_minute_before = tehran(due) - dt.timedelta(minutes=1)
    assert tick(a_minute_before)["sent"] == 0
    assert tick(due)["sent"] == 1
    assert due_times(p.clinic, "thank_you") == [due]


def test_what_falls_due_in_nowruz_waits_until_it_is_over():
    p = practice("no_next_booking", "no_show")
    p.close("1405/12/28", "1406/01/04", "نوروز")
    p.came("1405/12/26 12:00")
    tick("1405/12/28 12:50")
    assert due_times(p.clinic, "no_next_booking") == ["2027-03-25 10:00"]
    for still_closed in ("1405/12/29 11:00", "1406/01/04 20:00"):
        assert tick(still_closed)["sent"] == 0


def test_after_so_long_a_closure_what_has_lost_its_use_is_missed():
    p = practice("no_next_booking")
    p.close("1405/12/28", "1406/01/14", "نوروز")
    p.came("1405/12/26 12:00")
    tick("1405/12/28 12:50")
    tick("1406/01/15 10:00")
    assert p.texts() == [("missed", "too_late")]


def test_on_a_closed_day_what_concerns_a_booked_session_goes_and_the_rest_waits():
    p = practice("thank_you", "reminder_72h")
    p.close("2026-11-25")
    p.book("2026-11-28 17:30", at="2026-11-14 10:00", clients=[p.someone()])
    p.came("2026-11-25 10:00")
    tick("2026-11-25 17:30")
    assert [(m.rule_key, m.state) for m in outbox(p.clinic)] == [
        ("reminder_72h", "sent"),
        ("thank_you", "queued"),
    ]


def test_a_day_closed_after_the_planning_holds_back_what_was_to_go_on_it():
    p = practice("no_next_booking")
    p.came("2026-11-26 17:30")
    p.close("2026-11-28")
    assert plan_at("2026-11-28 18:20") == Counter(planned=1)
    assert send_at("2026-11-28 18:20") == Counter()
    assert send_at("2026-11-29 09:59") == Counter()
    assert send_at("2026-11-29 10:00") == Counter(sent=1)


def test_one_clinics_closure_is_no_other_clinics():
    p, other = practice("thank_you"), practice("thank_you", slug="other")
    other.close("2026-11-25")
    for place in (p, other):
        place.came("2026-11-25 10:00")
    tick("2026-11-25 11:00")
    assert (p.texts(), other.texts()) == ([("sent", "")], [("queued", "")])


def test_a_clinic_in_another_zone_keeps_its_own_hours():
    p = practice("thank_you")
    p.change(p.clinic, timezone="Europe/Berlin")
    p.came("2026-11-25 22:00")  # until 20:20 in Berlin
    p.came("2026-11-26 00:00", clients=[p.someone()])  # until 22:20 there
    plan_at("2026-11-27 12:00")
    assert due_times(p.clinic, "thank_you") == ["2026-11-25 22:50", "2026-11-26 11:30"]


# -- A client's own hours ---------------------------------------------------------------------------


def in_own_hours(*rules_of_it, begins="14:00", ends="16:00"):
    p = practice(*rules_of_it)
    with p.inside():
        hours = dt.time.fromisoformat(begins), dt.time.fromisoformat(ends)
        care.set_hours(p.client, *hours, now=tehran("2026-11-01 10:00"))
    return p


@pytest.mark.parametrize(
    ("starts", "due"),
    [
        pytest.param("2026-11-25 09:30", "2026-11-25 14:00", id="before them: when they begin"),
        pytest.param("2026-11-25 14:00", "2026-11-25 14:50", id="inside: at once"),
        pytest.param("2026-11-25 17:30", "2026-11-26 14:00", id="after them: the next day"),
        pytest.param("2026-11-26 17:30", "2026-11-28 14:00", id="over a Friday"),
    ],
)
def test_what_can_wait_waits_for_the_clients_own_hours(starts, due):
    p = in_own_hours("thank_you")
    p.came(starts)
    assert tick(tehran(due) - dt.timedelta(minutes=1))["sent"] == 0
    assert tick(due)["sent"] == 1
    assert due_times(p.clinic, "thank_you") == [due]


def test_a_reminder_is_pulled_into_the_clients_own_hours():
    p = in_own_hours("reminder_72h")
    p.book("2026-11-28 17:30", at="2026-11-14 10:00")
    plan_at("2026-11-25 16:00")
    (due,) = due_times(p.clinic, "reminder_72h")
    assert "2026-11-25 15:50" <= due <= "2026-11-25 15:58"


def test_a_silent_text_keeps_to_the_clients_own_hours_too():
    p = in_own_hours("silent_1")
    p.came("2026-11-08 11:00")
    plan_at("2026-12-02 12:00")
    assert due_times(p.clinic, "silent_1") == ["2026-11-29 14:00"]


def test_own_hours_that_were_given_while_a_text_waits_are_kept():
    p = practice("thank_you")
    p.came("2026-11-25 09:30")
    plan_at("2026-11-25 10:20")
    p.do(care.set_hours, p.client, dt.time(14), dt.time(16), at="2026-11-25 10:20")
    assert send_at("2026-11-25 13:59") == Counter()
    assert send_at("2026-11-25 14:00") == Counter(sent=1)


# -- Between the claim and the call -----------------------------------------------------------------


def begin_after(p, happens, *, at="2026-11-28 18:20"):
    """What becomes of a text of thanks when `happens` between its claim and its leaving."""
    p.came("2026-11-28 17:30")
    plan_at(at)
    moment = tehran(at)
    with wear(Hat.WORKER, clinic_id=EVERYWHERE):
        ids = claim(moment, "sender")
        ((_, verdict),) = messages.drafts(ids, "sender", moment)
        carrier = gateways_of({p.clinic.pk})[p.clinic.pk]
    happens()
    with wear(Hat.WORKER, clinic_id=EVERYWHERE):
        messages.begin_sending(ids, verdict.text, carrier, holder="sender", now=moment)
    return p.texts("thank_you")


def test_own_hours_given_after_the_claim_are_kept():
    p = practice("thank_you")
    theirs = dt.time(14), dt.time(16)
    given = lambda: p.do(care.set_hours, p.client, *theirs, at="2026-11-28 18:20")  # noqa: E731
    assert begin_after(p, given) == [("queued", "")]


def test_a_day_closed_after_the_claim_is_kept():
    p = practice("thank_you")
    assert begin_after(p, lambda: p.close("2026-11-28")) == [("queued", "")]


def test_a_day_closed_after_the_claim_holds_no_reminder_back():
    p = practice("reminder_72h")
    p.book("2026-12-01 18:20", at="2026-11-21 10:00")
    assert begin_after(p, lambda: p.close("2026-11-28")) == []
    assert p.texts("reminder_72h") == [("sending", "")]


# -- The contact budget -----------------------------------------------------------------------------


def has_had(p, *moments, purpose="follow_up", state="sent", client=None):
    for moment in moments:
        with p.inside():
            factories.MessageFactory(
                clinic=p.clinic,
                client=client or p.client,
                session=None,
                rule_key="campaign",
                rule_number=None,
                purpose=purpose,
                state=state,
                due_at=tehran(moment),
                attempted_at=tehran(moment) if state != "shadow" else None,
                recipient=f"+98912{tehran(moment):%d%H%M}0",
            )


BUDGET = [
    pytest.param(["2026-11-25 10:00"], {}, ("sent", ""), id="the second"),
    pytest.param(["2026-11-25 10:00", "2026-11-26 10:00"], {}, ("skipped", "budget"), id="third"),
    pytest.param(
        ["2026-11-21 18:20", "2026-11-26 10:00"], {}, ("sent", ""), id="a full week after the first"
    ),
    pytest.param(
        ["2026-11-21 18:21", "2026-11-26 10:00"],
        {},
        ("skipped", "budget"),
        id="a minute less than a week after it",
    ),
    *(
        pytest.param(["2026-11-25 10:00", "2026-11-26 10:00"], {"state": state}, found, id=state)
        for state, found in {
            "delivered": ("skipped", "budget"),
            "undelivered": ("skipped", "budget"),
            "unknown": ("skipped", "budget"),
            "shadow": ("skipped", "budget"),
            "skipped": ("sent", ""),
            "missed": ("sent", ""),
            "cancelled": ("sent", ""),
            "failed": ("sent", ""),
        }.items()
    ),
    *(
        pytest.param(
            ["2026-11-25 10:00", "2026-11-26 10:00"], {"purpose": purpose}, found, id=purpose
        )
        for purpose, found in {
            "motivation": ("skipped", "budget"),
            "campaign": ("skipped", "budget"),
            "transactional": ("sent", ""),
        }.items()
    ),
]


@pytest.mark.parametrize(("had", "details", "found"), BUDGET)
def test_two_texts_a_week_that_no_session_needs(had, details, found):
    p = practice("thank_you")
    has_had(p, *had, **details)
    p.came("2026-11-28 17:30")
    tick("2026-11-28 18:20")
    assert p.texts("thank_you") == [found]


def test_a_text_counts_from_when_it_left_not_from_its_first_attempt(gateway):
    p = practice("thank_you")
    p.came("2026-11-21 17:30")
    plan_at("2026-11-21 18:20")
    gateway.fail_next("code", code=409)
    send_at("2026-11-21 18:20")
    send_at("2026-11-22 10:00")
    has_had(p, "2026-11-26 10:00")
    p.came("2026-11-28 17:30")
    tick("2026-11-28 18:21")
    assert p.texts("thank_you") == [("sent", ""), ("skipped", "budget")]


def test_the_budget_is_each_clients_own():
    p = practice("thank_you")
    has_had(p, "2026-11-25 10:00", "2026-11-26 10:00", client=p.someone())
    p.came("2026-11-28 17:30")
    tick("2026-11-28 18:20")
    assert p.texts("thank_you") == [("sent", "")]


def test_what_concerns_a_booked_session_goes_whatever_has_gone():
    p = practice("reminder_72h", "booked")
    has_had(p, "2026-11-24 10:00", "2026-11-24 11:00", "2026-11-24 12:00")
    p.book("2026-11-28 17:30", at="2026-11-25 09:00")
    tick("2026-11-25 09:03")
    tick("2026-11-25 17:30")
    assert p.texts("booked") + p.texts("reminder_72h") == [("sent", ""), ("sent", "")]


def test_of_three_due_at_once_two_leave_in_the_order_they_fell_due():
    p = practice("thank_you")
    for hour in (10, 12, 14):
        p.came(f"2026-11-27 {hour}:00")
    tick("2026-11-27 15:00")
    tick("2026-11-28 10:00")
    assert p.texts() == [("sent", ""), ("sent", ""), ("skipped", "budget")]


# -- Words ------------------------------------------------------------------------------------------


def reword(p, *wordings):
    """Only these wordings of the thanks: (words, fields)."""
    Template.objects.filter(clinic=p.clinic).delete()
    with p.inside():
        for body, fields in wordings:
            factories.TemplateFactory(clinic=p.clinic, key="thank_you", body=body, **fields)


def words_of(p):
    return [m.text.split()[0] for m in outbox(p.clinic) if m.state == "sent"]


def test_the_most_particular_wording_is_used(subtests):
    p = practice("thank_you")
    with p.inside():
        other_service = factories.ServiceFactory(clinic=p.clinic)
        other_therapist = factories.TherapistFactory(clinic=p.clinic)
    of_service, of_therapist = {"service": p.service}, {"therapist": p.therapist}
    kinds = {
        "همه": {},
        "خدمت": of_service,
        "درمانگر": of_therapist,
        "هردو": of_service | of_therapist,
        "خدمت‌دیگر": {"service": other_service},
        "درمانگردیگر": {"therapist": other_therapist},
        "هردوی‌دیگر": of_therapist | {"service": other_service},
    }
    p.came("2026-11-21 17:30")  # the first would invite
    p.came("2026-11-28 17:30")
    for left, used in (
        (list(kinds), "هردو"),
        ([k for k in kinds if k != "هردو"], "درمانگر"),
        ([k for k in kinds if k not in ("هردو", "درمانگر")], "خدمت"),
        (["همه", "خدمت‌دیگر", "درمانگردیگر", "هردوی‌دیگر"], "همه"),
    ):
        with subtests.test(used), only_for_now():
            reword(p, *((name, kinds[name]) for name in left))
            plan_at("2026-11-28 18:20")
            send_at("2026-11-28 18:20")
            assert words_of(p) == [used]


@pytest.mark.parametrize("wordings", [[("دعوت", {"invites": True})], []], ids=["inviting", "none"])
def test_without_a_fitting_wording_nothing_goes_and_the_panel_says_why(wordings):
    p = practice("thank_you")
    p.came("2026-11-21 17:30")
    p.came("2026-11-28 17:30")
    reword(p, *wordings)
    tick("2026-11-28 18:20")
    assert p.texts("thank_you")[-1] == ("skipped", "no_template")


def test_a_wording_that_invites_is_used_only_where_one_is_invited():
    p = practice("thank_you")
    reword(p, ("ساده", {"therapist": p.therapist}), ("دعوت", {"invites": True}))
    for day in (7, 14, 21, 28):
        tick(p.came(f"2026-11-{day:02} 17:30").ends_at)
    assert words_of(p) == ["دعوت", "ساده", "ساده", "ساده"]


def test_alternates_take_turns_for_each_client():
    p = practice("thank_you")
    reword(p, ("یکم", {}), ("دوم", {}), ("سوم", {}))
    for day in (1, 8, 15, 22):
        tick(p.came(f"2026-11-{day:02} 17:30").ends_at)
    tick(p.came("2026-11-23 17:30", clients=[p.someone()]).ends_at)
    assert words_of(p) == ["یکم", "دوم", "سوم", "یکم", "یکم"]


def test_what_did_not_leave_takes_no_turn():
    p = practice("thank_you")
    reword(p, ("یکم", {}), ("دوم", {}))
    p.came("2026-11-01 17:30")
    tick("2026-11-03 18:20")  # too late
    tick(p.came("2026-11-08 17:30").ends_at)
    assert words_of(p) == ["یکم"]


# -- No ghosts --------------------------------------------------------------------------------------


def test_what_waited_for_a_working_day_while_the_clinic_went_live_is_never_told(gateway):
    p = practice("no_next_booking", "thank_you", live=False)
    p.came("2026-11-26 20:30")
    plan_at("2026-11-26 21:20")
    with p.inside():
        rules.go_live(p.clinic, now=tehran("2026-11-27 12:00"))
    tick("2026-11-28 10:00")
    assert (p.texts(), gateway.messages) == ([("shadow", "")], [])


def test_a_clinic_that_returns_to_shadow_stops_what_waits(gateway):
    p = practice("thank_you")
    p.came("2026-11-26 20:30")
    plan_at("2026-11-26 21:20")
    with p.inside():
        rules.return_to_shadow(p.clinic)
    tick("2026-11-28 10:00")
    assert (p.texts(), gateway.messages) == ([("shadow", "")], [])


def test_a_rule_switched_on_tells_only_what_falls_due_from_then_on():
    scene = BY_RULE["no_next_booking"]
    p, _ = scene.open()
    with p.inside():
        rules.switch(p.rule("no_next_booking"), False, now=tehran("2026-11-20 10:00"))
        rules.switch(p.rule("no_next_booking"), True, now=tehran(scene.due))
    tick(scene.due)
    assert p.texts() == [("sent", "")]


def test_a_cancellation_after_the_thanks_were_planned_is_the_last_word():
    p = practice("thank_you", "cancelled")
    session = p.came("2026-11-26 20:30")
    plan_at("2026-11-26 21:20")
    p.do(actions.cancel, session, at="2026-11-27 09:00", tell=True)
    tick("2026-11-28 10:00")
    assert p.texts("thank_you") == [("cancelled", "session_cancelled")]
