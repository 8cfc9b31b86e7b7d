"""sms.ir for tests: an account, and answers of the gateway."""

import json
from datetime import UTC, datetime

from messaging.providers import get_provider
from messaging.providers.wire import Answer

NOW = datetime(2026, 11, 21, 6, 30, tzinfo=UTC)
KEY = "Xk9canaryKEYofSmsIr"
LINE = "30007732"


def smsir(base_url="http://127.0.0.1:9", **changed):
    account = {"api_key": KEY, "sender": LINE, "base_url": base_url}
    return get_provider("smsir", **{**account, **changed})


def answering(body, status=200, **changed):
    """A provider whose gateway gives this answer to everything."""
    provider = smsir(**changed)
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    provider._client._wire.call = lambda *_, **__: Answer(status, raw)
    return provider


def success(data):
    return {"status": 1, "message": "موفق", "data": data}


def pack(*ids, cost=2.0):
    return success({"packId": "2b99e63c", "messageIds": list(ids), "cost": cost})
