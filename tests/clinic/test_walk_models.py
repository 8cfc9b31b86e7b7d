"""Every model and every table, between two clinics: see docs/tenancy.md."""

import json
from contextvars import Context

import pytest
from django.contrib.postgres.constraints import ExclusionConstraint
from django.db import IntegrityError, ProgrammingError, connection, models
from django.test.utils import isolate_apps

from clinic.models import Clinic, Membership, Service
from clinic.security import unlisted_models
from clinic.tenancy import (
    ForeignClinic,
    Hat,
    NoScope,
    ScopedManager,
    ScopedQuerySet,
    TenantForeignKey,
    TenantModel,
    each_tenant_model,
    wear,
)
from patients.models import Client
from tests.clinic import world as worlds
from tests.clinic.halves import APPLICATION, BOTH, DATABASE, only
from tests.clinic.world import tenant_keys

TENANTS = [Clinic, *each_tenant_model()]
KEYS = [(model, key) for model in each_tenant_model() for key in tenant_keys(model)]
each_tenant = pytest.mark.parametrize("model", TENANTS, ids=lambda m: m._meta.label)
each_row = pytest.mark.parametrize("model", each_tenant_model(), ids=lambda m: m._meta.label)
each_key = pytest.mark.parametrize(
    ("model", "key"), KEYS, ids=[f"{m._meta.label}.{k.name}" for m, k in KEYS]
)


