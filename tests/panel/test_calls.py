"""The call list: who is on it, what one click records, the way back, and the long silent."""

import datetime as dt
import re

import pytest

from clinic.tenancy import Hat, wear
from patients.models import ClientEvent, Treatment
from sessions_app.models import CareAttempt, CareTask, Rhythm
from tests import factories
from tests.panel.screens import CLINIC, errors_of, html_of, notices_of, text_of, undo_of

NOW = factories.NOW
DAY = dt.timedelta(days=1)
HOUR = dt.timedelta(hours=1)
LIST = CLINIC + "calls/"
SILENT = LIST + "silent/"


def task_of(clinic, person, kind="silent", **fields):
    fields = {"due_at": NOW - HOUR, "created_at": NOW - DAY, **fields}
    return CareTask.objects.create(clinic=clinic, client=person, kind=kind, **fields)


@pytest.fixture
def task(clinic, people):
    return task_of(clinic, people["my_client"], "call_me", text="عصرها بهتر است")


def lines_of(response):
    found = re.findall(
        r'<li class="call[^"]*" id="task-(\d+)".*?</li>', html_of(response), re.DOTALL
    )
    return [int(pk) for pk in found]


def line_of(response, task):
    return re.search(
        rf'<li class="call[^"]*" id="task-{task.pk}".*?</li>', html_of(response), re.DOTALL
    )[0]


def record(browser, task, outcome, **data):
    return browser.post(f"{LIST}{task.pk}/record/", {"outcome": outcome, "next": LIST, **data})


def standing(task):
    kept = CareTask.objects.get(pk=task.pk)
    return kept.outcome, kept.closed_at, kept.due_at


# -- The list ----------------------------------------------------------------------------------


def test_a_line_says_who_why_what_they_wrote_and_what_was_tried(
    as_reception, receptionist, clinic, people, task
):
    CareAttempt.objects.create(
        clinic=clinic,
        task=task,
        outcome="no_answer",
        note="بوق آزاد",
        at=NOW - HOUR,
        by=receptionist,
    )
    line = line_of(as_reception.get(LIST), task)
    words = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", line))
    for said in (
        people["my_client"].full_name,
        "خواسته با او تماس بگیرید",
        "عصرها بهتر است",
        "۱ تماس بی‌پاسخ",
        "آخرین بار امروز، ساعت ۰۹:۰۰: پاسخ نداد",
        str(receptionist),
        "بوق آزاد",
        "از امروز، ساعت ۰۹:۰۰",
    ):
        assert said in words
    assert f'href="tel:{people["my_client"].phone}"' in line


def test_the_longest_due_comes_first_and_the_settled_stand_apart(as_reception, clinic, people):
    person = people["my_client"]
    late = task_of(clinic, person, due_at=NOW + DAY)
    early = task_of(clinic, person, due_at=NOW - DAY)
    done = task_of(clinic, person, outcome="done", closed_at=NOW)
    assert lines_of(as_reception.get(LIST)) == [early.pk, late.pk]
    assert lines_of(as_reception.get(LIST + "?state=closed")) == [done.pk]


def test_the_list_is_filtered_by_reason(as_reception, clinic, people, task):
    silent = task_of(clinic, people["my_client"])
    response = as_reception.get(LIST + "?kind=silent")
    assert lines_of(response) == [silent.pk]
    assert '<option value="silent" selected>' in html_of(response)
    assert "به هر دلیلی (۲)" in text_of(response)
    assert lines_of(as_reception.get(LIST + "?kind=nonsense")) == [task.pk, silent.pk]


def test_an_empty_list_says_what_belongs_there(as_reception, clinic):
    assert "کسی در انتظار تماس نیست" in text_of(as_reception.get(LIST))
    assert "هنوز تماسی بسته نشده" in text_of(as_reception.get(LIST + "?state=closed"))
    assert "به این دلیل تماسی نیست" in text_of(as_reception.get(LIST + "?kind=reply"))


