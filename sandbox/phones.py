"""The page of phones: what each number received, and a way to answer. For people's eyes only.

Persian and right to left. Rendered on the server; the script only asks for it again.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from html import escape
from pathlib import Path
from string import Template
from typing import Final
from urllib.parse import quote

from clinic import jalali
from clinic.text import ascii_digits, persian_digits
from sandbox.codes import Refused, Status
from sandbox.params import line, mobile
from sandbox.records import Inbound, Text
from sandbox.web import Request, Response
from sandbox.whatsapp import Sent, Written
from sandbox.world import World

_STATIC: Final = Path(__file__).parent / "static"
_FONT: Final = "node_modules/vazirmatn/fonts/webfonts/Vazirmatn[wght].woff2"
_FILES: Final = {
    "/static/phones.css": (_STATIC / "phones.css", "text/css; charset=utf-8"),
    "/static/phones.js": (_STATIC / "phones.js", "text/javascript; charset=utf-8"),
    "/static/phones.svg": (_STATIC / "phones.svg", "image/svg+xml"),
    "/static/vazirmatn.woff2": (Path(__file__).parents[1] / _FONT, "font/woff2"),
}
_MAX_PHONES: Final = 24
_MAX_BUBBLES: Final = 40
_MAX_REPLY: Final = 900
_LINK: Final = re.compile(r"https?://[^\s<>\"'«»]+[^\s<>\"'«».,،؛;:!?؟()]")
_OWN_SITE: Final = ("", "same-origin", "none")

# Word, icon and tone of each state, from the phone owner's side.
_LOOKS: Final = {
    Status.QUEUED: ("در صف", "clock", "waiting"),
    Status.SCHEDULED: ("زمان‌بندی شده", "clock", "waiting"),
    Status.SENT: ("در راه", "check", "waiting"),
    Status.SENT_TOO: ("در راه", "check", "waiting"),
    Status.DELIVERED: ("رسید", "checks", "good"),
    Status.UNDELIVERED: ("نرسید", "alert", "bad"),
    Status.FAILED: ("خطای مخابرات", "alert", "bad"),
    Status.CANCELLED: ("لغو شد", "alert", "bad"),
    Status.BLOCKED: ("مسدود", "alert", "bad"),
}
_WHATSAPP_LOOKS: Final = {
    "accepted": ("در راه", "clock", "waiting"),
    "sent": ("در راه", "check", "waiting"),
    "delivered": ("رسید", "checks", "good"),
    "read": ("خوانده شد", "checks", "good"),
    "failed": ("نرسید", "alert", "bad"),
}
#: In the place of a line: the answer leaves by WhatsApp.
WHATSAPP: Final = "واتس‌اپ"
_REPLY_LOOKS: Final = {None: "در صندوق ورودی", 200: "تحویل پیگیر شد"}


@dataclass(frozen=True, slots=True)
class Bubble:
    """One text on a phone's screen."""

    at: datetime
    body: str
    note: str
    icon: str
    tone: str
    from_phone: bool = False


@dataclass(slots=True)
class Phone:
    """A number, the line that wrote to it last, and its texts, newest last."""

    number: str
    line: str
    bubbles: list[Bubble]


def answer(world: World, request: Request) -> Response | None:
    """The page, its parts and its form; None for any other address."""
    if request.path in _FILES:
        return _file(*_FILES[request.path])
    if request.path == "/reply" and request.verb == "POST":
        return _reply(world, request)
    if request.path not in ("/", "/phones") or request.verb not in ("GET", "HEAD"):
        return None
    wanted = request.values().get("q", "")
    phones, total = gather(world, wanted)
    row = _row(phones, total, wanted, world.clock.now())
    if request.path == "/phones":
        return Response(body=row.encode())
    return Response(body=_page(world, row, wanted).encode())


