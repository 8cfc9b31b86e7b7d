"""Two files of one client become one: what stays, what goes along, and that nothing is lost."""

import datetime as dt

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings as effort, strategies as st

from clinic.tenancy import EVERYWHERE, Hat, TenantForeignKey, each_tenant_model, wear
from feedback.models import Response
from patients import care, merging
from patients.models import (
    Client,
    ClientEvent,
    ConsentRecord,
    FormerFile,
    Treatment,
)
from patients.queries import by_number, next_file_no, search
from patients.twins import found_by, twins_of
from sessions_app import actions
from sessions_app.care_tasks import open_task
from sessions_app.links import Page, Purpose, find, publish
from sessions_app.models import CareTask, ClientLink, Participant, Rhythm, Session
from tests import factories
from tests.effort import examples
from tests.factories import NOW
from tests.messaging.test_races import in_thread

DAY, HOUR = dt.timedelta(days=1), dt.timedelta(hours=1)
TODAY = dt.date(2026, 11, 21)


@pytest.fixture
def therapist(at_work):
    return factories.TherapistFactory(clinic=at_work)


@pytest.fixture
def service(at_work):
    return factories.ServiceFactory(clinic=at_work)


def join(kept, lost, *taken, by=None):
    return merging.merge(kept, lost, taken=taken, now=NOW, by=by)


def pointing_at(client_id):
    """The tables with a row that points at this client."""
    return [
        model.__name__
        for model in each_tenant_model()
        for column in model._meta.local_fields
        if isinstance(column, TenantForeignKey)
        and column.related_model is Client
        and model.objects.filter(**{column.attname: client_id}).exists()
    ]


# -- Fields ------------------------------------------------------------------------------------


def test_the_chosen_values_stay_and_the_rest_is_the_kept_files(kept, lost):
    join(kept, lost, "phone", "name")
    one = Client.objects.get()
    assert (one.pk, one.phone, one.last_name) == (kept.pk, lost.phone, lost.last_name)
    assert one.file_no == kept.file_no


def test_what_the_kept_file_lacks_it_has_from_the_other(kept, lost, therapist):
    Client.objects.filter(pk=kept.pk).update(email="", birth_date=None, therapist=None)
    born = dt.date(1989, 7, 22)
    Client.objects.filter(pk=lost.pk).update(
        email="m@example.ir", birth_date=born, therapist=therapist
    )
    one = join(kept, lost)
    assert (one.email, one.birth_date, one.therapist_id) == ("m@example.ir", born, therapist.pk)


def test_hours_go_together(kept, lost):
    Client.objects.filter(pk=kept.pk).update(texts_from=dt.time(10), texts_until=dt.time(12))
    Client.objects.filter(pk=lost.pk).update(texts_from=dt.time(10), texts_until=dt.time(18))
    one = join(kept, lost, "hours")
    assert (one.texts_from, one.texts_until) == (dt.time(10), dt.time(18))


@pytest.mark.parametrize("taken", [(), ("file_no", "phone")], ids=["the kept one's", "the other's"])
def test_the_number_that_goes_is_found_and_is_nobody_elses_next(kept, lost, taken):
    Client.objects.filter(pk=kept.pk).update(file_no="500", phone="+989120000500")
    Client.objects.filter(pk=lost.pk).update(file_no="900", phone="+989120000900")
    one = join(kept, lost, *taken)
    gone = "500" if taken else "900"
    former = FormerFile.objects.get()
    assert (former.file_no, former.phone, former.number) == (gone, f"+989120000{gone}", lost.pk)
    assert one.file_no == ("900" if taken else "500")
    for typed in (gone, f"0912 0000 {gone}", "کریمی پور"):
        assert list(search(Client.objects.all(), typed)) == [one]
    assert next_file_no() == "901"


