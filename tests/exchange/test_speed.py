import csv
import io
import time

import pytest

from clinic.tenancy import Hat, wear
from exchange.actions import ListFile, import_files
from exchange.report import Report
from tests.conftest import NOW

CLIENTS, SESSIONS = 1000, 20_000


def client_list() -> bytes:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["شماره پرونده", "نام", "نام خانوادگی", "موبایل"])
    for n in range(CLIENTS):
        writer.writerow([1000 + n, "سارا", f"احمدی {n}", f"0912{n:07d}"])
    return out.getvalue().encode()


def session_list() -> bytes:
    """Ten therapists, thirteen hours a day, 154 days: three quarters of them past."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["شماره جلسه", "شماره پرونده", "درمانگر", "خدمت", "تاریخ", "ساعت", "وضعیت"])
    for n in range(SESSIONS):
        hour, day = 8 + n // 10 % 13, n // 130
        date = f"1405/{5 + day // 30:02}/{1 + day % 30:02}"
        status = "حاضر شد" if day < 100 else "رزرو شده"
        writer.writerow(
            [n, 1000 + n % CLIENTS, f"دکتر {n % 10}", "فردی", date, f"{hour}:00", status]
        )
    return out.getvalue().encode()


def seconds(clinic, **files) -> tuple[float, Report]:
    began = time.perf_counter()
    report = import_files(clinic, now=NOW, **files)
    return time.perf_counter() - began, report


@pytest.mark.slow
def test_20000_sessions_go_in_within_a_minute(clinic, record_property) -> None:
    with wear(Hat.WEB, clinic_id=clinic.pk):
        took, report = seconds(
            clinic,
            clients=ListFile("clients.csv", client_list()),
            sessions=ListFile("sessions.csv", session_list()),
        )
        assert report.created["sessions"] == SESSIONS
        record_property("new", took)
        again, report = seconds(clinic, sessions=ListFile("sessions.csv", session_list()))
        assert report.unchanged["sessions"] == SESSIONS
        record_property("unchanged", again)
    assert max(took, again) < 60
