"""What clients answered, asked for and decided, and what people of the clinic did about it.

By the same doors as in life: the pages behind the links, the call list, the client's file.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from itertools import cycle, islice

from django.db.models import QuerySet

from clinic import jalali
from clinic.models import Closure
from clinic.tenancy import Hat, wear
from feedback import actions as feedback
from feedback.actions import Answers
from panel.demo.days import Event, Reception
from panel.demo.people import AMINI, HER_CHILD, RASTEGAR, SADEGHI, SHARIFI, TAVAKOLI, TherapistFacts
from panel.demo.words import DISAPPOINTED, EARLIER, LIVE
from patients import care, contacts
from patients.models import Client, ContactPerson, Treatment
from sessions_app import actions, booking, care_tasks, client_actions, links
from sessions_app.client_actions import Overtaken, Wish
from sessions_app.links import Page, Purpose
from sessions_app.models import COMING_STATES, CareTask, ClientLink, Session, State
from sessions_app.queries import visits_of

DAY = dt.timedelta(days=1)
HOUR, MINUTE = dt.timedelta(hours=1), dt.timedelta(minutes=1)
#: How many answers there were before the clinic went live: enough to speak of three therapists.
_ANSWERED = {SADEGHI: 11, RASTEGAR: 7, SHARIFI: 6, AMINI: 3, TAVAKOLI: 1}
PAUSED, COMPLETED, MUTED = "رضا سلطانی", "ندا فرهادی", "شهرام کیانی"
#: Four sessions more were agreed.
PLANNED = "مریم کریمی"
FATHER, FATHERS_PHONE = "امین نوروزی", "+989120004411"
#: Who calls and wants to be called back.
CALLER = "آرزو یزدانی"
WORKSHOP = "کارگاه داخلی درمانگران"
_WORKSHOP_IN = 17  # days


def close_for_workshop(today: dt.date) -> None:
    """A closed day of the clinic's own, on a Wednesday some weeks ahead."""
    day = today + dt.timedelta(days=_WORKSHOP_IN)
    day += dt.timedelta(days=(4 - jalali.weekday(day)) % 7)
    Closure.objects.get_or_create(first_day=day, last_day=day, name=WORKSHOP)


def remember_answers(reception: Reception, opened: dt.datetime) -> None:
    """Answers of the weeks before, to a form whose link reception handed out itself.

    What was not good was followed up then. Reception's hat publishes nothing; the sender's does.
    """
    with reception.at_work():
        sessions = [session for who in _ANSWERED for session in _attended(who, opened)]
        pages = [_page(session) for session in sessions]
    with wear(Hat.WORKER, clinic_id=reception.clinic.pk):
        for page, session in zip(pages, sessions, strict=True):
            links.publish([page], now=session.ends_at + HOUR)
    with reception.at_work():
        for page, session, said in zip(pages, sessions, cycle(EARLIER), strict=False):
            _respond(_link(page), said, session.ends_at + 3 * HOUR)
        for task in CareTask.objects.filter(kind=CareTask.Kind.FEEDBACK, closed_at=None):
            _settle(reception, task, "صحبت کردیم؛ دلخوری رفع شد و ادامه می‌دهد.", task.due_at + HOUR)


def events(reception: Reception, opened: dt.datetime, now: dt.datetime) -> Iterator[Event]:
    """The week since then, and the last hour with something open to do."""

    def on(day: int, hours: float) -> dt.datetime:
        return opened + dt.timedelta(days=day, hours=hours)

    yield on(1, 2.5), partial(_pause, reception)
    yield on(1, 2.8), partial(_complete, reception)
    yield on(2, 3), partial(_mute, reception)
    yield on(2, 3.2), partial(_plan_ending, reception)
    yield on(2, 3.4), partial(_father_reads, reception)
    for day in range(1, 7):
        yield on(day, 11.5), partial(_answer_by_link, reception)
    yield now - 3 * HOUR, partial(_call_back, reception)
    yield now - 2 * HOUR, partial(_nobody_answered, reception)
    yield now - 96 * MINUTE, partial(_disappoint, reception)
    yield now - 95 * MINUTE, partial(_answer_by_link, reception)
    yield now - 50 * MINUTE, partial(_wish_for_another_time, reception)
    yield now - 20 * MINUTE, partial(_book_alone, reception)
    yield now - 2 * MINUTE, partial(_move_somebody, reception)