def test_the_navigation_counts_what_is_due(as_reception, clinic, people):
    badge = r'<span class="nav-count" id="count-side-panel-tasks"( hidden)?>([^<]*)<'
    for due_at, shown in ((NOW + HOUR, (" hidden", "۰")), (NOW, ("", "۱")), (NOW - DAY, ("", "۲"))):
        task_of(clinic, people["my_client"], due_at=due_at)
        assert re.search(badge, html_of(as_reception.get(CLINIC + "clients/"))).groups("") == shown


def test_reception_does_not_read_feedback_and_a_manager_does(
    client, receptionist, manager, at_ten, clinic, people
):
    task_of(clinic, people["my_client"], "feedback", text="راضی نبودم")
    for person, reads in ((receptionist, False), (manager, True)):
        client.force_login(person)
        words = text_of(client.get(LIST))
        assert ("راضی نبودم" in words) is reads
        assert ("متن پاسخ را مدیر و درمانگر می‌خوانند." in words) is not reads


# -- What came of it ---------------------------------------------------------------------------


def test_one_click_settles_and_one_takes_it_back(as_reception, receptionist, task):
    response = as_reception.get(record(as_reception, task, "done").url)
    assert standing(task)[:2] == ("done", NOW)
    assert CareAttempt.objects.get().by == receptionist
    assert len(notices_of(response)) == 1
    assert lines_of(response) == []
    as_reception.post(undo_of(response))
    assert standing(task)[:2] == ("", None)
    assert CareAttempt.objects.count() == 1


def test_no_answer_says_when_it_is_tried_again(as_reception, task):
    response = as_reception.get(record(as_reception, task, "no_answer").url)
    assert "تماس دوباره فردا، ساعت ۱۰:۰۰" in notices_of(response)[0]
    assert lines_of(response) == [task.pk]


@pytest.mark.parametrize(
    ("time", "due"), [("۱۷:۳۰", "17:30"), ("", "10:00")], ids=["at a time", "in the morning"]
)
def test_later_takes_a_day_and_a_time(as_reception, task, time, due):
    data = {"again_day": "۱۴۰۵/۰۹/۰۲", "again_time": time, "note": "خودش گفت"}
    record(as_reception, task, "later", **data)
    outcome, closed_at, due_at = standing(task)
    assert (outcome, closed_at) == ("", None)
    assert due_at == dt.datetime.fromisoformat(f"2026-11-23T{due}:00+03:30")
    assert CareAttempt.objects.get().note == "خودش گفت"


@pytest.mark.parametrize(
    ("data", "field"),
    [
        pytest.param({}, "again_day", id="no day"),
        pytest.param({"again_day": "1405/08/30", "again_time": "09:59"}, "again_day", id="past"),
        pytest.param({"again_day": "1405/13/01"}, "again_day", id="no such day"),
        pytest.param({"again_day": "1405/09/02", "again_time": "25"}, "again_time", id="no time"),
    ],
)
def test_a_later_that_is_none_is_told_beside_its_field(as_reception, task, data, field):
    response = record(as_reception, task, "later", note="می‌ماند", **data)
    assert (response.status_code, list(errors_of(response))) == (422, [field])
    assert "می‌ماند" in html_of(response)
    assert not CareAttempt.objects.exists()


def test_who_does_not_want_now_is_offered_a_pause(as_reception, clinic, people, task):
    treatment = people["my_client"].treatments.create(
        clinic=clinic, therapist=people["mine"], service=people["service"], started_at=NOW
    )
    response = record(as_reception, task, "not_now")
    assert response.url == f"{CLINIC}treatments/{treatment.pk}/pause/?next={LIST}"
    page = as_reception.get(response.url)
    assert undo_of(page)
    reopened = task_of(clinic, people["my_client"])
    response = as_reception.post(
        f"{LIST}{reopened.pk}/record/", {"outcome": "not_now"}, headers={"HX-Request": "true"}
    )
    assert response.headers["HX-Redirect"].startswith(f"{CLINIC}treatments/{treatment.pk}/pause/")


