"""Everything the environment may say, read once and typed.

``load()`` is for entry points and settings: it reads ``.env``, and a missing or malformed
variable ends the process with one line on stderr and exit code 2. ``read()`` is the same
without a process around it: it raises ``BadVariable`` and looks at nothing but its argument
(and the secret key kept under ``PEYGIR_VAR`` in development).

Messages name the variable and show an example; they never repeat the value, which may be a
password.
"""

import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn, TypeVar
from urllib.parse import SplitResult, urlsplit

import environ

from config.secretfile import read_or_create_secret

T = TypeVar("T")

_environ: Any = environ.Env  # it has no types

PROJECT_ROOT = Path(__file__).resolve().parent.parent

# Never resolves (RFC 2606), and tells in a connection's error what was forgotten.
NO_SERVER = "no-server-yet-call-embedded-ensure.invalid"

EXPECTED = {
    "PEYGIR_ENV": "development or production",
    "PEYGIR_VAR": "a folder, e.g. /var/lib/peygir",
    "PORT": "a port number from 1 to 65535, e.g. 8000",
    "SECRET_KEY": "at least 50 random characters, e.g. from `openssl rand -base64 48`",
    "PUBLIC_URL": "the address people use, without a path, e.g. https://peygir.example.ir",
    "ALLOWED_HOSTS": "host names between commas, e.g. peygir.example.ir,127.0.0.1",
    "DATABASE_URL": "a PostgreSQL address, e.g. postgres://user:password@host:5432/peygir",
    "DATABASE_ADMIN_URL": "a PostgreSQL address, e.g. postgres://admin:password@host:5432/postgres",
    "REDIS_URL": "a Redis address, e.g. redis://:password@host:6379/0",
    "KAVENEGAR_BASE_URL": "scheme, host and port only, e.g. https://api.kavenegar.com",
    "KAVENEGAR_API_KEY": "the key from Kavenegar's panel, letters and digits only",
    "SMSIR_BASE_URL": "scheme, host and port only, e.g. https://api.sms.ir",
    "WHATSAPP_BASE_URL": "scheme, host and port only, e.g. https://graph.facebook.com",
    "ALLOWED_RECIPIENTS": "phone numbers between commas, e.g. 09121234567,09351234567",
    "EMAIL_URL": "a mail server, e.g. smtp+tls://user:password@mail.example.ir:587",
    "DEFAULT_FROM_EMAIL": "one sender, e.g. Peygir <no-reply@example.ir>",
    "BOUNCE_ADDRESS": "a mailbox, e.g. bounces@example.ir",
}

HIGHEST_PORT = 65535
SHORTEST_KEY = 50  # characters; Django's own check asks for as many

# In production nothing is guessed: a default meant for a laptop would look like a working site.
REQUIRED_IN_PRODUCTION = frozenset(
    {"SECRET_KEY", "PUBLIC_URL", "DATABASE_URL", "REDIS_URL", "EMAIL_URL", "DEFAULT_FROM_EMAIL"}
)


class BadVariable(ValueError):
    """A variable is missing or malformed. ``str()`` is the one line a person needs."""

    def __init__(self, name: str, *, missing: bool = False) -> None:
        self.name = name
        what = "is not set" if missing else "is malformed"
        super().__init__(f"{name} {what}: it should be {EXPECTED[name]}")


@dataclass(frozen=True)
class Environment:
    """The settings of one process. What is secret or personal stays out of ``repr``."""

    production: bool
    port: int
    #: This installation's own files: embedded servers, the development key, outgoing mail.
    var: Path
    secret_key: str = field(repr=False)
    #: Scheme, host and port, no slash at the end.
    public_url: str
    allowed_hosts: list[str]
    #: Django's DATABASES["default"]; leads nowhere while DATABASE_URL is unset.
    database: dict[str, Any] = field(repr=False)
    redis_url: str = field(repr=False)
    #: Scheme, host and port, no slash at the end.
    kavenegar_base_url: str
    #: Empty: a clinic without an account of its own cannot send.
    kavenegar_api_key: str = field(repr=False)
    #: Sends per account and second over all workers; 0 for no limit, None for each gateway's own.
    gateway_calls_per_second: float | None
    #: Scheme, host and port, no slash at the end.
    smsir_base_url: str
    whatsapp_base_url: str
    #: Who may read /metrics from elsewhere; empty: nobody.
    metrics_token: str = field(repr=False)
    #: Phones as the operator wrote them; the rooms that send normalise them.
    allowed_recipients: list[str] = field(repr=False)
    #: Django's EMAIL_* settings under their own names.
    email: dict[str, Any] = field(repr=False)
    default_from_email: str
    #: Where letters come back to; empty: to their sender.
    bounce_address: str


