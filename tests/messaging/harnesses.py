"""How the contract test speaks with each provider's stand-in: one harness for every provider.

A harness builds the provider, lets its gateway fail in the few ways that every gateway can, and says
what has arrived there. A provider in the registry without one fails the contract test.
"""

import traceback
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import ClassVar, Self

from django.test import override_settings

from messaging.providers import get_provider
from messaging.providers.base import ApprovedText, OutgoingText, Provider
from sandbox.mail import PostOffice
from sandbox.testing import RunningGateway, running_gateway, running_mail

NOBODY = "http://127.0.0.1:9"  # the discard port: nobody listens there
TEXT = "سلام خانم رضایی؛ جلسه‌ی شما پنجشنبه ساعت ۱۷:۳۰ است."


class Harness(ABC):
    """One account at a stand-in that runs for the length of `running`."""

    kind: ClassVar[str]  # its name in the registry
    #: The account's secret; nothing may ever show it.
    key: ClassVar[str]
    receptor: ClassVar[str] = "+989121234567"
    #: Someone this gateway can never reach; told before anything leaves.
    unreachable: ClassVar[str] = "+982188776655"
    #: Names a callback of this gateway uses, so that random ones come near to real ones.
    words: ClassVar[tuple[str, ...]] = ()

    @classmethod
    @abstractmethod
    @contextmanager
    def running(cls) -> Iterator[Self]:
        """A harness with its stand-in running."""

    @abstractmethod
    def provider(self, **settings: object) -> Provider:
        """An account at the stand-in."""

    @abstractmethod
    def provider_of_nobody(self) -> Provider:
        """The same account at an address where nobody listens."""

    @abstractmethod
    def provider_elsewhere(self, *, encrypted: bool) -> Provider:
        """The same account on another machine, never spoken to."""

    @property
    @abstractmethod
    def taken(self) -> int:
        """How many texts the gateway has taken."""

    @property
    @abstractmethod
    def calls(self) -> int:
        """How many calls have arrived, refused ones too."""

    @abstractmethod
    def lose_next_answer(self) -> None:
        """The next text is taken, and its answer lost."""

    @abstractmethod
    def refuse_key(self) -> None:
        """The gateway no longer knows the account."""

    @abstractmethod
    def limit_rate(self) -> None:
        """The next call comes too soon after others."""

    def text(self, local_id: int = 7_000_001, receptor: str = "") -> OutgoingText:
        return OutgoingText(local_id, receptor or self.receptor, TEXT)

    def secrets(self) -> list[str]:
        """What no error, repr or log line may hold."""
        number = self.receptor.removeprefix("+98")
        return [self.key, number, self.unreachable.removeprefix("+98"), TEXT[:12], "%D8%B3"]


class WebHarness(Harness):
    """A gateway that is spoken to by HTTP, so that a proxy can stand in between."""

    @abstractmethod
    def answer_html(self) -> None:
        """The next call gets a proxy's page with HTTP 502 and does not reach the gateway."""


class SandboxHarness(WebHarness):
    """What the gateways share whose stand-in is the sandbox."""

    rate_code: ClassVar[int]

    def __init__(self, gateway: RunningGateway) -> None:
        self.gateway = gateway

    @classmethod
    @contextmanager
    def running(cls) -> Iterator[Self]:
        with running_gateway() as gateway:
            yield cls(gateway)

    @abstractmethod
    def at(self, base_url: str, **settings: object) -> Provider:
        """The account at this address."""

    def provider(self, **settings: object) -> Provider:
        return self.at(self.gateway.base_url, **settings)

    def provider_of_nobody(self) -> Provider:
        return self.at(NOBODY)

    def provider_elsewhere(self, *, encrypted: bool) -> Provider:
        return self.at("https://gateway.example" if encrypted else "http://gateway.example")

    @property
    def taken(self) -> int:
        return len(self.gateway.messages)

    @property
    def calls(self) -> int:
        return len(self.gateway.calls)

    def lose_next_answer(self) -> None:
        self.gateway.fail_next("accept_then_drop")

    def refuse_key(self) -> None:
        self.gateway.options.bad_keys = (self.key,)

    def answer_html(self) -> None:
        self.gateway.fail_next("html")

    def limit_rate(self) -> None:
        self.gateway.fail_next("code", code=self.rate_code)


class KavenegarHarness(SandboxHarness):
    kind = "kavenegar"
    key = "4B6E2F7A/canary+key="
    words = ("messageid", "status", "from", "to", "message")
    rate_code = 451

    def at(self, base_url: str, **settings: object) -> Provider:
        return get_provider(self.kind, api_key=self.key, base_url=base_url, **settings)


