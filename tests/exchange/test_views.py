import csv
import datetime as dt
import io

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from clinic.tenancy import EVERYWHERE, Hat, wear
from exchange.models import ImportFile, forget_old
from exchange.tasks import forget
from patients.models import Client
from sessions_app.models import Session
from tests import factories
from tests.exchange.files import csv_file

START = "/c/aramesh/import/"
CLIENTS = [
    ["شماره پرونده", "نام", "نام خانوادگی", "موبایل", "تاریخ تولد", "کد ملی"],
    ["101", "سارا", "احمدی", "09121234567", "1362/3/1", "1"],
    ["102", "علی", "رضایی", "0912", "", "2"],
    ["", "بی", "شماره", "", "", "3"],
]
SESSIONS = [
    ["file_no", "therapist", "service", "starts_at", "status"],
    ["101", "دکتر ملکی", "فردی", "1405/08/06 17:30", "حاضر شد"],
]


def upload(client, **lists):
    files = {
        kind: SimpleUploadedFile(f"{kind}.csv", rows if isinstance(rows, bytes) else csv_file(rows))
        for kind, rows in lists.items()
    }
    return client.post(START, files)


@pytest.fixture
def reception(client, receptionist):
    client.force_login(receptionist)
    return client


@pytest.fixture
def inside(clinic):
    def count(model):
        with wear(Hat.WEB, clinic_id=clinic.pk):
            return model.objects.count()

    return count


def page(response):
    assert response.status_code == 200
    return response.content.decode()


def test_the_page_asks_for_lists_and_offers_templates(reception):
    body = page(reception.get(START))
    assert 'name="clients"' in body
    assert "/c/aramesh/import/template/sessions.xlsx" in body


def test_a_preview_shows_everything_and_takes_nothing(reception, inside):
    response = upload(reception, clients=CLIENTS, sessions=SESSIONS)
    assert response.status_code == 302
    body = page(reception.get(response.url))
    for text in (
        "سارا احمدی",
        "۰۹۱۲ ۱۲۳ ۴۵۶۷",
        "۱۳۶۲/۰۳/۰۱",
        "چهارشنبه ۶ آبان",
        "رقم‌های این شماره‌ی تلفن کم است. ردیف بدون این مقدار وارد شد.",
        "این خانه خالی است.",
        "«کد ملی»",
        "دکتر ملکی",
    ):
        assert text in body, text
    assert (inside(Client), inside(Session)) == (0, 0)


def test_what_was_previewed_is_what_is_imported(reception, inside, clinic):
    there = upload(reception, clients=CLIENTS, sessions=SESSIONS).url
    assert reception.post(there).url == there
    body = page(reception.get(there))
    assert "فهرست‌ها وارد شد." in body
    assert "وارد شود" not in body
    assert (inside(Client), inside(Session)) == (2, 1)
    with wear(Hat.WEB, clinic_id=clinic.pk):
        kept = ImportFile.objects.get()
        assert (kept.clients_data, kept.sessions_data) == (None, None)
        assert kept.imported_at is not None
        assert kept.report["created"]["clients"] == 2
    assert "clients.csv" in page(reception.get(START))


def test_confirming_twice_imports_once(reception, inside, clinic):
    there = upload(reception, clients=CLIENTS).url
    reception.post(there)
    with wear(Hat.WEB, clinic_id=clinic.pk):
        Client.objects.all().delete()
    reception.post(there)
    assert inside(Client) == 0
    with wear(Hat.WEB, clinic_id=clinic.pk):
        assert ImportFile.objects.get().report["created"]["clients"] == 2


def test_lists_that_bring_nothing_new_have_nothing_to_confirm(reception):
    reception.post(upload(reception, clients=CLIENTS).url)
    there = upload(reception, clients=CLIENTS).url
    assert f'hx-post="{there}"' not in page(reception.get(there))


def test_an_upload_can_be_thrown_away(reception, inside):
    there = upload(reception, clients=CLIENTS).url
    assert reception.post(f"{there}discard/").url == START
    assert inside(ImportFile) == 0
    assert reception.get(there).status_code == 404


def test_an_import_cannot_be_thrown_away(reception, inside):
    there = upload(reception, clients=CLIENTS).url
    reception.post(there)
    assert reception.post(f"{there}discard/").status_code == 404
    assert inside(ImportFile) == 1