def test_the_log_says_who_joined_what_and_when(kept, lost, receptionist):
    join(kept, lost, by=receptionist)
    event = ClientEvent.objects.get()
    assert (event.client_id, event.kind, event.at, event.by) == (
        *(kept.pk, "merged", NOW),
        receptionist,
    )
    name = lost.full_name
    assert event.note.split("\n") == [
        f"{lost.file_no} · {name}",
        "0" + lost.phone.removeprefix("+98"),
    ]


def test_both_files_are_kept_as_they_were(kept, lost):
    join(kept, lost, "phone")
    held = FormerFile.objects.get().held
    assert (held["kept"]["phone"], held["lost"]["phone"]) == (kept.phone, lost.phone)
    assert held["lost"]["file_no"] == lost.file_no


# -- The stricter holds --------------------------------------------------------------------------


@pytest.mark.parametrize("refusing", ["kept", "lost"])
def test_who_refused_in_one_file_has_refused(kept, lost, receptionist, refusing):
    who = {"kept": kept, "lost": lost}[refusing]
    Client.objects.filter(pk=who.pk).update(consent_follow_up=False)
    one = join(kept, lost, by=receptionist)
    assert (one.consent_transactional, one.consent_follow_up) == (True, False)
    records = ConsentRecord.objects.values_list("purpose", "given", "source", "recorded_by")
    said = [("follow_up", False, "merge", receptionist.pk)]
    assert list(records) == (said if refusing == "lost" else [])


def test_what_only_one_file_agreed_to_is_not_agreed_to(kept, lost):
    Client.objects.filter(pk=lost.pk).update(consent_motivation=True)
    assert not join(kept, lost).consent_motivation


@pytest.mark.parametrize(
    ("mine", "theirs", "held"),
    [
        (None, TODAY + 3 * DAY, TODAY + 3 * DAY),
        (TODAY + 9 * DAY, TODAY + 3 * DAY, TODAY + 9 * DAY),
        (TODAY + 9 * DAY, "for good", None),
        (TODAY + 9 * DAY, TODAY - DAY, TODAY + 9 * DAY),
    ],
    ids=["of one", "the longer", "without an end", "one is over"],
)
def test_of_two_stops_the_longer_holds(kept, lost, mine, theirs, held):
    for client, until in ((kept, mine), (lost, theirs)):
        if until:
            day = None if until == "for good" else until
            Client.objects.filter(pk=client.pk).update(muted_at=NOW - 2 * DAY, muted_until=day)
    one = join(kept, lost)
    assert (one.muted_at, one.muted_until) == (NOW - 2 * DAY, held)


def test_a_crisis_hold_of_either_stands(kept, lost):
    care.hold_for_crisis(lost, note="نگران", now=NOW - DAY)
    one = join(kept, lost)
    assert one.crisis_since == NOW - DAY
    assert one.events.filter(kind="crisis").get().note == "نگران"


@pytest.mark.parametrize("dead", ["kept", "lost"])
def test_a_death_of_either_stands_and_a_mistake_opens_the_calls_again(kept, lost, dead):
    who, other = (kept, lost) if dead == "kept" else (lost, kept)
    care.record_death(who, now=NOW - DAY)
    task = open_task("call", other, due_at=NOW, now=NOW - 2 * DAY)
    one = join(kept, lost)
    task.refresh_from_db()
    assert (one.deceased_at, task.outcome, task.client_id) == (NOW - DAY, "deceased", kept.pk)
    care.undo_death(one, now=NOW + HOUR)
    task.refresh_from_db()
    assert (task.outcome, task.closed_at) == ("", None)


# -- What goes along -----------------------------------------------------------------------------


