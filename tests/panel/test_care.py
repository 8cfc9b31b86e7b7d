"""Decisions on a client's page: stops, crisis holds, own hours, treatments, and what it tells."""

import datetime as dt
import re

import pytest

from feedback.models import Response
from messaging.models import Reply
from patients.models import Client, ClientEvent, Treatment
from sessions_app.models import CareAttempt, CareTask
from tests import factories
from tests.panel.screens import CLINIC, errors_of, html_of, notices_of, text_of, undo_of

NOW = factories.NOW
DAY = dt.timedelta(days=1)
HOUR = dt.timedelta(hours=1)
WEEK = dt.date(2026, 11, 28)
IN_A_WEEK = "۱۴۰۵/۰۹/۰۷"


@pytest.fixture
def treatment(clinic, people, person):
    return person.treatments.create(
        clinic=clinic, therapist=people["mine"], service=people["service"], started_at=NOW - DAY
    )


@pytest.fixture
def her_treatment(clinic, people, person):
    """A colleague's treatment of the same client."""
    return person.treatments.create(
        clinic=clinic, therapist=people["hers"], service=people["service"], started_at=NOW - DAY
    )


def kept(person):
    return Client.objects.get(pk=person.pk)


def state_of(treatment):
    found = Treatment.objects.get(pk=treatment.pk)
    return found.state, found.paused_until


def way(treatment, verb):
    return f"{CLINIC}treatments/{treatment.pk}/{verb}/"


# -- Texts -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("until", "day", "said"),
    [
        pytest.param(IN_A_WEEK, WEEK, "تا شنبه ۷ آذر ۱۴۰۵ هیچ پیام خودکاری", id="until a day"),
        pytest.param("", None, "تا وقتی کسی دوباره اجازه دهد", id="until further notice"),
    ],
)
def test_texts_are_stopped_said_and_allowed_again(
    as_reception, receptionist, person, page, until, day, said
):
    data = {"until": until, "note": "خودش خواست"}
    response = as_reception.post(page + "mute/", data, follow=True)
    assert response.redirect_chain == [(page, 302)]
    assert (kept(person).muted_at, kept(person).muted_until) == (NOW, day)
    assert said in text_of(response)
    event = ClientEvent.objects.get()
    assert (event.kind, event.note, event.by, event.via) == (
        "muted",
        "خودش خواست",
        receptionist,
        "panel",
    )
    response = as_reception.post(page + "unmute/", follow=True)
    assert kept(person).muted_at is None
    assert said not in text_of(response)
    as_reception.post(undo_of(response))
    assert (kept(person).muted_at is None, kept(person).muted_until) == (False, day)


def test_a_stop_that_is_over_is_not_said(as_reception, person, page):
    person.muted_at, person.muted_until = NOW - 9 * DAY, dt.date(2026, 11, 21)
    person.save()
    response = as_reception.get(page)
    assert "هیچ پیام خودکاری" not in text_of(response)
    assert f'href="{page}mute/"' in html_of(response)


def test_a_stop_into_the_past_is_told_beside_its_field(as_reception, person, page):
    response = as_reception.post(page + "mute/", {"until": "1405/08/30", "note": "می‌ماند"})
    assert response.status_code == 422
    assert errors_of(response) == {"until": "روزی پس از امروز را انتخاب کنید."}
    assert "می‌ماند" in html_of(response)
    assert kept(person).muted_at is None


def test_what_is_not_stopped_cannot_be_allowed(as_reception, page):
    response = as_reception.post(page + "unmute/", follow=True)
    assert notices_of(response) == ["پیامک‌های این مراجع متوقف نیست."]


def test_own_hours_are_set_shown_and_taken_back(as_reception, person, page):
    assert "همان ساعت‌های کلینیک" in text_of(as_reception.get(page))
    data = {"texts_from": "۱۰:۰۰", "texts_until": "۱۴:۰۰"}
    response = as_reception.post(page + "hours/", data, follow=True)
    assert (kept(person).texts_from, kept(person).texts_until) == (dt.time(10), dt.time(14))
    assert "از ۱۰:۰۰ تا ۱۴:۰۰" in text_of(response)
    assert 'value="۱۰:۰۰"' in html_of(as_reception.get(page + "hours/"))
    as_reception.post(undo_of(response))
    assert kept(person).texts_from is None


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        pytest.param("10:00", "11:30", "دست‌کم دو ساعت", id="too short"),
        pytest.param("08:00", "11:30", "از ۰۹:۰۰ تا ۲۱:۰۰", id="asleep"),
        pytest.param("10:00", "", "هر دو", id="one of two"),
    ],
)
def test_hours_that_do_not_fit_are_told(as_reception, person, page, start, end, said):
    response = as_reception.post(page + "hours/", {"texts_from": start, "texts_until": end})
    assert response.status_code == 422
    assert said in errors_of(response)["texts_until"]
    assert kept(person).texts_from is None


