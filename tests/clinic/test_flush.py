"""Django's `flush` under row-level security: only the owner may empty a table."""

from django.contrib.auth.models import Permission
from django.core.management import call_command

from clinic.models import Clinic
from clinic.tenancy import EVERYWHERE, Hat, wear
from tests.factories import ClinicFactory


def counted(model):
    with wear(Hat.OWNER, clinic_id=EVERYWHERE):
        return model.objects.count()


def test_flush_empties_every_clinic_and_gives_django_its_own_rows_back(transactional_db):
    with wear(Hat.OWNER, clinic_id=EVERYWHERE):
        ClinicFactory()
    rights = counted(Permission)
    call_command("flush", verbosity=0, interactive=False)
    assert (counted(Clinic), counted(Permission)) == (0, rights)
