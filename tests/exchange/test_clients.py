import datetime as dt

import pytest

from clinic.models import Service, Therapist
from clinic.tenancy import Hat, wear
from exchange.actions import ListFile, import_files
from exchange.reasons import UnreadableError
from patients import care, merging
from patients.models import Client, ConsentRecord
from tests import factories
from tests.conftest import NOW
from tests.exchange.conftest import counts, reasons
from tests.exchange.files import csv_file

HEADER = ["file_no", "first_name", "last_name", "phone", "email", "therapist", "service"]
SARA = ["101", "سارا", "احمدی", "۰۹۱۲۱۲۳۴۵۶۷", "sara@example.com", "دکتر ملکی", "فردی"]
ALI = ["102", "علی", "رضایی", "09351234567", "", "دکتر ملکی", "زوج"]


def test_new_clients_go_in_with_their_therapists_and_services(take) -> None:
    report = take([HEADER, SARA, ALI])
    assert report.document() == {
        "created": {"clients": 2, "sessions": 0, "therapists": 1, "services": 2},
        "updated": {"clients": 0, "sessions": 0, "therapists": 0, "services": 0},
        "unchanged": {"clients": 0, "sessions": 0, "therapists": 0, "services": 0},
        "rejected": [],
    }
    sara = Client.objects.get(file_no="101")
    assert (sara.full_name, sara.phone, sara.created_at) == ("سارا احمدی", "+989121234567", NOW)
    assert (sara.therapist.name, sara.service.name) == ("دکتر ملکی", "فردی")
    assert "09121234567" in sara.search_text
    assert sara.sort_key


def test_presumed_consents_are_recorded_with_their_source(take) -> None:
    take([HEADER, SARA])
    sara = Client.objects.get()
    assert (sara.consent_transactional, sara.consent_follow_up) == (True, True)
    assert (sara.consent_motivation, sara.consent_campaign) == (False, False)
    records = ConsentRecord.objects.values_list("client", "purpose", "given", "source")
    assert set(records) == {
        (sara.pk, "transactional", True, "import"),
        (sara.pk, "follow_up", True, "import"),
    }


def test_the_same_list_twice_changes_nothing(take) -> None:
    take([HEADER, SARA, ALI])
    report = take([HEADER, SARA, ALI])
    assert counts(report, "created") == {}
    assert counts(report, "updated") == {}
    assert counts(report, "unchanged") == {"clients": 2, "therapists": 1, "services": 2}
    assert ConsentRecord.objects.count() == 4


def test_a_list_does_not_bring_a_client_back_who_has_died(take) -> None:
    take([HEADER, SARA])
    care.record_death(Client.objects.get(), now=NOW)
    take([HEADER, ["101", "سارا", "کریمی", "09351234567", "", "", ""]])
    kept = Client.objects.get()
    assert (kept.last_name, kept.phone, kept.deceased_at) == ("کریمی", "+989351234567", NOW)


def test_a_changed_value_changes_the_client_and_a_blank_one_does_not(take) -> None:
    take([HEADER, SARA, ALI])
    report = take([HEADER, ["۱۰۱", "", "احمدی‌نژاد", "", "", "", ""], ALI])
    assert counts(report, "updated") == {"clients": 1}
    sara = Client.objects.get(file_no="101")
    assert (sara.first_name, sara.last_name) == ("سارا", "احمدی‌نژاد")
    assert (sara.phone, sara.therapist.name) == ("+989121234567", "دکتر ملکی")
    assert "احمدینژاد" in sara.search_text


def test_a_refused_consent_stays_refused(take) -> None:
    take([HEADER, SARA])
    Client.objects.update(consent_follow_up=False)
    take([HEADER, [*SARA[:2], "کریمی", *SARA[3:]]])
    sara = Client.objects.get()
    assert (sara.last_name, sara.consent_follow_up) == ("کریمی", False)


def test_a_bad_phone_keeps_the_good_one(take) -> None:
    take([HEADER, SARA])
    report = take([HEADER, [*SARA[:3], "0912", *SARA[4:]]])
    assert counts(report, "unchanged")["clients"] == 1
    assert reasons(report) == [
        (
            2,
            "phone",
            "This has too few digits for a phone number. The row was taken without this value.",
        )
    ]
    assert Client.objects.get().phone == "+989121234567"


def test_bad_rows_are_reported_and_good_ones_go_in(take) -> None:
    report = take([HEADER, ["", "بی", "شماره"], SARA, [], ["103", "", ""], ALI, SARA])
    assert counts(report, "created")["clients"] == 2
    assert [p.as_dict() for p in report.rejected] == [
        {
            "file": "clients.csv",
            "row": 2,
            "column": "file_no",
            "value": "",
            "reason": "This is missing.",
        },
        {
            "file": "clients.csv",
            "row": 5,
            "column": "last_name",
            "value": "",
            "reason": "This is missing.",
        },
        {
            "file": "clients.csv",
            "row": 7,
            "column": "file_no",
            "value": "101",
            "reason": "This repeats row 3.",
        },
    ]


