"""Who takes no texts from which line: `line/blocked/…`."""

from datetime import datetime
from typing import Final

from clinic import jalali
from sandbox.context import Context, Entries, moment
from sandbox.gateway import ANSWERED_11
from sandbox.params import line, mobile
from sandbox.records import Block

_ONE_PAGE: Final = 200
_AT_ONCE: Final = 200
_REMOVED_AT_ONCE: Final = 50


def listed(call: Context) -> Entries:
    """Who takes no texts from a line, blocked since a time or today, a page at a time."""
    number = line(call.params.required("linenumber"), ())
    reason = call.params.text("blockreason")
    since = _since(call)
    first = (max(call.params.number("pagenumber", 1), 1) - 1) * _ONE_PAGE
    found = [
        {
            "number": block.receptor,
            "blockreason": block.reason,
            "date": int(block.blocked_at.timestamp()),
        }
        for block in call.account.blocks.values()
        if block.line == number and reason in ("", str(block.reason)) and block.blocked_at >= since
    ]
    return found[first : first + _ONE_PAGE]


def add(call: Context) -> Entries:
    number, receptors = _line_and_numbers(call, _AT_ONCE)
    return [
        {
            "number": receptor,
            "status": "Active"
            if call.gateway.block(call.account, Block(number, receptor, 0, call.now))
            else "AlreadyExists",
        }
        for receptor in receptors
    ]


def exists(call: Context) -> Entries:
    number, receptors = _line_and_numbers(call, _AT_ONCE)
    return [
        {
            "number": receptor,
            "status": "Active" if (number, receptor) in call.account.blocks else "NotExists",
        }
        for receptor in receptors
    ]


def remove(call: Context) -> Entries:
    """Numbers that answered 11 stay blocked: only they can undo it."""
    number, receptors = _line_and_numbers(call, _REMOVED_AT_ONCE)
    removed = 0
    for receptor in receptors:
        block = call.account.blocks.get((number, receptor))
        if block and block.reason != ANSWERED_11:
            removed += call.gateway.unblock(call.account, number, receptor)
    return {"removed": removed}


def _since(call: Context) -> datetime:
    """The time asked for; none means today."""
    if not call.params.text("startdate"):
        return jalali.start_of_day(jalali.local_day(call.now))
    return moment(call.params.number("startdate"))


def _line_and_numbers(call: Context, limit: int) -> tuple[str, list[str]]:
    number = line(call.params.required("linenumber"), ())
    receptors = call.params.listed("receptor", limit=limit, too_many=604)
    return number, [mobile(receptor) for receptor in receptors]
