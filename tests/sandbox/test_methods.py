"""The gateway's methods as a caller meets them: over HTTP, in Kavenegar's words."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import requests

from sandbox.testing import running_gateway

NOW = datetime(2026, 11, 21, 6, 30, tzinfo=UTC)
UNIX = int(NOW.timestamp())
PERSIAN = "سلام؛ جلسه‌ی شما فردا ساعت ۱۷:۳۰ است."


@pytest.fixture
def gateway():
    with running_gateway() as running:
        running.set_clock(NOW)
        yield running


@pytest.fixture
def call(gateway):
    session = requests.Session()
    session.trust_env = False

    def post(method, key="key", verb="POST", **params):
        url = f"{gateway.base_url}/v1/{key}/{method}.json"
        given = {"params": params} if verb != "POST" else {"data": params}
        response = session.request(verb, url, allow_redirects=False, **given)
        envelope = response.json()
        assert response.status_code == envelope["return"]["status"]
        return envelope["return"]["status"], envelope["entries"]

    return post


def test_send_answers_with_the_documented_entry(gateway, call):
    code, entries = call("sms/send", receptor="09121234567", message=PERSIAN)

    assert code == 200
    assert entries == [
        {
            "messageid": gateway.messages[0].id,
            "message": PERSIAN,
            "status": 1,
            "statustext": "در صف ارسال",
            "sender": "10004346",
            "receptor": "09121234567",
            "date": UNIX,
            "cost": 2_000,
        }
    ]


def test_send_is_taken_as_query_and_as_form(gateway, call):
    first = call("sms/send", receptor="09121234567", message=PERSIAN, localid="1")
    second = call("sms/send", verb="GET", receptor="09121234567", message=PERSIAN, localid="2")

    assert [code for code, _ in (first, second)] == [200, 200]
    assert [m.body for m in gateway.messages] == [PERSIAN, PERSIAN]


@pytest.mark.parametrize(
    "receptor", ["09121234567", "9121234567", "+989121234567", "00989121234567"]
)
def test_send_knows_a_number_in_every_documented_form(call, receptor):
    _, entries = call("sms/send", receptor=receptor, message=PERSIAN)

    assert entries[0]["receptor"] == "09121234567"


MANY = ",".join(f"0912{n:07}" for n in range(201))


@pytest.mark.parametrize(
    ("code", "params"),
    [
        pytest.param(400, {"receptor": "09121234567"}, id="no message"),
        pytest.param(400, {"message": "x"}, id="no receptor"),
        pytest.param(406, {"receptor": " ", "message": "x"}, id="receptor empty"),
        pytest.param(411, {"receptor": "02188776655", "message": "x"}, id="landline"),
        pytest.param(411, {"receptor": "989121234567", "message": "x"}, id="undocumented form"),
        pytest.param(411, {"receptor": "09121234567,", "message": "x"}, id="one of them empty"),
        pytest.param(
            412, {"receptor": "09121234567", "message": "x", "sender": "Clinic"}, id="line"
        ),
        pytest.param(413, {"receptor": "09121234567", "message": ""}, id="message empty"),
        pytest.param(413, {"receptor": "09121234567", "message": "x" * 901}, id="901 characters"),
        pytest.param(414, {"receptor": MANY, "message": "x"}, id="201 receptors"),
        pytest.param(
            400, {"receptor": "09121234567", "message": "x", "localid": "1,2"}, id="localid count"
        ),
        pytest.param(
            400, {"receptor": "09121234567", "message": "x", "localid": "a"}, id="localid a word"
        ),
        pytest.param(
            417, {"receptor": "09121234567", "message": "x", "date": UNIX - 1}, id="date past"
        ),
        pytest.param(
            417, {"receptor": "09121234567", "message": "x", "date": "soon"}, id="date a word"
        ),
        pytest.param(422, {"receptor": "09121234567", "message": "a\0b"}, id="unwritable"),
        pytest.param(607, {"receptor": "09121234567", "message": "x", "tag": "none"}, id="tag"),
    ],
)
def test_send_refuses_what_the_documents_refuse(gateway, call, code, params):
    assert call("sms/send", **params) == (code, None)
    assert gateway.messages == []


def test_send_takes_all_or_none(gateway, call):
    assert call("sms/send", receptor="09121234567,123", message="x")[0] == 411
    assert gateway.messages == []


@pytest.mark.parametrize(
    ("code", "options"),
    [
        (403, {"bad_keys": ("key",)}),
        (401, {"inactive_keys": ("key",)}),
        (412, {"lines": ("30002626",), "default_line": "30002626"}),
        (418, {"credit_rial": 1_999}),
        (420, {"links_allowed": False}),
        (501, {"only_receptor": "09350000000"}),
    ],
    ids=str,
)
def test_send_refuses_what_the_account_does_not_allow(gateway, call, code, options):
    for name, value in options.items():
        setattr(gateway.options, name, value)

    answer = call("sms/send", receptor="09121234567", message="https://x.ir", sender="10004346")

    assert answer == (code, None)
    assert gateway.messages == []


def test_a_refusal_may_hide_inside_http_200(gateway):
    gateway.options.error_inside_200 = True
    url = f"{gateway.base_url}/v1/key/sms/send.json"

    response = requests.post(url, data={"receptor": "1", "message": "x"}, timeout=5)

    assert response.status_code == 200
    assert response.json()["return"]["status"] == 411


def test_the_same_local_id_gives_the_first_record_whatever_else_is_said(gateway, call):
    first = call("sms/send", receptor="09121234567", message="first", localid="7")
    second = call("sms/send", receptor="09350000000", message="second", localid="7")

    assert second == first
    assert len(gateway.messages) == 1


def test_a_known_local_id_costs_nothing_even_without_credit(gateway, call):
    gateway.options.credit_rial = 2_000

    answers = [call("sms/send", receptor="09121234567", message="x", localid="7") for _ in "ab"]

    assert answers[0] == answers[1]
    assert call("account/info")[1]["remaincredit"] == 0


def test_local_ids_belong_to_one_account(gateway, call):
    call("sms/send", receptor="09121234567", message="mine", localid="7")
    call("sms/send", key="another", receptor="09350000000", message="theirs", localid="7")

    assert [m.body for m in gateway.messages] == ["mine", "theirs"]


def test_a_call_without_local_ids_is_never_recognised(gateway, call):
    for _ in range(2):
        call("sms/send", receptor="09121234567", message="x")

    assert len(gateway.messages) == 2


def test_cost_is_parts_times_tariff_and_leaves_the_account(call):
    _, entries = call("sms/send", receptor="09121234567,09350000000", message="س" * 71)
    _, info = call("account/info")

    assert [entry["cost"] for entry in entries] == [4_000, 4_000]
    assert info["remaincredit"] == 50_000_000 - 8_000
    assert info["type"] == "master"


def test_credit_runs_out_to_the_last_rial(gateway, call):
    gateway.options.credit_rial = 2_000

    assert call("sms/send", receptor="09121234567", message="x")[0] == 200
    assert call("sms/send", receptor="09121234567", message="x")[0] == 418


@pytest.mark.parametrize(
    ("receptor", "states"),
    [
        ("09121234567", [1, 5, 10, 100]),
        ("09121230001", [1, 1, 1, 100]),
        ("09121230005", [1, 5, 5, 100]),
        ("09121230006", [1, 5, 6, 100]),
        ("09121230011", [1, 5, 11, 100]),
        ("09121230014", [1, 14, 14, 100]),
    ],
)
def test_the_end_of_a_number_decides_what_becomes_of_its_texts(gateway, call, receptor, states):
    _, entries = call("sms/send", receptor=receptor, message="x")
    number = entries[0]["messageid"]
    seen = []
    for step in (timedelta(), timedelta(seconds=2), timedelta(seconds=4), timedelta(hours=48)):
        gateway.advance(step)
        seen.append(call("sms/status", messageid=number)[1][0]["status"])

    assert [5 if state == 4 else state for state in seen] == states


def test_status_of_strangers_and_of_nothing_is_100(call):
    _, entries = call("sms/send", receptor="09121234567", message="x")
    number = entries[0]["messageid"]

    _, answers = call("sms/status", key="another", messageid=f"{number},5")

    assert [(a["messageid"], a["status"]) for a in answers] == [(number, 100), (5, 100)]


@pytest.mark.parametrize("method", ["sms/status", "sms/statuslocalmessageid"])
def test_status_takes_five_hundred_ids(call, method):
    name = "messageid" if method == "sms/status" else "localid"
    ids = list(map(str, range(1, 502)))

    assert call(method, **{name: ",".join(ids)}) == (414, None)
    assert len(call(method, **{name: ",".join(ids[:500])})[1]) == 500


def test_local_ids_are_told_for_twelve_hours(gateway, call):
    _, entries = call("sms/send", receptor="09121234567", message="x", localid="7")
    known = {"messageid": entries[0]["messageid"], "localid": "7"}
    gateway.advance(timedelta(hours=12, seconds=-1))
    _, before = call("sms/statuslocalmessageid", localid="7,8")
    gateway.advance(timedelta(seconds=1))
    _, after = call("sms/statuslocalmessageid", localid="7")

    assert before[0] == {**known, "status": 10, "statustext": "رسیده به گیرنده"}
    assert (before[1]["localid"], before[1]["status"]) == ("8", 100)
    assert after[0]["status"] == 100


def test_status_by_receptor_looks_back_a_day(gateway, call):
    _, entries = call("sms/send", receptor="09121234567,09350000000", message="x")
    gateway.advance(timedelta(hours=1))

    code, found = call("sms/statusbyreceptor", receptor="+989121234567", startdate=UNIX - 60)

    assert code == 200
    assert [(f["messageid"], f["receptor"]) for f in found] == [
        (entries[0]["messageid"], "09121234567")
    ]
    too_long = {"startdate": UNIX, "enddate": UNIX + 86_401}
    assert call("sms/statusbyreceptor", receptor="09121234567", **too_long)[0] == 417


def test_a_scheduled_text_waits_and_can_be_cancelled_until_its_time(gateway, call):
    _, entries = call("sms/send", receptor="09121234567", message="x", date=UNIX + 60)
    _, later = call("sms/send", receptor="09121234567", message="y", date=UNIX + 60)
    first, second = entries[0]["messageid"], later[0]["messageid"]

    assert entries[0]["status"] == 2
    assert call("sms/cancel", messageid=first)[1][0]["status"] == 13
    gateway.advance(timedelta(seconds=66))
    assert call("sms/cancel", messageid=second)[1][0]["status"] == 10
    assert call("sms/status", messageid=f"{first},{second}")[1][0]["status"] == 13
    assert call("account/info")[1]["remaincredit"] == 50_000_000 - 2_000


def test_cancel_knows_only_our_own_texts(call):
    assert call("sms/cancel", messageid="5")[1][0]["status"] == 100
    assert call("sms/cancel", messageid=",".join(map(str, range(1, 202))))[0] == 412


def test_select_needs_an_address_on_the_list_and_hides_what_was_hidden(gateway, call):
    _, entries = call("sms/send", receptor="09121234567", message="x", hide="1")
    number = entries[0]["messageid"]

    assert call("sms/select", messageid=number) == (407, None)
    gateway.options.select_allowed = True
    assert call("sms/select", messageid=f"{number},5")[1] == [
        {**entries[0], "receptor": "0912***4567"}
    ]


def arrays(**changes):
    given = {
        "receptor": ["09121234567", "09350000000"],
        "sender": ["10004346", "30002626"],
        "message": ["one", "two"],
    }
    return {name: json.dumps(value) for name, value in {**given, **changes}.items()}


@pytest.mark.parametrize("ids", ["[7, 8]", "7,8"], ids=["JSON", "commas"])
def test_sendarray_sends_each_its_own(gateway, call, ids):
    for _ in range(2):
        code, _ = call("sms/sendarray", **arrays(), localmessageids=ids)

    assert code == 200
    assert [(m.receptor, m.sender, m.body, m.local_id) for m in gateway.messages] == [
        ("09121234567", "10004346", "one", 7),
        ("09350000000", "30002626", "two", 8),
    ]


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        (419, {"message": ["one"]}),
        (419, {"sender": ["10004346"]}),
        (400, {"receptor": "09121234567"}),
        (411, {"receptor": ["09121234567", 5]}),
        (414, {name: ["09121234567"] * 201 for name in ("receptor", "sender", "message")}),
    ],
    ids=["few messages", "few senders", "no array", "no number", "too many"],
)
def test_sendarray_refuses_what_the_documents_refuse(gateway, call, code, changes):
    assert call("sms/sendarray", **arrays(**changes)) == (code, None)
    assert gateway.messages == []


def test_sendarray_is_posted_only(call):
    assert call("sms/sendarray", verb="GET", **arrays()) == (405, None)


def test_lookup_fills_a_template_and_hands_it_over_at_once(gateway, call):
    gateway.options.templates["visit"] = "%token10 عزیز، %token ساعت %token2"

    code, entries = call(
        *("verify/lookup",),
        receptor="09121234567",
        template="visit",
        token="فردا",
        token2="۱۷:۳۰",
        token10="خانم مریم رضایی",
    )

    assert code == 200
    assert entries[0]["message"] == "خانم مریم رضایی عزیز، فردا ساعت ۱۷:۳۰"
    assert entries[0]["status"] in (4, 5)


@pytest.mark.parametrize(
    ("code", "params"),
    [
        (400, {"template": "code"}),
        (411, {"receptor": "02188776655", "token": "1", "template": "code"}),
        (424, {"token": "1", "template": "none"}),
        (432, {"token": "1", "template": "empty"}),
        (431, {"token": "1 2", "template": "code"}),
        (431, {"token": "1_2", "template": "code"}),
        (431, {"token": "1\n2", "template": "code"}),
        (431, {"token": "1" * 101, "template": "code"}),
        (431, {"token": "1", "token10": "a b c d e f g", "template": "code"}),
        (431, {"token": "1", "token20": "a b c d e f g h i j", "template": "code"}),
        (428, {"token": "abc", "type": "call", "template": "code"}),
    ],
    ids=str,
)
def test_lookup_refuses_what_the_documents_refuse(gateway, call, code, params):
    gateway.options.templates["empty"] = "no place for it"

    assert call("verify/lookup", **{"receptor": "09121234567", **params}) == (code, None)
    assert gateway.messages == []


def test_lookup_recognises_no_repetition(gateway, call):
    for _ in range(2):
        call("verify/lookup", receptor="09121234567", token="1", template="code", localid="7")

    assert len(gateway.messages) == 2


def test_receive_gives_a_hundred_and_marks_them_read(gateway, call):
    call("sms/send", receptor="09121234567", message="x")
    for number in range(101):
        gateway.reply("09121234567", "10004346", str(number))

    first, second, third = (
        call("sms/receive", linenumber="10004346", isread="0")[1] for _ in range(3)
    )

    assert [len(first), len(second), len(third)] == [100, 1, 0]
    assert first[0] == {
        "messageid": gateway.inbound[0].id,
        "message": "0",
        "sender": "09121234567",
        "receptor": "10004346",
        "date": UNIX,
    }
    assert len(call("sms/receive", linenumber="10004346", isread="1")[1]) == 100


def test_an_answer_goes_to_the_account_that_wrote_last(gateway, call):
    call("sms/send", key="one", receptor="09121234567", message="x")
    call("sms/send", key="two", receptor="09121234567", message="y")
    gateway.reply("09121234567", "10004346", "بله")

    inboxes = [
        call("sms/receive", key=k, linenumber="10004346", isread="0")[1] for k in ("one", "two")
    ]

    assert [len(inbox) for inbox in inboxes] == [0, 1]


@pytest.mark.parametrize("word", ["11", "۱۱", "١١", " ۱۱ ", "لغو۱۱", "لغو ۱۱"])
def test_answering_eleven_blocks_the_line_until_twelve(gateway, call, word):
    def send():
        _, entries = call("sms/send", receptor="09121234567", message="x")
        gateway.advance(timedelta(seconds=10))
        return call("sms/status", messageid=entries[0]["messageid"])[1][0]["status"]

    before = send()
    gateway.reply("09121234567", "10004346", word)
    blocked = send()
    gateway.reply("09121234567", "10004346", "12")

    assert [before, blocked, send()] == [10, 14, 10]


def test_blocked_numbers_are_added_listed_found_and_removed(gateway, call):
    numbers = {"linenumber": "10004346", "receptor": "09121234567,09350000000"}

    assert [e["status"] for e in call("line/blocked/add", **numbers)[1]] == ["Active", "Active"]
    assert call("line/blocked/add", **numbers)[1][0]["status"] == "AlreadyExists"
    assert call("line/blocked/remove", verb="DELETE", **numbers) == (200, {"removed": 2})
    assert [e["status"] for e in call("line/blocked/exists", **numbers)[1]] == ["NotExists"] * 2

    call("sms/send", receptor="09121234567", message="x")
    gateway.reply("09121234567", "10004346", "11")
    call("line/blocked/remove", verb="DELETE", **numbers)
    listed = call("line/blocked/list", linenumber="10004346", blockreason="2")[1]
    assert listed == [{"number": "09121234567", "blockreason": 2, "date": UNIX}]


def test_blocked_calls_have_their_own_limits(call):
    many = {"linenumber": "10004346", "receptor": MANY}

    assert call("line/blocked/add", **many) == (604, None)
    assert call("line/blocked/remove", **many) == (405, None)


def test_config_is_read_and_written(gateway, call):
    _, usual = call("account/config")
    _, changed = call("account/config", debugmode="enabled")

    assert usual["debugmode"] == "disabled"
    assert changed["debugmode"] == "enabled"
    assert call("account/config", debugmode="perhaps") == (400, None)
    assert call("account/config")[1]["debugmode"] == "enabled"


def test_debug_mode_sends_nothing_and_costs_nothing(call):
    call("account/config", debugmode="enabled")
    _, entries = call("sms/send", receptor="09121234567", message="x")

    assert (entries[0]["status"], entries[0]["cost"]) == (13, 0)


def test_the_servers_time_needs_no_key(call):
    code, entries = call("utils/getdate", key="0")

    assert (code, entries["unixtime"], entries["datetime"]) == (200, UNIX, "2026/11/21 06:30:00")


@pytest.mark.parametrize(
    "path", ["sms/unreads", "sms/countpostalcode", "SMS", "x", "sms/send/more"]
)
def test_an_unknown_method_is_404(call, path):
    assert call(path) == (404, None)
