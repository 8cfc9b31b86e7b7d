"""The demonstration clinic: whole, true to the machinery, and never asleep."""

import datetime as dt
import itertools
from collections import Counter, defaultdict
from types import SimpleNamespace

import pytest
from django.db import transaction
from django.db.models import Count
from django.test import override_settings

from clinic import jalali
from clinic.models import Closure, Membership, Room, Service, Therapist, User, WorkingHours
from clinic.tenancy import EVERYWHERE, Hat, wear
from feedback.models import Response
from messaging import inbox
from messaging.models import Message, Reply
from panel.demo import care, days, mixups, people, rhythm, soon, words, world
from patients import merging
from patients.models import Client, ConsentRecord, Treatment
from patients.phones import is_mobile
from patients.twins import Likeness, twins_of
from sandbox.plans import KeptPlans
from sandbox.testing import running_gateway
from sessions_app import links
from sessions_app.models import CareTask, ClientLink, Rhythm, Session, SessionChange
from sessions_app.rhythm import refresh_clinic

pytestmark = pytest.mark.slow

#: Sunday 1 Azar 1405, 15:33 in Tehran.
NOW = dt.datetime(2026, 11, 22, 12, 3, tzinfo=dt.UTC)
PASSWORDS = {"owner": "owner's", "reception": "hers", "therapist": "also", "operator": "all"}
MINUTE, DAY = dt.timedelta(minutes=1), dt.timedelta(days=1)


@pytest.fixture(scope="module")
def demo(django_db_setup, django_db_blocker):
    """The clinic and the gateway its texts went to; all of it is undone after this module."""
    with django_db_blocker.unblock(), running_gateway() as gateway, transaction.atomic():
        account = {"KAVENEGAR_BASE_URL": gateway.base_url, "KAVENEGAR_API_KEY": "sandbox"}
        with override_settings(**account):
            with KeptPlans().installed():
                clinic = world.build(NOW, passwords=PASSWORDS, gateway_clock=gateway.set_clock)
            yield SimpleNamespace(clinic=clinic, gateway=gateway)
        transaction.set_rollback(True)


@pytest.fixture
def inside(demo):
    """A look with the web's hat; what a test changes is undone."""
    with transaction.atomic():
        with wear(Hat.WEB, clinic_id=demo.clinic.pk):
            demo.clinic.refresh_from_db()
            yield demo
        transaction.set_rollback(True)


def test_clinic_has_its_people_and_prices(inside):
    # Sixty people; one of them stands there twice.
    assert Client.objects.count() == 61
    assert {it.spoken for it in Therapist.objects.all()} == {
        "خانم توکلی",
        "آقای دکتر رستگار",
        "آقای دکتر امینی",
        "خانم دکتر صادقی",
        "خانم شریفی",
    }
    assert Service.objects.count() == 6
    assert Service.objects.get(name="مشاوره‌ی فردی").price_rial == 9_500_000


def test_every_therapist_has_told_the_hours_in_which_nearly_all_sessions_lie(inside):
    told = set(WorkingHours.objects.values_list("therapist_id", "weekday"))
    sessions = [
        (session.therapist_id, jalali.weekday(jalali.local_day(session.starts_at)))
        for session in Session.objects.all()
    ]
    assert len({therapist for therapist, _ in told}) == 5
    # What is shown to fall due in the next minutes keeps to no weekly hours.
    assert sum(place in told for place in sessions) > 0.95 * len(sessions)


def test_sessions_have_the_room_of_their_hour_and_share_none(inside):
    assert set(Room.objects.values_list("name", flat=True)) == set(people.ROOMS)
    there = defaultdict(list)
    for session in Session.objects.exclude(room=None).exclude(state="cancelled"):
        there[session.room_id].append((session.starts_at, session.ends_at))
    assert len(there) == 4
    for spans in there.values():
        assert all(one[1] <= other[0] for one, other in itertools.pairwise(sorted(spans)))
    ahead = Session.objects.filter(starts_at__gt=NOW, state="scheduled", online_url="")
    roomless = ahead.filter(room=None).exclude(service__name=people.ONLINE.name)
    # In the evening a therapist sits beside the usual hours, and so in no usual room.
    assert roomless.count() <= 0.1 * ahead.count()
    assert not Session.objects.filter(service__name=people.ONLINE.name).exclude(room=None).exists()


def test_two_therapists_use_one_room_at_different_hours(inside):
    room = Room.objects.get(name=people.SUN)
    hours = WorkingHours.objects.filter(room=room)
    assert set(hours.values_list("therapist__name", flat=True)) == {
        people.SADEGHI.name,
        people.AMINI.name,
    }


def test_one_client_has_a_second_file_that_is_found_and_differs(inside):
    kept, second = Client.objects.filter(first_name="پریسا").order_by("pk")
    assert [(it.client, it.likenesses) for it in twins_of(kept)] == [(second, (Likeness.NAME,))]
    assert {"file_no", "phone", "therapist"} <= set(merging.differing(kept, second))
    assert second.sessions.count() == 1


