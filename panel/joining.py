"""Two files of one client side by side: what each says, what would go along, what would hold."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _, gettext_lazy
from django_stubs_ext import StrPromise

from clinic import jalali
from clinic.templatetags.peygir import persian_digits
from patients import merging, stricter
from patients.models import Client, Purpose
from patients.phones import display

LABELS: dict[str, StrPromise] = {
    "name": gettext_lazy("name"),
    "honorific": gettext_lazy("honorific"),
    "file_no": gettext_lazy("file number"),
    "phone": gettext_lazy("mobile phone"),
    "email": gettext_lazy("e-mail"),
    "gender": gettext_lazy("gender"),
    "birth_date": gettext_lazy("birth date"),
    "therapist": gettext_lazy("therapist"),
    "service": gettext_lazy("service"),
    "hours": gettext_lazy("hours for texts"),
}
#: Written left to right.
_LTR = ("file_no", "phone", "email", "hours")


@dataclass(frozen=True, slots=True)
class Row:
    """One field of both files. `asks` where a person has to choose, `comes` where it goes along."""

    name: str
    label: StrPromise
    kept: str
    lost: str
    asks: bool
    comes: bool
    takes_lost: bool

    @property
    def ltr(self) -> bool:
        return self.name in _LTR


def rows_of(kept: Client, lost: Client, taken: set[str]) -> list[Row]:
    """The fields that either file has filled in."""
    asked, filled = merging.differing(kept, lost), merging.filled_by(kept, lost)
    rows = [
        Row(
            name=name,
            label=label,
            kept=_shown(kept, name),
            lost=_shown(lost, name),
            asks=name in asked,
            comes=name in filled,
            takes_lost=name in taken,
        )
        for name, label in LABELS.items()
    ]
    return [row for row in rows if row.kept or row.lost]


def consequences(kept: Client, lost: Client, now: dt.datetime) -> Iterator[str]:
    """What will hold for the client that did not hold for the kept file."""
    strict = stricter.of(kept, lost, now)
    for purpose in Purpose:
        if kept.consents_to(purpose) and not strict[f"consent_{purpose.value}"]:
            yield _("No more texts %(about)s: the other file says so.") % {"about": purpose.label}
    if strict["muted_at"] != kept.muted_at or strict["muted_until"] != kept.muted_until:
        yield _until(strict["muted_until"])
    if strict["discreet"] and not kept.discreet:
        yield _("Texts are discreet: the other file says so.")
    if strict["crisis_since"] and not kept.crisis_since:
        yield _("A crisis hold stands in the other file; it will stand for the client.")
    if (kept.deceased_at is None) != (lost.deceased_at is None):
        yield _("One of the files says that the client has died. It will hold for both.")


def _until(day: dt.date | None) -> str:
    if day is None:
        return _("No automated text, until somebody allows it again: the other file says so.")
    return _("No automated text until %(day)s: the other file says so.") % {
        "day": jalali.full_date(day)
    }


def _shown(client: Client, name: str) -> str:  # noqa: PLR0911 - a table of fields
    match name:
        case "name":
            return client.full_name
        case "file_no":
            return persian_digits(client.file_no)
        case "phone":
            return display(client.phone) if client.phone else ""
        case "gender":
            return str(client.get_gender_display()) if client.gender else ""
        case "birth_date":
            return jalali.numeric_date(client.birth_date) if client.birth_date else ""
        case "hours":
            both = (client.texts_from, client.texts_until)
            return persian_digits("–".join(f"{at:%H:%M}" for at in both if at))
        case "therapist" | "service":
            return str(getattr(client, name) or "")
        case _:
            return str(getattr(client, name))
