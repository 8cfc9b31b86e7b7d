"""The methods of Kavenegar's web service: parameters in, entries out, refusals by code.

Each takes the gateway, the caller's account, the parameters and the time.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from messaging.parts import count_parts
from sandbox import block_lists
from sandbox.codes import STATUS_TEXTS, Refused, Status
from sandbox.context import Context, Entries, Entry, moment
from sandbox.gateway import LOCAL_ID_WINDOW, STATUS_WINDOW
from sandbox.params import Params, line, mobile, whole
from sandbox.records import Draft, Inbound, Text

_MAX_RECEPTORS: Final = 200
_MAX_IDS: Final = 500
_MAX_CHARACTERS: Final = 900
_MAX_TOKEN: Final = 100
_TOKENS: Final = {"token": 0, "token2": 0, "token3": 0, "token10": 5, "token20": 8}
_DAY: Final = timedelta(days=1)
_ONE_INBOX_CALL: Final = 100


def send(call: Context) -> Entries:
    """One text to many receptors."""
    receptors = call.params.listed("receptor", limit=_MAX_RECEPTORS)
    if not call.params.given("message"):
        raise Refused(400)
    body = _body(call, call.params.text("message"))
    local_ids = _local_ids(call, "localid", len(receptors))
    sender = _sender(call, call.params.text("sender"))
    drafts = [
        _draft(call, receptor, body, sender, local_id)
        for receptor, local_id in zip(receptors, local_ids, strict=True)
    ]
    return _accepted(call, drafts)


def sendarray(call: Context) -> Entries:
    """Different texts from different lines, as JSON arrays."""
    receptors, bodies = call.params.array("receptor"), call.params.array("message")
    senders = call.params.array("sender")
    if not len(receptors) == len(bodies) == len(senders):
        raise Refused(419)
    if len(receptors) > _MAX_RECEPTORS:
        raise Refused(414)
    local_ids = _local_ids(call, "localmessageids", len(receptors))
    drafts = [
        _draft(call, str(receptor), _body(call, str(body)), _sender(call, str(sender)), local_id)
        for receptor, body, sender, local_id in zip(
            receptors, bodies, senders, local_ids, strict=True
        )
    ]
    return _accepted(call, drafts)


def lookup(call: Context) -> Entries:
    """A template with its tokens filled in; no local id, no duplicates recognised."""
    receptor = mobile(call.params.required("receptor"))
    template = call.gateway.options.templates.get(call.params.required("template"))
    if template is None:
        raise Refused(424)
    if "%token" not in template:
        raise Refused(432)
    body = _filled(template, _tokens(call.params))
    sender = call.gateway.options.default_line
    parts = count_parts(body).parts
    draft = Draft(receptor, body, sender, call.now, parts, instant=True)
    return _accepted(call, [draft])


def status(call: Context) -> Entries:
    """States by message id, for two days."""
    ids = call.params.numbers("messageid", limit=_MAX_IDS)
    return [_state(call, i, call.gateway.text(call.account, i), STATUS_WINDOW) for i in ids]


def statuslocalmessageid(call: Context) -> Entries:
    """States by local id, for twelve hours."""
    ids = call.params.numbers("localid", limit=_MAX_IDS)
    return [
        {**_state(call, 0, call.account.by_local_id.get(i), LOCAL_ID_WINDOW), "localid": str(i)}
        for i in ids
    ]


def statusbyreceptor(call: Context) -> Entries:
    """States of the texts to one receptor in a span of at most a day."""
    receptor = mobile(call.params.required("receptor"))
    start = moment(call.params.number("startdate"))
    end = moment(call.params.number("enddate", int(call.now.timestamp())))
    if not start <= end <= start + _DAY:
        raise Refused(417)
    return [
        {**_state(call, text.id, text, STATUS_WINDOW), "receptor": receptor}
        for text in _own_texts(call)
        if text.receptor == receptor and start <= text.send_at <= end
    ]


def select(call: Context) -> Entries:
    """Whole messages by id; only for callers on the account's list of addresses."""
    if not call.gateway.options.select_allowed:
        raise Refused(407)
    ids = call.params.numbers("messageid", limit=_MAX_IDS)
    found = (call.gateway.text(call.account, i) for i in ids)
    return [_masked(_entry(call, text), text) for text in found if text]