# -- Answers -----------------------------------------------------------------------------------


def _attended(therapist: TherapistFacts, before: dt.datetime) -> list[Session]:
    """So many sessions as there were answers, each of another client."""
    attended = Session.objects.filter(
        therapist__name=therapist.name, state=State.ATTENDED, ends_at__lt=before - 24 * HOUR
    ).prefetch_related("clients")
    of_client: dict[int, Session] = {}
    # Every third, so that they spread over the weeks.
    for session in attended.order_by("starts_at")[::3]:
        of_client.setdefault(session.clients.all()[0].pk, session)
    return list(islice(of_client.values(), _ANSWERED[therapist]))


def _answer_by_link(reception: Reception, now: dt.datetime) -> None:
    """Of those who were asked today, two of three answer by the evening; the others never do."""
    with reception.at_work():
        asked_before = _unanswered(now).filter(created_at__lt=now - 24 * HOUR).count()
        for n, link in enumerate(_unanswered(now).filter(created_at__gte=now - 24 * HOUR)):
            if (n + asked_before) % 3 != 1:
                _respond(link, LIVE[link.pk % len(LIVE)], now)


def _disappoint(reception: Reception, now: dt.datetime) -> None:
    with reception.at_work():
        for link in _unanswered(now)[:1]:
            _respond(link, DISAPPOINTED, now)


def _unanswered(now: dt.datetime) -> QuerySet[ClientLink]:
    """Who has been asked and has not answered, the last one first."""
    asked = ClientLink.objects.filter(purpose=Purpose.FEEDBACK, answer="", created_at__lt=now)
    return asked.select_related("clinic", "client", "session").order_by("-created_at", "-id")


def _respond(link: ClientLink, said: Answers, now: dt.datetime) -> None:
    with suppress(feedback.Closed):
        feedback.respond(link, said, now=now)


def _page(session: Session) -> Page:
    client = session.clients.all()[0]
    return Page(Purpose.FEEDBACK, session.clinic_id, session.pk, client.pk)


def _link(page: Page) -> ClientLink:
    link = links.find(page.token, page.purpose)
    if link is None:
        raise LookupError(page.purpose)
    return link


# -- Decisions -----------------------------------------------------------------------------------


def _pause(reception: Reception, now: dt.datetime) -> None:
    until = jalali.local_day(now) + dt.timedelta(days=24)
    note = "در سفر است؛ گفت پس از برگشتن ادامه می‌دهد."
    with reception.at_work():
        care.pause_treatment(_treatment(PAUSED), until, note=note, now=now, by=reception.user)


def _plan_ending(reception: Reception, now: dt.datetime) -> None:
    with reception.at_work():
        treatment = _treatment(PLANNED)
        last = visits_of(treatment) + 4
        care.plan_ending(treatment, ends_after=last, now=now, by=reception.user)


def _father_reads(reception: Reception, now: dt.datetime) -> None:
    """The mother's number is the child's own; the father reads of the sessions, too."""
    with reception.at_work():
        father = ContactPerson(
            client=_client(HER_CHILD),
            relation="father",
            honorific="آقای",
            name=FATHER,
            phone=FATHERS_PHONE,
        )
        contacts.save(father, own_texts=True, now=now, by=reception.user)


def _complete(reception: Reception, now: dt.datetime) -> None:
    note = "به هدف‌هایی که با هم گذاشته بودند رسید؛ پایان خوبی بود."
    with reception.at_work():
        care.complete_treatment(_treatment(COMPLETED), note=note, now=now, by=reception.user)