def sql(statement, *values):
    """The rows, or how many were changed where there are none."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else cursor.rowcount


def in_our_clinic(world):
    return wear(Hat.WEB, clinic_id=world.ours.clinic.pk, user_id=world.ours.person.pk)


# What a model declares


def faults_of(model):
    """How a tenant model breaks the rules that a reader of its class can see."""
    meta, found = model._meta, []
    if not issubclass(model, TenantModel):
        found.append("is no TenantModel")
    if not isinstance(meta.default_manager, ScopedManager):
        found.append("default manager is not scoped")
    if not isinstance(meta.base_manager, ScopedManager):
        found.append("base manager is not scoped")
    found += [f"{f.name} is unique across clinics" for f in _globally_unique(model)]
    found += [f"{c.name} does not start with clinic" for c in _foreign_to_clinic(model)]
    found += [f"{f.name} is a plain key" for f in meta.local_fields if _is_plain_key(f)]
    found += [f"{f.name} joins by a table without a clinic" for f in _bare_joins(model)]
    return found


def _globally_unique(model):
    return [f for f in model._meta.local_fields if f.unique and not f.primary_key]


def _bare_joins(model):
    return [f for f in model._meta.local_many_to_many if not _is_tenant(f.remote_field.through)]


def _foreign_to_clinic(model):
    return [c for c in model._meta.constraints if _first_column(c) not in (None, "clinic")]


def _first_column(constraint):
    if isinstance(constraint, models.UniqueConstraint):
        return constraint.fields[0] if constraint.fields else "an expression"
    if isinstance(constraint, ExclusionConstraint):
        return constraint.expressions[0][0]
    return None


def _is_plain_key(field):
    target = field.related_model
    return (
        isinstance(field, models.ForeignKey)
        and not isinstance(field, TenantForeignKey)
        and _is_tenant(target)
    )


def _is_tenant(model):
    # The isolated registry of a planted model leaves the name of another room's model a string.
    return isinstance(model, type) and issubclass(model, TenantModel)


def test_every_model_is_a_clinics_or_listed():
    assert unlisted_models() == []


@each_row
def test_a_model_keeps_the_rules(model):
    assert faults_of(model) == []


def test_the_clinic_itself_is_scoped():
    assert isinstance(Clinic._meta.default_manager, ScopedManager)
    assert isinstance(Clinic._meta.base_manager, ScopedManager)
    assert [f.name for f in _globally_unique(Clinic)] == ["slug"]


@pytest.mark.parametrize(
    ("fields", "base", "fault"),
    [
        ({}, models.Model, "is no TenantModel"),
        ({"objects": models.Manager()}, TenantModel, "default manager is not scoped"),
        ({"phone": models.CharField(unique=True)}, TenantModel, "phone is unique across clinics"),
        (
            {"friend": models.ForeignKey(Client, models.CASCADE, related_name="+")},
            TenantModel,
            "friend is a plain key",
        ),
        (
            {"friends": models.ManyToManyField(Client)},
            TenantModel,
            "friends joins by a table without a clinic",
        ),
        ({"constraint": ["phone", "clinic"]}, TenantModel, "late does not start with clinic"),
    ],
    ids=["no base", "own manager", "unique phone", "plain key", "many-to-many", "late clinic"],
)
@isolate_apps("patients")
def test_a_planted_leak_is_found_in_the_class(fields, base, fault):
    meta = {"app_label": "patients"}
    if columns := fields.pop("constraint", None):
        fields = {"phone": models.CharField()}
        meta["constraints"] = [models.UniqueConstraint(fields=columns, name="late")]
    assert fault in faults_of(_model("Stray", base, meta, fields))


def _model(name, base, meta, fields):
    inner = type("Meta", (base.Meta,) if base is TenantModel else (), meta)
    return type(name, (base,), {"__module__": __name__, "Meta": inner, **fields})


@isolate_apps("patients")
def test_a_planted_model_is_on_no_list(monkeypatch):
    stray = _model("Stray", models.Model, {"app_label": "patients"}, {})
    monkeypatch.setattr("clinic.security.apps.get_models", lambda *_, **__: [Client, stray])
    assert unlisted_models() == ["patients.Stray"]


# What a model does without a scope, or in another's


@each_tenant
@pytest.mark.parametrize("manager", ["_default_manager", "_base_manager"])
def test_a_model_does_not_answer_without_a_hat(world, model, manager):
    with pytest.raises(NoScope):
        Context().run(getattr(model, manager).count)


@each_row
def test_a_row_is_not_written_without_a_hat(world, model):
    row = world.ours.rows[model]
    with pytest.raises(NoScope):
        Context().run(row.save)
    with pytest.raises(NoScope):
        Context().run(ScopedQuerySet(model).bulk_create, [row])


@each_tenant
def test_a_model_does_not_answer_before_a_clinic_is_chosen(world, model):
    with wear(Hat.WEB), pytest.raises(NoScope):
        model.objects.count()


@pytest.mark.parametrize("half", [BOTH, APPLICATION, DATABASE])
def test_a_model_shows_one_clinic(world, half):
    shown = {}
    with only(half), in_our_clinic(world):
        for model in TENANTS:
            for manager in (model._default_manager, model._base_manager):
                shown.setdefault(model, []).extend(manager.values_list("pk", flat=True))
    assert shown == {model: [world.ours.pk(model)] * 2 for model in TENANTS}


@pytest.mark.parametrize("half", [BOTH, APPLICATION, DATABASE])
def test_another_clinics_rows_are_not_changed_by_query(world, half):
    before = worlds.fingerprint(world.theirs)
    with only(half), in_our_clinic(world):
        for model in TENANTS:
            theirs = model.objects.filter(pk=world.theirs.pk(model))
            assert theirs.update(id=1) == 0, model
            assert theirs.delete()[0] == 0, model
    assert worlds.fingerprint(world.theirs) == before


@pytest.mark.parametrize("half", [BOTH, APPLICATION])
@each_row
def test_a_row_of_another_clinic_is_not_saved(world, half, model):
    row = world.theirs.rows[model]
    with only(half), in_our_clinic(world):
        with pytest.raises(ForeignClinic):
            row.save()
        with pytest.raises(ForeignClinic):
            model.objects.bulk_create([row])


@pytest.mark.parametrize("half", [BOTH, APPLICATION, DATABASE])
def test_another_clinic_itself_is_not_saved(world, half):
    with only(half), in_our_clinic(world), pytest.raises((IntegrityError, ProgrammingError)):
        world.theirs.clinic.save()


# Raw SQL, which knows of no manager


def whose(model):
    return "id" if model is Clinic else "clinic_id"


@each_tenant
def test_raw_sql_sees_one_clinic(world, model):
    with in_our_clinic(world):
        rows = sql(f"SELECT {whose(model)} FROM {model._meta.db_table}")
    assert rows == [(world.ours.clinic.pk,)]


@each_tenant
def test_raw_sql_sees_nothing_before_a_clinic_is_chosen(world, model):
    with wear(Hat.WEB):
        assert sql(f"SELECT id FROM {model._meta.db_table}") == []


def test_a_person_finds_their_own_clinics_and_no_other_row(world):
    with wear(Hat.WEB, user_id=world.ours.person.pk):
        seen = {m: sql(f"SELECT id FROM {m._meta.db_table}") for m in TENANTS}
    found = {model: rows for model, rows in seen.items() if rows}
    assert found == {m: [(world.ours.pk(m),)] for m in (Clinic, Membership)}


@each_tenant
def test_raw_sql_changes_nothing_of_another_clinic(world, model):
    table, theirs = model._meta.db_table, world.theirs.clinic.pk
    before = worlds.fingerprint(world.theirs)
    with in_our_clinic(world):
        assert sql(f"UPDATE {table} SET id = id WHERE {whose(model)} = %s", theirs) == 0
        assert sql(f"DELETE FROM {table} WHERE {whose(model)} = %s", theirs) == 0
    assert worlds.fingerprint(world.theirs) == before


@each_tenant
def test_raw_sql_cannot_empty_a_table(world, model):
    with pytest.raises(ProgrammingError, match="permission denied"), in_our_clinic(world):
        sql(f"TRUNCATE {model._meta.db_table} CASCADE")


@each_tenant
def test_a_row_cannot_be_put_into_another_clinic(world, model):
    row = read(model, world.theirs)
    with pytest.raises(ProgrammingError, match="row-level security"), in_our_clinic(world):
        insert(model, row | {"id": 1})


@each_tenant
def test_a_row_cannot_be_moved_to_another_clinic(world, model):
    statement = f"UPDATE {model._meta.db_table} SET {whose(model)} = %s"
    with pytest.raises(ProgrammingError, match="row-level security"), in_our_clinic(world):
        sql(statement, world.theirs.clinic.pk)


def read(model, half):
    """A row as the database has it. Needs the owner's hat."""
    table = model._meta.db_table
    ((row,),) = sql(f"SELECT to_jsonb(t) FROM {table} t WHERE id = %s", half.pk(model))
    return json.loads(row) if isinstance(row, str) else row