# -- Crisis ------------------------------------------------------------------------------------


def test_a_crisis_hold_asks_once_and_stands_at_the_top(as_reception, receptionist, person, page):
    asked = html_of(as_reception.get(page + "crisis/"))
    assert 'id="confirm"' in asked
    assert kept(person).crisis_since is None
    response = as_reception.post(page + "crisis/", {"note": "با خواهرش تماس گرفتیم"}, follow=True)
    assert kept(person).crisis_since == NOW
    words = text_of(response)
    for said in ("این مراجع در وضعیت بحران است.", "با خواهرش تماس گرفتیم", str(receptionist)):
        assert said in words
    assert undo_of(response) is None
    assert "crisis/over/" not in html_of(response)


def test_a_manager_lifts_a_crisis_hold_with_a_reason(client, manager, at_ten, person, page):
    client.force_login(manager)
    client.post(page + "crisis/", {"note": ""})
    assert list(errors_of(client.post(page + "crisis/over/", {"note": ""}))) == ["note"]
    assert kept(person).crisis_since == NOW
    response = client.post(page + "crisis/over/", {"note": "دکتر دید"}, follow=True)
    assert kept(person).crisis_since is None
    assert "در وضعیت بحران است" not in text_of(response)
    assert list(ClientEvent.objects.values_list("kind", "note")) == [
        ("crisis_over", "دکتر دید"),
        ("crisis", ""),
    ]


def test_a_therapist_sets_and_lifts_a_hold_and_reception_only_sets(
    client, receptionist, therapist_login, at_ten, person, page
):
    client.force_login(therapist_login)
    client.post(page + "crisis/", {"note": ""})
    assert kept(person).crisis_since == NOW
    client.force_login(receptionist)
    assert client.post(page + "crisis/over/", {"note": "نه"}).status_code == 403
    client.force_login(therapist_login)
    client.post(page + "crisis/over/", {"note": "دیدمش"})
    assert kept(person).crisis_since is None


def test_a_second_hold_is_refused_in_words(as_reception, page):
    as_reception.post(page + "crisis/", {"note": ""})
    response = as_reception.post(page + "crisis/", {"note": ""})
    assert response.status_code == 422
    assert "از پیش ثبت شده" in text_of(response)


# -- Treatments --------------------------------------------------------------------------------


def test_a_treatment_is_paused_said_resumed_and_the_pause_comes_back(as_reception, page, treatment):
    response = as_reception.post(way(treatment, "pause"), {"until": IN_A_WEEK}, follow=True)
    assert response.redirect_chain == [(page, 302)]
    assert state_of(treatment) == ("paused", WEEK)
    assert "تا شنبه ۷ آذر ۱۴۰۵ در حال مکث است" in text_of(response)
    response = as_reception.post(way(treatment, "resume"), follow=True)
    assert state_of(treatment) == ("active", None)
    as_reception.post(undo_of(response))
    assert state_of(treatment) == ("paused", WEEK)


@pytest.mark.parametrize(("verb", "state"), [("finish", "completed"), ("drop", "dropped")])
def test_an_ending_asks_once_and_is_taken_back(as_reception, treatment, verb, state):
    assert 'id="confirm"' in html_of(as_reception.get(way(treatment, verb)))
    response = as_reception.post(way(treatment, verb), {"note": "خداحافظی شد"}, follow=True)
    assert state_of(treatment)[0] == state
    assert ClientEvent.objects.get().note == "خداحافظی شد"
    as_reception.post(undo_of(response))
    assert state_of(treatment)[0] == "active"


def test_what_has_ended_can_only_be_taken_up(as_reception, page, treatment):
    as_reception.post(way(treatment, "finish"), {"note": ""})
    shown = html_of(as_reception.get(page))
    verbs = re.findall(rf"/treatments/{treatment.pk}/(\w+)/", shown)
    assert set(verbs) == {"resume"}
    assert as_reception.post(way(treatment, "pause"), {"until": ""}).status_code == 422
    as_reception.post(way(treatment, "resume"))
    assert state_of(treatment)[0] == "active"