def test_two_open_treatments_of_one_kind_become_one_with_both_histories(
    kept, lost, therapist, service
):
    course = {"therapist": therapist, "service": service}
    mine = Treatment.objects.create(client=kept, started_at=NOW - 9 * DAY, **course)
    theirs = Treatment.objects.create(client=lost, started_at=NOW - 30 * DAY, **course)
    care.pause_treatment(theirs, TODAY + 5 * DAY, now=NOW - DAY)
    join(kept, lost)
    one = Treatment.objects.get()
    assert (one.pk, one.started_at, one.state) == (mine.pk, NOW - 30 * DAY, "paused")
    assert one.paused_until == TODAY + 5 * DAY
    assert [event.kind for event in one.events.all()] == ["paused"]
    left_out = FormerFile.objects.get().held["left_out"]["patients_treatment"]
    assert [row["id"] for row in left_out] == [theirs.pk]


def test_an_ended_treatment_stays_beside_the_open_one(kept, lost, therapist, service):
    course = {"therapist": therapist, "service": service, "started_at": NOW - 9 * DAY}
    care.complete_treatment(Treatment.objects.create(client=lost, **course), now=NOW - DAY)
    Treatment.objects.create(client=kept, **course)
    join(kept, lost)
    assert sorted(t.state for t in kept.treatments.all()) == ["active", "completed"]


def test_a_session_of_both_has_one_place_afterwards(kept, lost):
    both = factories.SessionFactory(clinic=kept.clinic, clients=[kept, lost])
    theirs = factories.SessionFactory(
        clinic=kept.clinic, clients=[lost], starts_at=NOW - DAY, state="attended"
    )
    join(kept, lost)
    assert list(both.clients.all()) == [kept]
    assert list(theirs.clients.all()) == [kept]
    rhythm = Rhythm.objects.get()
    assert (rhythm.client_id, rhythm.attended, rhythm.last_attended_id) == (kept.pk, 1, theirs.pk)


def test_undoing_a_change_of_who_comes_puts_the_client_back(kept, lost, service, therapist):
    other = factories.ClientFactory(clinic=kept.clinic)
    session = actions.book(
        clients=[lost, kept], therapist=therapist, service=service, starts_at=NOW + DAY, now=NOW
    )
    actions.edit(session, clients=[other], service=service, now=NOW)
    join(kept, lost)
    actions.undo(session, now=NOW + HOUR)
    assert list(session.clients.all()) == [kept]


def test_every_address_in_hand_goes_on_leading_to_its_page(kept, lost):
    both = factories.SessionFactory(clinic=kept.clinic, clients=[kept, lost])
    theirs = factories.SessionFactory(
        clinic=kept.clinic, clients=[lost], starts_at=NOW + 3 * DAY, ends_at=NOW + 3 * DAY + HOUR
    )
    pages = [
        Page(Purpose.SESSION, kept.clinic_id, session.pk, client.pk)
        for session, client in ((both, kept), (both, lost), (theirs, lost))
    ]
    with wear(Hat.WORKER, clinic_id=kept.clinic_id):
        publish(pages, now=NOW)
    join(kept, lost)
    again = Page(Purpose.SESSION, kept.clinic_id, theirs.pk, kept.pk)
    with wear(Hat.WORKER, clinic_id=kept.clinic_id):
        publish([*pages[:1], again], now=NOW)
    for page in (*pages, again):
        link = find(page.token, Purpose.SESSION)
        assert (link.client_id, link.session_id) == (kept.pk, page.session_id)


def test_of_two_open_calls_about_the_same_one_is_settled_and_both_stay(kept, lost, receptionist):
    for client in (kept, lost):
        open_task("silent", client, occasion="session:7", due_at=NOW, now=NOW)
    open_task("call", lost, text="لطفاً زنگ بزنید", due_at=NOW, now=NOW)
    join(kept, lost, by=receptionist)
    tasks = CareTask.objects.filter(client=kept).order_by("id")
    assert [(task.kind, task.outcome) for task in tasks] == [
        ("silent", ""),
        ("silent", "done"),
        ("call", ""),
    ]
    assert tasks[1].closed_by == receptionist


