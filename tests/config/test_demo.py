"""The parts of `manage.py demo` around its clinic: processes, ports, passwords, refusals."""

import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from config.demo import accounts, addresses
from config.demo.single import Stopped, alone, stoppable
from config.demo.supervisor import ChildEnded, Supervisor

ROOT = Path(__file__).resolve().parents[2]
PATIENT = ["/bin/sh", "-c", "echo began; exec sleep 60"]
PATH = {"PATH": os.environ["PATH"]}
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture
def handlers():
    """The command keeps its signals until its process ends; a test goes on."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def is_alive(pid):
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


def eventually(condition, seconds=15):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_child_that_dies_is_named_with_its_last_words(tmp_path):
    with Supervisor(tmp_path, tmp_path / "log") as processes:
        processes.start("web", PATIENT, PATH)
        processes.start("worker", ["/bin/sh", "-c", "echo oh no; exit 3"], PATH)
        with pytest.raises(ChildEnded) as ended:
            processes.watch()
    log = tmp_path / "log" / "worker.log"
    assert str(ended.value) == (
        f"worker ended with exit code 3. Its last lines, from {log}:\noh no"
    )


def test_last_words_are_those_of_this_start(tmp_path):
    for word in ("first", "second"):
        with Supervisor(tmp_path, tmp_path / "log") as processes:
            child = processes.start("web", ["/bin/echo", word], PATH)
            eventually(lambda child=child: child.exit_code() == 0)
            assert child.last_lines() == word
    assert (tmp_path / "log" / "web.log").read_text() == "first\nsecond\n"


def test_leaving_stops_everything(tmp_path):
    with Supervisor(tmp_path, tmp_path / "log") as processes:
        pids = [processes.start(name, PATIENT, PATH).pid for name in ("web", "beat")]
        assert all(is_alive(pid) for pid in pids)
    assert not any(is_alive(pid) for pid in pids)


def test_who_outlasts_the_others_stops_when_they_have(tmp_path):
    said = tmp_path / "said"
    slow = f"trap 'sleep 0.5; echo worker >> {said}; exit' TERM; echo; while :; do sleep 0.05; done"
    quick = f"trap 'echo sandbox >> {said}; exit' TERM; echo; while :; do sleep 0.05; done"
    with Supervisor(tmp_path, tmp_path / "log") as processes:
        sandbox = processes.start("sandbox", ["/bin/sh", "-c", quick], PATH, outlasts=True)
        worker = processes.start("worker", ["/bin/sh", "-c", slow], PATH)
        eventually(lambda: sandbox.log.stat().st_size and worker.log.stat().st_size)
    assert said.read_text() == "worker\nsandbox\n"


def test_group_of_a_child_that_will_not_stop_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr("config.demo.supervisor.PATIENCE", 0.3)
    stubborn = "trap '' TERM; sleep 60 & echo $!; while :; do sleep 1; done"
    with Supervisor(tmp_path, tmp_path / "log") as processes:
        child = processes.start("worker", ["/bin/sh", "-c", stubborn], PATH)
        eventually(lambda: child.log.stat().st_size)
        grandchild = int(child.log.read_text())
    assert not is_alive(child.pid)
    eventually(lambda: not is_alive(grandchild))


def test_children_do_not_survive_a_killed_parent(tmp_path):
    parent = f"""
import sys, time
from pathlib import Path
from config.demo.supervisor import Supervisor
with Supervisor(Path({str(tmp_path)!r}), Path({str(tmp_path)!r})) as processes:
    print(processes.start("web", {PATIENT!r}, {{}}).pid, flush=True)
    time.sleep(60)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", parent], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    child = int(process.stdout.readline())
    process.kill()
    process.communicate()
    eventually(lambda: not is_alive(child))


def test_signal_ends_the_block_in_peace_and_the_next_is_disregarded(handlers):
    ended = []
    with stoppable():
        threading.Timer(0.1, os.kill, [os.getpid(), signal.SIGTERM]).start()
        try:
            time.sleep(10)
        except Stopped:
            os.kill(os.getpid(), signal.SIGTERM)
            ended.append("in peace")
            raise
    assert ended == ["in peace"]


def test_only_one_at_a_time(tmp_path):
    lock = tmp_path / "demo.lock"
    with (
        alone(lock),
        pytest.raises(CommandError, match="running already"),
        alone(lock),
    ):
        pass
    with alone(lock):
        pass


def test_taken_port_gives_way_to_the_next():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        assert addresses.next_free(taken) > taken
        assert addresses.next_free(taken + 1, taken=taken + 1) > taken + 1


def test_children_send_through_the_sandbox_whatever_the_environment_says(monkeypatch):
    monkeypatch.setenv("KAVENEGAR_BASE_URL", "https://api.kavenegar.com")
    monkeypatch.setenv("KAVENEGAR_API_KEY", "a-real-key")
    monkeypatch.setenv("SMSIR_BASE_URL", "https://api.sms.ir")
    monkeypatch.setenv("WHATSAPP_BASE_URL", "https://graph.facebook.com")
    monkeypatch.setenv("EMAIL_URL", "smtp+tls://mail.example.ir:587")
    where = addresses.Addresses(8001, 8011, "")
    environment = where.environment()
    assert environment["KAVENEGAR_BASE_URL"] == "http://127.0.0.1:8011"
    assert environment["KAVENEGAR_API_KEY"] == "sandbox"
    assert environment["SMSIR_BASE_URL"] == "http://127.0.0.1:8011"
    assert environment["WHATSAPP_BASE_URL"] == "http://127.0.0.1:8011"
    assert environment["EMAIL_URL"] == "smtp://127.0.0.1:8025"
    assert environment["PUBLIC_URL"] == "http://127.0.0.1:8001"
    receipts, inbound = where.sandbox_command(Path("journal"), "آرامش")[-2:]
    hooks = "http://127.0.0.1:8001/hooks/kavenegar/"
    assert receipts.startswith(f"--callback-url={hooks}")
    assert receipts.endswith("/status/")
    assert inbound.startswith(f"--inbound-url={hooks}")
    assert inbound.endswith("/inbound/")


def test_passwords_are_made_once_per_installation(tmp_path):
    kept = tmp_path / "demo.json"
    assert accounts.read(kept) == {}
    made = accounts.make(kept, ["owner", "operator"])
    assert accounts.read(kept) == made
    assert made.keys() == {"owner", "operator"}
    assert len(set(made.values())) == 2
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert accounts.make(kept, ["owner"])["owner"] != made["owner"]


@pytest.mark.parametrize("spoilt", ["", "[]", "{}", '{"passwords": 1}', "\x00"])
def test_spoilt_passwords_count_as_none(tmp_path, spoilt):
    kept = tmp_path / "demo.json"
    kept.write_text(spoilt)
    assert accounts.read(kept) == {}


def test_demo_is_refused_in_production(settings):
    settings.PRODUCTION = True
    with pytest.raises(CommandError, match="not for production"):
        call_command("demo")


def test_demo_is_refused_beside_clinics_on_a_given_server(
    other_clinic, settings, tmp_path, handlers
):
    settings.ENV = type("Env", (), {"var": tmp_path, "port": 8000})
    with pytest.raises(CommandError, match="has clinics of its own"):
        call_command("demo")


def test_reset_spares_a_given_server(db, settings, tmp_path, handlers):
    settings.ENV = type("Env", (), {"var": tmp_path, "port": 8000})
    with pytest.raises(CommandError, match="unset DATABASE_URL"):
        call_command("demo", "--reset")
