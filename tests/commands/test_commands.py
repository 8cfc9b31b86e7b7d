"""The contract of the commands, as a program outside sees it."""

import json

import pytest

from tests.commands.conftest import NOW, SESSIONS

pytestmark = pytest.mark.slow


def test_create_clinic_prints_the_clinic_in_shadow_mode(installation):
    clinic = installation.ask("create_clinic", "omid", "--name", "کلینیک امید", "--now", NOW)
    assert (clinic["slug"], clinic["name"], clinic["live_since"], clinic["created_at"]) == (
        "omid",
        "کلینیک امید",
        None,
        "2026-11-21T06:30:00Z",
    )


def test_create_clinic_gives_the_owner_a_one_time_link(installation):
    clinic = installation.ask(
        "create_clinic", "omid", "--name", "کلینیک امید", "--owner", "owner@example.ir"
    )
    assert "/welcome/" in clinic["link"]


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("omid", "--name", "امید", "--timezone", "Mars/Olympus"), id="zone"),
        pytest.param(("Omid!", "--name", "امید"), id="slug"),
        pytest.param(("omid", "--name", "امید", "--owner", "nobody"), id="owner"),
        pytest.param(("omid", "--name", "امید", "--now", "yesterday"), id="now"),
    ],
)
def test_bad_arguments_are_one_clear_line_and_leave_no_clinic(installation, arguments):
    code, out, err = installation.run("create_clinic", *arguments)
    assert (code != 0, out, "Traceback" in err) == (True, "", False)


def test_a_slug_that_is_taken_is_refused(installation):
    installation.ask("create_clinic", "omid", "--name", "امید")
    code, out, err = installation.run("create_clinic", "omid", "--name", "دیگر")
    assert (code != 0, out, "Traceback" in err) == (True, "", False)


def test_tick_prints_exactly_the_agreed_counts(aramesh):
    assert aramesh.ask("tick", "--now", "2026-11-27T19:10:00+03:30") == {
        "planned": 2,
        "sent": 2,
        "failed": 0,
        "unknown": 0,
        "missed": 2,
        "skipped": {},
    }


def test_the_outbox_tells_each_message(aramesh, gateway):
    aramesh.ask("tick", "--now", "2026-11-25T17:30:00+03:30")
    (message,) = aramesh.ask("outbox", "aramesh")["messages"]
    chosen = ("client", "recipient", "rule", "purpose", "state", "reason", "due_at", "sent_at")
    assert [message[key] for key in chosen] == [
        "101",
        "+989121234567",
        "reminder_72h",
        "transactional",
        "sent",
        "",
        "2026-11-25T14:00:00Z",
        "2026-11-25T14:00:00Z",
    ]
    assert (message["text"], message["provider_id"]) == (
        gateway.messages[0].body,
        str(gateway.messages[0].id),
    )


def test_the_preview_is_the_outbox_of_the_future(aramesh):
    window = ("--from", "2026-11-25T00:00:00+03:30", "--to", "2026-11-29T00:00:00+03:30")
    foreseen = aramesh.ask("preview", "aramesh", *window)["messages"]
    for now in ("2026-11-25T19:00:00+03:30", "2026-11-27T19:10:00+03:30"):
        aramesh.ask("tick", "--now", now)
    happened = aramesh.ask("outbox", "aramesh")["messages"]
    keys = ("client", "rule", "recipient", "due_at", "text")
    assert [[m[k] for k in keys] for m in foreseen] == [[m[k] for k in keys] for m in happened]


def test_the_preview_says_why_a_late_booking_gets_nothing(aramesh, tmp_path):
    late = (
        SESSIONS.splitlines()[0] + "\n3,101,دکتر صادقی,مشاوره‌ی فردی,1405/09/01 20:00,50,scheduled\n"
    )
    (tmp_path / "late.csv").write_text(late, encoding="utf-8")
    aramesh.ask(
        "import_data",
        "aramesh",
        "--sessions",
        tmp_path / "late.csv",
        "--now",
        "2026-11-22T10:00:00+03:30",
    )
    foreseen = aramesh.ask(
        "preview",
        "aramesh",
        "--from",
        "2026-11-20T00:00:00+03:30",
        "--to",
        "2026-11-22T23:00:00+03:30",
    )["messages"]
    assert {m["reason"] for m in foreseen if m["session_no"] == "3"} == {"booked_late"}


def test_an_unknown_clinic_is_one_clear_line(installation):
    code, out, err = installation.run("outbox", "nowhere")
    assert (code != 0, out, "nowhere" in err, "Traceback" in err) == (True, "", True, False)


@pytest.mark.parametrize(
    "command", [("tick",), ("outbox", "x"), ("create_clinic", "x", "--name", "y")]
)
def test_a_moved_time_is_refused_near_real_people(installation, command):
    installation.variables["KAVENEGAR_BASE_URL"] = "https://gateway.invalid"
    code, out, err = installation.run(*command, "--now", NOW)
    assert (code != 0, out, "loopback" in err) == (True, "", True)


def test_progress_and_logs_stay_off_stdout(aramesh, gateway):
    gateway.fail_next("code", code=418)
    code, out, _ = aramesh.run("tick", "--now", "2026-11-25T17:30:00+03:30")
    assert (code, list(json.loads(out))) == (
        0,
        ["planned", "sent", "failed", "unknown", "missed", "skipped"],
    )


def test_neither_phone_nor_text_nor_key_reaches_a_log(aramesh, gateway):
    gateway.fail_next("accept_then_drop")
    _, _, err = aramesh.run("tick", "--now", "2026-11-25T17:30:00+03:30")
    told = [s for s in ("912", "کریمی", "key-of-the-tests", "صادقی") if s in err]
    assert told == []