class KavenegarLookupHarness(KavenegarHarness):
    kind = "kavenegar_lookup"

    def text(self, local_id: int = 7_000_001, receptor: str = "") -> OutgoingText:
        approved = ApprovedText("code", ("رضایی",))
        return replace(super().text(local_id, receptor), approved=approved)

    def secrets(self) -> list[str]:
        return [*super().secrets(), "رضایی"]


class SmsIrHarness(SandboxHarness):
    kind = "smsir"
    key = "Xk9canaryKEYofSmsIr"
    words = (
        *("messageId", "deliveryState", "receiveReturnId"),
        *("mobile", "number", "messageText", "receivedDateTime"),
    )
    rate_code = 20

    def at(self, base_url: str, **settings: object) -> Provider:
        account = {"api_key": self.key, "sender": "30007732", "base_url": base_url}
        return get_provider(self.kind, **{**account, **settings})


class WhatsAppHarness(SandboxHarness):
    kind = "whatsapp"
    key = "EAAGm0PX4ZCpsBAcanary"
    unreachable = "reception-982188776655"
    words = ("entry", "changes", "value", "statuses", "messages", "id", "status", "from", "type")
    rate_code = 130429

    def at(self, base_url: str, **settings: object) -> Provider:
        number = {"sender": "106540352242922"}
        return get_provider(self.kind, api_key=self.key, base_url=base_url, **number, **settings)

    def text(self, local_id: int = 7_000_001, receptor: str = "") -> OutgoingText:
        self.gateway.whatsapp.options.any_template = True
        approved = ApprovedText("appointment_reminder", (TEXT,))
        return replace(super().text(local_id, receptor), approved=approved)

    @property
    def taken(self) -> int:
        return len(self.gateway.whatsapp.sent)

    @property
    def calls(self) -> int:
        return len(self.gateway.whatsapp.calls)

    def lose_next_answer(self) -> None:
        self.gateway.fail_next_whatsapp("accept_then_drop")

    def refuse_key(self) -> None:
        self.gateway.whatsapp.options.bad_tokens = (self.key,)

    def answer_html(self) -> None:
        self.gateway.fail_next_whatsapp("html")

    def limit_rate(self) -> None:
        self.gateway.fail_next_whatsapp("code", code=self.rate_code)


class EmailHarness(Harness):
    """Its settings are the installation's: each provider is made under its own."""

    kind = "email"
    key = "canary-password"
    receptor = "somebody9121234567@example.org"
    unreachable = "nobody9121234567"
    words = ("action", "status")

    def __init__(self, office: PostOffice, port: int) -> None:
        self.office, self.port = office, port

    @classmethod
    @contextmanager
    def running(cls) -> Iterator[Self]:
        with running_mail() as (office, port):
            yield cls(office, port)

    def at(self, host: str, port: int, *, tls: bool = False) -> Provider:
        server = {
            "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
            "EMAIL_HOST": host,
            "EMAIL_PORT": port,
            "EMAIL_USE_TLS": tls,
            "EMAIL_HOST_USER": "peygir",
            "EMAIL_HOST_PASSWORD": self.key,
        }
        with override_settings(**server):
            return get_provider(self.kind)

    def provider(self, **settings: object) -> Provider:
        return self.at("127.0.0.1", self.port)

    def provider_of_nobody(self) -> Provider:
        return self.at("127.0.0.1", 9)

    def provider_elsewhere(self, *, encrypted: bool) -> Provider:
        return self.at("mail.example", 587, tls=encrypted)

    @property
    def taken(self) -> int:
        return len(self.office.letters)

    @property
    def calls(self) -> int:
        return self.office.connections

    def lose_next_answer(self) -> None:
        self.office.fail_next("drop")

    def refuse_key(self) -> None:
        self.office.fail_next("bad_login")

    def limit_rate(self) -> None:
        self.office.fail_next("greylist")

    def secrets(self) -> list[str]:
        return [self.key, self.receptor, self.unreachable, TEXT[:12]]


HARNESSES: dict[str, type[Harness]] = {
    harness.kind: harness
    for harness in (
        EmailHarness,
        KavenegarHarness,
        KavenegarLookupHarness,
        SmsIrHarness,
        WhatsAppHarness,
    )
}


def traces(error: BaseException | None) -> Iterator[str]:
    """Everything an error could be logged as, along its whole chain."""
    while error is not None:
        yield from (str(error), repr(error), repr(error.args), repr(vars(error)))
        yield "".join(traceback.format_exception(error, chain=False))
        error = error.__cause__ or error.__context__