def cancel(call: Context) -> Entries:
    """Take back texts whose time has not come."""
    ids = call.params.numbers("messageid", limit=_MAX_RECEPTORS, too_many=412)
    for text in filter(None, (call.gateway.text(call.account, i) for i in ids)):
        call.gateway.cancel(text, call.now)
    return [_state(call, i, call.gateway.text(call.account, i), STATUS_WINDOW) for i in ids]


def receive(call: Context) -> Entries:
    """Texts that came in on a line, a hundred at a time; they are read afterwards."""
    number = line(call.params.required("linenumber"), ())
    read = call.params.number("isread") != 0
    inbox = [
        message
        for message in call.gateway.inbound.values()
        if (message.account, message.receptor, message.read) == (call.account.name, number, read)
    ][:_ONE_INBOX_CALL]
    call.gateway.mark_read(message for message in inbox if not message.read)
    return [_inbound_entry(message) for message in inbox]


def account_info(call: Context) -> Entries:
    expires = int((call.now + timedelta(days=365)).timestamp())
    credit = call.gateway.credit(call.account)
    return {"remaincredit": credit, "expiredate": expires, "type": "master"}


_CONFIG: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "apilogs": ("justfaults", ("justfaults", "enabled", "disabled")),
    "dailyreport": ("disabled", ("enabled", "disabled")),
    "debugmode": ("disabled", ("enabled", "disabled")),
    "defaultsender": ("", ()),
    "mincreditalarm": ("0", ()),
    "resendfailed": ("disabled", ("enabled", "disabled")),
}


def account_config(call: Context) -> Entries:
    """Read the account's settings; what is given is set first."""
    changes = {name: value for name, value in call.params if name in _CONFIG}
    for name, value in changes.items():
        _, words = _CONFIG[name]
        if words and value not in words:
            raise Refused(400)
    if changes:
        call.gateway.configure(call.account, changes)
    return {name: call.account.config.get(name, usual) for name, (usual, _) in _CONFIG.items()}


def getdate(call: Context) -> Entries:
    now = call.now.astimezone(UTC)
    parts = ("year", "month", "day", "hour", "minute", "second")
    return {
        "datetime": f"{now:%Y/%m/%d %H:%M:%S}",
        **{part: getattr(now, part) for part in parts},
        "unixtime": int(now.timestamp()),
    }


@dataclass(frozen=True, slots=True)
class Method:
    """A method, and the HTTP verbs it takes."""

    run: Callable[[Context], Entries]
    verbs: Sequence[str] = ("GET", "POST")
    keyless: bool = False


METHODS: Final = {
    "sms/send": Method(send),
    "sms/sendarray": Method(sendarray, ("POST",)),
    "sms/status": Method(status),
    "sms/statuslocalmessageid": Method(statuslocalmessageid),
    "sms/statusbyreceptor": Method(statusbyreceptor),
    "sms/select": Method(select),
    "sms/cancel": Method(cancel),
    "sms/receive": Method(receive),
    "verify/lookup": Method(lookup),
    "account/info": Method(account_info),
    "account/config": Method(account_config),
    "utils/getdate": Method(getdate, keyless=True),
    "line/blocked/list": Method(block_lists.listed),
    "line/blocked/add": Method(block_lists.add),
    "line/blocked/exists": Method(block_lists.exists),
    "line/blocked/remove": Method(block_lists.remove, ("DELETE",)),
}