def _mute(reception: Reception, now: dt.datetime) -> None:
    until = jalali.local_day(now) + dt.timedelta(days=30)
    with reception.at_work():
        client = _client(MUTED)
        care.mute(client, until, note="خواست مدتی پیامی نگیرد.", now=now, by=reception.user)


def _client(name: str) -> Client:
    return next(client for client in Client.objects.all() if client.full_name == name)


def _treatment(name: str) -> Treatment:
    return Treatment.objects.select_related("client").get(client=_client(name))


# -- The call list -------------------------------------------------------------------------------


def _call_back(reception: Reception, now: dt.datetime) -> None:
    with reception.at_work():
        care_tasks.open_task(
            CareTask.Kind.CALL,
            _client(CALLER),
            text="زنگ زد و درباره‌ی ساعت‌های عصر پرسید؛ گفتیم با او تماس می‌گیریم.",
            due_at=now,
            now=now,
            by=reception.user,
        )


def _nobody_answered(reception: Reception, now: dt.datetime) -> None:
    """One of the calls has been tried; the rest wait."""
    with reception.at_work(), suppress(care_tasks.TaskError):
        waiting = CareTask.objects.filter(closed_at=None).exclude(kind=CareTask.Kind.CALL)
        task = waiting.select_related("client").first()
        if task is not None:
            said = CareTask.Outcome.NO_ANSWER
            care_tasks.attempt(task, said, now=now, by=reception.user)


def _wish_for_another_time(reception: Reception, now: dt.datetime) -> None:
    wish = Wish(days=(1, 3), parts=tuple(client_actions.PARTS_OF_DAY)[-1:], note="سرِ کار هستم.")
    with reception.at_work():
        coming = ClientLink.objects.filter(
            purpose=Purpose.SESSION,
            session__state__in=COMING_STATES,
            session__starts_at__gt=now + 20 * HOUR,
            created_at__lt=now,
        ).select_related("clinic", "client", "session")
        with suppress(Overtaken):
            for link in coming.order_by("session__starts_at", "id")[:1]:
                client_actions.ask_for_another_time(link, wish, now=now)


def _book_alone(reception: Reception, now: dt.datetime) -> None:
    """Somebody who has not been here for weeks takes a free time by a link."""
    with reception.at_work():
        long_ago = Session.objects.filter(state=State.ATTENDED, ends_at__lt=now - 25 * DAY)
        known = long_ago.select_related("clinic", "therapist", "service")
        for session in known.order_by("-starts_at", "-id")[:40]:
            page = _booking_page(session)
            choice = booking.situation(page, now).choice
            if choice is None:
                continue
            handed_out = booking.hand_out(session, page.client, now=now)
            start = min(min(starts) for starts in choice.days.values())
            booking.take(_link(handed_out), start, revision=session.revision, now=now)
            return


def _booking_page(session: Session) -> ClientLink:
    """As it would be; not handed out yet."""
    return ClientLink(clinic=session.clinic, client=session.clients.all()[0], session=session)


def _settle(reception: Reception, task: CareTask, note: str, now: dt.datetime) -> None:
    done = CareTask.Outcome.DONE
    care_tasks.attempt(task, done, note=note, now=now, by=reception.user)


def _move_somebody(reception: Reception, now: dt.datetime) -> None:
    """Ten minutes later, told by a text that leaves right after the demonstration begins."""
    with reception.at_work():
        ahead = Session.objects.filter(state=State.SCHEDULED, starts_at__gt=now + 48 * HOUR)
        reachable = ahead.exclude(clients__phone="").filter(clients__consent_transactional=True)
        for session in reachable.order_by("-starts_at", "id")[:20]:
            with suppress(actions.SessionError):
                later = session.starts_at + 10 * MINUTE
                actions.move(session, starts_at=later, now=now, by=reception.user, tell=True)
                return
