"""Several messages at once, and the outbox for a spreadsheet."""

import csv
import io
import re

import pytest

from messaging.models import Message
from sessions_app.models import CareTask
from tests import factories
from tests.panel.screens import CLINIC, html_of, notices_of

NOW = factories.NOW
LIST, CHOSEN, FILE = CLINIC + "messages/", CLINIC + "messages/chosen/", CLINIC + "messages/csv/"


def make(clinic, state="queued", **fields):
    fields.setdefault("client", factories.ClientFactory(clinic=clinic))
    return factories.MessageFactory(clinic=clinic, state=state, **fields)


def post(browser, messages, do="cancel", **more):
    data = {"chosen": [m.pk for m in messages], "do": do, **more}
    return browser.post(CHOSEN, data, follow=True)


def states(messages):
    return [Message.objects.get(pk=m.pk).state for m in messages]


# -- Out of the queue --------------------------------------------------------------------------


def test_it_asks_once_and_names_what_it_would_stop(as_reception, clinic, looking):
    waiting, sent = make(clinic), make(clinic, "sent")
    html = html_of(post(as_reception, [waiting, sent]))
    assert "۱ پیام از صف بیرون بیاید؟" in html
    assert re.findall(r'name="chosen" value="(\d+)"', html) == [str(waiting.pk)]
    assert states([waiting]) == ["queued"]


def test_sure_takes_them_out_and_says_which_had_left(as_reception, clinic, looking):
    waiting, leaving = make(clinic), make(clinic, "sending")
    response = post(as_reception, [waiting, leaving], sure="1")
    assert notices_of(response) == ["۱ پیام از صف بیرون آمد.", "۱ پیام را دیگر نمی‌شد متوقف کرد."]
    assert states([waiting, leaving]) == ["cancelled", "sending"]


def test_with_nothing_in_the_queue_it_says_so(as_reception, clinic):
    response = post(as_reception, [make(clinic, "sent")])
    assert notices_of(response) == ["هیچ‌کدام از پیام‌های انتخاب‌شده در صف نیست."]


def test_it_returns_to_the_list_as_it_was_filtered(as_reception, clinic):
    back = LIST + "?state=queued"
    response = post(as_reception, [make(clinic)], sure="1", next=back)
    assert response.redirect_chain == [(back, 302)]


# -- Onto the call list ------------------------------------------------------------------------


def test_what_did_not_arrive_is_to_be_said_by_phone(as_reception, clinic, receptionist, looking):
    lost, fine = make(clinic, "failed"), make(clinic, "delivered")
    response = post(as_reception, [lost, fine], do="call")
    task = CareTask.objects.get()
    assert (task.kind, task.client, task.created_by) == ("instead", lost.client, receptionist)
    assert task.due_at == NOW
    assert notices_of(response) == ["۱ تماس در فهرست تماس است."]


def test_twice_makes_one_call(as_reception, clinic, looking):
    lost = make(clinic, "undelivered")
    for _n in range(2):
        post(as_reception, [lost], do="call")
    assert CareTask.objects.count() == 1


def test_with_nothing_lost_it_says_so(as_reception, clinic, looking):
    (said,) = notices_of(post(as_reception, [make(clinic, "delivered")], do="call"))
    assert said == "پیامی که انتخاب کرده‌اید یا رسیده یا در راه است؛ تماس لازم نیست."
    assert not CareTask.objects.exists()


# -- Who may, and what the list offers ---------------------------------------------------------


def test_only_what_can_be_acted_on_has_a_box(as_reception, clinic):
    boxes = {make(clinic, state).pk: state for state in ("queued", "failed", "sent", "cancelled")}
    html = html_of(as_reception.get(LIST))
    ticked = [boxes[int(pk)] for pk in re.findall(r'name="chosen" value="(\d+)"', html)]
    assert sorted(ticked) == ["failed", "queued"]


def test_a_therapist_ticks_nothing(as_therapist, clinic, people):
    waiting = make(clinic, client=people["my_client"])
    assert 'name="chosen"' not in html_of(as_therapist.get(LIST))
    assert as_therapist.post(CHOSEN, {"chosen": [waiting.pk], "do": "cancel"}).status_code == 403


def test_another_clinics_messages_are_out_of_reach(as_reception, other_clinic, looking):
    theirs = [make(other_clinic), make(other_clinic, "failed")]
    post(as_reception, theirs, sure="1")
    post(as_reception, theirs, do="call")
    assert states(theirs) == ["queued", "failed"]
    assert not CareTask.objects.exists()


def test_an_outsider_finds_nothing(as_outsider, clinic):
    assert as_outsider.post(CHOSEN, {"do": "call"}).status_code == 404
    assert as_outsider.get(FILE).status_code == 404


def test_what_is_no_act_is_refused(as_reception, clinic):
    assert post(as_reception, [make(clinic)], do="nonsense").status_code == 400


# -- For a spreadsheet -------------------------------------------------------------------------


@pytest.fixture
def as_manager(client, manager, at_ten):
    client.force_login(manager)
    return client


def table(response):
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    return list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"))))


def test_a_row_says_what_became_of_a_message(as_manager, clinic):
    person = factories.ClientFactory(
        clinic=clinic, file_no="42", first_name="نگار", last_name="پارسا", phone="+989121234567"
    )
    make(clinic, "delivered", client=person, recipient=person.phone, parts=2, cost_rial=3400,
         due_at=NOW, rule_key="reminder_24h", text="راز")  # fmt: skip
    response = as_manager.get(FILE)
    head, row = table(response)
    assert len(head) == len(row)
    assert row[:5] == ["1405/08/30", "10:00", "42", "نگار پارسا", "0912 1234567"]
    assert row[-2:] == ["2", "3400"]
    assert "راز" not in response.content.decode()
    assert response["Content-Disposition"] == 'attachment; filename="messages-1405-08-30.csv"'


def test_the_file_holds_what_the_list_shows(as_manager, clinic):
    make(clinic, "failed")
    make(clinic, "delivered")
    assert len(table(as_manager.get(FILE, {"state": "failed"}))) == 2


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@cmd"])
def test_no_name_is_a_formula(as_manager, clinic, name):
    person = factories.ClientFactory(clinic=clinic, first_name="", last_name=name)
    make(clinic, client=person)
    assert table(as_manager.get(FILE))[1][3] == f"'{name}"


def test_the_file_is_the_managers(as_reception, clinic):
    assert as_reception.get(FILE).status_code == 403


@pytest.mark.parametrize("rows", [1, 30])
def test_the_file_takes_the_same_queries_for_one_and_for_thirty(
    as_manager, clinic, rows, django_assert_num_queries
):
    for _n in range(rows):
        make(clinic)
    with django_assert_num_queries(11):
        assert len(table(as_manager.get(FILE))) == rows + 1
