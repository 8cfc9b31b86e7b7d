"""Hats and scope: what `wear` puts on, what it puts back, and what managers do with it."""

from contextlib import suppress

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.transaction import TransactionManagementError

from clinic.models import Clinic, Membership, Service, Therapist
from clinic.tenancy import (
    EVERYWHERE,
    ForeignClinic,
    Hat,
    NoScope,
    Scope,
    current_clinic_id,
    current_scope,
    enter_clinic,
    enter_user,
    wear,
)
from patients.models import Client
from tests.factories import (
    ClientFactory,
    MembershipFactory,
    ServiceFactory,
    SessionFactory,
    TherapistFactory,
)


def worn():
    """What the database knows of us: role, clinic, person."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_user, current_setting('app.clinic_id', true),"
            " current_setting('app.user_id', true)"
        )
        return cursor.fetchone()


# What wear puts on and puts back


def test_reading_without_a_hat_is_refused(db):
    with pytest.raises(NoScope):
        Client.objects.count()


@pytest.mark.parametrize("hat", list(Hat))
def test_a_hat_is_a_role_of_the_database(db, hat):
    with wear(hat, clinic_id=7, user_id=8) as scope:
        assert worn() == (hat.value, "7", "8")
        assert current_scope() is scope
        assert scope == Scope(hat, 7, 8)
    assert worn() == ("peygir_login", "", "")
    assert current_scope() is None


def test_everywhere_is_no_clinic_to_the_database(db):
    with wear(Hat.WORKER, clinic_id=EVERYWHERE):
        assert worn() == ("app_worker", "", "")


def test_the_outer_hat_is_put_back_after_a_nested_one(db):
    with wear(Hat.WEB, clinic_id=1, user_id=2) as outer:
        with wear(Hat.WORKER, clinic_id=EVERYWHERE):
            with wear(Hat.OPERATOR, user_id=3):
                assert worn() == ("app_operator", "", "3")
            assert worn() == ("app_worker", "", "")
        assert worn() == ("app_web", "1", "2")
        assert current_scope() is outer


def test_the_outer_hat_is_put_back_after_an_error(db):
    with wear(Hat.WEB, clinic_id=1, user_id=2) as outer:
        with pytest.raises(ZeroDivisionError), wear(Hat.WORKER, clinic_id=EVERYWHERE):
            _ = 1 / 0
        assert worn() == ("app_web", "1", "2")
        assert current_scope() is outer


def test_the_outer_hat_is_put_back_after_an_error_of_the_database(clinic):
    with wear(Hat.WEB, clinic_id=clinic.pk, user_id=2) as outer:
        with pytest.raises(DatabaseError, match="division by zero"), wear(Hat.WORKER):
            connection.cursor().execute("SELECT 1 / 0")
        assert worn() == ("app_web", str(clinic.pk), "2")
        assert current_scope() is outer
        ServiceFactory(clinic=clinic)
        assert Service.objects.count() == 1


def test_a_rolled_back_block_puts_the_outer_hat_back(clinic):
    with wear(Hat.WEB, clinic_id=clinic.pk, user_id=2):
        with wear(Hat.OWNER, clinic_id=clinic.pk):
            ServiceFactory(clinic=clinic)
            transaction.set_rollback(True)
        assert worn() == ("app_web", str(clinic.pk), "2")
        assert Service.objects.count() == 0


def test_an_error_keeps_its_name_through_broken_transactions(db):
    # Each level has its own settings to put back and a transaction in which nothing can be put.
    with (
        pytest.raises(DatabaseError, match="division by zero"),
        wear(Hat.OWNER),
        wear(Hat.WEB),
        wear(Hat.WORKER),
    ):
        connection.cursor().execute("SELECT 1 / 0")
    assert worn() == ("peygir_login", "", "")


def handle_an_error_under_another_hat():
    try:
        with transaction.atomic(savepoint=False):
            connection.cursor().execute("SELECT 1 / 0")
    except DatabaseError:
        with wear(Hat.WEB):
            pytest.fail("there is nothing to be done here")


def test_a_hat_put_on_in_a_broken_transaction_says_so_and_hides_nothing(db):
    with wear(Hat.OWNER) as outer:
        with pytest.raises(TransactionManagementError) as caught, transaction.atomic():
            handle_an_error_under_another_hat()
        assert "division by zero" in str(caught.value.__context__)
        assert current_scope() is outer
        assert worn()[0] == "app_owner"


def write_and_swallow_an_error(clinic):
    ServiceFactory(clinic=clinic)
    with suppress(DatabaseError):
        connection.cursor().execute("SELECT 1 / 0")


def test_a_swallowed_error_is_not_mistaken_for_success(clinic):
    with wear(Hat.WEB, clinic_id=clinic.pk) as outer:
        with pytest.raises(DatabaseError, match="aborted"), wear(Hat.WEB, clinic_id=clinic.pk):
            write_and_swallow_an_error(clinic)
        assert Service.objects.count() == 0
        assert current_scope() is outer


def test_a_request_narrows_its_scope_and_the_end_of_the_hat_ends_it(clinic, manager):
    with wear(Hat.WEB):
        enter_user(manager.pk)
        assert worn() == ("app_web", "", str(manager.pk))
        assert [m.clinic for m in Membership.objects.select_related("clinic")] == [clinic]
        enter_clinic(clinic.pk, manager.pk)
        assert worn() == ("app_web", str(clinic.pk), str(manager.pk))
    assert worn()[0] == "app_owner"
    assert current_scope() == Scope(Hat.OWNER, EVERYWHERE)


def test_the_one_clinic_in_scope_is_known(db):
    with wear(Hat.WEB, clinic_id=7):
        assert current_clinic_id() == 7


@pytest.mark.parametrize("clinic_id", [None, EVERYWHERE], ids=["none", "everywhere"])
def test_no_clinic_or_every_clinic_is_not_one(db, clinic_id):
    with wear(Hat.WORKER, clinic_id=clinic_id), pytest.raises(NoScope):
        current_clinic_id()


def test_nobody_is_in_scope_outside(db):
    with pytest.raises(NoScope):
        current_clinic_id()


# What managers do with it


def test_a_clinic_sees_its_own_clients_only(clinic, other_clinic):
    ours, _ = ClientFactory(clinic=clinic), ClientFactory(clinic=other_clinic)
    with wear(Hat.WEB, clinic_id=clinic.pk, user_id=1):
        assert list(Client.objects.all()) == [ours]


def test_writing_into_another_clinic_is_refused(clinic, other_clinic):
    with wear(Hat.WEB, clinic_id=clinic.pk, user_id=1), pytest.raises(ForeignClinic):
        ClientFactory(clinic=other_clinic)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Service.objects.create(name="زوج"),
        lambda: Service.objects.bulk_create([Service(name="زوج")])[0],
        lambda: Service.objects.get_or_create(name="زوج")[0],
        lambda: Service.objects.update_or_create(name="زوج", defaults={"active": True})[0],
    ],
    ids=["create", "bulk_create", "get_or_create", "update_or_create"],
)
def test_a_new_row_belongs_to_the_clinic_in_scope(clinic, make):
    with wear(Hat.WEB, clinic_id=clinic.pk):
        assert make().clinic_id == clinic.pk


def test_across_clinics_a_new_row_must_say_whose(owner):
    with pytest.raises(IntegrityError), transaction.atomic():
        Service.objects.create(name="زوج")


def test_a_row_of_another_clinic_is_not_updated_in_bulk(clinic, other_clinic):
    theirs = ServiceFactory(clinic=other_clinic, name="زوج")
    with wear(Hat.WEB, clinic_id=clinic.pk):
        theirs.name = "دیگر"
        assert Service.objects.bulk_update([theirs], ["name"]) == 0
    theirs.refresh_from_db()
    assert theirs.name == "زوج"


def test_a_row_of_another_clinic_is_not_read_again(clinic, other_clinic):
    theirs = ServiceFactory(clinic=other_clinic)
    with wear(Hat.WEB, clinic_id=clinic.pk), pytest.raises(Service.DoesNotExist):
        theirs.refresh_from_db()


def test_rows_reached_from_a_row_are_scoped_too(clinic, other_clinic):
    therapist = TherapistFactory(clinic=clinic)
    client = ClientFactory(clinic=clinic, therapist=therapist)
    person = MembershipFactory(clinic=clinic).user
    MembershipFactory(clinic=other_clinic, user=person)
    with wear(Hat.WEB, clinic_id=clinic.pk, user_id=person.pk):
        assert list(therapist.clients.all()) == [client]
        assert [m.clinic_id for m in person.memberships.all()] == [clinic.pk]
    with wear(Hat.WEB, clinic_id=other_clinic.pk):
        assert list(therapist.clients.all()) == []
        with pytest.raises(Therapist.DoesNotExist):
            _ = Client(therapist_id=therapist.pk).therapist


def test_a_query_keeps_the_clinic_it_was_made_in(clinic, other_clinic):
    ours, _ = ServiceFactory(clinic=clinic), ServiceFactory(clinic=other_clinic)
    with wear(Hat.WEB, clinic_id=clinic.pk):
        services = Service.objects.all()
    with wear(Hat.OWNER, clinic_id=EVERYWHERE):
        assert list(services) == [ours]


def test_a_person_finds_all_their_clinics_before_one_is_chosen(clinic, other_clinic):
    person = MembershipFactory(clinic=clinic).user
    MembershipFactory(clinic=other_clinic, user=person)
    MembershipFactory(clinic=clinic)
    with wear(Hat.WEB, user_id=person.pk):
        assert set(Clinic.objects.all()) == {clinic, other_clinic}
        assert Membership.objects.count() == 2
        with pytest.raises(NoScope):
            Client.objects.count()


@pytest.mark.parametrize("table", ["patients_client", "sessions_app_session"])
def test_the_worker_locks_rows_it_only_reads(clinic, table):
    # With a SELECT policy and right alone, FOR SHARE finds no rows, and says nothing.
    ClientFactory(clinic=clinic)
    SessionFactory(clinic=clinic, clients=[])
    with wear(Hat.WORKER, clinic_id=EVERYWHERE), connection.cursor() as cursor:
        cursor.execute(f"SELECT id FROM {table} ORDER BY id FOR SHARE")
        assert len(cursor.fetchall()) == 1
