"""The page of a silent client: its buttons, and what they leave behind."""

from clinic.tenancy import Hat, wear
from patients.models import ClientEvent, Treatment
from sessions_app.models import CareTask
from tests.sessions_app.client_links import (
    NOW,
    text_of,
)

Kind, State = CareTask.Kind, Treatment.State
FOUR = {
    "continue": "ادامه می‌دهم",
    "pause": "فعلاً مکث می‌کنم",
    "finish": "می‌خواهم همین‌جا به پایان برسانم",
    "call_me": "با من تماس بگیرید",
}


def choose(phone, path, do, **fields):
    if do == "pause" and not fields:
        fields = {"months": "1"}
    return phone.post(path, {"do": do, **fields})


def offered(page):
    shown = text_of(page)
    return [do for do, label in FOUR.items() if label in shown]


def treatment():
    return Treatment.objects.get()


def tasks(**which):
    return [(t.kind, t.outcome) for t in CareTask.objects.filter(**which).order_by("id")]


def events():
    return [(e.kind, e.via) for e in ClientEvent.objects.order_by("id")]


def staff(clinic, verb, *arguments, **fields):
    with wear(Hat.WEB, clinic_id=clinic.pk):
        return verb(*arguments, now=fields.pop("now", NOW), **fields)
