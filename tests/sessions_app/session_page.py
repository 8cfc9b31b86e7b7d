"""The buttons of a client's page of a session, and what they leave behind."""

import datetime as dt

from clinic.tenancy import Hat, wear
from sessions_app.models import CareTask, Session
from tests.sessions_app.client_links import text_of

Kind = CareTask.Kind
MINUTE = dt.timedelta(minutes=1)
COME, CANNOT, ANOTHER = "می‌آیم", "نمی‌توانم بیایم", "وقت دیگری می‌خواهم"


def act(phone, path, do, **fields):
    fields.setdefault("revision", "1")
    return phone.post(path, {"do": do, **fields})


def staff(session, verb, **fields):
    """What reception does in the panel."""
    with wear(Hat.WEB, clinic_id=session.clinic_id):
        return verb(Session.objects.get(pk=session.pk), **fields)


def standing(session):
    session.refresh_from_db()
    return session.state, session.cancelled_by


def tasks():
    return [(t.kind, t.text) for t in CareTask.objects.order_by("id")]


def buttons(page):
    shown = text_of(page)
    return [label for label in (COME, CANNOT, ANOTHER) if label in shown]