def test_an_ending_ends_the_treatment_and_undo_begins_it_again(as_reception, clinic, people, task):
    treatment = people["my_client"].treatments.create(
        clinic=clinic, therapist=people["mine"], service=people["service"], started_at=NOW
    )
    response = as_reception.get(record(as_reception, task, "finished").url)
    assert Treatment.objects.get(pk=treatment.pk).state == "completed"
    as_reception.post(undo_of(response))
    assert Treatment.objects.get(pk=treatment.pk).state == "active"


def test_a_wrong_number_is_said_on_the_clients_page_until_it_is_mended(as_reception, people, task):
    page = f"{CLINIC}clients/{task.client_id}/"
    said = "شماره‌ای که در پرونده است اشتباه از آب درآمد"
    assert said not in text_of(as_reception.get(page))
    record(as_reception, task, "wrong_number")
    assert said in text_of(as_reception.get(page))
    assert said in text_of(as_reception.get(f"{LIST}{task.pk}/"))
    task.client.phone = "+989351112233"
    task.client.save()
    assert said not in text_of(as_reception.get(page))


def test_what_a_colleague_has_closed_meanwhile_is_told(as_reception, task):
    record(as_reception, task, "done")
    headers = {"HX-Request": "true"}
    response = as_reception.post(f"{LIST}{task.pk}/record/", {"outcome": "done"}, headers=headers)
    assert "همکار دیگری" in notices_of(as_reception.get(response.url))[-1]
    assert record(as_reception, task, "done").status_code == 422
    assert CareAttempt.objects.count() == 1


@pytest.mark.parametrize("outcome", ["", "nonsense"])
def test_an_outcome_that_is_none_is_refused(as_reception, task, outcome):
    assert record(as_reception, task, outcome).status_code == 422
    assert standing(task)[1] is None


def test_the_page_of_a_task_tells_every_try_and_takes_a_note(
    as_reception, receptionist, clinic, task
):
    for n in range(2):
        CareAttempt.objects.create(
            clinic=clinic, task=task, outcome="no_answer", note=f"بار {n}", at=NOW - n * HOUR
        )
    words = text_of(as_reception.get(f"{LIST}{task.pk}/"))
    assert words.index("بار 0") < words.index("بار 1")
    record(as_reception, task, "done", note="نوبت را تلفنی گرفت")
    assert CareAttempt.objects.filter(note="نوبت را تلفنی گرفت").exists()
    words = text_of(as_reception.get(f"{LIST}{task.pk}/"))
    assert "بسته شد: حل شد." in words


# -- By hand -----------------------------------------------------------------------------------


def test_a_call_is_noted_on_the_clients_page(as_reception, receptionist, people):
    page = f"{CLINIC}clients/{people['my_client'].pk}/"
    assert f'href="{page}call/"' in html_of(as_reception.get(page))
    assert 'value="۱۴۰۵/۰۸/۳۰"' in html_of(as_reception.get(page + "call/"))
    data = {"text": "درباره‌ی بیمه", "day": "1405/09/01", "time": "11:15"}
    response = as_reception.post(page + "call/", data, follow=True)
    task = CareTask.objects.get()
    assert (task.kind, task.client, task.text, task.created_by) == (
        "call",
        people["my_client"],
        "درباره‌ی بیمه",
        receptionist,
    )
    assert task.due_at == dt.datetime.fromisoformat("2026-11-22T11:15:00+03:30")
    assert "درباره‌ی بیمه" in text_of(response)
    assert "فردا، ساعت ۱۱:۱۵" in notices_of(response)[0]


