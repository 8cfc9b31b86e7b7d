"""A real browser before real processes: web server, database, Redis and sandbox gateway.

Nothing here runs Django in the test's own process. Playwright keeps an event loop running in it,
beside which Django would refuse to touch a database; hence also the module's scope of it all.
"""

import contextlib
import datetime as dt
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import expect

from messaging.views import callback_token
from sandbox.testing import running_gateway
from tests import chrome as browsers, databases

ROOT = Path(__file__).resolve().parents[2]
# A busy machine may take its time; a page that never answers still fails.
PATIENCE = 60_000
expect.set_options(timeout=PATIENCE)
DESKTOP, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def chrome():
    with browsers.launched() as launched:
        yield launched


@pytest.fixture
def page(chrome):
    """A new visitor at a desk, who reads Persian. Errors in the page's scripts fail the test."""
    context = chrome.new_context(locale="fa-IR", timezone_id="Asia/Tehran", viewport=DESKTOP)
    context.set_default_timeout(PATIENCE)
    errors = []
    visitor = context.new_page()
    visitor.on("pageerror", lambda error: errors.append(str(error)))
    yield visitor
    context.close()
    assert errors == []


class House:
    """One installation: its addresses and its commands, run as an operator runs them."""

    def __init__(self, url, gateway, environment):
        self.url, self.gateway, self._environment = url, gateway, environment

    @property
    def database_url(self):
        return self._environment["DATABASE_URL"]

    def manage(self, *arguments):
        """The JSON document a command prints."""
        command = [sys.executable, "manage.py", *map(str, arguments)]
        done = subprocess.run(
            command, cwd=ROOT, env=self._environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def ask(self, query):
        """The rows of a query, across clinics: a look that needs no process of its own."""
        return databases.as_admin(query, self._environment["DATABASE_URL"].rpartition("/")[2])

    def tick(self, now):
        """Planner and sender at a moment to which the gateway's clock has moved too."""
        self.gateway.set_clock(now)
        return self.manage("tick", "--now", now.isoformat())

    def move_clock(self, now):
        """Let the pages believe that it is `now`; only where they are served for that."""
        Path(self._environment["PEYGIR_TEST_CLOCK"]).write_text(now.isoformat())

    def let_arrive(self):
        """Let the phones get what is on its way, and the panel hear of it."""
        self.gateway.advance(dt.timedelta(seconds=10))
        assert _until(lambda: not self._untold())

    def _untold(self):
        world = self.gateway.world
        with world.lock:
            return list(world.gateway.untold(world.clock.now()))


@pytest.fixture(scope="module")
def house(django_db_setup, tmp_path_factory):
    with _house(tmp_path_factory.mktemp("house"), "config.wsgi") as built:
        yield built


@pytest.fixture(scope="module")
def house_in_time(django_db_setup, tmp_path_factory):
    """A house whose web server's clock can be moved; nothing else of it differs."""
    with _house(tmp_path_factory.mktemp("house"), "tests.browser.moved_wsgi") as built:
        yield built


@contextlib.contextmanager
def served_as_in_production(folder):
    """A house with the settings of production: style sheets and scripts collected, named by what
    is in them and compressed."""
    settings = {
        "DJANGO_SETTINGS_MODULE": "tests.browser.production",
        "PEYGIR_ENV": "production",
        "SECRET_KEY": "k" * 50,
        "EMAIL_URL": "smtp://localhost:25",
        "DEFAULT_FROM_EMAIL": "Peygir <no-reply@example.ir>",
    }
    with _house(folder, "config.wsgi", settings) as built:
        yield built


@contextlib.contextmanager
def _house(folder, application, settings=None):
    # Handed on as it is: between finding a free port and taking it, another may be faster.
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    receipts = f"{url}/hooks/kavenegar/{callback_token('kavenegar', None)}/status/"
    with listener, running_gateway(status_url=receipts, title="کلینیک آرامش") as gateway:
        environment = {
            **os.environ,
            "DATABASE_URL": _own_database(),
            "REDIS_URL": _own_redis(),
            "PEYGIR_VAR": str(folder),
            "PORT": str(listener.getsockname()[1]),
            "PUBLIC_URL": url,
            "KAVENEGAR_BASE_URL": gateway.base_url,
            "KAVENEGAR_API_KEY": "key-of-the-house",
            "PEYGIR_TEST_CLOCK": str(folder / "clock"),
            **(settings or {}),
        }
        if settings:
            _collect_files(environment)
        with _served(application, environment, listener, folder / "web.log"):
            yield House(url, gateway, environment)


def _collect_files(environment):
    command = [sys.executable, "manage.py", "collectstatic", "--noinput", "--verbosity=0"]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)


@contextlib.contextmanager
def _served(application, environment, listener, log):
    options = [f"--bind=fd://{listener.fileno()}", "--threads=4", "--no-control-socket"]
    with log.open("w") as output:
        server = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", application, *options],
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=output,
            pass_fds=[listener.fileno()],
        )
    try:
        _wait_for(f"{environment['PUBLIC_URL']}/healthz", server, log)
        yield
    finally:
        server.terminate()
        server.wait(20)


def _wait_for(address, server, log):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def answers():
        assert server.poll() is None, log.read_text()
        with contextlib.suppress(OSError), opener.open(address, timeout=5):
            return True

    assert _until(answers), log.read_text()


def _until(condition, seconds=60):
    """Whether it came true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def _own_database():
    """A copy of the migrated template, of this worker alone and really committed to."""
    name = f"browser_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    databases.drop(name)
    databases.copy(name)
    return os.environ["DATABASE_URL"].rsplit("/", 1)[0] + "/" + name


def _own_redis():
    base, _, number = os.environ["REDIS_URL"].rpartition("/")
    return f"{base}/{int(number) + 8}"
