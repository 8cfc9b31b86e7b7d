"""A rule in a plain sentence, made from its numbers: one function for each kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import get_language, gettext as _, gettext_lazy, ngettext
from django_stubs_ext import StrPromise

from clinic.models import Service, Therapist
from clinic.templatetags.peygir import number
from followup.calls import CALL_AFTER_DAYS
from followup.defaults import RULE_NAMES
from followup.models import Audience, Kind, Rule
from messaging.judge import INVITATION_SPAN
from messaging.models import Channel

HOUR, DAY = 60, 24 * 60


def name(rule: Rule) -> str:
    return str(RULE_NAMES.get(rule.key, rule.key))


def spoken(minutes: int) -> str:
    """«۳ روز», «۲۴ ساعت», «۱ ساعت و ۳۰ دقیقه»: as people say it, one day in hours."""
    if minutes % DAY == 0 and minutes > DAY:
        days = minutes // DAY
        return ngettext("%(n)s day", "%(n)s days", days) % {"n": number(days)}
    hours, rest = divmod(minutes, HOUR)
    whole = ngettext("%(n)s hour", "%(n)s hours", hours) % {"n": number(hours)}
    part = ngettext("%(n)s minute", "%(n)s minutes", rest) % {"n": number(rest)}
    if hours and rest:
        return _("%(hours)s and %(minutes)s") % {"hours": whole, "minutes": part}
    return whole if hours else part


def times(factor: Decimal) -> str:
    """«۱٫۵»: how many times something, without idle zeros."""
    plain = f"{factor.normalize():f}"
    return number_like(plain)


def number_like(plain: str) -> str:
    whole, _dot, rest = plain.partition(".")
    if not (get_language() or "fa").startswith("fa"):
        return plain
    return number(int(whole)) + (
        "٫" + "".join(number(int(digit)) for digit in rest) if rest else ""
    )


#: As a part of the rule's sentence.
_BY: Mapping[str, StrPromise] = {
    Channel.SMS: gettext_lazy("by SMS"),
    Channel.WHATSAPP: gettext_lazy("by WhatsApp"),
    Channel.EMAIL: gettext_lazy("by e-mail"),
    Channel.CALL: gettext_lazy("by a call of reception"),
}


def sentence(rule: Rule) -> str:
    """When, to whom, by what, on what condition, and what is tried next; without a full stop."""
    said = SENTENCES[Kind(rule.kind)](rule) % _values(rule)
    return f"{said}{_chain(rule.then)}"


def _chain(then: Sequence[str]) -> str:
    """«؛ اگر نرسید، ایمیل و سپس تماس پذیرش»; nothing where nothing follows."""
    if not then:
        return ""
    listed = _(", then ").join(str(_BY[channel]) for channel in then)
    return _("; if it does not arrive, %(then)s") % {"then": listed}


def remark(rule: Rule) -> str:
    """Until when it is of use, and what comes instead: the small print under the sentence."""
    say = REMARKS.get(Kind(rule.kind))
    return say(rule) if say else ""


def _values(rule: Rule) -> dict[str, str]:
    """What the sentences of all kinds say of a rule."""
    return {
        "by": str(_BY[rule.channel]),
        "wait": spoken(rule.offset_minutes),
        "notice": spoken(rule.notice_minutes),
        "factor": times(Decimal(rule.factor)),
        "days": number(rule.floor_days),
        "nth": number(rule.nth),
    }


def _before_session(rule: Rule) -> str:
    return _(
        "%(wait)s before the session, to the client, %(by)s; if it was booked at least"
        " %(notice)s ahead"
    )


def _booked(rule: Rule) -> str:
    if not rule.offset_minutes:
        return _("as soon as a session is booked, to the client, %(by)s")
    return _("%(wait)s after a session is booked, to the client, %(by)s")


def _moved(rule: Rule) -> str:
    if not rule.offset_minutes:
        return _("as soon as a session is moved, to the client, %(by)s; if you wanted it told")
    return _("%(wait)s after a session is moved, to the client, %(by)s; if you wanted it told")


def _cancelled(rule: Rule) -> str:
    if not rule.offset_minutes:
        return _("as soon as a session is cancelled, to the client, %(by)s; if you wanted it told")
    return _("%(wait)s after a session is cancelled, to the client, %(by)s; if you wanted it told")


def _thanks(rule: Rule) -> str:
    if not rule.offset_minutes:
        return _(
            "as soon as it is recorded that the client came, %(by)s; if that is recorded within"
            " %(notice)s of the session"
        )
    return _(
        "%(wait)s after it is recorded that the client came, %(by)s; if that is recorded within"
        " %(notice)s of the session"
    )


def _no_show(rule: Rule) -> str:
    if not rule.offset_minutes:
        return _("as soon as it is recorded that the client did not come, to the client, %(by)s")
    return _("%(wait)s after it is recorded that the client did not come, to the client, %(by)s")


def _no_next(rule: Rule) -> str:
    return _("%(wait)s after the session, to the client, %(by)s; if nothing is booked next")


def _long_gap(rule: Rule) -> str:
    return _(
        "in the middle of the wait for the next session, to the client, %(by)s; if the wait is"
        " longer than %(factor)s times the client's usual rhythm"
    )


def _mid_treatment(rule: Rule) -> str:
    return _("%(wait)s after session %(nth)s of a treatment, to the client, %(by)s")


def _silent(rule: Rule) -> str:
    if rule.factor == 1 and not rule.floor_days:
        return _(
            "when the client has been silent for as long as their own threshold and nothing is"
            " booked, %(by)s"
        )
    if not rule.floor_days:
        return _(
            "when the client has been silent for %(factor)s times their own threshold and"
            " nothing is booked, %(by)s"
        )
    return _(
        "when the client has been silent for %(factor)s times their own threshold, and at least"
        " %(days)s days, and nothing is booked, %(by)s"
    )


#: With the names of `_values`.
SENTENCES: Mapping[Kind, Callable[[Rule], str]] = {
    Kind.BEFORE_SESSION: _before_session,
    Kind.BOOKED: _booked,
    Kind.MOVED: _moved,
    Kind.CANCELLED: _cancelled,
    Kind.THANKS: _thanks,
    Kind.NO_SHOW: _no_show,
    Kind.NO_NEXT_BOOKING: _no_next,
    Kind.LONG_GAP: _long_gap,
    Kind.MID_TREATMENT: _mid_treatment,
    Kind.SILENT: _silent,
}


def _until_before(rule: Rule) -> str:
    if not rule.useful_minutes:
        return _("Not after the session has begun.")
    useful = {"useful": spoken(rule.useful_minutes)}
    return _("Not later than %(useful)s before the session.") % useful


def _until_after_due(rule: Rule) -> str:
    return _("Not later than %(useful)s after its time.") % {"useful": spoken(rule.useful_minutes)}


def _until_start(rule: Rule) -> str:
    return _("Not after the session's time.")


def _until_after_session(rule: Rule) -> str:
    useful = {"useful": spoken(rule.useful_minutes)}
    return _("Not later than %(useful)s after the session.") % useful


def _thanks_remark(rule: Rule) -> str:
    invites = _(
        "With the feedback link after sessions 1 and 3 and then every fourth, at most once in"
        " %(days)s days."
    ) % {"days": number(INVITATION_SPAN.days)}
    return f"{_until_after_session(rule)} {invites}"


def _no_show_remark(rule: Rule) -> str:
    second = _("After a second time in a row a person calls instead.")
    return f"{_until_after_due(rule)} {second}"


def _no_next_remark(rule: Rule) -> str:
    call = _("On day %(day)s it becomes a call for reception.") % {"day": number(CALL_AFTER_DAYS)}
    return f"{_until_after_session(rule)} {call}"


def _agreed(rule: Rule) -> str:
    return _("Only to clients who have agreed to encouragement.")


def _silent_remark(rule: Rule) -> str:
    return _("Not where the treatment is finished or paused, or the client has answered.")


REMARKS: Mapping[Kind, Callable[[Rule], str]] = {
    Kind.BEFORE_SESSION: _until_before,
    Kind.BOOKED: _until_after_due,
    Kind.MOVED: _until_start,
    Kind.CANCELLED: _until_start,
    Kind.THANKS: _thanks_remark,
    Kind.NO_SHOW: _no_show_remark,
    Kind.NO_NEXT_BOOKING: _no_next_remark,
    Kind.LONG_GAP: _agreed,
    Kind.MID_TREATMENT: _agreed,
    Kind.SILENT: _silent_remark,
}


@dataclass(frozen=True, slots=True)
class Names:
    """What the ids in a rule's limits are called; what was deleted is called nothing."""

    services: Mapping[int, str]
    therapists: Mapping[int, str]

    @classmethod
    def of(cls, rules: Iterable[Rule]) -> Names:
        """Two queries, however many rules."""
        limited = list(rules)
        services = {pk for rule in limited for pk in rule.services}
        therapists = {pk for rule in limited for pk in rule.therapists}
        return cls(
            dict(Service.objects.filter(pk__in=services).values_list("pk", "name")),
            dict(Therapist.objects.filter(pk__in=therapists).values_list("pk", "name")),
        )