def load_dotenv() -> None:
    """Add the variables of ``.env`` in the project's folder; the real environment wins."""
    if (PROJECT_ROOT / ".env").is_file():
        _environ.read_env(PROJECT_ROOT / ".env", overwrite=False)


def load() -> Environment:
    """The environment of this process. A wrong variable ends it with exit code 2."""
    load_dotenv()
    try:
        return read(os.environ)
    except BadVariable as problem:
        fail(problem)


def fail(problem: Exception) -> NoReturn:
    """Say what is wrong in one line on stderr and exit with 2, without a traceback."""
    sys.stderr.write(f"peygir: {problem}\n")
    raise SystemExit(2)


def read(variables: Mapping[str, str]) -> Environment:
    """Type ``variables``. Raises BadVariable at the first one that is missing or malformed."""
    port = value(variables, "PORT", _port, "8000")
    public_url = value(variables, "PUBLIC_URL", _origin, f"http://127.0.0.1:{port}")
    return Environment(
        production=is_production(variables),
        port=port,
        var=var_folder(variables),
        secret_key=_secret_key(variables),
        public_url=public_url,
        allowed_hosts=value(variables, "ALLOWED_HOSTS", _hosts, _own_hosts(variables, public_url)),
        database=value(variables, "DATABASE_URL", _database, f"postgres://{NO_SERVER}/peygir"),
        redis_url=value(variables, "REDIS_URL", _redis, f"redis://{NO_SERVER}/0"),
        kavenegar_base_url=value(
            variables, "KAVENEGAR_BASE_URL", _origin, "https://api.kavenegar.com"
        ),
        kavenegar_api_key=value(variables, "KAVENEGAR_API_KEY", _api_key, ""),
        gateway_calls_per_second=value(variables, "GATEWAY_CALLS_PER_SECOND", _rate, ""),
        smsir_base_url=value(variables, "SMSIR_BASE_URL", _origin, "https://api.sms.ir"),
        whatsapp_base_url=value(
            variables, "WHATSAPP_BASE_URL", _origin, "https://graph.facebook.com"
        ),
        metrics_token=value(variables, "METRICS_TOKEN", _token, ""),
        allowed_recipients=value(variables, "ALLOWED_RECIPIENTS", _phones, ""),
        email=_email_settings(variables),
        default_from_email=value(
            variables, "DEFAULT_FROM_EMAIL", _sender, "Peygir <peygir@localhost>"
        ),
        bounce_address=value(variables, "BOUNCE_ADDRESS", _mailbox, ""),
    )


def value(
    variables: Mapping[str, str], name: str, parse: Callable[[str], T], default: str | None
) -> T:
    """``variables[name]`` parsed; an empty variable counts as unset.

    Unset gives the parsed ``default``, or BadVariable where production (or ``default=None``)
    asks for an explicit value. ``parse`` says no by raising ValueError.
    """
    text = variables.get(name, "").strip()
    if not text:
        if default is None or (name in REQUIRED_IN_PRODUCTION and is_production(variables)):
            raise BadVariable(name, missing=True)
        text = default
    try:
        return parse(text)
    except ValueError:
        # `from None`: the parser's own message may quote a password.
        raise BadVariable(name) from None


def is_production(variables: Mapping[str, str]) -> bool:
    """Whether PEYGIR_ENV says production; anything but its two values is refused."""
    text = variables.get("PEYGIR_ENV", "").strip() or "development"
    if text not in {"development", "production"}:
        raise BadVariable("PEYGIR_ENV")
    return text == "production"


def var_folder(variables: Mapping[str, str]) -> Path:
    """Where this installation keeps its own files.

    A relative PEYGIR_VAR counts from the project's folder, not from the current one, so that
    the web process, the worker and a command typed elsewhere mean the same place.
    """
    return value(variables, "PEYGIR_VAR", _folder, "var")


def admin_database_url(variables: Mapping[str, str]) -> str:
    """DATABASE_ADMIN_URL, which only `manage.py provision` needs."""
    return value(variables, "DATABASE_ADMIN_URL", postgres_url, None)


def postgres_url(text: str) -> str:
    """``text`` when it is the address of a PostgreSQL database; raises ValueError if not."""
    parts = _split(text, {"postgres", "postgresql"})
    if not parts.path.strip("/"):
        raise ValueError("no database name")
    return text


def _secret_key(variables: Mapping[str, str]) -> str:
    if variables.get("SECRET_KEY", "").strip() or is_production(variables):
        return value(variables, "SECRET_KEY", _long_enough, None)
    return read_or_create_secret(var_folder(variables) / "secret_key")