def gather(world: World, wanted: str = "") -> tuple[list[Phone], int]:
    """The phones whose number holds `wanted`, liveliest first, and how many there are in all."""
    digits = re.sub(r"\D", "", ascii_digits(wanted)).removeprefix("0098").removeprefix("98")
    with world.lock:
        now = world.clock.now()
        bubbles, lines = _bubbles(world, now)
    found = [number for number in bubbles if digits in number]
    found.sort(key=lambda number: bubbles[number][-1].at, reverse=True)
    phones = [
        Phone(number, lines[number], bubbles[number][-_MAX_BUBBLES:])
        for number in found[:_MAX_PHONES]
    ]
    return phones, len(found)


def _bubbles(world: World, now: datetime) -> tuple[dict[str, list[Bubble]], dict[str, str]]:
    bubbles: dict[str, list[Bubble]] = defaultdict(list)
    lines: dict[str, str] = {}
    for text in world.gateway.texts.values():
        bubbles[text.receptor].append(_received(text, world.gateway.status(text, now)))
        lines[text.receptor] = text.sender
    for message in world.gateway.inbound.values():
        bubbles[message.sender].append(_answered(message))
        lines.setdefault(message.sender, message.receptor)
    for sent in world.whatsapp.sent.values():
        number = _shown(sent.receptor)
        bubbles[number].append(_by_whatsapp(sent, sent.word(now, world.whatsapp.options)))
        lines[number] = WHATSAPP
    for written in world.whatsapp.written:
        bubbles[_shown(written.sender)].append(_written(written))
        lines.setdefault(_shown(written.sender), WHATSAPP)
    for each in bubbles.values():
        each.sort(key=lambda bubble: bubble.at)
    return bubbles, lines


def _received(text: Text, status: Status) -> Bubble:
    word, icon, tone = _LOOKS[status]
    parts = f"{persian_digits(text.parts)} پیامک"
    return Bubble(text.send_at, text.body, f"{word} · {parts}", icon, tone)


def _by_whatsapp(sent: Sent, state: str) -> Bubble:
    word, icon, tone = _WHATSAPP_LOOKS[state]
    return Bubble(sent.at, sent.body, f"{word} · {WHATSAPP}", icon, tone)


def _written(written: Written) -> Bubble:
    return Bubble(written.at, written.body, WHATSAPP, "checks", "good", from_phone=True)


def _shown(digits: str) -> str:
    """A number as the other texts to it are kept: 09…, a foreign one with its plus."""
    return f"0{digits[2:]}" if re.fullmatch(r"989[0-9]{9}", digits) else f"+{digits}"


def _answered(message: Inbound) -> Bubble:
    arrived = message.answer in (None, 200)
    note = _REPLY_LOOKS.get(message.answer, "پاسخ درگاه: خطا")
    icon, tone = ("checks", "good") if arrived else ("alert", "bad")
    return Bubble(message.received_at, message.body, note, icon, tone, from_phone=True)


def _file(path: Path, kind: str) -> Response | None:
    if not path.is_file():
        return None
    return Response(body=path.read_bytes(), kind=kind, headers={"Cache-Control": "max-age=60"})


def _reply(world: World, request: Request) -> Response:
    """Send what the phone's owner wrote, and show the page again."""
    values = request.values()
    body = values.get("text", "").strip()[:_MAX_REPLY]
    if request.header("Sec-Fetch-Site") not in _OWN_SITE:
        return Response(403, b"Forbidden", "text/plain; charset=utf-8")
    try:
        if body and values.get("line") == WHATSAPP:
            world.write_by_whatsapp(_digits(values.get("phone", "")), body)
        elif body:
            world.reply(mobile(values.get("phone", "")), line(values.get("line", ""), ()), body)
    except Refused:
        return Response(400, b"Bad number", "text/plain; charset=utf-8")
    wanted = quote(values.get("q", ""))
    return Response(303, headers={"Location": f"/?q={wanted}" if wanted else "/"})


def _digits(number: str) -> str:
    """A shown number as WhatsApp writes it. Raises `Refused` for what is none."""
    if re.fullmatch(r"\+[1-9][0-9]{6,14}", number):
        return number[1:]
    return f"98{mobile(number)[1:]}"


def _page(world: World, row: str, wanted: str) -> str:
    page = Template((_STATIC / "phones.html").read_text(encoding="utf-8"))
    title = f"<span class='clinic'>{escape(world.title)}</span>" if world.title else ""
    return page.substitute(row=row, wanted=escape(wanted), title=title)


