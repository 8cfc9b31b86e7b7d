"""`GET /healthz`: what it says, and that it always answers."""

import datetime as dt
import socket
import threading
import time
from contextlib import contextmanager

import pytest
import redis
from django.conf import settings
from django.db import connection, connections
from django.test import Client
from django.utils import timezone

from clinic.models import Clinic
from clinic.tenancy import Hat, current_scope, wear
from config.health import PATIENCE, health
from followup.models import Watermark
from messaging.models import Heartbeat, ProviderAccount
from tests.factories import ClinicFactory, MessageFactory

AGES = ("planner", "sender", "inquirer")
COUNTS = ("due", "unclear", "accounts_resting")
NUMBERS = {*(f"{part}_age_seconds" for part in AGES), "oldest_due_seconds", *COUNTS}
SAYS = {"status", "database", "broker", *NUMBERS}
IDLE = {name: 0 if name in COUNTS else None for name in NUMBERS}
UNKNOWN = dict.fromkeys(NUMBERS)
ENOUGH = 8.0  # seconds: a silent part is given up long before


def ask(**options):
    return Client(raise_request_exception=True).get("/healthz", **options)


def test_a_healthy_installation_answers_200(db):
    response = ask()
    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"
    assert response.json() == {"status": "ok", "database": "ok", "broker": "ok", **IDLE}


def test_it_says_this_and_no_more(db):
    assert set(ask().json()) == SAYS


def test_the_age_of_the_planner_is_that_of_the_kind_scanned_longest_ago(owner, now):
    for kind, age in (("before_session", 90), ("another", 30)):
        finished_at = now - dt.timedelta(seconds=age, milliseconds=900)
        Watermark.objects.create(kind=kind, scanned_to=now, finished_at=finished_at)
    assert health(now)["planner_age_seconds"] == 90


def test_the_oldest_message_that_could_leave_is_the_one_measured(owner, now):
    ages = {"queued": 600, "claimed": 300, "sent": 9000, "shadow": 8000, "unknown": 7000}
    for state, age in ages.items():
        MessageFactory(session=None, due_at=now - dt.timedelta(seconds=age), state=state)
    MessageFactory(session=None, due_at=now + dt.timedelta(hours=1))
    assert health(now)["oldest_due_seconds"] == 600


def test_messages_of_the_future_are_not_due(owner, now):
    MessageFactory(session=None, due_at=now + dt.timedelta(seconds=1))
    assert health(now)["oldest_due_seconds"] is None


def test_a_clock_that_runs_behind_gives_no_negative_age(owner, now):
    later = now + dt.timedelta(minutes=5)
    Watermark.objects.create(kind="before_session", scanned_to=later, finished_at=later)
    assert health(now)["planner_age_seconds"] == 0


def test_an_old_planner_is_told_and_not_cured_by_a_restart(owner, now):
    long_ago = now - dt.timedelta(days=3)
    Watermark.objects.create(kind="before_session", scanned_to=long_ago, finished_at=long_ago)
    found = health(now)
    assert (found["status"], found["planner_age_seconds"]) == ("ok", 3 * 86400)


@pytest.mark.parametrize("part", ["sender", "inquirer"])
def test_each_part_of_the_engine_has_its_age(owner, now, part):
    Heartbeat.objects.create(part=part, at=now - dt.timedelta(seconds=75))
    assert health(now)[f"{part}_age_seconds"] == 75


def test_what_is_due_unclear_or_refused_is_counted(owner, now):
    for state in ("queued", "queued", "claimed", "unknown", "sent", "shadow"):
        MessageFactory(session=None, due_at=now - dt.timedelta(minutes=1), state=state)
    account = {"api_key": "key", "created_at": now, "clinic": ClinicFactory()}
    ProviderAccount.objects.create(**account, paused_at=now - dt.timedelta(minutes=1))
    ProviderAccount.objects.create(**account, channel="email")
    found = health(now)
    assert [found[name] for name in COUNTS] == [3, 1, 1]


def test_what_a_stopped_clinic_holds_back_is_not_late(owner, now):
    message = MessageFactory(session=None, due_at=now - dt.timedelta(minutes=10))
    Clinic.objects.filter(pk=message.clinic_id).update(paused_at=now)
    found = health(now)
    assert (found["due"], found["oldest_due_seconds"]) == (0, None)


# For Prometheus


def scrape(**options):
    return Client().get("/metrics", **options)


def test_the_same_numbers_are_there_for_prometheus(owner):
    past = timezone.now() - dt.timedelta(minutes=1)
    MessageFactory(session=None, due_at=past, state="unknown")
    text = scrape().content.decode()
    assert "peygir_unclear 1.0" in text.splitlines()
    assert 'peygir_up{part="database"} 1.0' in text.splitlines()


def test_what_is_not_known_is_left_out(db):
    assert "peygir_planner_age_seconds" not in scrape().content.decode()


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"REMOTE_ADDR": "10.0.0.9"}, id="another machine"),
        pytest.param({"headers": {"X-Forwarded-For": "10.0.0.9"}}, id="through a proxy"),
        pytest.param({"headers": {"Forwarded": "for=10.0.0.9"}}, id="through another proxy"),
    ],
)
def test_without_a_token_only_this_machine_may_read(db, options):
    assert scrape(**options).status_code == 404


