"""sms.ir's protocol on the wire: its methods, its envelope, its codes, and failures."""

import json
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from messaging.parts import count_parts
from sandbox.codes import OK, Refused, Status
from sandbox.faults import Fault, spoilt
from sandbox.gateway import Gateway
from sandbox.params import mobile
from sandbox.records import Account, Call, Draft, Inbound, Text
from sandbox.web import JSON, Request, Response

_PATH: Final = re.compile(r"/v1/(?:send|credit|line|receive)(?:/[^.]*)?")
_SUCCESS: Final = 1
_MAX_MOBILES: Final = 100
_MAX_CHARACTERS: Final = 900
_MAX_INBOX: Final = 100
_BLACKLISTED: Final = 0
_SOONEST, _LATEST = timedelta(hours=1), timedelta(days=365)

# What the gateway refuses in Kavenegar's words, in this protocol's.
_CODES: Final = {403: 10, 401: 13, 418: 102}
_WORDS: Final = {
    1: "موفق",
    0: "مشکلی در سامانه رخ داده است",
    10: "کلید وب‌سرویس نامعتبر است",
    13: "حساب کاربری غیرفعال است",
    20: "تعداد درخواست بیشتر از حد مجاز است",
    101: "شماره‌ی خط نامعتبر است",
    102: "اعتبار کافی نیست",
    103: "متن پیامک خالی است",
    104: "شماره‌ی موبایل نادرست است",
    105: "تعداد شماره‌ها بیشتر از ۱۰۰ است",
    107: "فهرست شماره‌ها خالی است",
    109: "زمان ارسال نامعتبر است",
    111: "ارسالی با این شناسه پیدا نشد",
    115: "شماره‌ها در فهرست سیاه هستند",
    117: "متن ارسالی تأیید نشده است",
}
_HTTP_STATUSES: Final = {_SUCCESS: OK, 0: 500, 20: 429, **dict.fromkeys(range(10, 15), 401)}
_STATES: Final = {
    Status.QUEUED: 4,
    Status.SCHEDULED: 4,
    Status.SENT: 5,
    Status.SENT_TOO: 5,
    Status.DELIVERED: 1,
    Status.UNDELIVERED: 2,
    Status.FAILED: 6,
    Status.CANCELLED: 6,
    Status.BLOCKED: 7,
}


@dataclass(frozen=True, slots=True)
class Context:
    """Whose call it is, what it says, and when. `number` is the one in the address, if any."""

    gateway: Gateway
    account: Account
    request: Request
    now: datetime
    number: int = 0


def speaks(path: str) -> bool:
    """Whether an address is one of this protocol."""
    return bool(_PATH.fullmatch(path))


def answer(gateway: Gateway, request: Request, now: datetime) -> Response:
    """Answer one call, or fail it as ordered."""
    method, number = _method(request.path)
    fault = gateway.faults.take(method)
    code, data = _SUCCESS, None
    if fault is None or fault.stores:
        code, data = _called(gateway, request, method, number, now)
    if fault and fault.mode == "code":
        code, data = fault.code, None
    _note(gateway, request, method, now, code=code, fault=fault)
    response = _envelope(gateway, code, _bent(fault, data) if fault else data)
    return spoilt(response, fault) if fault else response


def _method(path: str) -> tuple[str, int]:
    """A method's name, and the number that its address ends in."""
    name, _, last = path.removeprefix("/v1/").rpartition("/")
    if name == "send" and re.fullmatch(r"[0-9]{1,18}", last):
        return "send/report", int(last)
    return path.removeprefix("/v1/"), 0


def _called(
    gateway: Gateway, request: Request, method: str, number: int, now: datetime
) -> tuple[int, Any]:
    """The code and the data."""
    try:
        account = gateway.account(request.header("X-API-KEY"))
        run = _METHODS.get((request.verb, method), _nothing)
        return _SUCCESS, run(Context(gateway, account, request, now, number))
    except Refused as refusal:
        return _CODES.get(refusal.code, refusal.code), None


def _bulk(call: Context) -> object:
    """One text to many. Who refuses gets 0 for a number, and what is no mobile null."""
    asked = _asked(call.request)
    mobiles, line, body = _mobiles(asked), _line(call, asked), _body(call, asked)
    send_at = _send_at(call, asked)
    drafts = [_draft(each, body, line, send_at) for each in mobiles]
    takers = [d for d in drafts if d and (line, d.receptor) not in call.account.blocks]
    texts = call.gateway.accept(call.account, takers, call.now)
    numbers = {id(draft): text.id for draft, text in zip(takers, texts, strict=True)}
    return {
        "packId": str(uuid.UUID(int=texts[0].id if texts else 0)),
        "messageIds": [numbers.get(id(d), _BLACKLISTED) if d else None for d in drafts],
        "cost": float(sum(draft.parts for draft in takers)),
    }


def _report(call: Context) -> object:
    """What became of one text."""
    text = call.gateway.text(call.account, call.number)
    if text is None:
        raise Refused(111)
    state = _STATES[call.gateway.status(text, call.now)]
    return {
        "messageId": text.id,
        "mobile": _as_number(text.receptor),
        "messageText": text.body,
        "sendDateTime": int(text.send_at.timestamp()),
        "lineNumber": int(text.sender),
        "cost": float(text.parts),
        "deliveryState": state,
        "deliveryDateTime": _delivered_at(call, text),
    }


