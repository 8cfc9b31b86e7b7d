"""Booking, moving and editing a session as people type it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from django import forms
from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext as _t, gettext_lazy as _

from clinic import jalali
from clinic.formfields import DATE_ERRORS, ClockField, JalaliDateField, NumberField
from clinic.hours import usual_room
from clinic.models import Room, Service, Therapist, User
from patients.models import Client
from sessions_app import actions, series
from sessions_app.models import CancelledBy, Session
from sessions_app.queries import names_in

#: Where the errors of `actions` are shown.
_FIELD_OF_ERROR = {
    "starts_at": "time", "duration": "duration", "clients": "clients", "room": "room",
}  # fmt: skip


class SessionForm(forms.Form):
    """What the forms about sessions share: the clinic's clock, and errors beside their field."""

    def __init__(self, *args: Any, tz: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tz = tz

    def attempt(self, act: Callable[[], Session]) -> Session | None:
        """The session after the act, or None with the reason beside its field."""
        try:
            return act()
        except actions.SessionError as error:
            field = _FIELD_OF_ERROR.get(error.field or "")
            self.add_error(field if field in self.fields else None, explain(error, self.tz))
            return None


def explain(error: actions.SessionError, tz: str) -> str:
    """The error for whoever may see the clinic's sessions: a clash is named."""
    if error.clash is None:
        return str(error)
    said = (
        _t("%(therapist)s has a session there with %(clients)s then, from %(start)s to %(end)s.")
        if error.field == "room"
        else _t("%(therapist)s has a session with %(clients)s then, from %(start)s to %(end)s.")
    )
    return said % {
        "therapist": error.clash.therapist,
        "clients": names_in(error.clash),
        "start": jalali.time(error.clash.starts_at, tz=tz),
        "end": jalali.time(error.clash.ends_at, tz=tz),
    }


class TimedForm(SessionForm):
    """A day, a time of day and a length on the clinic's clock."""

    day = JalaliDateField(label=_("day"))
    time = ClockField(label=_("time"))
    duration = NumberField(label=_("length in minutes"), required=False, min_value=5, max_value=720)

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if values.get("day") and values.get("time"):
            self._combine(values)
        return values

    def _combine(self, values: dict[str, Any]) -> None:
        try:
            values["starts_at"] = jalali.combine(values["day"], values["time"], self.tz)
        except jalali.DateError as error:
            self.add_error("time", DATE_ERRORS[error.code])

    @property
    def length(self) -> dt.timedelta | None:
        minutes = self.cleaned_data.get("duration")
        return dt.timedelta(minutes=minutes) if minutes else None


class ClientsMixin(forms.Form):
    """One client or several; the page shows the chosen ones and a search as tick boxes."""

    clients: forms.ModelMultipleChoiceField[Client] = forms.ModelMultipleChoiceField(
        queryset=None,
        label=_("clients"),
        error_messages={
            "required": _("Find the client by name, phone or file number, and tick the name."),
            "invalid_choice": _("One of the chosen clients is no longer there."),
        },
    )


class TellMixin(forms.Form):
    """Whether the client is told by text; an unticked box is not sent at all, and means no."""

    tell = forms.BooleanField(label=_("text the client about it?"), required=False, initial=True)


class RoomMixin(forms.Form):
    """Where; asked only in clinics that have entered rooms."""

    room: forms.ModelChoiceField[Room] = forms.ModelChoiceField(
        queryset=None, label=_("room"), required=False
    )

    def offer_rooms(self, empty: str | Promise, present: int | None = None) -> None:
        rooms = Room.objects.filter(Q(active=True) | Q(pk=present))
        if rooms.exists():
            _offer(self, "room", rooms, empty)
        else:
            del self.fields["room"]


class BookingForm(ClientsMixin, TellMixin, RoomMixin, TimedForm):
    therapist: forms.ModelChoiceField[Therapist] = forms.ModelChoiceField(
        queryset=None, label=_("therapist")
    )
    service: forms.ModelChoiceField[Service] = forms.ModelChoiceField(
        queryset=None, label=_("service")
    )
    online_url = forms.URLField(
        label=_("link of the online session"), required=False, assume_scheme="https"
    )
    repeat = forms.TypedChoiceField(
        label=_("repeat"),
        choices=[("", _("once")), ("1", _("every week")), ("2", _("every two weeks"))],
        coerce=int,
        required=False,
    )
    times = NumberField(
        label=_("how many sessions"), required=False, min_value=2, max_value=series.LONGEST
    )

    field_order = [
        *("clients", "therapist", "service", "day", "time", "duration", "repeat", "times"),
        *("room", "online_url", "tell"),
    ]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _offer(self, "clients", Client.objects.all())
        _offer(self, "therapist", Therapist.objects.filter(active=True), _("choose a therapist"))
        _offer(self, "service", Service.objects.filter(active=True), _("choose a service"))
        self.offer_rooms(_("where the therapist usually is"))
        self.fields["duration"].help_text = _("Empty: as long as the service usually takes.")
        self.fields["online_url"].widget.attrs["dir"] = "ltr"

    def clean(self) -> dict[str, Any]:
        values = super().clean()
        if values.get("repeat") and not values.get("times") and "times" not in self.errors:
            self.add_error("times", _("Say how many sessions there are to be."))
        return values

    @property
    def repeats(self) -> bool:
        return bool(self.cleaned_data["repeat"])

    @property
    def days(self) -> list[dt.date]:
        """The days of the series as it was asked for."""
        asked = self.cleaned_data
        return series.days_of(asked["day"], asked["repeat"], asked["times"])

    @property
    def plan(self) -> series.Plan:
        """What the sessions have in common; their room is the first one's."""
        values = self.cleaned_data
        usual = dt.timedelta(minutes=values["service"].duration_minutes)
        return series.Plan(
            list(values["clients"]),
            values["therapist"],
            values["service"],
            self.length or usual,
            self._room(),
            values["online_url"],
        )

    def book(self, *, now: dt.datetime, by: User) -> Session | None:
        """The one session."""
        plan, tell = self.plan, self.cleaned_data["tell"]
        start = self.cleaned_data["starts_at"]
        return self.attempt(
            lambda: actions.book(
                clients=plan.clients,
                therapist=plan.therapist,
                service=plan.service,
                starts_at=start,
                duration=plan.length,
                room=plan.room,
                online_url=plan.online_url,
                now=now,
                by=by,
                tell=tell,
            )
        )

    def _room(self) -> Room | None:
        """The one that was chosen, or where the therapist always is at that hour."""
        values = self.cleaned_data
        chosen: Room | None = values.get("room")
        if chosen or values["online_url"] or "room" not in self.fields:
            return chosen
        return usual_room(values["therapist"], values["starts_at"], self.tz)


class MoveForm(TellMixin, RoomMixin, TimedForm):
    therapist: forms.ModelChoiceField[Therapist] = forms.ModelChoiceField(
        queryset=None, label=_("therapist"), empty_label=None
    )

    def __init__(self, *args: Any, session: Session, **kwargs: Any) -> None:
        self.session = session
        super().__init__(*args, **kwargs)
        self.fields["duration"].required = True
        _offer_with_present(self, "therapist", Therapist, session.therapist_id)
        self.offer_rooms(_("no room"), present=session.room_id)
        self.initial.setdefault("room", session.room_id)
        start = jalali.local(session.starts_at, self.tz)
        self.initial.setdefault("day", start.date())
        self.initial.setdefault("time", start.time())
        self.initial.setdefault("duration", int(session.duration.total_seconds() // 60))
        self.initial.setdefault("therapist", session.therapist_id)

    def move(self, *, now: dt.datetime, by: User) -> Session | None:
        values = self.cleaned_data
        return self.attempt(
            lambda: actions.move(
                self.session,
                starts_at=values["starts_at"],
                duration=self.length,
                therapist=values["therapist"],
                room=values["room"] if "room" in self.fields else actions.THE_SAME,
                now=now,
                by=by,
                tell=values["tell"],
            )
        )


class EditForm(ClientsMixin, SessionForm):
    service: forms.ModelChoiceField[Service] = forms.ModelChoiceField(
        queryset=None, label=_("service"), empty_label=None
    )
    online_url = forms.URLField(
        label=_("link of the online session"), required=False, assume_scheme="https"
    )

    def __init__(self, *args: Any, session: Session, **kwargs: Any) -> None:
        self.session = session
        super().__init__(*args, **kwargs)
        _offer(self, "clients", Client.objects.all())
        _offer_with_present(self, "service", Service, session.service_id)
        self.fields["online_url"].widget.attrs["dir"] = "ltr"

    def edit(self, *, now: dt.datetime, by: User) -> Session | None:
        values = self.cleaned_data
        return self.attempt(
            lambda: actions.edit(
                self.session,
                clients=values["clients"],
                service=values["service"],
                online_url=values["online_url"],
                now=now,
                by=by,
            )
        )


class OutcomeForm(forms.Form):
    outcome = forms.ChoiceField(choices=[(state.value, state.label) for state in actions.OUTCOMES])


class RestoreForm(TellMixin):
    """Take a cancellation back."""


class CancelForm(TellMixin):
    by_whom = forms.ChoiceField(choices=CancelledBy.choices)


def _offer(form: forms.Form, name: str, queryset: Any, empty: str | Promise = "") -> None:
    """Tenant rows can be asked for only inside a scope, so not when the class is made."""
    field: Any = form.fields[name]
    field.queryset = queryset
    if empty:
        field.empty_label = empty


def _offer_with_present(
    form: forms.Form, name: str, model: type[Therapist | Service], present: int
) -> None:
    """The active ones, and the one that the session has even when it is no longer active."""
    _offer(form, name, model.objects.filter(Q(active=True) | Q(pk=present)))