def test_a_call_that_is_still_open_is_not_settled_by_a_closed_one(kept, lost):
    first = open_task("silent", kept, occasion="session:7", due_at=NOW, now=NOW)
    CareTask.objects.filter(pk=first.pk).update(outcome="done", closed_at=NOW)
    open_task("silent", lost, occasion="session:7", due_at=NOW, now=NOW)
    join(kept, lost)
    assert sorted(task.outcome for task in kept.tasks.all()) == ["", "done"]


@pytest.mark.parametrize("later", ["kept", "lost"])
def test_of_two_answers_about_one_session_the_later_stands(kept, lost, later):
    session = factories.SessionFactory(clinic=kept.clinic, clients=[kept, lost])
    for client in (kept, lost):
        said = NOW if client == {"kept": kept, "lost": lost}[later] else NOW - HOUR
        Response.objects.create(
            client=client, session=session, overall=4, created_at=said, changed_at=said
        )
    join(kept, lost)
    assert (Response.objects.get().changed_at, Response.objects.get().client_id) == (NOW, kept.pk)
    assert len(FormerFile.objects.get().held["left_out"]["feedback_response"]) == 1


def test_a_third_file_brings_along_what_was_joined_to_it(kept, lost, clinic):
    third = factories.ClientFactory(clinic=clinic)
    join(lost, third)
    join(kept, lost)
    assert {by_number(n) for n in (kept.pk, lost.pk, third.pk)} == {kept}
    assert list(search(Client.objects.all(), third.file_no)) == [kept]


# -- What is refused -----------------------------------------------------------------------------


def test_a_file_is_not_joined_with_itself(kept):
    with pytest.raises(merging.MergeError):
        join(kept, kept)


def test_a_file_that_is_gone_is_told(kept, lost):
    join(kept, lost)
    with pytest.raises(merging.MergeError, match=r"دیگر"):
        join(kept, lost)


def test_a_file_of_another_clinic_is_none(other_clinic, clinic):
    theirs = factories.ClientFactory(clinic=other_clinic)
    ours = factories.ClientFactory(clinic=clinic)
    with wear(Hat.WEB, clinic_id=clinic.pk), pytest.raises(merging.MergeError):
        join(ours, theirs)


def test_what_somebody_writes_down_meanwhile_goes_along(transactional_db, monkeypatch):
    with wear(Hat.OWNER, clinic_id=EVERYWHERE):
        kept = factories.ClientFactory()
        lost = factories.ClientFactory(clinic=kept.clinic)
    move, tries = merging._move_own, []

    def write():
        with wear(Hat.WEB, clinic_id=lost.clinic_id):
            ConsentRecord.objects.create(
                client=lost, purpose="campaign", given=False, source="panel", recorded_at=NOW
            )

    def move_before_somebody_writes(*given):
        move(*given)
        if not tries:
            thread, _ = in_thread(write)
            thread.join(timeout=20)
        tries.append(1)

    monkeypatch.setattr(merging, "_move_own", move_before_somebody_writes)
    with wear(Hat.WEB, clinic_id=kept.clinic_id):
        join(kept, lost)
        assert (len(tries), ConsentRecord.objects.get().client_id) == (2, kept.pk)


# -- Whatever they have --------------------------------------------------------------------------

KINDS = ("session", "treatment", "paused", "event", "consent", "task", "same task", "text", "link")
LIVES = st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 2), st.booleans()), max_size=12)


def counted():
    """Rows of each table that belong to some client."""
    models = (Participant, ClientEvent, ConsentRecord, CareTask, ClientLink, Response)
    return {model.__name__: model.objects.count() for model in models}


