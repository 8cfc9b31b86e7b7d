"""Two clinics with one row in every tenant table, and a canary in every column of text.

Rows are built from the models' own fields, so that a new model or column takes part by itself;
`SPECIAL` says only what a field alone cannot know. Every id is unique across tables and clinics:
one found where it does not belong says by itself whose it is.
"""

import datetime as dt
import re
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count

from django.db import connection, models
from django.utils import timezone

from clinic import directory
from clinic.models import Clinic, Directory, User
from clinic.tenancy import TenantForeignKey, each_tenant_model
from clinic.text import ascii_digits
from exchange.report import COUNTED
from patients.models import Client
from sessions_app.actions import snapshot
from sessions_app.links import PATHS
from sessions_app.models import ClientLink, Session

PASSWORD = "a long enough password"


@dataclass
class Half:
    """One clinic, everything in it, and how to recognise it."""

    clinic: Clinic
    person: User
    canary: str
    phone: str
    token: str
    rows: dict[type[models.Model], models.Model] = field(default_factory=dict)

    @property
    def slug(self):
        return self.clinic.slug

    def pk(self, model):
        return self.rows[model].pk

    def shows_in(self, body):
        """What of this clinic can be read in a page: its words, or its phone however written."""
        digits = re.sub(r"[^0-9]", "", ascii_digits(body))
        found = [self.canary] if self.canary in body.casefold() else []
        return found + ([self.phone] if self.phone.removeprefix("+98") in digits else [])


@dataclass
class World:
    ours: Half
    theirs: Half

    @cached_property
    def theirs_untouched(self):
        """Their fingerprint before any visit: nothing that a test does stays, so one look will do."""
        return fingerprint(self.theirs)


def build():
    """Both clinics. Needs the owner's hat; the composite keys are checked at the end."""
    world = World(
        _half("aramesh", "qxalfa", "+989121110001", 710_000_000),
        _half("omid", "qxbravo", "+989352220002", 720_000_000),
    )
    check_keys()
    return world


def check_keys():
    """Composite keys wait for the commit; a test has none."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def _half(slug, canary, phone, first_id):
    ids = count(first_id)
    person = User(pk=next(ids), email=f"{canary}@example.ir", full_name=canary)
    person.set_password(PASSWORD)
    person.save()
    token = f"token-of-{slug}"
    clinic = Clinic(**_values(Clinic, canary), pk=next(ids))
    half = Half(clinic, person, canary, phone, token)
    clinic.slug, clinic.timezone = slug, "Asia/Tehran"
    clinic.save(force_insert=True)
    half.rows[Clinic] = clinic
    for model in in_order_of_keys():
        values = _values(model, canary) | _keys(model, half)
        values |= SPECIAL.get(model._meta.label, lambda half: {})(half)
        row = model(pk=next(ids), clinic=clinic, **values)
        row.save(force_insert=True)
        half.rows[model] = row
    Directory.objects.create(
        token_hash=directory.token_hash(token), clinic=clinic, purpose="invitation"
    )
    return half


def publish_pages(half):
    """The pages of the clinic's client, at addresses that can be written down."""
    for purpose in PATHS:
        digest = directory.token_hash(f"{purpose.value}-of-{half.slug}")
        Directory.objects.create(token_hash=digest, clinic=half.clinic, purpose=purpose)
        ClientLink.objects.create(
            clinic=half.clinic,
            purpose=purpose,
            session=half.rows[Session],
            client=half.rows[Client],
            token_hash=digest,
            created_at=timezone.now(),
        )


def in_order_of_keys():
    """Tenant models, each after those that it points at."""
    placed, waiting = [], each_tenant_model()
    while waiting:
        ready = [m for m in waiting if not (_targets(m) - {m}) & set(waiting)]
        assert ready, f"keys go round in a circle: {waiting}"
        placed += ready
        waiting = [m for m in waiting if m not in ready]
    return placed


def _targets(model):
    return {f.related_model for f in tenant_keys(model)}


def tenant_keys(model):
    return [f for f in model._meta.local_fields if isinstance(f, TenantForeignKey)]


def _keys(model, half):
    keys = {f.name: half.rows[f.related_model] for f in tenant_keys(model)}
    return keys | {
        f.name: half.person
        for f in model._meta.local_fields
        if isinstance(f, models.ForeignKey) and f.related_model is User
    }