def _row(phones: list[Phone], total: int, wanted: str, now: datetime) -> str:
    if not phones:
        return _nothing(wanted)
    count = persian_digits(f"{total} گوشی")
    if total > len(phones):
        count = persian_digits(f"{len(phones)} گوشیِ تازه‌تر از {total}؛ بقیه را با شماره پیدا کنید")
    shown = "".join(_phone(phone, wanted, now) for phone in phones)
    return f"<p class='count' id='count'>{count}</p><div class='row' id='row'>{shown}</div>"


def _nothing(wanted: str) -> str:
    words = (
        "<h2>گوشی‌ای با این شماره پیدا نشد</h2><p>شاید رقمی جا افتاده باشد. "
        "<a href='/'>همه‌ی گوشی‌ها</a></p>"
        if wanted
        else "<h2>هنوز پیامکی نرسیده است</h2>"
        "<p>هر پیامکی که پیگیر بفرستد، همین‌جا روی گوشیِ گیرنده دیده می‌شود.</p>"
    )
    return f"<div class='nothing' id='row'>{words}</div>"


def _phone(phone: Phone, wanted: str, now: datetime) -> str:
    number = persian_digits(_grouped(phone.number))
    return f"""
<article class="phone" data-phone="{phone.number}" aria-labelledby="n{phone.number}">
<h2 class="number" id="n{phone.number}"><bdi dir="ltr">{number}</bdi></h2>
<div class="body"><div class="speaker" aria-hidden="true"></div>
<div class="screen">
<header class="contact"><span class="face" aria-hidden="true">{_icon("person")}</span>
<bdi dir="ltr" class="line">{persian_digits(escape(phone.line))}</bdi></header>
<ol class="talk" tabindex="0" aria-label="پیامک‌های {number}">{_talk(phone.bubbles, now)}</ol>
<form class="reply" method="post" action="/reply">
<input type="hidden" name="phone" value="{phone.number}">
<input type="hidden" name="line" value="{escape(phone.line)}">
<input type="hidden" name="q" value="{escape(wanted)}">
<input name="text" aria-label="پاسخ از {number}" placeholder="پاسخ…" maxlength="{_MAX_REPLY}"
 autocomplete="off" required>
<button aria-label="بفرست">{_icon("send")}</button>
</form></div></div></article>"""


def _grouped(number: str) -> str:
    """As people read it; nobody knows how a foreign one is grouped."""
    return number if number.startswith("+") else f"{number[:4]} {number[4:7]} {number[7:]}"


def _talk(bubbles: list[Bubble], now: datetime) -> str:
    """The texts under the days they came on."""
    return "".join(_with_days(bubbles, now))


def _with_days(bubbles: list[Bubble], now: datetime) -> Iterator[str]:
    shown: date | None = None
    for bubble in bubbles:
        day = jalali.local_day(bubble.at)
        if day != shown:
            yield f"<li class='day'>{jalali.relative_day(day, now, language='fa')}</li>"
            shown = day
        yield _bubble(bubble)


def _bubble(bubble: Bubble) -> str:
    side = "out" if bubble.from_phone else "in"
    clock = jalali.time(bubble.at, language="fa")
    return (
        f"<li class='bubble {side} {bubble.tone}'><p dir='auto'>{linked(bubble.body)}</p>"
        f"<small><bdi dir='ltr'>{clock}</bdi><span>{_icon(bubble.icon)}{bubble.note}</span></small>"
        "</li>"
    )


def linked(body: str) -> str:
    """The text as HTML: addresses become links, everything else is only text."""
    pieces, end = [], 0
    for found in _LINK.finditer(body):
        address = escape(found[0])
        pieces.append(escape(body[end : found.start()]))
        pieces.append(
            f"<a href='{address}' target='_blank' rel='noopener noreferrer' dir='ltr'>{address}</a>"
        )
        end = found.end()
    return "".join([*pieces, escape(body[end:])])


def _icon(name: str) -> str:
    return f"<svg aria-hidden='true'><use href='#{name}'/></svg>"
