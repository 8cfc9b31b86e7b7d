"""A mail server that keeps every letter, and refuses or loses the next ones as ordered."""

import contextlib
import email.policy
import socketserver
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from email.parser import BytesParser
from typing import Any, Final

_LONGEST_LINE: Final = 8192
_LONGEST_LETTER: Final = 4 * 1024 * 1024
_SECONDS: Final = 30
_MOST: Final = 10_000

#: What each mode does to the next letters, and at which command. "stores" is said of those that keep
#: the letter nevertheless.
MODES: Final = {
    "busy": "421 before anything: come later",
    "greylist": "451 at RCPT: come later",
    "no_mailbox": "550 5.1.1 at RCPT",
    "bad_login": "535 at AUTH, and 530 at MAIL for who does not sign in",
    "bad_sender": "553 at MAIL",
    "refuse_letter": "554 after the letter",
    "later_letter": "452 after the letter",
    "drop_at_rcpt": "cuts the connection at RCPT",
    "drop": "takes the letter and cuts the connection without a word",
    "drop_in_letter": "cuts the connection before the letter has ended; keeps nothing",
}


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter that was taken, as it came."""

    at: datetime
    sender: str
    receptor: str = field(repr=False)
    raw: bytes = field(repr=False)

    def parsed(self) -> EmailMessage:
        parser = BytesParser(policy=email.policy.default)
        return parser.parsebytes(self.raw)


class PostOffice:
    """The letters taken, and the failures still to come. Safe to share between threads."""

    def __init__(
        self,
        record: Callable[[dict[str, Any]], None] | None = None,
        lock: AbstractContextManager[Any] | None = None,
    ) -> None:
        # Who shares the journal with others shares their lock.
        self.letters: list[Letter] = []
        self.connections = 0
        self._coming: list[str] = []
        self._lock = lock or threading.RLock()
        self._record = record or (lambda _: None)

    def fail_next(self, mode: str, times: int = 1) -> None:
        if mode not in MODES or not 1 <= times <= _MOST:
            raise ValueError(f"no such failure: {mode!r}; known are {', '.join(MODES)}")
        with self._lock:
            self._coming += [mode] * times

    def called(self) -> str:
        """The failure that this connection meets, or empty."""
        with self._lock:
            self.connections += 1
            return self._coming.pop(0) if self._coming else ""

    def take(self, sender: str, receptor: str, raw: bytes) -> None:
        letter = Letter(datetime.now(UTC), sender, receptor, raw)
        with self._lock:
            self.letters.append(letter)
            self._record(
                {
                    "event": "letter",
                    "at": letter.at.isoformat(),
                    "sender": sender,
                    "receptor": receptor,
                    "raw": raw.decode("utf-8", "replace"),
                }
            )

    def replay(self, events: Any) -> None:
        """The letters that were recorded; what is no letter is passed over."""
        for event in events:
            if event.get("event") == "letter":
                with contextlib.suppress(KeyError, TypeError, ValueError, AttributeError):
                    at = datetime.fromisoformat(event["at"])
                    raw = event["raw"].encode()
                    self.letters.append(Letter(at, event["sender"], event["receptor"], raw))

    def forget(self) -> None:
        with self._lock:
            self.letters.clear()
            self._coming.clear()


class MailServer:
    """Listens on loopback for letters. Port 0 takes a free one."""

    def __init__(self, office: PostOffice, port: int = 0) -> None:
        class Handler(_Handler):
            post_office = office

        self.office = office
        self._smtp = _Listener(("127.0.0.1", port), Handler)
        self._thread = threading.Thread(target=self._smtp.serve_forever, args=(0.05,), daemon=True)

    @property
    def port(self) -> int:
        return int(self._smtp.server_address[1])

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._smtp.shutdown()
        self._smtp.server_close()
        self._thread.join(timeout=5)


class _Listener(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that hangs up is none of our errors."""


class _Cut(Exception):
    """The connection ends here, without a word."""


class _Handler(socketserver.StreamRequestHandler):
    post_office: PostOffice
    timeout = _SECONDS

    def handle(self) -> None:
        self._mode = self.post_office.called()
        self._sender = self._receptor = ""
        self._signed_in = False
        if self._mode == "busy":
            self._say("421 come later")
            return
        self._say("220 sandbox ESMTP")
        with contextlib.suppress(_Cut, OSError):
            while line := self.rfile.readline(_LONGEST_LINE):
                word, _, rest = line.decode("latin-1").strip().partition(" ")
                if not self._obey(word.upper(), rest):
                    break

    def _obey(self, word: str, rest: str) -> bool:
        """Answer one command; False ends the conversation."""
        match word:
            case "EHLO":
                self._say("250-sandbox", "250-8BITMIME", "250 AUTH PLAIN LOGIN")
            case "AUTH":
                self._sign_in(rest)
            case "MAIL":
                self._from(rest)
            case "RCPT":
                self._to(rest)
            case "DATA":
                self._letter()
            case "QUIT":
                self._say("221 bye")
                return False
            case "HELO" | "RSET" | "NOOP":
                self._say("250 ok")
            case _:
                self._say("502 no such command")
        return True

    def _sign_in(self, rest: str) -> None:
        mechanism, _, given = rest.partition(" ")
        questions = {"LOGIN": 2, "PLAIN": 1}.get(mechanism.upper(), 0) - bool(given)
        for _ in range(max(questions, 0)):
            self._say("334 VXNlcm5hbWU6")
            self.rfile.readline(_LONGEST_LINE)
        self._signed_in = self._mode != "bad_login"
        self._say("235 welcome" if self._signed_in else "535 5.7.8 who are you?")

    def _from(self, rest: str) -> None:
        if self._mode == "bad_login" and not self._signed_in:
            self._say("530 5.7.0 sign in first")
        elif self._mode == "bad_sender":
            self._say("553 5.7.1 not in this name")
        else:
            self._sender = _address(rest)
            self._say("250 ok")

    def _to(self, rest: str) -> None:
        if self._mode == "drop_at_rcpt":
            raise _Cut
        refusals = {"greylist": "451 4.7.1 come later", "no_mailbox": "550 5.1.1 nobody here"}
        if self._mode not in refusals:
            self._receptor = _address(rest)
        self._say(refusals.get(self._mode, "250 ok"))

    def _letter(self) -> None:
        self._say("354 go ahead")
        if self._mode == "drop_in_letter":
            self.rfile.readline(_LONGEST_LINE)
            raise _Cut
        raw = self._read_letter()
        refusals = {"refuse_letter": "554 5.7.1 not this", "later_letter": "452 4.3.1 no room"}
        if refusal := refusals.get(self._mode):
            self._say(refusal)
            return
        self.post_office.take(self._sender, self._receptor, raw)
        if self._mode == "drop":
            raise _Cut
        self._say("250 taken")

    def _read_letter(self) -> bytes:
        lines, size = [], 0
        while (line := self.rfile.readline(_LONGEST_LINE)) and line.rstrip(b"\r\n") != b".":
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
            size += len(line)
            if size > _LONGEST_LETTER:
                raise _Cut
        return b"".join(lines)

    def _say(self, *lines: str) -> None:
        self.wfile.write("".join(f"{line}\r\n" for line in lines).encode())


def _address(rest: str) -> str:
    return rest.partition("<")[2].partition(">")[0]