@pytest.mark.parametrize(
    ("lists", "message"),
    [
        ({}, "دست‌کم یک فایل انتخاب کنید."),
        ({"clients": b""}, "این فایل خالی است."),
        ({"clients": b"%PDF-1.7"}, "این فایل PDF است"),
        ({"clients": CLIENTS, "sessions": b"\x89PNG...."}, "این فایل عکس است"),
        ({"sessions": [["نام"], ["x"]]}, "ردیف عنوان‌ها پیدا نشد"),
    ],
)
def test_an_unreadable_list_is_said_beside_its_field(reception, inside, lists, message):
    body = page(upload(reception, **lists))
    assert message in body
    assert inside(ImportFile) == 0


def test_a_file_that_is_too_large_is_refused(reception, monkeypatch):
    monkeypatch.setattr("exchange.forms.MAX_BYTES", 10)
    assert "بیش از اندازه بزرگ" in page(upload(reception, clients=CLIENTS))


def test_refused_rows_can_be_downloaded_without_formulas(reception):
    lists = [*CLIENTS, ["103", "", "نیکی", "=1+1", "", ""]]
    there = upload(reception, clients=lists).url
    response = reception.get(f"{there}rejected.csv")
    assert response["Content-Disposition"] == 'attachment; filename="rejected.csv"'
    assert response.content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"))))
    assert rows[0] == ["فایل", "ردیف", "ستون", "مقدار", "دلیل"]
    assert rows[1][:4] == ["clients.csv", "3", "موبایل", "0912"]
    assert rows[3][3] == "'=1+1"


@pytest.mark.parametrize("kind", ["clients", "sessions"])
def test_a_template_is_itself_a_list_whose_example_is_refused(reception, kind):
    for ending in ("csv", "xlsx"):
        response = reception.get(f"{START}template/{kind}.{ending}")
        assert response.status_code == 200
        there = upload(reception, **{kind: response.content}).url
        body = page(reception.get(there))
        assert "این ردیف نمونه‌ی فایل خام است." in body
        assert "خوانده نمی‌شود" not in body


def test_a_template_keeps_phones_as_text(reception):
    book = openpyxl.load_workbook(
        io.BytesIO(reception.get(f"{START}template/clients.xlsx").content)
    )
    sheet = book.active
    assert sheet.sheet_view.rightToLeft
    assert {cell.number_format for row in sheet["A1:J50"] for cell in row} == {"@"}


PATHS = ["", "template/clients.csv", "template/clients.xlsx", "1/", "1/rejected.csv"]


@pytest.mark.parametrize("path", PATHS)
def test_a_therapist_may_not_import(client, clinic, path):
    client.force_login(factories.MembershipFactory(clinic=clinic, role="therapist").user)
    assert client.get(START + path).status_code == 403


@pytest.mark.parametrize("path", PATHS)
def test_an_outsider_finds_nothing(client, clinic, outsider, path):
    client.force_login(outsider)
    assert client.get(START + path).status_code == 404


def test_another_clinics_upload_is_not_found(reception, client, clinic, other_clinic):
    there = upload(reception, clients=CLIENTS).url.replace("aramesh", "omid")
    client.force_login(factories.MembershipFactory(clinic=other_clinic, role="owner").user)
    for method, path in (
        (client.get, ""),
        (client.post, ""),
        (client.post, "discard/"),
        (client.get, "rejected.csv"),
    ):
        assert method(there + path).status_code == 404
    with wear(Hat.WEB, clinic_id=clinic.pk):
        assert ImportFile.objects.get().imported_at is None


def test_after_a_day_lists_and_names_are_gone_and_counts_stay(reception, clinic):
    imported = upload(reception, clients=CLIENTS).url
    reception.post(imported)
    upload(reception, clients=[*CLIENTS, ["104", "", "دیگری", "", "", ""]])
    later = timezone.now() + dt.timedelta(days=1, minutes=1)
    with wear(Hat.WEB, clinic_id=clinic.pk):
        assert forget_old(later) == 2
        kept = ImportFile.objects.get()
        assert (kept.report["rejected"], kept.report["samples"]) == ([], {})
        assert kept.report["created"]["clients"] == 2
        assert forget_old(later) == 0


def test_the_hourly_sweep_reaches_every_clinic(clinic, other_clinic):
    old = timezone.now() - dt.timedelta(days=2)
    for place in (clinic, other_clinic):
        with wear(Hat.WEB, clinic_id=place.pk):
            ImportFile.objects.create(
                uploaded_at=old, report={"rejected": [], "samples": {}}, clients_data=b"x"
            )
    assert forget() == {"forgotten": 2}
    with wear(Hat.OWNER, clinic_id=EVERYWHERE):
        assert not ImportFile.objects.exists()