def insert(model, row):
    table = model._meta.db_table
    return sql(
        f"INSERT INTO {table} SELECT * FROM json_populate_record(NULL::{table}, %s)",
        json.dumps(row),
    )


@each_tenant
def test_the_owner_changes_rows_and_not_nothing(world, model):
    # Under FORCE an owner without a policy changes nothing, and gets no error.
    with wear(Hat.OWNER):
        assert sql(f"UPDATE {model._meta.db_table} SET id = id") == 2


def test_forgotten_row_security_is_seen_by_the_walk(world):
    sql("ALTER TABLE clinic_service NO FORCE ROW LEVEL SECURITY")
    sql("ALTER TABLE clinic_service DISABLE ROW LEVEL SECURITY")
    with in_our_clinic(world):
        assert len(sql("SELECT id FROM clinic_service")) == 2
        assert Service.objects.count() == 1


@each_key
def test_another_clinics_row_cannot_be_pointed_at_even_by_the_owner(world, model, key):
    statement = f"UPDATE {model._meta.db_table} SET {key.column} = %s WHERE id = %s"
    assert sql(statement, world.theirs.pk(key.related_model), world.ours.pk(model)) == 1
    with pytest.raises(IntegrityError, match=the_key(model, key)):
        sql(f"SET CONSTRAINTS {the_key(model, key)} IMMEDIATE")


@each_key
def test_a_new_row_cannot_point_at_another_clinics_row(world, model, key):
    row = read(model, world.ours)
    sql(f"DELETE FROM {model._meta.db_table} WHERE id = %s", row["id"])
    insert(model, row | {key.column: world.theirs.pk(key.related_model)})
    with pytest.raises(IntegrityError, match=the_key(model, key)):
        sql(f"SET CONSTRAINTS {the_key(model, key)} IMMEDIATE")


def the_key(model, key):
    return f"{model._meta.db_table}_{key.column}_of_clinic"
