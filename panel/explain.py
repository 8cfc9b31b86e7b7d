"""Why a message is where it is, in one sentence for a person who was asked about it."""

from __future__ import annotations

import datetime as dt

from django.utils.translation import gettext as _

from clinic import jalali
from messaging.models import Channel, Message, Priority, Reason, State


def why(message: Message, *, now: dt.datetime, tz: str, stopped: bool = False) -> str:
    """The sentence; it names neither the client nor the number.

    `stopped`: somebody has stopped all texts of the clinic but those of safety.
    """
    if message.state == State.QUEUED and stopped and message.priority != Priority.SAFETY:
        return _("It waits, for all texts are stopped; it is of use until %(until)s.") % {
            "until": jalali.spoken(message.useful_until, now=now, tz=tz)
        }
    if message.state == State.QUEUED:
        return _why_queued(message, now, tz)
    values = {
        "reason": reason_words(message.reason),
        "until": jalali.spoken(message.useful_until, now=now, tz=tz),
        "due": jalali.spoken(message.due_at, now=now, tz=tz),
    }
    return _sentence(message) % values


def reason_words(reason: str) -> str:
    return str(Reason(reason).label) if reason in Reason.values else reason


def _why_queued(message: Message, now: dt.datetime, tz: str) -> str:
    at = jalali.spoken(message.attempt_at, now=now, tz=tz)
    if message.attempts:
        return _("It has not left yet: %(reason)s. It is tried again on %(at)s.") % {
            "reason": reason_words(message.reason) or _("the gateway did not take it"),
            "at": at,
        }
    if message.attempt_at > now:
        return _("It waits for its time, %(at)s.") % {"at": at}
    return _("Its time has come; it leaves as soon as the sender reaches it.")


#: Reasons for not knowing; a failed message that has one was settled by a person, not refused.
_NOT_KNOWN = (Reason.NO_ANSWER, Reason.SENDER_STOPPED, Reason.ECHO)


def _sentence(message: Message) -> str:
    if message.state == State.FAILED and message.reason in _NOT_KNOWN:
        return _("It was unclear whether it left; it turned out that it was not sent.")
    if message.state == State.SENT and message.channel == Channel.CALL:
        return _("It stands on reception's call list, with what the client is to be told.")
    if message.state == State.SENT and message.channel == Channel.EMAIL:
        return _("The mail server took it; nobody can tell whether it was read.")
    with_reason = {
        State.SKIPPED: _("It was not sent: %(reason)s."),
        State.FAILED: _("The gateway refused it for good, and it was not sent: %(reason)s."),
        State.UNDELIVERED: _("The gateway took it, but it did not reach the phone: %(reason)s."),
        State.CANCELLED: _("It was taken out of the queue and not sent: %(reason)s."),
        State.UNKNOWN: _unclear(message, _("Nobody knows yet whether it left: %(reason)s.")),
    }
    without = {
        State.CLAIMED: _("A sender is preparing it at this moment."),
        State.SENDING: _("It is being handed to the gateway at this moment."),
        State.SENT: _("The gateway took it; the phone has not confirmed it yet."),
        State.DELIVERED: _("It reached the phone."),
        State.SKIPPED: _("It was not sent."),
        State.FAILED: _("The gateway refused it for good, and it was not sent."),
        State.UNDELIVERED: _("The gateway took it, but it did not reach the phone."),
        State.CANCELLED: _("Somebody of the clinic took it out of the queue; it was not sent."),
        State.UNKNOWN: _unclear(message, _("Nobody knows yet whether it left.")),
        State.MISSED: _("It was of use until %(until)s and could not leave before; so it stayed."),
        State.SHADOW: _("It would have been sent on %(due)s, but the clinic was in trial mode."),
    }
    state = State(message.state)
    return (with_reason.get(state) if message.reason else None) or without[state]


def _unclear(message: Message, said: str) -> str:
    """With who finds out: the gateway, as long as it can be asked; then a person."""
    then = (
        _("The gateway is asked; it is never sent twice blindly.")
        if message.ask_at
        else _("The gateway cannot be asked; a person has to find out. It is not sent again.")
    )
    return f"{said} {then}"
