import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from clinic.tenancy import Hat, wear
from patients.models import Client
from sessions_app.models import Session
from tests.exchange.files import csv_file, xlsx

NOW = "2026-11-21T10:00:00+03:30"
CLIENTS = [
    ["شماره پرونده", "نام خانوادگی", "موبایل", "کد ملی"],
    ["۱۰۱", "احمدی", "09121234567", ""],
]
SESSIONS = [
    ["session_no", "file_no", "therapist", "service", "starts_at"],
    ["1", "101", "دکتر ملکی", "فردی", "1405/09/06 17:30"],
    ["2", "999", "دکتر ملکی", "فردی", "1405/09/07 17:30"],
]


@pytest.fixture
def run(clinic, tmp_path):
    def call(*arguments, **files):
        out, err = StringIO(), StringIO()
        for kind, data in files.items():
            path = tmp_path / f"{kind}.dat"
            path.write_bytes(data)
            arguments = (*arguments, f"--{kind}", str(path))
        call_command("import_data", "aramesh", *arguments, "--now", NOW, stdout=out, stderr=err)
        return json.loads(out.getvalue()), err.getvalue()

    return call


def count(clinic, model):
    with wear(Hat.WEB, clinic_id=clinic.pk):
        return model.objects.count()


def test_stdout_is_one_document_and_stderr_tells_the_rest(run, clinic):
    document, err = run(clients=csv_file(CLIENTS), sessions=xlsx({"x": SESSIONS}))
    assert document == {
        "created": {"clients": 1, "sessions": 1, "therapists": 1, "services": 1},
        "updated": {"clients": 0, "sessions": 0, "therapists": 0, "services": 0},
        "unchanged": {"clients": 0, "sessions": 0, "therapists": 0, "services": 0},
        "rejected": [
            {
                "file": "sessions.dat",
                "row": 3,
                "column": "file_no",
                "value": "999",
                "reason": "هیچ مراجعی این شماره‌ی پرونده را ندارد.",
            }
        ],
    }
    assert "clients.dat: columns not read: کد ملی" in err
    assert "sessions: 2/2" in err
    assert (count(clinic, Client), count(clinic, Session)) == (1, 1)


def test_a_dry_run_changes_nothing(run, clinic):
    document, _err = run("--dry-run", clients=csv_file(CLIENTS))
    assert document["created"]["clients"] == 1
    assert count(clinic, Client) == 0


def test_an_unreadable_file_is_one_line_and_changes_nothing(run, clinic):
    with pytest.raises(CommandError) as caught:
        run(clients=csv_file(CLIENTS), sessions=b"%PDF-1.7")
    assert (
        str(caught.value)
        == "sessions.dat: این فایل PDF است؛ از فهرست با قالب xlsx یا csv خروجی بگیرید."
    )
    assert count(clinic, Client) == 0


def test_a_file_that_is_not_there_is_one_line(run, tmp_path):
    with pytest.raises(CommandError, match=r"cannot read .*No such file"):
        run("--clients", str(tmp_path / "none.csv"))


def test_a_list_is_asked_for(run):
    with pytest.raises(CommandError, match="--clients FILE"):
        run()


def test_an_unknown_clinic_is_one_line(clinic, tmp_path):
    path = tmp_path / "clients.csv"
    path.write_bytes(csv_file(CLIENTS))
    with pytest.raises(CommandError, match="omid"):
        call_command("import_data", "omid", "--clients", str(path))