def _own_hosts(variables: Mapping[str, str], public_url: str) -> str:
    host = urlsplit(public_url).hostname or ""
    if is_production(variables):
        return host
    return ",".join(dict.fromkeys([host, "localhost", "127.0.0.1", "[::1]"]))


def _email_settings(variables: Mapping[str, str]) -> dict[str, Any]:
    """In development letters become files: several commands own stdout, one JSON document."""
    if variables.get("EMAIL_URL", "").strip() or is_production(variables):
        return value(variables, "EMAIL_URL", _email, None)
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend",
        "EMAIL_FILE_PATH": str(var_folder(variables) / "mail"),
    }


def _split(text: str, schemes: set[str]) -> SplitResult:
    parts = urlsplit(text)
    if parts.scheme not in schemes or not _is_clean(text):
        raise ValueError("scheme")
    _ = parts.port  # raises ValueError when it is not a number a port can have
    return parts


def _is_clean(text: str) -> bool:
    return not re.search(r"[\s\x00-\x1f\x7f]", text)


def _port(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 1 <= int(text) <= HIGHEST_PORT:
        raise ValueError("port")
    return int(text)


def _token(text: str) -> str:
    if text and not re.fullmatch(r"[!-~]{16,200}", text):
        raise ValueError("token")
    return text


def _rate(text: str) -> float | None:
    if text and not re.fullmatch(r"[0-9]{1,4}(\.[0-9]{1,3})?", text):
        raise ValueError("rate")
    return float(text) if text else None


def _folder(text: str) -> Path:
    if not text.isprintable():
        raise ValueError("folder")
    try:
        return PROJECT_ROOT / Path(text).expanduser()
    except RuntimeError as problem:  # ~somebody whom the system does not know
        raise ValueError(str(problem)) from None


def _long_enough(text: str) -> str:
    if len(text) < SHORTEST_KEY:
        raise ValueError("too short")
    return text


def _origin(text: str) -> str:
    parts = _split(text, {"http", "https"})
    if not parts.hostname or parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError("more or less than scheme, host and port")
    if parts.username is not None or parts.password is not None:
        raise ValueError("a password does not belong here")
    return f"{parts.scheme}://{parts.netloc}"


def _hosts(text: str) -> list[str]:
    hosts = _items(text)
    if not hosts or not all(re.fullmatch(r"\.?[\w.-]+|\[[0-9a-fA-F:]+\]", host) for host in hosts):
        raise ValueError("host")
    return hosts


def _database(text: str) -> dict[str, Any]:
    config: dict[str, Any] = _environ.db_url_config(postgres_url(text))
    return config


def _redis(text: str) -> str:
    parts = _split(text, {"redis", "rediss", "unix"})
    if not (parts.path if parts.scheme == "unix" else parts.hostname):
        raise ValueError("no server")
    return text


def _api_key(text: str) -> str:
    # The key becomes a part of the gateway's path: a slash in it would change the address.
    if not re.fullmatch(r"[A-Za-z0-9_.=-]*", text):
        raise ValueError("key")
    return text


def _phones(text: str) -> list[str]:
    phones = _items(text)
    # \d takes Persian and Arabic digits too.
    if not all(re.fullmatch(r"\+?[\d\s()-]{5,20}", phone) for phone in phones):
        raise ValueError("phone")
    return phones


def _email(text: str) -> dict[str, Any]:
    parts = _split(text, set(_environ.EMAIL_SCHEMES))
    if parts.scheme.startswith("smtp") and not parts.hostname:
        raise ValueError("no server")
    config: dict[str, Any] = _environ.email_url_config(text)
    found = {**config, **config.pop("OPTIONS", {})}
    # Only e-mail settings: a query such as ?DEBUG=1 must not become one of Django's.
    return {key: entry for key, entry in found.items() if key.startswith("EMAIL_") and entry}


def _sender(text: str) -> str:
    if not re.fullmatch(r"[^\r\n<>]*<[^\s<>@]+@[^\s<>@]+>|[^\s<>@]+@[^\s<>@]+", text):
        raise ValueError("sender")
    return text


def _mailbox(text: str) -> str:
    # What stands before the @ is extended with a plus and the letter's mark.
    if text and not re.fullmatch(r"[A-Za-z0-9._-]{1,20}@[A-Za-z0-9.-]+", text):
        raise ValueError("mailbox")
    return text


def _items(text: str) -> list[str]:
    return [item.strip() for item in re.split("[,،]", text) if item.strip()]
