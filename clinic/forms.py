"""Forms of the settings pages and of the way in."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from clinic import members
from clinic.account_forms import PASSWORD_HINT
from clinic.closures import LONGEST, overlapping, when
from clinic.formfields import (
    ClockField,
    JalaliDateField,
    NumberField,
    PersianCharField,
    TomanField,
)
from clinic.models import (
    Clinic,
    Closure,
    Membership,
    Role,
    Room,
    Service,
    StopNote,
    Therapist,
    User,
)
from clinic.text import ascii_digits, fold

#: Texts need part of the day; quiet hours longer than this would hold nearly all of them back.
LONGEST_QUIET = dt.timedelta(hours=16)

STOP_NOTES = {
    StopNote.FOLLOW_UP: _("Under every text but those about a booked session"),
    StopNote.ALL: _("Under every text"),
    StopNote.NONE: _("Under no text"),
}


class ClinicForm(forms.ModelForm[Clinic]):
    name = PersianCharField(
        label=_("Clinic's name"), max_length=120, help_text=_("As clients read it in a text.")
    )
    phone = PersianCharField(
        label=_("Phone said in texts"),
        max_length=30,
        required=False,
        help_text=_("With the area code. A text that names the phone is not sent without it."),
    )
    address = PersianCharField(
        label=_("Address"), max_length=300, required=False, widget=forms.Textarea({"rows": 2})
    )
    quiet_from = ClockField(label=_("Quiet from"))
    quiet_to = ClockField(label=_("Quiet until"))
    stop_note = forms.ChoiceField(
        label=_("«لغو۱۱» under the texts"),
        choices=list(STOP_NOTES.items()),
        widget=forms.RadioSelect,
        help_text=_(
            "Whoever answers 11 gets no follow-up and no encouragement any more; reminders of"
            " booked sessions go on. Most service lines demand these words under everything that"
            " is not about a booked session; ask your gateway before you leave them out."
        ),
    )
    late_cancel_hours = NumberField(
        label=_("A cancellation is late from"),
        min_value=0,
        max_value=168,
        help_text=_(
            "So many hours before the start. A client who cancels by link later than that is"
            " recorded as a late cancellation; with 0 no cancellation is late."
        ),
    )

    class Meta:
        model = Clinic
        fields = (
            *("name", "phone", "address", "quiet_from", "quiet_to"),
            *("names_on_shared_phones", "stop_note", "late_cancel_hours", "books_by_link"),
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["phone"].widget.attrs |= {"dir": "ltr", "inputmode": "tel"}
        shared = self.fields["names_on_shared_phones"]
        shared.label = _("Name the client on a phone that several clients share")
        shared.help_text = _(
            "Families often have one number. Unless you allow it, a text to such a number names"
            " nobody, so that nobody learns of another's session."
        )

        by_link = self.fields["books_by_link"]
        by_link.label = _("Let clients book a free time by their own link")
        by_link.help_text = _(
            "A client whom a text or reception gives a link sees the free times of their own"
            " therapist for three weeks and takes one of them; not within three hours, and one at a"
            " time. It works for therapists whose working hours are entered. Whoever is under a"
            " crisis hold is asked to call instead."
        )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        start, end = cleaned.get("quiet_from"), cleaned.get("quiet_to")
        if start and end:
            _check_quiet_hours(start, end)
        return cleaned


def _check_quiet_hours(start: dt.time, end: dt.time) -> None:
    day = dt.date(2000, 1, 1)
    if start <= end:
        raise ValidationError(
            {"quiet_from": _("Quiet hours go from the evening over midnight to the morning.")}
        )
    length = dt.datetime.combine(day, end) + dt.timedelta(days=1) - dt.datetime.combine(day, start)
    if length > LONGEST_QUIET:
        raise ValidationError(
            {"quiet_to": _("At most 16 hours: the rest of the day is needed for the texts.")}
        )


class UniqueNameForm(forms.ModelForm[Any]):
    """The clinic is not in the form, so the database's own check must be asked by hand."""

    taken = _("There is one with this name already.")

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        others = self._meta.model.objects.exclude(pk=self.instance.pk)
        if any(fold(name) == fold(other) for other in others.values_list("name", flat=True)):
            raise ValidationError(self.taken)
        return name


class TherapistForm(UniqueNameForm):
    name = PersianCharField(label=_("Name"), max_length=120)
    title = PersianCharField(
        label=_("As texts say it"),
        max_length=120,
        required=False,
        help_text=_("For instance «Dr. Sadeghi». When empty, the plain name is used."),
    )
    taken = _("There is a therapist with this name already.")

    class Meta:
        model = Therapist
        fields = ("name", "title")


class RoomForm(UniqueNameForm):
    name = PersianCharField(
        label=_("Name"), max_length=60, help_text=_("For instance «Room 2» or «play room».")
    )
    taken = _("There is a room with this name already.")

    class Meta:
        model = Room
        fields = ("name",)


class ServiceForm(UniqueNameForm):
    name = PersianCharField(label=_("Name"), max_length=120)
    duration_minutes = NumberField(label=_("Duration"), min_value=5, max_value=720)
    price_rial = TomanField(
        label=_("Price"),
        required=False,
        min_value=0,
        max_value=10**12,
        help_text=_("Used in the figures only; no client sees it."),
    )
    rhythm_days = NumberField(
        label=_("Usual days between sessions"),
        min_value=1,
        max_value=365,
        help_text=_("7 for weekly sessions, 14 for every other week."),
    )
    lapse_days = NumberField(
        label=_("Days of silence after which you ask"),
        required=False,
        min_value=1,
        max_value=730,
        help_text=_("When empty, it follows each client's own rhythm."),
    )
    taken = _("There is a service with this name already.")

    class Meta:
        model = Service
        fields = ("name", "duration_minutes", "price_rial", "rhythm_days", "lapse_days")