def live(kind, n, client, world):
    """One thing that happens to a client; with the same `n` to both of them the same thing."""
    session = world["sessions"][n]
    course = {"therapist": session.therapist, "service": session.service}
    match kind:
        case "session":
            Participant.objects.get_or_create(session=session, client=client)
        case "treatment" | "paused":
            treatment, _ = Treatment.objects.get_or_create(
                client=client, **course, defaults={"started_at": NOW}
            )
            if kind == "paused":
                care.pause_treatment(treatment, now=NOW)
        case "event":
            care.mute(client, TODAY + (n + 1) * DAY, now=NOW)
        case "consent":
            ConsentRecord.objects.create(
                client=client, purpose="campaign", given=True, source="panel", recorded_at=NOW
            )
        case "task" | "same task":
            occasion = "" if kind == "task" else f"session:{n}"
            open_task("call", client, occasion=occasion, due_at=NOW, now=NOW)
        case "text":
            factories.MessageFactory(
                clinic=client.clinic,
                client=client,
                session=session,
                template=None,
                rule_number=world["texts"] if n else 1,
                state=("queued", "sent", "skipped")[n],
            )
            world["texts"] += 1
        case "link":
            ClientLink.objects.get_or_create(
                purpose="session",
                session=session,
                client=client,
                token_hash=f"{client.pk}-{n}",
                defaults={"created_at": NOW},
            )


@effort(
    max_examples=examples(40),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(mine=LIVES, theirs=LIVES)
def test_after_any_two_lives_nothing_points_at_the_lost_file_and_all_is_there(
    kept, lost, mine, theirs
):
    with transaction.atomic():
        sessions = [
            factories.SessionFactory(
                clinic=kept.clinic,
                clients=[],
                starts_at=NOW + n * DAY,
                ends_at=NOW + n * DAY + HOUR,
            )
            for n in range(3)
        ]
        world = {"sessions": sessions, "texts": 2}
        for client, life in ((kept, mine), (lost, theirs)):
            done = set()
            for kind, n, _ in life:
                if kind != "text" or (kind, n) not in done:
                    live(kind, n, client, world)
                done.add((kind, n))
        before, treated = counted(), Treatment.objects.count()
        merging.merge(kept, lost, now=NOW)
        left_out = FormerFile.objects.get().held["left_out"]
        gone = {table: len(rows) for table, rows in left_out.items()}
        assert pointing_at(lost.pk) == []
        after = counted()
        assert (
            after["Participant"] + gone.get("sessions_app_participant", 0)
            == (before["Participant"])
        )
        assert Treatment.objects.count() + gone.get("patients_treatment", 0) == treated
        assert after["ClientEvent"] == before["ClientEvent"] + 1
        for name in ("ConsentRecord", "CareTask", "ClientLink", "Response"):
            assert after[name] == before[name], name
        assert Session.objects.count() == 3
        transaction.set_rollback(True)


# -- Twins ---------------------------------------------------------------------------------------


def test_twins_are_known_by_phone_mail_and_name_the_likeliest_first(at_work):
    def client(first, last, phone="", email=""):
        return factories.ClientFactory(
            clinic=at_work, first_name=first, last_name=last, phone=phone, email=email
        )

    person = client("مریم", "احمدی‌نژاد", "+989121110000", "m@example.ir")
    near = client("مریم", "احمدی‌نزاد")
    same = client("مريم", "احمدی نژاد")
    mail = client("سارا", "پارسا", email="M@example.ir")
    phone = client("علی", "احمدی", "+989121110000")
    client("رضا", "موسوی")
    found = [(twin.client, [like.value for like in twin.likenesses]) for twin in twins_of(person)]
    assert found == [
        (phone, ["phone"]),
        (mail, ["email"]),
        (same, ["name"]),
        (near, ["near"]),
    ]


def test_an_empty_phone_and_mail_are_nobodys(at_work):
    person = factories.ClientFactory(clinic=at_work, first_name="لیلا", last_name="نوری", phone="")
    factories.ClientFactory(clinic=at_work, first_name="امیر", last_name="پارسا", phone="")
    assert twins_of(person) == []


def test_whoever_is_looked_for_is_found_but_the_client(kept, lost):
    assert [twin.client for twin in found_by(kept, "مریم")] == [lost]
