"""The Graph API on the wire: addresses, bearer tokens, messages, errors, and failures."""

import json
import re
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from sandbox.web import HTML, JSON, Request, Response, json_response
from sandbox.whatsapp import GraphCall, GraphError, GraphFault, Sent, WhatsApp

_ADDRESS: Final = re.compile(r"/v[0-9]+\.[0-9]+/([0-9]+)(/messages)?")
_BEARER: Final = re.compile(r"Bearer ([!-~]+)")
_LONGEST: Final = 4096
_BAD_GATEWAY: Final = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"


def speaks(path: str) -> bool:
    """Whether an address is one of the Graph API."""
    return _ADDRESS.fullmatch(path) is not None


def answer(world: WhatsApp, request: Request, now: datetime) -> Response:
    """Answer one call, or fail it as ordered."""
    fault = world.take_fault()
    try:
        code, response = 0, json_response(_outcome(world, request, fault, now))
    except GraphError as error:
        code, response = error.code, _refusal(error)
    world.calls.append(GraphCall(now, request.verb, code, fault.mode if fault else ""))
    return _spoilt(response, fault) if fault else response


def _outcome(
    world: WhatsApp, request: Request, fault: GraphFault | None, now: datetime
) -> dict[str, Any]:
    if fault and fault.mode == "code":
        raise GraphError(fault.code, fault.http)
    return {} if fault and not fault.stores else _called(world, request, now)


def _called(world: WhatsApp, request: Request, now: datetime) -> dict[str, Any]:
    found = _ADDRESS.fullmatch(request.path)
    number_id, posts = (found[1], found[2]) if found else ("", None)
    token = _BEARER.fullmatch(request.header("Authorization"))
    if not token or token[1] in world.options.bad_tokens:
        raise GraphError(190, 401)
    if posts and request.verb == "POST":
        return _sent(world, number_id, _given(request), now)
    if not posts and request.verb == "GET":
        return {"id": number_id}
    raise GraphError(100)


def _given(request: Request) -> dict[str, Any]:
    try:
        given = json.loads(request.body)
    except (ValueError, RecursionError):
        raise GraphError(100) from None
    if not isinstance(given, dict) or given.get("messaging_product") != "whatsapp":
        raise GraphError(100)
    return given


def _sent(world: WhatsApp, number_id: str, given: dict[str, Any], now: datetime) -> dict[str, Any]:
    receptor = re.sub(r"[^0-9]", "", str(given.get("to", "")))
    if not receptor:
        raise GraphError(131009)
    name, values, body = _content(given)
    callback_data = str(given.get("biz_opaque_callback_data", ""))[:512]
    draft = Sent(world.new_id(), number_id, receptor, body, name, callback_data, now)
    sent = world.accept(draft, values)
    message = {"id": sent.id} | ({"message_status": "accepted"} if name else {})
    contact = {"input": str(given["to"]), "wa_id": receptor}
    return {"messaging_product": "whatsapp", "contacts": [contact], "messages": [message]}


def _content(given: dict[str, Any]) -> tuple[str, int | None, str]:
    """The template's "name/language" with the number of its values, and the words."""
    try:
        if given.get("type") == "template":
            template = given["template"]
            values = [
                parameter["text"]
                for component in template.get("components", [])
                if component["type"].lower() == "body"
                for parameter in component["parameters"]
            ]
            name = f"{template['name']}/{template['language']['code']}"
            return name, len(values), f"[{template['name']}] {' · '.join(values)}"
        body = given["text"]["body"]
    except (KeyError, TypeError, AttributeError):
        raise GraphError(131008) from None
    if given.get("type") != "text" or not isinstance(body, str) or not 0 < len(body) <= _LONGEST:
        raise GraphError(131009)
    return "", None, body


def _refusal(error: GraphError) -> Response:
    said: dict[str, Any] = {
        "message": f"(#{error.code}) refused",
        "type": "OAuthException",
        "code": error.code,
        "error_data": {"messaging_product": "whatsapp", "details": "refused by the sandbox"},
        "fbtrace_id": "sandbox",
    }
    if error.subcode is not None:
        said["error_subcode"] = error.subcode
    return json_response({"error": said}, error.status)


def _spoilt(response: Response, fault: GraphFault) -> Response:
    """The answer as the failure lets it through."""
    match fault.mode:
        case "drop" | "accept_then_drop":
            response = Response(drop=True)
        case "half":
            response = replace(response, keep=0.5)
        case "empty":
            response = Response(200, b"", JSON)
        case "html":
            response = Response(502, _BAD_GATEWAY, HTML)
        case "redirect":
            response = Response(302, b"", HTML, {"Location": "/v26.0/elsewhere"})
        case "null_entries":
            response = json_response({"messages": None})
    return replace(response, wait=fault.seconds)
