"""The named values a text may hold: a small registry that rooms fill.

Each placeholder has a Persian name, which staff see and type, and an English one. A value may turn
out empty (the clinic has no phone); a text with an empty value is never sent.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrPromise

from clinic import discreet, jalali
from clinic.models import Clinic, Directory
from clinic.text import ascii_digits, fold
from patients.models import Client, ContactPerson
from sessions_app.links import Page
from sessions_app.models import Session


@dataclass(frozen=True, slots=True)
class Occasion:
    """What a text is about, at the moment it is written."""

    clinic: Clinic
    client: Client
    session: Session | None
    now: dt.datetime
    #: Somebody else of the clinic has the same number, so the text may not name its client.
    shared_phone: bool = False
    #: Who reads it in the client's place or beside them.
    contact: ContactPerson | None = None

    def page(self, purpose: Directory.Purpose) -> Page:
        """The client's own page of this purpose. Raises LookupError for a text about no session."""
        session = _session(self)
        return Page(purpose, self.clinic.pk, session.pk, self.client.pk)


@dataclass(frozen=True, slots=True)
class Placeholder:
    name: str
    persian: str
    meaning: StrPromise | str
    sample: str
    value: Callable[[Occasion], str]
    needs_session: bool = False
    #: For a link: the page that must be published before the text leaves.
    page: Directory.Purpose | None = None


_registry: dict[str, Placeholder] = {}


def register(placeholder: Placeholder) -> None:
    for name in (placeholder.name, placeholder.persian):
        _registry[fold(name)] = placeholder


def find(name: str) -> Placeholder | None:
    return _registry.get(fold(name))


def all_placeholders() -> list[Placeholder]:
    """In the order they were registered, each once."""
    return list(dict.fromkeys(_registry.values()))


def _addressed(occasion: Occasion) -> str:
    if occasion.shared_phone and not occasion.clinic.names_on_shared_phones:
        # Says nothing of who it is for, nor that it is a clinic's client.
        return "همراه گرامی"
    return (occasion.contact or occasion.client).addressed


def _day(occasion: Occasion) -> str:
    """«فردا شنبه ۷ آذر»: the nearness is reckoned when the text leaves, not when it was planned."""
    session, tz = _session(occasion), occasion.clinic.timezone
    name = jalali.day_name_date(session.starts_at, now=occasion.now, tz=tz, language="fa")
    ahead = (jalali.local_day(session.starts_at, tz) - jalali.local_day(occasion.now, tz)).days
    near = {0: "امروز ", 1: "فردا "}.get(ahead, "")
    return near + name


def _phone(occasion: Occasion) -> str:
    """The clinic's phone as one run of digits.

    Between Persian words a phone shows «021-88001122» with its parts swapped (the bidi algorithm
    takes the hyphen for punctuation), and a run of plain digits can be tapped to call.
    """
    phone = ascii_digits(occasion.clinic.phone)
    has_words = any(character.isalpha() for character in phone)
    return phone if has_words else "".join(filter(str.isdigit, phone))


def _time(occasion: Occasion) -> str:
    return jalali.time(_session(occasion).starts_at, tz=occasion.clinic.timezone, language="fa")


def _therapist(occasion: Occasion) -> str:
    spoken = _session(occasion).therapist.spoken
    return discreet.therapist(spoken) if occasion.client.discreet else spoken


def _service(occasion: Occasion) -> str:
    name = _session(occasion).service.name
    return discreet.SERVICE if occasion.client.discreet else name


def _clinic(occasion: Occasion) -> str:
    return (
        discreet.clinic(occasion.clinic.name) if occasion.client.discreet else occasion.clinic.name
    )


def _session(occasion: Occasion) -> Session:
    if occasion.session is None:
        raise LookupError("a text about no session names a session's value")
    return occasion.session


def _link(
    purpose: Directory.Purpose, name: str, persian: str, meaning: StrPromise | str, sample: str
) -> Placeholder:
    def value(occasion: Occasion) -> str:
        offered = purpose != Directory.Purpose.BOOKING or occasion.clinic.books_by_link
        return occasion.page(purpose).address if offered else ""

    return Placeholder(name, persian, meaning, sample, value, needs_session=True, page=purpose)


for _placeholder in (
    Placeholder("client", "خطاب", _("the client as you address them"), "خانم کریمی", _addressed),
    Placeholder(
        "day",
        "روز",
        _("the session's day, with “tomorrow” when it is"),
        "فردا شنبه ۷ آذر",
        _day,
        True,
    ),
    Placeholder("time", "ساعت", _("the session's time"), "۱۷:۳۰", _time, True),
    Placeholder(
        "therapist",
        "درمانگر",
        _("the therapist as spoken"),
        "خانم دکتر صادقی",
        _therapist,
        True,
    ),
    Placeholder(
        "service",
        "خدمت",
        _("the service"),
        "مشاوره‌ی فردی",
        _service,
        True,
    ),
    Placeholder("clinic", "کلینیک", _("the clinic's name"), "کلینیک آرامش", _clinic),
    Placeholder("phone", "تلفن", _("the clinic's phone"), "02188001122", _phone),
    Placeholder(
        "address",
        "نشانی",
        _("the clinic's address"),
        "تهران، خیابان ولیعصر",
        lambda o: o.clinic.address,
    ),
    _link(
        Directory.Purpose.SESSION,
        "session_link",
        "پیوند جلسه",
        _("the page where the client confirms, cancels or asks for another time"),
        "https://peygir.ir/s/kxtq2mz7w4ahr5bn",
    ),
    _link(
        Directory.Purpose.FEEDBACK,
        "feedback_link",
        "پیوند بازخورد",
        _("the feedback form"),
        "https://peygir.ir/f/kxtq2mz7w4ahr5bn",
    ),
    _link(
        Directory.Purpose.CHOICES,
        "choices_link",
        "پیوند انتخاب",
        _("the page where a silent client says how to go on"),
        "https://peygir.ir/p/kxtq2mz7w4ahr5bn",
    ),
    _link(
        Directory.Purpose.BOOKING,
        "booking_link",
        "پیوند رزرو",
        _("the page where the client books a free time alone"),
        "https://peygir.ir/b/kxtq2mz7w4ahr5bn",
    ),
):
    register(_placeholder)
