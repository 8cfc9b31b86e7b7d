import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import requests

from sandbox.testing import running_gateway
from tests.sandbox.helpers import product


def started(*arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "sandbox", "--port", "0", *arguments],
        stderr=subprocess.PIPE,
        text=True,
    )


def address(process):
    line = process.stderr.readline()
    return re.search(r"http://\S+?(?=/\n)", line)[0]


def send(base_url, **data):
    given = {"receptor": "09121234567", "message": "سلام", **data}
    return requests.post(f"{base_url}/v1/key/sms/send.json", data=given, timeout=5).json()


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_the_command_serves_until_it_is_told_to_stop(tmp_path, ending):
    journal = tmp_path / "texts.jsonl"
    process = started("--journal", str(journal), "--public-name", "کلینیک مهر")
    base_url = address(process)
    first = send(base_url, localid="7")
    assert "کلینیک مهر" in requests.get(base_url, timeout=5).content.decode()
    process.send_signal(ending)
    assert process.wait(10) == 0

    again = started("--journal", str(journal))
    base_url = address(again)
    second = send(base_url, localid="7")
    again.send_signal(ending)
    again.wait(10)

    assert [e["messageid"] for e in second["entries"]] == [e["messageid"] for e in first["entries"]]


def test_a_port_that_is_taken_is_said_in_one_line():
    with running_gateway() as gateway:
        port = gateway.base_url.rpartition(":")[2]
        done = subprocess.run(
            [sys.executable, "-m", "sandbox", "--port", port],
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    assert done.returncode == 1
    assert re.fullmatch(r"sandbox: cannot start: .+\n", done.stderr)


def test_an_address_others_can_reach_is_warned_of():
    process = started("--host", "0.0.0.0")  # noqa: S104 - for the length of a line
    address(process)
    warning = process.stderr.readline()
    process.terminate()
    process.communicate(timeout=10)

    assert "whoever reaches this address can read every text" in warning


def test_it_starts_without_django():
    code = "import sys, sandbox.__main__; sys.exit('django.db' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False, env=os.environ).returncode == 0


def test_connections_are_kept_alive():
    with running_gateway() as gateway:
        line = http.client.HTTPConnection(gateway.base_url.removeprefix("http://"))
        line.connect()
        opened = line.sock
        for _ in range(3):
            line.request("GET", "/healthz")
            assert json.load(line.getresponse()) == {"status": "ok"}
        assert line.sock is opened
        line.close()


def test_callbacks_go_out_by_themselves():
    with product() as there, running_gateway(status_url=there.url) as gateway:
        gateway.set_clock(datetime(2026, 11, 21, 6, 30, tzinfo=UTC))
        send(gateway.base_url)
        gateway.advance(timedelta(minutes=1))
        for _ in range(400):
            if len(there.received) == 2:
                break
            time.sleep(0.05)

    assert [state for _, state in there.states][-1] == 10


def test_a_hundred_callers_at_once_are_each_answered_once():
    with running_gateway() as gateway, ThreadPoolExecutor(16) as pool:
        answers = list(
            pool.map(lambda n: send(gateway.base_url, localid=str(n % 50 + 1)), range(100))
        )
        messages = gateway.messages

    assert len(messages) == 50
    ids = {json.dumps([e["messageid"] for e in answer["entries"]]) for answer in answers}
    assert len(ids) == 50


def test_a_head_request_has_no_body():
    with running_gateway() as gateway:
        response = requests.head(gateway.base_url, timeout=5)

    assert (response.status_code, response.content) == (200, b"")
    assert int(response.headers["Content-Length"]) > 0