def test_taking_up_beside_a_successor_is_refused_in_words(
    as_reception, clinic, people, person, treatment
):
    as_reception.post(way(treatment, "finish"), {"note": ""})
    person.treatments.create(
        clinic=clinic, therapist=people["mine"], service=people["service"], started_at=NOW
    )
    response = as_reception.post(way(treatment, "resume"), follow=True)
    assert "درمان دیگری با همین درمانگر" in notices_of(response)[-1]


def test_undo_over_a_later_change_is_refused_in_words(as_reception, treatment):
    response = as_reception.post(way(treatment, "pause"), {"until": ""}, follow=True)
    undo = undo_of(response)
    as_reception.post(way(treatment, "finish"), {"note": ""})
    said = notices_of(as_reception.post(undo, follow=True))
    assert "پرونده از آن هنگام دوباره تغییر کرده است" in said[-1]
    assert state_of(treatment)[0] == "completed"


def test_therapists_decide_about_their_own_treatments(as_therapist, page, treatment):
    response = as_therapist.post(way(treatment, "finish"), {"note": ""}, follow=True)
    assert state_of(treatment)[0] == "completed"
    as_therapist.post(undo_of(response))
    assert state_of(treatment)[0] == "active"


VERBS = ["pause", "resume", "finish", "drop"]


@pytest.mark.parametrize("verb", VERBS)
def test_a_colleagues_treatment_is_not_there(as_therapist, her_treatment, verb):
    before = state_of(her_treatment)
    assert as_therapist.post(way(her_treatment, verb), {"note": ""}).status_code == 404
    assert state_of(her_treatment) == before


@pytest.mark.parametrize("whose", ["a colleague's", "their own, by another"])
def test_a_therapist_takes_back_only_what_they_decided(
    client, receptionist, therapist_login, at_ten, treatment, her_treatment, whose
):
    client.force_login(receptionist)
    target = her_treatment if whose == "a colleague's" else treatment
    undo = undo_of(client.post(way(target, "drop"), {"note": ""}, follow=True))
    client.force_login(therapist_login)
    assert client.post(undo).status_code == 404
    assert state_of(target)[0] == "dropped"


@pytest.mark.parametrize("name", ["mute/", "unmute/", "hours/", "call/"])
def test_texts_and_calls_are_for_reception(as_therapist, page, name):
    assert as_therapist.post(page + name, {}).status_code == 403
    assert as_therapist.get(page + name).status_code in (403, 405)
    assert page + name not in html_of(as_therapist.get(page))


@pytest.mark.parametrize("name", ["mute/", "unmute/", "hours/", "call/", "crisis/", "crisis/over/"])
def test_an_outsider_finds_no_client(as_outsider, person, page, name):
    for method in (as_outsider.get, as_outsider.post):
        assert method(page + name).status_code in (404, 405)
        there = f"/c/omid/clients/{person.pk}/{name}"
        assert method(there).status_code in (404, 405)
    assert not ClientEvent.objects.exists()


@pytest.mark.parametrize("verb", VERBS)
def test_an_outsider_finds_no_treatment(as_outsider, treatment, verb):
    for slug in ("aramesh", "omid"):
        path = f"/c/{slug}/treatments/{treatment.pk}/{verb}/"
        assert as_outsider.post(path, {"note": ""}).status_code == 404
    assert state_of(treatment)[0] == "active"


def test_an_outsider_finds_no_decision_to_undo(client, receptionist, outsider, at_ten, page):
    client.force_login(receptionist)
    undo = undo_of(client.post(page + "mute/", {"until": ""}, follow=True))
    client.force_login(outsider)
    for address in (undo, undo.replace("/c/aramesh/", "/c/omid/")):
        assert client.post(address).status_code == 404
    assert Client.objects.filter(muted_at__isnull=False).count() == 1


# -- The timeline ------------------------------------------------------------------------------