@pytest.mark.parametrize(
    ("given", "status"), [("Bearer a-token-of-the-tests", 200), ("Bearer wrong", 404), ("", 404)]
)
def test_with_a_token_only_who_knows_it_may_read(db, settings, given, status):
    settings.METRICS_TOKEN = "a-token-of-the-tests"
    assert scrape(headers={"Authorization": given}).status_code == status


@pytest.mark.parametrize("host", ["evil.example", "10.0.0.7:8000", "[::1]", "no_such-host!"])
def test_any_name_of_this_machine_will_do(db, host):
    assert ask(headers={"Host": host}).status_code == 200


def test_it_needs_no_hat_and_leaves_none(db):
    assert ask().status_code == 200
    assert current_scope() is None
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert cursor.fetchone() == ("peygir_login",)


def test_it_sets_no_cookie(db):
    assert ask().cookies == {}


@pytest.mark.parametrize("path", ["/healthz/", "/healthzz/", "/hooks/healthz/"])
def test_other_addresses_are_not_it(db, path):
    assert Client().get(path).status_code == 404


# Parts that are not there


@contextmanager
def database_at(port, **changes):
    ours = connections["default"]
    elsewhere = {**ours.settings_dict, "HOST": "127.0.0.1", "PORT": port, **changes}
    connections["default"] = type(ours)(elsewhere, "default")
    try:
        yield
    finally:
        connections["default"].close()
        connections["default"] = ours


def broker_at(settings, port):
    address = f"redis://127.0.0.1:{port}/0"
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": address}}
    settings.CELERY_BROKER_URL = address


@pytest.fixture
def closed_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def silent_port(monkeypatch):
    """Takes connections and never says a word, as a host behind a bad line does."""
    monkeypatch.setattr("config.health.PATIENCE", 1)
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_no_database_is_an_answer(db, closed_port):
    with database_at(closed_port):
        response = ask()
    assert response.status_code == 503
    assert response.json() == {
        "status": "unavailable",
        "database": "unavailable",
        "broker": "ok",
        **UNKNOWN,
    }
    assert "Traceback" not in response.content.decode()


def test_no_broker_is_an_answer(db, settings, closed_port):
    broker_at(settings, closed_port)
    response = ask()
    assert response.status_code == 503
    assert response.json() == {
        "status": "unavailable",
        "database": "ok",
        "broker": "unavailable",
        **IDLE,
    }


def test_nothing_at_all_is_an_answer(db, settings, closed_port):
    broker_at(settings, closed_port)
    with database_at(closed_port):
        response = ask()
    assert response.status_code == 503
    assert (response.json()["database"], response.json()["broker"]) == ("unavailable",) * 2


def test_a_silent_broker_does_not_keep_the_asker_waiting(db, settings, silent_port):
    broker_at(settings, silent_port)
    assert answered_in_time()["broker"] == "unavailable"


def test_a_silent_database_does_not_keep_the_asker_waiting(db, silent_port):
    with database_at(silent_port, OPTIONS={"connect_timeout": 2}):
        assert answered_in_time()["database"] == "unavailable"


def answered_in_time():
    began = time.monotonic()
    response = ask()
    assert time.monotonic() - began < ENOUGH
    return response.json()


def test_patience_with_all_parts_fits_into_that_of_the_asker():
    to_connect = settings.DATABASES["default"]["OPTIONS"]["connect_timeout"]
    assert to_connect + PATIENCE < 10
    assert settings.CACHES["default"]["OPTIONS"]["socket_timeout"] < 10


def test_a_database_that_is_not_migrated_is_not_ready(db):
    with database_at(connection.settings_dict["PORT"], NAME="postgres"):
        response = ask()
    assert response.status_code == 503


def test_a_connection_that_died_meanwhile_is_replaced(transactional_db):
    assert ask().status_code == 200
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    kill(pid)
    first, second = ask(), ask()
    assert first.status_code in (200, 503)
    assert second.status_code == 200


def kill(pid):
    def from_another_connection():
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
        finally:
            connection.close()

    other = threading.Thread(target=from_another_connection)
    other.start()
    other.join()


def test_a_connection_closed_behind_our_back_is_an_answer(transactional_db):
    with connection.cursor():
        connection.connection.close()
    assert set(health(dt.datetime.now(dt.UTC))) == SAYS
    assert health(dt.datetime.now(dt.UTC))["database"] == "ok"


def test_a_table_that_is_held_does_not_keep_the_asker_waiting(transactional_db, monkeypatch):
    monkeypatch.setattr("config.health.PATIENCE", 1)
    held, answered = threading.Event(), threading.Event()

    def hold():
        try:
            with wear(Hat.OWNER), connection.cursor() as cursor:
                cursor.execute("LOCK TABLE followup_watermark IN ACCESS EXCLUSIVE MODE")
                held.set()
                answered.wait(20)
        finally:
            connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        assert held.wait(10)
        assert answered_in_time()["database"] == "unavailable"
    finally:
        answered.set()
        holder.join()
    assert ask().json()["database"] == "ok"


def test_a_broker_that_takes_nothing_is_an_answer(db, monkeypatch):
    def refuse(*args, **kwargs):
        raise redis.exceptions.OutOfMemoryError("OOM command not allowed")

    monkeypatch.setattr(redis.Redis, "set", refuse)
    assert ask().json()["broker"] == "unavailable"
