import pytest

from clinic.tenancy import ForeignClinic, Hat, NoScope, wear
from patients.models import Client
from tests.factories import ClientFactory


def test_reading_without_a_hat_is_refused(db):
    with pytest.raises(NoScope):
        Client.objects.count()


def test_a_clinic_sees_its_own_clients_only(clinic, other_clinic):
    ours, _ = ClientFactory(clinic=clinic), ClientFactory(clinic=other_clinic)
    with wear(Hat.WEB, clinic_id=clinic.pk, user_id=1):
        assert list(Client.objects.all()) == [ours]


def test_writing_into_another_clinic_is_refused(clinic, other_clinic):
    with wear(Hat.WEB, clinic_id=clinic.pk, user_id=1), pytest.raises(ForeignClinic):
        ClientFactory(clinic=other_clinic)