@pytest.mark.parametrize("field", ["text", "day"])
def test_a_call_needs_a_day_and_a_reason(as_reception, people, field):
    data = {"text": "بیمه", "day": "1405/09/01", "time": "", field: ""}
    response = as_reception.post(f"{CLINIC}clients/{people['my_client'].pk}/call/", data)
    assert (response.status_code, list(errors_of(response))) == (422, [field])
    assert not CareTask.objects.exists()


# -- The long silent ---------------------------------------------------------------------------


@pytest.fixture
def quiet(clinic, people):
    def make(person, therapist="mine", days=60):
        session = factories.SessionFactory(
            clinic=clinic,
            clients=[person],
            therapist=people[therapist],
            service=people["service"],
            starts_at=NOW - days * DAY,
            state="attended",
        )
        person.treatments.create(
            clinic=clinic,
            therapist=people[therapist],
            service=people["service"],
            started_at=NOW - 90 * DAY,
        )
        return Rhythm.objects.create(
            clinic=clinic,
            client=person,
            last_attended=session,
            last_attended_at=session.starts_at,
            lapse_days=21,
        )

    return make


def test_the_long_silent_are_listed_with_their_last_visit(as_reception, people, quiet):
    quiet(people["my_client"])
    words = text_of(as_reception.get(SILENT))
    for said in (people["my_client"].full_name, people["mine"].name, "۲۱ روز", "۳۱ شهریور ۱۴۰۵"):
        assert said in words


def named(client, last_name):
    """A name that nobody else on the page has."""
    client.last_name = last_name
    client.save()


def test_the_ticked_go_on_the_call_list(as_reception, receptionist, people, quiet):
    named(people["my_client"], "آذرمهر")
    named(people["her_client"], "نیک‌روش")
    quiet(people["my_client"])
    quiet(people["her_client"], "hers")
    data = {"clients": [people["my_client"].pk, "nonsense"], "call": "1"}
    response = as_reception.post(SILENT, data, follow=True)
    task = CareTask.objects.get()
    assert (task.kind, task.client, task.created_by) == (
        "silent",
        people["my_client"],
        receptionist,
    )
    assert "۱ مراجع به فهرست تماس افزوده شد." in notices_of(response)
    words = text_of(response)
    assert ("آذرمهر" in words, "نیک‌روش" in words) == (False, True)


def test_nobody_ticked_is_told(as_reception, people, quiet):
    quiet(people["my_client"])
    response = as_reception.post(SILENT, {"call": "1"}, follow=True)
    assert "علامت بزنید" in notices_of(response)[0]
    assert not CareTask.objects.exists()


@pytest.mark.parametrize(("button", "state"), [("finish", "completed"), ("drop", "dropped")])
def test_one_is_settled_by_a_button_and_taken_back(as_reception, people, quiet, button, state):
    quiet(people["my_client"])
    other = quiet(people["her_client"], "hers")
    data = {button: people["my_client"].pk, "clients": [other.client_id]}
    response = as_reception.post(SILENT, data, follow=True)
    states = dict(Treatment.objects.values_list("client", "state"))
    assert states == {people["my_client"].pk: state, people["her_client"].pk: "active"}
    assert not CareTask.objects.exists()
    response = as_reception.post(undo_of(response), follow=True)
    assert people["my_client"].last_name in text_of(response)


def test_somebody_who_is_not_on_the_list_is_not_settled(as_reception, clinic, people):
    treatment = people["my_client"].treatments.create(
        clinic=clinic, therapist=people["mine"], service=people["service"], started_at=NOW
    )
    as_reception.post(SILENT, {"finish": people["my_client"].pk})
    as_reception.post(SILENT, {"clients": people["my_client"].pk})
    treatment.refresh_from_db()
    assert (treatment.state, CareTask.objects.count()) == ("active", 0)


# -- On Today ----------------------------------------------------------------------------------


