import pytest
from django.utils import translation

from clinic.tenancy import Hat, wear
from exchange.actions import ListFile, import_files
from tests import factories
from tests.conftest import NOW
from tests.exchange.files import csv_file
from tests.exchange.lists import HEADER


@pytest.fixture
def scope(clinic):
    """Inside the clinic, as its people are; reasons in English, to be read here."""
    with wear(Hat.WEB, clinic_id=clinic.pk), translation.override("en"):
        yield clinic


@pytest.fixture
def take(scope):
    """Import lists given as rows, headings first."""

    def run(clients=None, sessions=None, now=NOW, **kwargs):
        files = {
            kind: ListFile(f"{kind}.csv", rows if isinstance(rows, bytes) else csv_file(rows))
            for kind, rows in (("clients", clients), ("sessions", sessions))
            if rows
        }
        return import_files(scope, **files, now=now, **kwargs)

    return run


def counts(report, what):
    """The numbers that are not zero."""
    return {name: number for name, number in getattr(report, what).items() if number}


def reasons(report):
    return [(p.row, p.column, p.reason) for p in report.rejected]


@pytest.fixture
def people(scope):
    return [
        factories.ClientFactory(clinic=scope, file_no=number, last_name=name)
        for number, name in (("101", "احمدی"), ("102", "رضایی"), ("103", "کریمی"))
    ]


@pytest.fixture
def load(take, people):
    def run(*rows, now=NOW, header=HEADER, **kwargs):
        return take(sessions=[header, *rows], now=now, **kwargs)

    return run