def _draft(call: Context, receptor: str, body: str, sender: str, local_id: int | None) -> Draft:
    """The checks that all ways of sending share."""
    options, number = call.gateway.options, mobile(receptor)
    if options.only_receptor and number != options.only_receptor:
        raise Refused(501)
    if call.params.text("tag") and call.params.text("tag") not in options.tags:
        raise Refused(607)
    return Draft(
        receptor=number,
        body=body,
        sender=sender,
        send_at=_send_at(call),
        parts=count_parts(body).parts,
        local_id=local_id,
        hidden=call.params.text("hide") == "1",
    )


def _body(call: Context, body: str) -> str:
    if not body.strip() or len(body) > _MAX_CHARACTERS:
        raise Refused(413)
    if "\ufffd" in body or "\0" in body:
        raise Refused(422)
    if not call.gateway.options.links_allowed and "://" in body:
        raise Refused(420)
    return body


def _sender(call: Context, sender: str) -> str:
    options = call.gateway.options
    return line(sender, options.lines) if sender else options.default_line


def _send_at(call: Context) -> datetime:
    """The time asked for; none and 0 mean now. Refused with 417 when it has passed."""
    seconds = whole(call.params.text("date") or "0", 417)
    if not seconds:
        return call.now
    asked = moment(seconds)
    if asked < call.now.replace(microsecond=0):
        raise Refused(417)
    return asked


def _local_ids(call: Context, name: str, count: int) -> list[int | None]:
    if not call.params.text(name):
        return [None] * count
    if call.params.text(name).lstrip().startswith("["):
        found = [whole(str(part)) for part in call.params.array(name)]
    else:
        found = [whole(part.strip()) for part in call.params.text(name).split(",")]
    if len(found) != count:
        raise Refused(400)
    return [number or None for number in found]


def _tokens(params: Params) -> dict[str, str]:
    tokens = {name: params.text(name) for name in _TOKENS if params.text(name)}
    if "token" not in tokens:
        raise Refused(400)
    for name, token in tokens.items():
        if token.count(" ") > _TOKENS[name] or len(token) > _MAX_TOKEN or set(token) & set("\n_"):
            raise Refused(431)
    if params.text("type") == "call" and not tokens["token"].isdecimal():
        raise Refused(428)
    return tokens


def _filled(template: str, tokens: dict[str, str]) -> str:
    """The longest names first: %token is the beginning of them all."""
    for name in sorted(_TOKENS, key=len, reverse=True):
        template = template.replace(f"%{name}", tokens.get(name, ""))
    return template


def _accepted(call: Context, drafts: list[Draft]) -> list[Entry]:
    texts = call.gateway.accept(call.account, drafts, call.now)
    return [_entry(call, text) for text in texts]


def _entry(call: Context, text: Text) -> Entry:
    now = call.gateway.status(text, call.now)
    return {
        "messageid": text.id,
        "message": text.body,
        "status": int(now),
        "statustext": STATUS_TEXTS[now],
        "sender": text.sender,
        "receptor": text.receptor,
        "date": int(text.send_at.timestamp()),
        "cost": text.cost,
    }


def _masked(entry: Entry, text: Text) -> Entry:
    masked = f"{text.receptor[:4]}***{text.receptor[-4:]}"
    return {**entry, "receptor": masked} if text.hidden else entry


def _state(call: Context, asked: int, text: Text | None, window: timedelta) -> Entry:
    """A state as far back as the gateway tells it; beyond that, and for strangers, 100."""
    known = text is not None and text.accepted_at > call.now - window
    now = call.gateway.status(text, call.now) if text and known else Status.UNKNOWN_ID
    number = text.id if text and known else asked
    return {"messageid": number, "status": int(now), "statustext": STATUS_TEXTS[now]}


def _own_texts(call: Context) -> list[Text]:
    return [text for text in call.gateway.texts.values() if text.account == call.account.name]


def _inbound_entry(message: Inbound) -> Entry:
    return {
        "messageid": message.id,
        "message": message.body,
        "sender": message.sender,
        "receptor": message.receptor,
        "date": int(message.received_at.timestamp()),
    }