def test_today_shows_the_first_due_calls_and_how_many_there_are(as_reception, clinic, people):
    for n in range(7):
        task_of(clinic, people["my_client"], due_at=NOW - n * HOUR)
    task_of(clinic, people["her_client"], due_at=NOW + HOUR)
    page = html_of(as_reception.get(CLINIC))
    part = re.search(r'id="attention".*?</aside>', page, re.DOTALL)[0]
    shown = re.findall(r"/calls/(\d+)/", part)
    expected = CareTask.objects.filter(due_at__lte=NOW).order_by("due_at")[:5]
    assert shown == [str(t.pk) for t in expected]
    assert '<span class="muted">۷</span>' in part
    assert people["her_client"].last_name not in part


def test_today_shows_who_is_in_crisis(as_reception, people):
    person = people["my_client"]
    person.crisis_since = NOW - HOUR
    person.save()
    part = re.search(r'id="attention".*?</aside>', html_of(as_reception.get(CLINIC)), re.DOTALL)[0]
    assert person.full_name in part
    assert "وضعیت بحران" in part


def test_a_therapist_sees_own_crises_and_no_call_list(as_therapist, clinic, people):
    for person in (people["my_client"], people["her_client"]):
        person.crisis_since = NOW - HOUR
        person.save()
        task_of(clinic, person)
    part = re.search(r'id="attention".*?</aside>', html_of(as_therapist.get(CLINIC)), re.DOTALL)[0]
    assert people["my_client"].last_name in part
    assert people["her_client"].last_name not in part
    assert "/calls/" not in html_of(as_therapist.get(CLINIC))


# -- Who may -----------------------------------------------------------------------------------


PAGES = ["", "silent/", "{}/", "{}/record/", "{}/undo/"]


@pytest.mark.parametrize("name", PAGES)
def test_a_therapist_has_no_call_list(as_therapist, task, name):
    path = LIST + name.format(task.pk)
    assert as_therapist.post(path, {"outcome": "done"}).status_code in (403, 405)
    assert as_therapist.get(path).status_code in (403, 405)
    assert standing(task)[1] is None


@pytest.mark.parametrize("name", PAGES)
def test_an_outsider_finds_nothing(as_outsider, task, name):
    path = name.format(task.pk)
    for method in (as_outsider.get, as_outsider.post):
        assert method(LIST + path, {"outcome": "done"}).status_code in (404, 405)
        if "{}" in name:
            assert method(f"/c/omid/calls/{path}", {"outcome": "done"}).status_code in (404, 405)
    assert standing(task)[1] is None
    assert not ClientEvent.objects.exists()


@pytest.mark.parametrize("rows", [1, 30])
def test_the_list_takes_the_same_queries_for_one_and_for_thirty(
    as_reception, receptionist, clinic, rows, django_assert_num_queries
):
    for _ in range(rows):
        session = factories.SessionFactory(clinic=clinic)
        person = session.participants.get().client
        task = task_of(clinic, person, session=session, created_by=receptionist)
        for n in range(2):
            CareAttempt.objects.create(
                clinic=clinic, task=task, outcome="no_answer", at=NOW - n * HOUR, by=receptionist
            )
    with django_assert_num_queries(15):
        assert len(lines_of(as_reception.get(LIST))) == rows


@pytest.mark.parametrize("rows", [1, 30])
def test_the_silent_take_the_same_queries_for_one_and_for_thirty(
    as_reception, clinic, people, quiet, rows, django_assert_num_queries
):
    for n in range(rows):
        quiet(factories.ClientFactory(clinic=clinic), days=60 + n)
    with django_assert_num_queries(13):
        page = html_of(as_reception.get(SILENT))
    assert page.count('name="finish"') == rows


def test_ticking_works_under_the_clinics_own_rights(as_reception, clinic, people, quiet):
    """The fixtures wear the owner's hat; the request does not."""
    with wear(Hat.WEB, clinic_id=clinic.pk):
        quiet(people["my_client"])
    as_reception.post(SILENT, {"clients": people["my_client"].pk})
    assert CareTask.objects.count() == 1