def test_nobody_else_is_taken_for_somebody_else(inside):
    named = {Likeness.NAME, Likeness.NEAR}
    twins = {
        c.full_name for c in Client.objects.all() for t in twins_of(c) if named & {*t.likenesses}
    }
    assert twins == {mixups.TWICE}


def test_one_reply_waits_whose_number_is_on_no_file(inside):
    strangers = Reply.objects.exclude(phone__in=Client.objects.values("phone"))
    assert inbox.waiting(strangers).get().text == words.NEW_NUMBER


def test_staff_came_in_by_invitations(inside):
    with wear(Hat.OWNER, clinic_id=EVERYWHERE):
        roles = dict(Membership.objects.values_list("user__email", "role"))
        operator = User.objects.get(email="operator@peygir.example")
        owner = User.objects.get(email="owner@aramesh.example")
    assert roles == {
        "owner@aramesh.example": "owner",
        "reception@aramesh.example": "receptionist",
        "therapist@aramesh.example": "therapist",
    }
    assert owner.check_password(PASSWORDS["owner"])
    assert operator.is_staff
    assert operator.check_password(PASSWORDS["operator"])


def test_calendar_reaches_from_ten_weeks_ago_to_two_weeks_ahead(inside):
    starts = list(Session.objects.values_list("starts_at", flat=True))
    assert 69 <= (NOW - min(starts)).days <= 76
    assert 12 <= (max(starts) - NOW).days <= 14
    assert all(soon.in_hours(start) or jalali.local(start).hour == 20 for start in starts)


def test_sessions_end_in_a_realistic_mixture(inside):
    past = Session.objects.filter(ends_at__lt=NOW)
    states = Counter(past.values_list("state", flat=True))
    assert 0.7 < states["attended"] / past.count() < 0.85
    assert 0.05 < states["no_show"] / past.count() < 0.13
    assert 0.05 < states["cancelled"] / past.count() < 0.15
    assert 1 <= states["scheduled"] + states["confirmed"] <= 10


def test_history_was_imported_and_the_rest_was_done_by_reception_and_one_client(inside):
    assert set(Session.objects.values_list("source", flat=True)) == {"import", "panel", "online"}
    kinds = Counter(SessionChange.objects.values_list("kind", flat=True))
    assert kinds["booked"] == Session.objects.count()
    assert kinds["moved"] > 0
    assert kinds["cancelled"] > 0
    assert kinds["outcome"] > 30
    assert ConsentRecord.objects.filter(source="import").count() == 120


def test_every_sent_text_is_at_the_gateway_and_every_text_there_was_sent(inside):
    sent = Message.objects.exclude(sent_at=None)
    ours = {(m.pk, m.text, m.provider_id) for m in sent}
    theirs = {(text.local_id, text.body, str(text.id)) for text in inside.gateway.messages}
    assert ours == theirs
    assert len(ours) > 60


def test_sent_texts_have_been_followed_to_the_phones(inside):
    states = Counter(Message.objects.values_list("state", "reason"))
    assert states["delivered", ""] > 60
    assert states["undelivered", "carrier"] >= 1
    assert states["undelivered", "blocked"] >= 1
    assert states["skipped", "no_consent"] >= 1
    assert states["skipped", "no_phone"] >= 1
    waiting = Message.objects.filter(state__in=("queued", "claimed", "sending", "unknown"))
    assert not waiting.exists()


def test_texts_left_soon_after_they_fell_due(inside):
    late = [m.sent_at - m.due_at for m in Message.objects.exclude(sent_at=None)]
    assert max(late) < 30 * MINUTE


def test_all_kinds_of_texts_have_been_sent(inside):
    sent = Message.objects.filter(state="delivered")
    assert {"booked", "moved", "thank_you", "no_show", "reminder_24h", "reminder_72h"} <= set(
        sent.values_list("rule_key", flat=True)
    )


def test_closed_days_are_known(inside):
    own = Closure.objects.get(kind="own")
    assert own.name == care.WORKSHOP
    assert jalali.weekday(own.first_day) == 4
    assert Closure.objects.filter(kind="holiday").count() > 50


def test_clients_have_answered_in_many_ways(inside):
    said = Response.objects.all()
    assert {1, 2, 3, 4, 5} <= set(said.values_list("overall", flat=True))
    assert said.exclude(comment="").count() > 10
    by_therapist = Counter(said.values_list("session__therapist__name", flat=True))
    assert sum(n >= 5 for n in by_therapist.values()) >= 3
    by_text = ClientLink.objects.filter(purpose="feedback", created_at__gt=NOW - 5 * DAY)
    assert by_text.exclude(answer="").exists()


def test_the_call_list_has_something_to_do_and_something_done(inside):
    waiting = set(CareTask.objects.filter(closed_at=None).values_list("kind", flat=True))
    assert {"call", "feedback", "reschedule"} <= waiting
    assert CareTask.objects.exclude(closed_at=None).filter(kind="feedback").exists()


def test_some_have_paused_finished_or_want_no_texts(inside):
    def state_of(name):
        return next(t.state for t in Treatment.objects.all() if t.client.full_name == name)

    assert (state_of(care.PAUSED), state_of(care.COMPLETED)) == ("paused", "completed")
    assert [c.full_name for c in Client.objects.exclude(muted_at=None)] == [care.MUTED]


