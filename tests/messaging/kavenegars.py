"""Kavenegar accounts and answers for tests."""

import json

import pytest

from messaging.providers import get_provider
from messaging.providers.base import OutgoingText, ProviderError
from messaging.providers.wire import Answer

KEY = "4B6E2F7A/canary+key="
TEXT = "سلام خانم رضایی؛ جلسه‌ی شما پنجشنبه ساعت ۱۷:۳۰ است."
RECEPTOR = "+989121234567"


def kavenegar(base_url="http://127.0.0.1:9", **settings):
    return get_provider("kavenegar", api_key=KEY, base_url=base_url, **settings)


def texts(count=1, first_id=7_000_001, text=TEXT):
    return [OutgoingText(first_id + n, f"+9891212345{67 + n:02}", text) for n in range(count)]


def raised_by(call, *arguments):
    with pytest.raises(ProviderError) as caught:
        call(*arguments)
    return caught.value


def answering(body, status=200):
    """A provider whose gateway gives this answer to everything."""
    provider = kavenegar()
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    provider._client._wire.post = lambda *_, **__: Answer(status, raw)
    return provider


def success(entries):
    return {"return": {"status": 200, "message": "تایید شد"}, "entries": entries}


def entry(text, number=8_792_343, **changes):
    receptor = "0" + text.receptor.removeprefix("+98")
    return {
        "messageid": number,
        "message": text.text,
        "status": 1,
        "statustext": "در صف",
        "sender": "10004346",
        "receptor": receptor,
        "date": 1356619709,
        "cost": 120,
        **changes,
    }


def outcome(call):
    """What a call gives, its error included; only a `ProviderError` is one."""
    try:
        return call()
    except ProviderError as error:
        return error