def test_known_therapists_and_services_are_found_by_folded_name(take, scope) -> None:
    Therapist.objects.create(name="ملکی", title="خانم دکتر ملکی")
    Service.objects.create(name="مشاوره‌ی فردی")
    report = take([HEADER, [*SARA[:5], "دكتر ملكي", "مشاوره ي فردی"]])
    assert counts(report, "created") == {"clients": 1}
    assert Client.objects.get().therapist == Therapist.objects.get()


def test_a_whole_name_is_kept_whole(take) -> None:
    header = ["شماره پرونده", "نام و نام خانوادگی", "شماره کارت"]
    report = take([header, ["1", "علی رضا محمدی", "x"]])
    assert report.ignored == {"clients.csv": ["شماره کارت"]}
    assert Client.objects.get().full_name == "علی رضا محمدی"
    Client.objects.update(first_name="علی رضا", last_name="محمدی")
    assert counts(take([header, ["1", "علی‌رضا محمدی", ""]]), "updated") == {"clients": 1}
    assert counts(take([header, ["1", "علی‌رضا محمدی", ""]]), "unchanged") == {"clients": 1}


def test_a_dry_run_says_the_same_and_does_nothing(take) -> None:
    dry = take([HEADER, SARA, ALI, SARA], dry_run=True)
    assert not Client.objects.exists()
    assert not Therapist.objects.exists()
    assert dry.document() == take([HEADER, SARA, ALI, SARA]).document()
    assert dry.samples["clients"][0] == {
        "file_no": "101",
        "name": "سارا احمدی",
        "phone": "۰۹۱۲ ۱۲۳ ۴۵۶۷",
        "birth_date": "",
        "therapist": "دکتر ملکی",
        "service": "فردی",
    }


def test_an_unreadable_list_changes_nothing(take) -> None:
    with pytest.raises(UnreadableError) as caught:
        take([HEADER, SARA], b"%PDF-1.7")
    assert (caught.value.kind, caught.value.file) == ("sessions", "sessions.csv")
    assert not Client.objects.exists()


def test_an_unexpected_error_takes_nothing(take, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: object, **_kwargs: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("exchange.actions.save_sessions", fail)
    with pytest.raises(RuntimeError):
        take([HEADER, SARA])
    assert not Client.objects.exists()


def test_another_clinics_files_are_neither_met_nor_touched(other_clinic, take) -> None:
    with wear(Hat.WEB, clinic_id=other_clinic.pk):
        factories.ClientFactory(clinic=other_clinic, file_no="101", last_name="دیگری")
    assert counts(take([HEADER, SARA]), "created")["clients"] == 1
    with wear(Hat.WEB, clinic_id=other_clinic.pk):
        assert Client.objects.get().last_name == "دیگری"


def test_birth_dates_are_kept_as_days(take) -> None:
    take([["file_no", "last_name", "birth_date"], ["1", "الف", "1362/03/01"]])
    assert Client.objects.get().birth_date == dt.date(1983, 5, 22)


def test_two_lists_at_once_meet(scope) -> None:
    report = import_files(
        scope,
        clients=ListFile("c.csv", csv_file([HEADER, SARA])),
        sessions=ListFile(
            "s.csv", csv_file([["file_no", "starts_at"], ["101", "1405/09/06 17:30"]])
        ),
        now=NOW,
    )
    assert counts(report, "created") == {
        "clients": 1,
        "sessions": 1,
        "therapists": 1,
        "services": 1,
    }


@pytest.fixture
def joined(take, clinic):
    """Two files of the list are one person's; the second was joined to the first since."""
    take([HEADER, SARA, ["103", "سارا", "احمدی", "", "", "", ""]])
    with wear(Hat.WEB, clinic_id=clinic.pk):
        kept, lost = (Client.objects.get(file_no=number) for number in ("101", "103"))
        return merging.merge(kept, lost, now=NOW)


def test_a_list_with_both_numbers_of_a_joined_file_brings_no_second_one_back(take, joined) -> None:
    report = take([HEADER, SARA, ["103", "سارا", "احمدی قدیم", "09350000000", "", "", ""]])
    assert (counts(report, "created"), counts(report, "updated")) == ({}, {})
    assert report.unchanged["clients"] == 2
    assert Client.objects.get().phone == "+989121234567"


def test_a_number_given_to_somebody_else_means_them(take, joined, clinic) -> None:
    factories.ClientFactory(clinic=clinic, file_no="103", last_name="نوری")
    take([HEADER, ["103", "", "نوری", "09350000000", "", "", ""]])
    assert Client.objects.get(file_no="103").phone == "+989350000000"