def test_rhythms_are_what_history_says(inside):
    def kept():
        return sorted(Rhythm.objects.values_list("client", "median_gap_days", "next_session_at"))

    before = kept()
    refresh_clinic(inside.clinic.pk)
    assert len(before) > 50
    assert kept() == before


def test_links_in_texts_lead_to_their_pages(inside):
    link = ClientLink.objects.filter(purpose="session").latest("created_at")
    page = links.Page(links.Purpose.SESSION, link.clinic_id, link.session_id, link.client_id)
    texts = Message.objects.filter(client=link.client, session=link.session)
    assert any(page.address in message.text for message in texts)
    assert links.find(page.token, links.Purpose.SESSION) == link


def test_couple_comes_together_and_each_is_reminded(inside):
    pairs = Session.objects.annotate(n=Count("clients", distinct=True)).filter(n=2)
    texts = Message.objects.filter(session__in=pairs, rule_key="reminder_24h", state="delivered")
    by_session = defaultdict(set)
    for session_id, recipient in texts.values_list("session_id", "recipient"):
        by_session[session_id].add(recipient)
    assert by_session
    assert {len(recipients) for recipients in by_session.values()} == {2}


def test_shared_phone_is_texted_without_a_name(inside):
    mother = Client.objects.get(last_name="قاسمی")
    child = Client.objects.get(last_name="نوروزی")
    assert mother.phone == child.phone
    both = Message.objects.filter(client__in=(mother, child), recipient=mother.phone)
    texts = both.exclude(text="")
    assert texts.count() > 2
    assert all(m.text.startswith("سلام همراه گرامی،") for m in texts)


def test_the_childs_father_reads_of_the_sessions_by_his_own_name(inside):
    texts = Message.objects.filter(recipient=care.FATHERS_PHONE).exclude(text="")
    assert {(m.client.last_name, m.contact.name) for m in texts} == {("نوروزی", care.FATHER)}
    assert all(m.text.startswith("سلام آقای امین نوروزی،") for m in texts)


def test_no_number_belongs_to_anybody():
    numbers = {person.phone for person in people.everybody() if person.phone}
    assert len(numbers) == 58
    assert all(number[4:7] == "000" for number in numbers)
    assert all(is_mobile(f"+98{number[1:]}") for number in numbers)


def test_several_reminders_fall_due_right_after_the_build(inside):
    news = world.carry_on(inside.clinic, NOW)
    assert news.booked == 0
    assert news.texts_soon >= 4
    assert NOW <= news.first_at <= NOW + 6 * MINUTE


@pytest.mark.parametrize(
    "later",
    [3 * 60 * MINUTE, 5 * DAY, 10 * 60 * MINUTE, 5 * DAY + 6 * 60 * MINUTE, 40 * DAY],
    ids=["same day", "friday", "that night", "evening before quiet hours", "weeks later"],
)
def test_later_start_finds_or_makes_something_to_watch(inside, later):
    now = NOW + later
    news = world.carry_on(inside.clinic, now)
    assert news.texts_soon >= 1
    before = len(inside.gateway.messages)
    days.tick(inside.gateway.set_clock, now + soon.SOON)
    assert len(inside.gateway.messages) > before


def test_later_start_books_two_weeks_ahead_again(inside):
    now = NOW + 40 * DAY
    assert world.carry_on(inside.clinic, now).booked > 50
    last = Session.objects.order_by("starts_at").last()
    assert 12 <= (last.starts_at - now).days <= 14


def test_lost_passwords_are_given_anew(inside):
    world.set_passwords(PASSWORDS | {"owner": "another long one"})
    with wear(Hat.OWNER, clinic_id=EVERYWHERE):
        assert User.objects.get(email="owner@aramesh.example").check_password("another long one")


@pytest.mark.parametrize(
    ("hour", "expected"),
    [(9, (21, 9)), (19, (21, 9)), (20, (23, 9)), (23, (2, 9)), (0, (3, 9)), (5, (8, 9)),
     (6, (21, 6)), (8, (21, 8))],
)  # fmt: skip
def test_clinic_stays_awake_for_whoever_looks_at_night(hour, expected):
    now = jalali.combine(dt.date(2026, 11, 22), dt.time(hour, 30))
    begins, ends = soon.quiet_hours(now)
    assert (begins.hour, ends.hour) == expected
    for clock in (now, now + soon.SOON):
        assert not soon.is_within(jalali.local(clock).time(), begins, ends)


def test_weeks_go_on_as_they_began():
    first = dt.date(2026, 9, 12)
    ten, twenty = (rhythm.appointments(first, weeks) for weeks in (10, 20))
    assert twenty[: len(ten)] == ten
    assert len({it.number for it in twenty}) == len(twenty)


def test_no_therapist_is_in_two_places():
    for name in {it.name for it in people.THERAPISTS}:
        own = [
            it for it in rhythm.appointments(dt.date(2026, 9, 12), 14) if it.therapist.name == name
        ]
        assert all(one.ends_at <= other.starts_at for one, other in itertools.pairwise(own))