def _credit(call: Context) -> object:
    """Counted in texts of one part, not in money."""
    return call.gateway.credit(call.account) / max(1, call.gateway.options.tariff_rial)


def _lines(call: Context) -> object:
    options = call.gateway.options
    return [int(line) for line in options.lines or (options.default_line,)]


def _latest(call: Context) -> object:
    """What came in and was not read, to any line; it is read afterwards."""
    asked = call.request.values().get("count", "")
    count = min(int(asked), _MAX_INBOX) if re.fullmatch(r"[0-9]{1,3}", asked) else _MAX_INBOX
    inbox = [
        message
        for message in call.gateway.inbound.values()
        if message.account == call.account.name and not message.read
    ][:count]
    call.gateway.mark_read(inbox)
    return [_received(message) for message in inbox]


def _nothing(_: Context) -> object:
    """What an address or a verb leads to that there is not."""
    raise Refused(0)


_METHODS: Final[dict[tuple[str, str], Callable[[Context], object]]] = {
    ("POST", "send/bulk"): _bulk,
    ("GET", "send/report"): _report,
    ("GET", "credit"): _credit,
    ("GET", "line"): _lines,
    ("GET", "receive/latest"): _latest,
}


def _asked(request: Request) -> dict[str, Any]:
    """The JSON object of a call; anything else is a problem in the system, as there."""
    try:
        asked = json.loads(request.body)
    except (ValueError, RecursionError):
        raise Refused(0) from None
    if not isinstance(asked, dict):
        raise Refused(0)
    return asked


def _mobiles(asked: dict[str, Any]) -> list[object]:
    mobiles = asked.get("mobiles")
    if not isinstance(mobiles, list) or not mobiles:
        raise Refused(107)
    if len(mobiles) > _MAX_MOBILES:
        raise Refused(105)
    return mobiles


def _line(call: Context, asked: dict[str, Any]) -> str:
    line = str(asked.get("lineNumber"))
    lines = call.gateway.options.lines
    if not re.fullmatch(r"[0-9]{3,15}", line) or (lines and line not in lines):
        raise Refused(101)
    return line


def _body(call: Context, asked: dict[str, Any]) -> str:
    body = asked.get("messageText")
    if not isinstance(body, str) or not body.strip():
        raise Refused(103)
    if not call.gateway.options.links_allowed and "://" in body:
        raise Refused(117)
    return body


def _send_at(call: Context, asked: dict[str, Any]) -> datetime:
    """The time asked for, from an hour to a year ahead; none means now."""
    seconds = asked.get("sendDateTime")
    if seconds is None:
        return call.now
    ahead = seconds - call.now.timestamp() if isinstance(seconds, int) else -1
    if not _SOONEST.total_seconds() <= ahead <= _LATEST.total_seconds():
        raise Refused(109)
    return call.now + timedelta(seconds=ahead)


def _draft(number: object, body: str, line: str, send_at: datetime) -> Draft | None:
    """None for a number that cannot be texted, and for a text that is too long."""
    try:
        receptor = mobile(str(number))
    except Refused:
        return None
    if len(body) > _MAX_CHARACTERS:
        return None
    return Draft(receptor, body, line, send_at, count_parts(body).parts, silent=True)


def _received(message: Inbound) -> dict[str, object]:
    return {
        "receiveReturnId": message.id,
        "messageText": message.body,
        "number": int(message.receptor),
        "mobile": _as_number(message.sender),
        "receivedDateTime": int(message.received_at.timestamp()),
    }


def _delivered_at(call: Context, text: Text) -> int | None:
    changes = text.changes(call.gateway.options.pace)
    reached = (at for at, status in changes if status is Status.DELIVERED and at <= call.now)
    return next((int(at.timestamp()) for at in reached), None)


def _as_number(phone: str) -> int:
    return int(f"98{phone.removeprefix('0')}")


def _bent(fault: Fault, data: Any) -> object:
    """The data as this failure shows them; nothing here repeats a receptor or a text."""
    if fault.mode == "null_entries":
        return None
    if fault.mode == "missing_entry" and isinstance(data, dict) and "messageIds" in data:
        return {**data, "messageIds": data["messageIds"][:-1]}
    return data


def _envelope(gateway: Gateway, code: int, data: object) -> Response:
    envelope = {"status": code, "message": _WORDS.get(code, "خطا"), "data": data}
    body = json.dumps(envelope, ensure_ascii=False).encode()
    hidden = gateway.options.error_inside_200
    return Response(OK if hidden else _http_status(code), body, JSON)


def _http_status(code: int) -> int:
    """The logical refusals, the most, are 400."""
    return _HTTP_STATUSES.get(code, 400)


def _note(
    gateway: Gateway,
    request: Request,
    method: str,
    now: datetime,
    *,
    code: int,
    fault: Fault | None,
) -> None:
    failed = fault.mode if fault else ""
    gateway.calls.append(Call(now, method, request.verb, code, fault=failed))
