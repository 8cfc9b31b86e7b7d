"""Kavenegar's protocol on the wire: addresses, envelopes, HTTP statuses, and failures."""

import json
import re
from datetime import datetime
from typing import Final
from urllib.parse import unquote

from sandbox.codes import OK, RETURN_TEXTS, Refused
from sandbox.context import Context
from sandbox.faults import Fault, bent, spoilt
from sandbox.gateway import Gateway
from sandbox.methods import METHODS
from sandbox.params import Params
from sandbox.records import Call
from sandbox.web import JSON, Request, Response

_ADDRESS: Final = re.compile(r"/v1/([^/]+)/([a-z/]+)\.json", re.IGNORECASE)


def answer(gateway: Gateway, request: Request, now: datetime) -> Response:
    """Answer one call, or fail it as ordered."""
    found = _ADDRESS.fullmatch(request.path)
    method = found[2].lower() if found else ""
    fault = gateway.faults.take(method)
    if fault is None or fault.stores:
        code, entries = _called(gateway, unquote(found[1]) if found else "", method, request, now)
    else:
        code, entries = OK, []
    if fault and fault.mode == "code":
        code, entries = fault.code or 409, None
    _note(gateway, request, method, now, code=code, fault=fault)
    response = _envelope(gateway, code, bent(fault, entries) if fault else entries)
    return spoilt(response, fault) if fault else response


def _called(
    gateway: Gateway, key: str, method: str, request: Request, now: datetime
) -> tuple[int, object]:
    """The return code and the entries."""
    try:
        return OK, _run(gateway, key, method, request, now)
    except Refused as refusal:
        return refusal.code, None


def _run(gateway: Gateway, key: str, method: str, request: Request, now: datetime) -> object:
    known = METHODS.get(method)
    if known is None:
        raise Refused(404)
    account = gateway.account(gateway.options.default_key if known.keyless else key)
    if request.verb not in known.verbs:
        raise Refused(405)
    return known.run(Context(gateway, account, Params(request.values()), now))


def _envelope(gateway: Gateway, code: int, entries: object) -> Response:
    """The HTTP status is the return code, unless the gateway hides its refusals in a 200."""
    verdict = {"status": code, "message": RETURN_TEXTS.get(code, "خطا")}
    body = json.dumps({"return": verdict, "entries": entries}, ensure_ascii=False).encode()
    return Response(OK if gateway.options.error_inside_200 else code, body, JSON)


def _note(
    gateway: Gateway,
    request: Request,
    method: str,
    now: datetime,
    *,
    code: int,
    fault: Fault | None,
) -> None:
    values = Params(request.values())
    ids = re.findall(r"[0-9]{1,19}", values.text("localid") or values.text("localmessageids"))
    gateway.calls.append(
        Call(
            at=now,
            method=method,
            verb=request.verb,
            code=code,
            local_ids=tuple(map(int, ids)),
            receptors=len(values.text("receptor").split(",")) if values.text("receptor") else 0,
            fault=fault.mode if fault else "",
        )
    )