def _values(model, canary):
    fields = [f for f in model._meta.local_fields if not f.is_relation and not f.primary_key]
    found = {f.name: _value(f, canary) for f in fields}
    return {name: value for name, value in found.items() if value is not None}


def _value(column, canary):  # noqa: PLR0911 - a table of kinds
    """None leaves the column to its default."""
    if column.choices:
        return None if column.has_default() or column.blank else column.choices[0][0]
    match column:
        case models.EmailField():
            return f"{canary}.{column.model.__name__.lower()}@example.ir"
        case models.URLField():
            return f"https://example.ir/{canary}"
        case models.CharField() | models.TextField():
            return canary
        case models.JSONField():
            return {"note": canary}
        case models.DateTimeField() if not column.null:
            return timezone.now()
        case models.BooleanField() | models.IntegerField() if not column.has_default():
            return None if column.null else 1
        case _:
            return None


def _session_times(half):
    starts_at = timezone.now().replace(microsecond=0) + dt.timedelta(hours=2)
    return {
        "starts_at": starts_at,
        "ends_at": starts_at + dt.timedelta(minutes=50),
        "booked_at": starts_at - dt.timedelta(days=10),
    }


def _change(half):
    before = snapshot(half.rows[Session]) | {"online_url": f"https://example.ir/{half.canary}"}
    return {"kind": "moved", "before": before, "after": {"online_url": ""}}


def _import(half):
    counts = {what: dict.fromkeys(COUNTED, 0) for what in ("created", "updated", "unchanged")}
    refused = dict.fromkeys(("file", "column", "value", "reason"), half.canary) | {"row": 2}
    return {
        "clients_data": f"file_no,last_name\n77,{half.canary}\n".encode(),
        "report": counts | {"rejected": [refused], "ignored": {}, "samples": {}},
    }


def _lived(half):
    moved = {"from": "queued", "to": "claimed", "hat": "app_worker", "by": half.person.pk}
    return moved | {
        "at": timezone.now().isoformat(),
        "why": half.canary,
        "code": half.canary,
    }


#: What the field alone does not say.
SPECIAL = {
    "clinic.Closure": lambda half: {
        "first_day": timezone.localdate(),
        "last_day": timezone.localdate() + dt.timedelta(days=2),
    },
    "clinic.WorkingHours": lambda half: {"begins": dt.time(9), "ends": dt.time(13)},
    "clinic.TimeOff": lambda half: {"ends_at": timezone.now() + dt.timedelta(days=3)},
    "clinic.Membership": lambda half: {"role": "owner"},
    "clinic.Invitation": lambda half: {
        "role": "receptionist",
        "token_hash": directory.token_hash(half.token),
        "expires_at": timezone.now() + dt.timedelta(days=7),
    },
    "patients.Client": lambda half: {"phone": half.phone},
    "sessions_app.Session": _session_times,
    "sessions_app.Wish": lambda half: {"begins": dt.time(9), "ends": dt.time(13)},
    "sessions_app.SessionChange": _change,
    "messaging.Template": lambda half: {
        "key": "reminder_24h",
        "body": f"{half.canary} {{خطاب}} {{روز}} {{ساعت}}",
    },
    "messaging.ProviderAccount": lambda half: {"kind": "kavenegar"},
    "messaging.Message": lambda half: {
        "recipient": half.phone,
        "provider": "kavenegar",
        "rule_key": "reminder_24h",
        "useful_until": timezone.now() + dt.timedelta(hours=5),
        "life": [_lived(half)],
    },
    "exchange.ImportFile": _import,
    "followup.Rule": lambda half: {
        "key": "reminder_24h",
        "offset_minutes": 1440,
        "useful_minutes": 180,
        "notice_minutes": 1440,
    },
}


def fingerprint(half):
    """Every row of a clinic and its person, by table. Needs the owner's hat."""
    clinic_id, person_id = half.clinic.pk, half.person.pk
    parts = [_hash("clinic_clinic", f"id = {clinic_id}"), _hash("clinic_user", f"id = {person_id}")]
    tables = ["clinic_directory", *(m._meta.db_table for m in each_tenant_model())]
    parts += [_hash(table, f"clinic_id = {clinic_id}") for table in tables]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts))
        return dict(cursor.fetchall())


def _hash(table, whose):
    rows = "coalesce(md5(string_agg(t::text, '|' ORDER BY t.id)), '')"
    return f"SELECT '{table}', {rows} FROM {table} t WHERE {whose}"


def tenant_tables():
    return [m._meta.db_table for m in (Clinic, *each_tenant_model())]