class ClosureForm(forms.ModelForm[Closure]):
    """Days on which the clinic does not work. An entry is the clinic's own unless it is edited."""

    name = PersianCharField(
        label=_("Occasion"), max_length=120, help_text=_("For instance «Nowruz», or «a workshop».")
    )
    first_day = JalaliDateField(label=_("First day"))
    last_day = JalaliDateField(
        label=_("Last day"), required=False, help_text=_("Leave it empty for a single day.")
    )

    class Meta:
        model = Closure
        fields = ("name", "first_day", "last_day")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        first = cleaned.get("first_day")
        if first is None or "last_day" in self.errors:
            return cleaned
        last = cleaned["last_day"] = cleaned.get("last_day") or first
        if last < first:
            self.add_error("last_day", _("The last day is before the first one."))
        elif (last - first).days >= LONGEST:
            self.add_error("last_day", _("At most %(days)s days at a time.") % {"days": LONGEST})
        else:
            self._refuse_what_is_closed(first, last, str(cleaned.get("name", "")))
        return cleaned

    def _refuse_what_is_closed(self, first: dt.date, last: dt.date, name: str) -> None:
        """The clinic's own closures may lie over public holidays, as Nowruz does, but not inside one.

        Neither may two of its own overlap: nobody could tell which of them to delete.
        """
        own = self.instance.kind == Closure.Kind.OWN
        for other in overlapping(first, last).exclude(pk=self.instance.pk):
            same = other.kind == self.instance.kind
            inside = own and other.first_day <= first and last <= other.last_day
            if (same and own) or inside or (same and fold(other.name) == fold(name)):
                self.add_error("first_day", self._already(other))
                return

    def _already(self, other: Closure) -> str:
        if other.kind == Closure.Kind.HOLIDAY:
            said = _("This is a public holiday already: «%(name)s», %(when)s.")
        else:
            said = _("The clinic is closed then already: «%(name)s», %(when)s. Edit that entry.")
        return said % {"name": other.name, "when": when(other)}


class RoleForm(forms.Form):
    """A role, and the therapist a login belongs to."""

    role = forms.ChoiceField(label=_("Role"), widget=forms.RadioSelect)
    therapist: forms.ModelChoiceField = forms.ModelChoiceField(
        label=_("Which therapist"),
        queryset=None,  # a scope is needed; set below
        required=False,
        help_text=_("Only for a therapist: whose day and clients this person sees."),
    )

    def __init__(self, *args: Any, by: Membership, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.by = by
        self.fields["role"].choices = [  # type: ignore[attr-defined]
            (role, ROLE_WORDS[Role(role)]) for role in members.grantable(by)
        ]
        therapists = self.fields["therapist"]
        therapists.queryset = Therapist.objects.filter(active=True)  # type: ignore[attr-defined]
        therapists.empty_label = _("none")  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("role") != Role.THERAPIST:
            cleaned["therapist"] = None
        elif not cleaned.get("therapist") and "therapist" not in self.errors:
            self.add_error("therapist", _("Choose the therapist this login is for."))
        return cleaned


ROLE_WORDS = {
    Role.OWNER: _("Owner: everything, and the other owners"),
    Role.MANAGER: _("Manager: everything, settings and members too"),
    Role.RECEPTIONIST: _("Receptionist: clients, sessions, messages and import"),
    Role.THERAPIST: _("Therapist: the own day and the own clients"),
}


class InvitationForm(RoleForm):
    email = forms.EmailField(label=_("E-mail"), max_length=254)
    field_order = ("email", "role", "therapist")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].widget.attrs |= {"dir": "ltr", "autocomplete": "off"}

    def clean_email(self) -> str:
        email = str(self.cleaned_data["email"]).lower()
        if Membership.objects.filter(user__email=email).exists():
            raise ValidationError(_("This person is a member already."))
        return email


class WelcomeForm(forms.Form):
    """A new person's name and password."""

    full_name = PersianCharField(label=_("Your name"), max_length=150)
    password1 = forms.CharField(
        label=_("Password"),
        strip=False,
        help_text=PASSWORD_HINT,
        widget=forms.PasswordInput({"autocomplete": "new-password", "dir": "ltr"}),
    )
    password2 = forms.CharField(
        label=_("Password once more"),
        strip=False,
        widget=forms.PasswordInput({"autocomplete": "new-password", "dir": "ltr"}),
    )

    def __init__(self, *args: Any, email: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.email = email
        self.fields["full_name"].widget.attrs |= {"autocomplete": "name"}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        first, second = cleaned.get("password1"), cleaned.get("password2")
        if first and second and first != second:
            self.add_error("password2", _("The two passwords are not the same."))
        elif first:
            self._check_password(first, str(cleaned.get("full_name", "")))
        return cleaned

    def _check_password(self, password: str, full_name: str) -> None:
        person = User(email=self.email, full_name=full_name)
        try:
            # In ASCII, or a number typed on a Persian keyboard would pass for letters.
            password_validation.validate_password(ascii_digits(password), person)
        except ValidationError as error:
            self.add_error("password1", error)
