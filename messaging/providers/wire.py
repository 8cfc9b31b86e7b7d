"""HTTP calls that know whether anything left this machine.

After a failed call only one thing matters: may the other side have taken the request? The kind of
exception cannot tell (a reset while connecting and one after writing look alike), so the connection
itself keeps note: only a call that never got past connecting is certainly not accepted.
"""

import logging
import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum, auto
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Final

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from messaging.providers.base import NotAccepted, OutcomeUnknown, ProviderError, Reason

CONNECT_SECONDS: Final = 5.0
READ_SECONDS: Final = 15.0
# A connection idle for longer may have been closed by the other side while our request is on its
# way, which cannot be told from a lost answer. Calls of one drain follow each other much faster.
_KEEP_SECONDS: Final = 4.0
_MAX_BODY: Final = 4 * 1024 * 1024
_CHUNK: Final = 64 * 1024
_REDIRECTS: Final = range(300, 400)
_TIMEOUTS = (requests.Timeout, urllib3.exceptions.TimeoutError, TimeoutError)
FORM: Final = "application/x-www-form-urlencoded; charset=utf-8"
JSON: Final = "application/json; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Request:
    """One call. Nothing of it is shown: addresses and headers hold keys, bodies hold texts."""

    verb: str
    url: str = field(repr=False)
    body: bytes = field(default=b"", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """The HTTP status and the whole body."""

    status: int
    body: bytes = b""


class _Stage(Enum):
    UNTRACKED = auto()
    CONNECTING = auto()
    WRITING = auto()


class _Call(threading.local):
    """This thread's call: how far it got, and what must not be logged about it."""

    stage = _Stage.UNTRACKED
    secrets: tuple[str, ...] = ()


_call = _Call()


class _Watched:
    """Mixed into a connection: notes when it begins to connect, and when to write the request."""

    _connecting = False

    def connect(self) -> None:
        _call.stage = _Stage.CONNECTING
        self._connecting = True
        try:
            super().connect()  # type: ignore[misc]
        finally:
            self._connecting = False

    def send(self, data: Any) -> None:
        # Connect first, or http.client does it inside send, where we would already call it writing.
        if self.sock is None and self.auto_open:  # type: ignore[attr-defined]
            self.connect()
        if not self._connecting:  # a proxy's CONNECT also comes through here
            _call.stage = _Stage.WRITING
        super().send(data)  # type: ignore[misc]


class _HTTPConnection(_Watched, HTTPConnection):
    pass


class _HTTPSConnection(_Watched, HTTPSConnection):
    pass


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _HTTPConnection


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _HTTPSConnection


class _Adapter(HTTPAdapter):
    """Watched connections, no retries: a silent second attempt would be a second text."""

    def __init__(self) -> None:
        never = urllib3.Retry(0, read=False, redirect=0)
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=never)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        _watch(self.poolmanager)

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        return _watch(super().proxy_manager_for(*args, **kwargs))


def _watch(manager: Any) -> Any:
    manager.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}
    return manager


class Wire:
    """Makes calls and reads the answers whole. Keeps one open connection per thread.

    With `direct`, the proxies that the environment names are not used.
    """

    def __init__(
        self,
        *,
        direct: bool,
        connect_seconds: float = CONNECT_SECONDS,
        read_seconds: float = READ_SECONDS,
    ) -> None:
        self._direct = direct
        self._timeouts = (connect_seconds, read_seconds)
        self._local = threading.local()

    def post(self, url: str, form: bytes, *, secrets: tuple[str, ...] = ()) -> Answer:
        """Post a form-encoded body; see `call`."""
        return self.call(Request("POST", url, form, {"Content-Type": FORM}), secrets=secrets)

    def call(self, request: Request, *, secrets: tuple[str, ...] = ()) -> Answer:
        """Make one call, once. `secrets` are parts of its address that no log may show.

        Redirects are not followed. Raises `NotAccepted` when nothing can have left, otherwise
        `OutcomeUnknown`.
        """
        _call.stage, _call.secrets = _Stage.UNTRACKED, secrets
        try:
            outcome = self._attempt(request)
        finally:
            _call.secrets = ()
        # Raised here, not where it was caught: the caught error names the address, and would hang
        # on to ours as its context.
        if isinstance(outcome, ProviderError):
            raise outcome
        return outcome

    def _attempt(self, request: Request) -> Answer | ProviderError:
        try:
            with self._session() as session:
                return _exchange(session, request, self._timeouts)
        except ProviderError as error:
            return error
        except Exception as error:  # noqa: BLE001 - any failure past the first byte is "unknown"
            return _verdict(error)

    @contextmanager
    def _session(self) -> Iterator[requests.Session]:
        """This thread's session; a connection that failed, aged or was forked is not used again."""
        kept = getattr(self._local, "kept", None)
        self._local.kept = None
        session = _fresh_enough(kept) or _new_session(direct=self._direct)
        try:
            yield session
        except BaseException:
            session.close()
            raise
        self._local.kept = (session, os.getpid(), time.monotonic())


def _fresh_enough(kept: tuple[requests.Session, int, float] | None) -> requests.Session | None:
    if kept is None:
        return None
    session, process, used_at = kept
    if process == os.getpid() and time.monotonic() - used_at < _KEEP_SECONDS:
        return session
    if process == os.getpid():
        session.close()
    return None


def _new_session(*, direct: bool) -> requests.Session:
    session = requests.Session()
    session.trust_env = not direct
    session.auth = _no_auth  # or the key's host would be looked for in ~/.netrc
    session.headers = requests.structures.CaseInsensitiveDict(
        {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "peygir"}
    )
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    adapter = _Adapter()
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def _no_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _exchange(session: requests.Session, request: Request, timeouts: tuple[float, float]) -> Answer:
    # A time-out counts from byte to byte; the deadline ends an answer that drips.
    deadline = time.monotonic() + sum(timeouts)
    with session.request(
        request.verb,
        request.url,
        data=request.body or None,
        headers=request.headers,
        timeout=timeouts,
        allow_redirects=False,
        stream=True,
    ) as response:
        if response.status_code in _REDIRECTS:
            raise OutcomeUnknown(Reason.REDIRECTED, response.status_code)
        return Answer(response.status_code, _read_all(response.raw, deadline))


def _read_all(raw: Any, deadline: float) -> bytes:
    body = bytearray()
    while chunk := raw.read1(_CHUNK, decode_content=False):
        body += chunk
        if len(body) > _MAX_BODY or time.monotonic() > deadline:
            raise OutcomeUnknown(Reason.TOO_LONG)
    return bytes(body)


def _verdict(error: Exception) -> ProviderError:
    if _call.stage is _Stage.CONNECTING:
        return NotAccepted(Reason.NOT_CONNECTED)
    timed_out = isinstance(error, _TIMEOUTS)
    return OutcomeUnknown(Reason.TIMED_OUT if timed_out else Reason.CONNECTION_LOST)


class _HideSecrets(logging.Filter):
    """Blanks a call's secrets in the HTTP library's own log lines, which name whole addresses."""

    def filter(self, record: logging.LogRecord) -> bool:
        text = hidden = record.getMessage() if _call.secrets else ""
        for secret in _call.secrets:
            hidden = hidden.replace(secret, "***")
        if hidden != text:
            record.msg, record.args, record.exc_info, record.exc_text = hidden, (), None, None
        return True


for _name in ("urllib3.connectionpool", "urllib3.connection", "urllib3.util.retry"):
    logging.getLogger(_name).addFilter(_HideSecrets())
