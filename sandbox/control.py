"""The control interface under /_sandbox/: JSON in, JSON out, for tests in other processes.

GET   messages, inbound, calls, state, whatsapp, letters
POST  fail {mode, times, method, code, seconds, accepted}
      clock {now: ISO 8601 or null}
      options {any of Options, but templates and pace: to_carrier, to_phone in seconds}
      callbacks {any of CallbackOptions, retry_after in seconds}
      inbound {from, to, message}
      whatsapp/fail {mode, times, code, http, seconds, accepted}
      whatsapp/options {any of WhatsAppOptions}
      whatsapp/inbound {from: digits, message, kind: text or button}
      mail/fail {mode, times}
      pump {} (deliver the callbacks that are due), reset {}
"""

import json
from collections.abc import Callable
from dataclasses import asdict, fields
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Final

from sandbox.codes import Refused
from sandbox.faults import MODES, Fault
from sandbox.params import line, mobile
from sandbox.records import Options, Pace, Text
from sandbox.web import Request, Response, json_response
from sandbox.whatsapp import GraphFault, WhatsAppOptions
from sandbox.world import World

Given = dict[str, Any]

PREFIX: Final = "/_sandbox/"


def answer(world: World, request: Request) -> Response:
    """Answer one control request; whatever is wrong with it is a 400 that says so."""
    name = request.path.removeprefix(PREFIX)
    try:
        if request.verb == "GET" and name in _READ:
            return json_response(_READ[name](world, request.values()))
        if request.verb == "POST" and name in _WRITE:
            return json_response(_WRITE[name](world, _given(request)))
    except (ValueError, TypeError, KeyError) as error:
        return json_response({"error": str(error)}, HTTPStatus.BAD_REQUEST)
    except Refused as refusal:
        return json_response({"error": f"refused with {refusal.code}"}, HTTPStatus.BAD_REQUEST)
    return json_response({"error": "no such page"}, HTTPStatus.NOT_FOUND)


def _given(request: Request) -> Given:
    """Only JSON declared as such: a page elsewhere cannot make a browser send that unasked."""
    if request.header("Content-Type").partition(";")[0].strip() != "application/json":
        raise ValueError("send application/json")
    given = json.loads(request.body or b"{}")
    if not isinstance(given, dict):
        raise TypeError("send one JSON object")
    return given


def text_view(world: World, text: Text) -> Given:
    """A text with its state at this moment."""
    status = world.gateway.status(text, world.clock.now())
    return {**asdict(text), "status": int(status)}


def _messages(world: World, values: dict[str, str]) -> object:
    receptor = mobile(values["receptor"]) if "receptor" in values else None
    with world.lock:
        return [
            text_view(world, text)
            for text in world.gateway.texts.values()
            if receptor in (None, text.receptor)
        ]


def _inbound(world: World, _: dict[str, str]) -> object:
    with world.lock:
        return [asdict(message) for message in world.gateway.inbound.values()]


def _calls(world: World, _: dict[str, str]) -> object:
    with world.lock:
        return [asdict(call) for call in world.gateway.calls]


def _whatsapp(world: World, _: dict[str, str]) -> object:
    with world.lock:
        now, graph = world.clock.now(), world.whatsapp
        sent = [{**asdict(s), "status": s.word(now, graph.options)} for s in graph.sent.values()]
        written = [asdict(each) for each in graph.written]
        return {"sent": sent, "written": written, "calls": [asdict(c) for c in graph.calls]}


def _letters(world: World, _: dict[str, str]) -> object:
    """The letters by their heads and their raw text."""
    return [
        {
            "at": letter.at,
            "from": letter.sender,
            "to": letter.receptor,
            "raw": letter.raw.decode("utf-8", "replace"),
        }
        for letter in list(world.post_office.letters)
    ]


def _state(world: World, _: dict[str, str]) -> object:
    gateway = world.gateway
    return {
        "now": world.clock.now().isoformat(),
        "version": world.version,
        "messages": len(gateway.texts),
        "calls": len(gateway.calls),
        "options": asdict(gateway.options),
        "callbacks": asdict(world.callbacks.options),
        "faults": {mode: words for mode, (_, words) in MODES.items()},
    }


def _fail(world: World, given: Given) -> object:
    with world.lock:
        world.gateway.faults.add(Fault(**given))
    return {"ok": True}


def _clock(world: World, given: Given) -> object:
    now = given["now"]
    with world.lock:
        world.clock.set(datetime.fromisoformat(now) if now else None)
    return {"now": world.clock.now().isoformat()}


def _options(world: World, given: Given) -> object:
    pace = {name: timedelta(seconds=given.pop(name)) for name in _PACE if name in given}
    _check_names(given, Options)
    with world.lock:
        options = world.gateway.options
        for name, value in given.items():
            setattr(options, name, tuple(value) if isinstance(value, list) else value)
        options.pace = Pace(**{**asdict(options.pace), **pace})
    return {"ok": True}


def _callbacks(world: World, given: Given) -> object:
    options = world.callbacks.options
    _check_names(given, type(options))
    with world.lock:
        for name, value in given.items():
            setattr(options, name, timedelta(seconds=value) if name == "retry_after" else value)
    return {"ok": True}


def _write_inbound(world: World, given: Given) -> object:
    message = world.reply(mobile(given["from"]), line(given["to"], ()), str(given["message"]))
    return asdict(message)


def _fail_whatsapp(world: World, given: Given) -> object:
    with world.lock:
        world.whatsapp.add_fault(GraphFault(**given))
    return {"ok": True}


def _set_whatsapp(world: World, given: Given) -> object:
    _check_names(given, WhatsAppOptions)
    with world.lock:
        for name, value in given.items():
            as_kept = tuple(value) if isinstance(value, list) else value
            setattr(world.whatsapp.options, name, as_kept)
    return {"ok": True}


def _write_whatsapp(world: World, given: Given) -> object:
    sender, kind = str(given["from"]), str(given.get("kind", "text"))
    if not sender.isdecimal() or kind not in ("text", "button"):
        raise ValueError("a number in digits writes a text or presses a button")
    return asdict(world.write_by_whatsapp(sender, str(given["message"]), kind))


def _fail_mail(world: World, given: Given) -> object:
    world.post_office.fail_next(**given)
    return {"ok": True}


def _pump(world: World, _: Given) -> object:
    return {"posted": world.pump()}


def _reset(world: World, _: Given) -> object:
    world.forget()
    return {"ok": True}


def _check_names(given: Given, known: type) -> None:
    names = {each.name for each in fields(known)}
    if strange := set(given) - names:
        raise ValueError(f"unknown: {', '.join(sorted(strange))}")


_PACE: Final = tuple(each.name for each in fields(Pace))
_READ: Final[dict[str, Callable[[World, dict[str, str]], object]]] = {
    "messages": _messages,
    "inbound": _inbound,
    "calls": _calls,
    "state": _state,
    "whatsapp": _whatsapp,
    "letters": _letters,
}
_WRITE: Final[dict[str, Callable[[World, Given], object]]] = {
    "fail": _fail,
    "clock": _clock,
    "options": _options,
    "callbacks": _callbacks,
    "inbound": _write_inbound,
    "whatsapp/fail": _fail_whatsapp,
    "whatsapp/options": _set_whatsapp,
    "whatsapp/inbound": _write_whatsapp,
    "mail/fail": _fail_mail,
    "pump": _pump,
    "reset": _reset,
}