def limits(rule: Rule, names: Names) -> list[str]:
    """For whom the rule is, where it is not for all."""
    found = []
    if rule.audience == Audience.NEW:
        found.append(_("only for a client's first session"))
    if rule.audience == Audience.RETURNING:
        found.append(_("only for clients who have come before"))
    if rule.services:
        said = {"services": _listed(rule.services, names.services)}
        found.append(_("only for %(services)s") % said)
    if rule.therapists:
        said = {"therapists": _listed(rule.therapists, names.therapists)}
        found.append(_("only with %(therapists)s") % said)
    return found


def _listed(ids: Iterable[int], names: Mapping[int, str]) -> str:
    known = [names[pk] for pk in ids if pk in names]
    return _(" or ").join(known) if known else _("something that was deleted")


@dataclass(frozen=True, slots=True)
class Group:
    title: str
    rules: list[Rule]


def grouped(rules: Iterable[Rule]) -> list[Group]:
    """The rules in the order of a client's way, under what they are for; no empty group."""
    every = list(rules)
    found = {title: [r for r in every if r.kind in kinds] for title, kinds in _groups().items()}
    return [Group(str(title), members) for title, members in found.items() if members]


def _groups() -> dict[StrPromise | str, tuple[Kind, ...]]:
    return {
        _("Reminders"): (Kind.BEFORE_SESSION,),
        _("Booking and changes"): (Kind.BOOKED, Kind.MOVED, Kind.CANCELLED),
        _("After the session"): (Kind.THANKS, Kind.NO_SHOW),
        _("Encouragement"): (Kind.LONG_GAP, Kind.MID_TREATMENT),
        _("Unfinished treatment"): (Kind.NO_NEXT_BOOKING, Kind.SILENT),
    }
