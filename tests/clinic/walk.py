"""Every address of the site, and how to call it. A new one fails the walk until it has its line.

Inside a clinic: ``"panel:client": panel(pk=Client)``, with the model whose row each value of the
address means. Elsewhere: ``door(…)`` with plain values, or ``operator(…)``.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.cookies import SimpleCookie

from django.test import Client as Browser
from django.urls import get_resolver
from django.urls.resolvers import URLResolver

from clinic.models import (
    Clinic,
    Closure,
    Invitation,
    Membership,
    Room,
    Service,
    Therapist,
    TimeOff,
)
from exchange.models import ImportFile
from followup.models import Rule
from messaging.models import Message, Reply, Template
from patients.models import Client, ClientEvent, ContactPerson, Treatment
from sessions_app.models import CareTask, Session, SessionChange, Wish

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True)
class Way:
    kind: str
    values: dict = field(default_factory=dict)


def panel(**values):
    """Inside a clinic: sign-in and membership needed; a model stands for a row of that clinic."""
    return Way("panel", values)


def door(**values):
    """Outside a clinic."""
    return Way("door", values)


def operator(**values):
    return Way("operator", values)


PANEL = {
    "panel:today": panel(),
    "panel:clients": panel(),
    "panel:client_new": panel(),
    "panel:client": panel(pk=Client),
    "panel:client_edit": panel(pk=Client),
    "panel:client_consent": panel(pk=Client),
    "panel:client_call": panel(pk=Client),
    "panel:client_mute": panel(pk=Client),
    "panel:client_unmute": panel(pk=Client),
    "panel:client_hours": panel(pk=Client),
    "panel:client_crisis": panel(pk=Client),
    "panel:client_crisis_over": panel(pk=Client),
    "panel:client_emergency": panel(pk=Client),
    "panel:client_died": panel(pk=Client),
    "panel:client_not_died": panel(pk=Client),
    "panel:client_twins": panel(pk=Client),
    "panel:client_merge": panel(pk=Client, other=Client),
    "panel:event_undo": panel(pk=ClientEvent),
    "panel:client_own_texts": panel(pk=Client),
    "panel:contact_new": panel(pk=Client),
    "panel:contact_edit": panel(pk=ContactPerson),
    "panel:contact_remove": panel(pk=ContactPerson),
    "panel:treatment_pause": panel(pk=Treatment),
    "panel:treatment_resume": panel(pk=Treatment),
    "panel:treatment_complete": panel(pk=Treatment),
    "panel:treatment_drop": panel(pk=Treatment),
    "panel:treatment_ending": panel(pk=Treatment),
    "panel:treatment_link": panel(pk=Treatment),
    "panel:tasks": panel(),
    "panel:tasks_silent": panel(),
    "panel:task": panel(pk=CareTask),
    "panel:task_attempt": panel(pk=CareTask),
    "panel:task_reopen": panel(pk=CareTask),
    "panel:first_steps": panel(),
    "panel:waiting": panel(),
    "panel:waiting_new": panel(),
    "panel:waiting_edit": panel(pk=Wish),
    "panel:waiting_close": panel(pk=Wish),
    "panel:waiting_reopen": panel(pk=Wish),
    "panel:calendar": panel(),
    "panel:calendar_print": panel(),
    "panel:calendar_week": panel(),
    "panel:inbox": panel(),
    "panel:inbox_talk": panel(pk=Reply),
    "panel:inbox_answer": panel(pk=Reply),
    "panel:inbox_close": panel(pk=Reply),
    "panel:inbox_reopen": panel(pk=Reply),
    "panel:inbox_call": panel(pk=Reply),
    "panel:inbox_attach": panel(pk=Reply),
    "panel:digest": panel(),
    "panel:session_book": panel(),
    "panel:session_series": panel(),
    "panel:sessions_undo": panel(),
    "panel:session_clients": panel(),
    "panel:session": panel(pk=Session),
    "panel:session_move": panel(pk=Session),
    "panel:session_move_ask": panel(pk=Session),
    "panel:session_edit": panel(pk=Session),
    "panel:session_record": panel(pk=Session),
    "panel:session_cancel": panel(pk=Session),
    "panel:session_restore": panel(pk=Session),
    "panel:session_undo": panel(pk=SessionChange),
    "panel:therapist": panel(pk=Therapist),
    "panel:therapist_away": panel(pk=Therapist),
    "panel:feedback": panel(),
    "panel:feedback_therapists": panel(),
    "panel:feedback_waiting": panel(),
    "panel:messages": panel(),
    "panel:messages_chosen": panel(),
    "panel:messages_csv": panel(),
    "panel:message": panel(pk=Message),
    "panel:message_cancel": panel(pk=Message),
    "panel:message_settle": panel(pk=Message),
    "settings:clinic": panel(),
    "settings:therapists": panel(),
    "settings:therapist_new": panel(),
    "settings:therapist": panel(pk=Therapist),
    "settings:therapist_on": panel(pk=Therapist),
    "settings:therapist_off": panel(pk=Therapist),
    "settings:therapist_hours": panel(pk=Therapist),
    "settings:therapist_away": panel(pk=Therapist),
    "settings:therapist_back": panel(pk=TimeOff),
    "settings:rooms": panel(),
    "settings:room_new": panel(),
    "settings:room": panel(pk=Room),
    "settings:room_on": panel(pk=Room),
    "settings:room_off": panel(pk=Room),
    "settings:services": panel(),
    "settings:service_new": panel(),
    "settings:service": panel(pk=Service),
    "settings:service_on": panel(pk=Service),
    "settings:service_off": panel(pk=Service),
    "settings:closures": panel(),
    "settings:closure_new": panel(),
    "settings:closure": panel(pk=Closure),
    "settings:closure_delete": panel(pk=Closure),
    "settings:members": panel(),
    "settings:member": panel(pk=Membership),
    "settings:member_remove": panel(pk=Membership),
    "settings:invitation_new": panel(),
    "settings:invitation_renew": panel(pk=Invitation),
    "settings:invitation_revoke": panel(pk=Invitation),
    "texting:gateway": panel(),
    "texting:gateway_trial": panel(),
    "texting:account": panel(place="sms"),
    "texting:account_check": panel(place="sms"),
    "texting:account_remove": panel(place="sms"),
    "texting:rules": panel(),
    "texting:emergency": panel(),
    "texting:rule": panel(pk=Rule),
    "texting:rule_sentence": panel(pk=Rule),
    "texting:rule_try": panel(pk=Rule),
    "texting:rule_preview": panel(pk=Rule),
    "texting:wording_new": panel(pk=Rule),
    "texting:wording": panel(pk=Template),
    "texting:wording_remove": panel(pk=Template),
    "texting:rule_on": panel(pk=Rule),
    "texting:rule_off": panel(pk=Rule),
    "texting:live": panel(),
    "texting:live_stop": panel(),
    "texting:pause": panel(),
    "texting:resume": panel(),
    "texting:limit": panel(),
    "exchange:start": panel(),
    "exchange:template_xlsx": panel(kind="clients"),
    "exchange:template_csv": panel(kind="clients"),
    "exchange:upload": panel(pk=ImportFile),
    "exchange:discard": panel(pk=ImportFile),
    "exchange:rejected": panel(pk=ImportFile),
}

DOORS = {
    "home": door(),
    "clinics": door(),
    "set_language": door(),
    # A link shows its own clinic to whoever holds it, so it is called with one of ours.
    "invitation": door(token="token-of-aramesh"),
    "welcome": door(token="token-of-aramesh"),
    "client:session": door(token="session-of-aramesh"),
    "client:calendar": door(token="session-of-aramesh"),
    "feedback:form": door(token="feedback-of-aramesh"),
    "choices:page": door(token="choices-of-aramesh"),
    "booking:page": door(token="booking-of-aramesh"),
    "booking:calendar": door(token="booking-of-aramesh"),
    "preferences:page": door(token="session-of-aramesh"),
    "digest:stop": door(token="digest-of-aramesh"),
    "hooks:callback": door(kind="kavenegar", token="token-of-aramesh"),
    "hooks:receipts": door(kind="kavenegar", token="token-of-aramesh"),
    "hooks:inbound": door(kind="kavenegar", token="token-of-aramesh"),
    "account_login": door(),
    "account_logout": door(),
    "account_inactive": door(),
    "account_signup": door(),
    "account_reauthenticate": door(),
    "account_change_password": door(),
    "account_set_password": door(),
    "account_reset_password": door(),
    "account_reset_password_done": door(),
    "account_reset_password_from_key_done": door(),
    "account_reset_password_from_key": door(uidb36="1", key="set-password"),
    "mfa_index": door(),
    "mfa_authenticate": door(),
    "mfa_reauthenticate": door(),
    "mfa_activate_totp": door(),
    "mfa_deactivate_totp": door(),
    "mfa_view_recovery_codes": door(),
    "mfa_generate_recovery_codes": door(),
    "mfa_download_recovery_codes": door(),
}

OPERATOR = {
    **{f"admin:{name}": operator() for name in ("index", "login", "logout", "jsi18n")},
    **{f"admin:{name}": operator() for name in ("password_change", "password_change_done")},
    "admin:autocomplete": operator(),
    "admin:view_on_site": operator(content_type_id=1, object_id=Clinic),
    "admin:app_list": operator(app_label="clinic"),
    "admin:auth_user_password_change": operator(id="1"),
    "operator/(?P<url>.*)$": operator(url="nowhere"),
}
REGISTERED = ["auth_group", "clinic_clinic", "clinic_user", "account_emailaddress"]
for _model in [*REGISTERED, "mfa_authenticator"]:
    OPERATOR[f"operator/{_model.replace('_', '/')}/<path:object_id>/"] = operator(object_id=Clinic)
    for _page in ("changelist", "add"):
        OPERATOR[f"admin:{_model}_{_page}"] = operator()
    for _page in ("history", "delete", "change"):
        OPERATOR[f"admin:{_model}_{_page}"] = operator(object_id=Clinic)

TABLE = PANEL | DOORS | OPERATOR


@dataclass(frozen=True)
class Address:
    """One pattern of the resolver. `name` is its route where it has no name of its own."""

    name: str
    route: str
    view: Callable

    @property
    def values(self):
        return re.findall(r"<(?:\w+:)?(\w+)>", self.route)

    def path(self, half, way, slug=None):
        """The address for one clinic's rows; `slug` puts another clinic's name before them."""
        values = {"clinic_slug": slug or half.slug} | {
            name: half.pk(value) if isinstance(value, type) else value
            for name, value in way.values.items()
        }
        route = re.sub(r"\(\?P(<\w+>)[^)]*\)", r"\1", self.route).replace("^", "").rstrip("$")
        return "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda found: str(values[found[1]]), route)


def addresses() -> Iterator[Address]:
    yield from _below(get_resolver())


def _below(resolver, namespaces=(), prefix=""):
    for pattern in resolver.url_patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            inside = (*namespaces, pattern.namespace) if pattern.namespace else namespaces
            yield from _below(pattern, inside, route)
        else:
            name = ":".join((*namespaces, pattern.name)) if pattern.name else route
            yield Address(name, route, pattern.callback)


def unlisted(table):
    """What the table and the resolver do not agree about; empty when every address is listed."""
    found = {address.name: address for address in addresses()}
    wrong = [f"{name} is not listed" for name in found.keys() - table.keys()]
    wrong += [f"{name} is listed and is not there" for name in table.keys() - found.keys()]
    for name in found.keys() & table.keys():
        way, needed = table[name], set(found[name].values)
        if ("clinic_slug" in needed) != (way.kind == "panel"):
            wrong.append(f"{name} is no {way.kind}")
        if needed - {"clinic_slug"} != way.values.keys():
            wrong.append(f"{name} needs {sorted(needed)}")
    return sorted(wrong)


def signed_in(person, **options):
    browser = Browser(raise_request_exception=False, **options)
    if person is not None:
        browser.force_login(person)
    return browser


def afresh(browser, cookies):
    """The same person once more, whatever a page has done to the cookies meanwhile."""
    browser.cookies = SimpleCookie({name: morsel.value for name, morsel in cookies.items()})
    return browser


def text_of(response):
    """What a person, or a program, could read in an answer."""
    headers = " ".join(f"{name}: {value}" for name, value in response.headers.items())
    return headers + response.content.decode(errors="replace")