@pytest.fixture
def told(clinic, people, person, receptionist, treatment, her_treatment):
    """One of each thing that the timeline tells, and a colleague's of most."""
    mine, hers = (
        factories.SessionFactory(
            clinic=clinic, therapist=people[who], clients=[person], starts_at=NOW - 3 * DAY
        )
        for who in ("mine", "hers")
    )
    for turn, n in ((treatment, 1), (her_treatment, 2)):
        ClientEvent.objects.create(
            clinic=clinic,
            client=person,
            treatment=turn,
            kind="paused",
            until=WEEK,
            at=NOW - n * HOUR,
        )
    ClientEvent.objects.create(
        clinic=clinic, client=person, kind="muted", note="در سفر", at=NOW - 3 * HOUR, via="reply"
    )
    for session, words in ((mine, "سؤال از من"), (hers, "سؤال از او")):
        task = CareTask.objects.create(
            clinic=clinic,
            client=person,
            session=session,
            kind="feedback",
            text=words,
            due_at=NOW,
            created_at=NOW - 4 * HOUR,
        )
        CareAttempt.objects.create(
            clinic=clinic,
            task=task,
            outcome="no_answer",
            note=f"برای {words}",
            at=NOW - HOUR,
            by=receptionist,
        )
        Response.objects.create(
            clinic=clinic,
            client=person,
            session=session,
            overall=2,
            comment=f"پاسخ به {words}",
            created_at=NOW - 5 * HOUR,
            changed_at=NOW,
        )
    Reply.objects.create(
        clinic=clinic,
        provider="kavenegar",
        provider_id="1",
        phone=person.phone,
        text="کمی دیر می‌رسم",
        intent="other",
        received_at=NOW - 6 * HOUR,
    )
    return person


def timeline_of(response):
    part = re.search(r'id="timeline".*?</section>', html_of(response), re.DOTALL)[0]
    return re.findall(r'<li class="moment-(\w+)"', part), re.sub(r"<[^>]*>", " ", part)


def test_a_manager_reads_everything(client, manager, at_ten, told, page):
    client.force_login(manager)
    kinds, words = timeline_of(client.get(page))
    assert sorted(kinds) == [
        "attempt",
        "attempt",
        "event",
        "event",
        "event",
        "reply",
        "response",
        "response",
        "session",
        "session",
        "task",
        "task",
    ]
    for said in (
        "در سفر",
        "خود مراجع، با پیامک",
        "مکث درمان ثبت شد",
        "سؤال از من",
        "پاسخ به سؤال از من",
        "پاسخ به سؤال از او",
        "برای سؤال از او",
        "کمی دیر می‌رسم",
    ):
        assert said in words


def test_reception_sees_that_there_is_feedback_and_not_what_it_says(as_reception, told, page):
    kinds, words = timeline_of(as_reception.get(page))
    assert (kinds.count("response"), kinds.count("task")) == (2, 2)
    assert "پاسخ به" not in words
    assert words.count("متن پاسخ را مدیر و درمانگر می‌خوانند.") == 4
    assert "بد" not in re.sub(r"بازخورد|بدون", "", words)


def test_a_therapist_reads_own_feedback_and_nothing_of_a_colleague(as_therapist, told, page):
    kinds, words = timeline_of(as_therapist.get(page))
    assert sorted(kinds) == ["attempt", "event", "event", "reply", "response", "session", "task"]
    assert "پاسخ به سؤال از من" in words
    assert "سؤال از او" not in words


def test_a_reply_from_a_number_shared_with_a_colleagues_client_is_not_shown(
    as_therapist, told, people, page
):
    Client.objects.filter(pk=people["her_client"].pk).update(phone=told.phone)
    kinds, words = timeline_of(as_therapist.get(page))
    assert "reply" not in kinds
    assert "کمی دیر می‌رسم" not in words


@pytest.mark.parametrize("kind", ["reply", "stopped"])
def test_nor_is_the_call_that_such_a_reply_asks_for(as_therapist, told, people, page, kind):
    CareTask.objects.create(
        clinic=told.clinic,
        client=told,
        kind=kind,
        text="زودتر می‌رسم",
        due_at=NOW,
        created_at=NOW,
    )
    assert "زودتر می‌رسم" in html_of(as_therapist.get(page))
    Client.objects.filter(pk=people["her_client"].pk).update(phone=told.phone)
    assert "زودتر می‌رسم" not in html_of(as_therapist.get(page))


def test_replies_to_another_number_are_somebody_elses(as_reception, told, page):
    told.phone = ""
    told.save()
    assert "reply" not in timeline_of(as_reception.get(page))[0]


def test_open_calls_stand_at_the_top_for_the_therapist_too(as_therapist, told, page):
    shown = html_of(as_therapist.get(page))
    top = re.search(r'<section class="card card-calls">.*?</section>', shown, re.DOTALL)[0]
    assert "سؤال از من" in top
    assert "سؤال از او" not in top
    assert "/calls/" not in shown
