"""sms.ir: no answer, whatever stands in it, can mislead us."""

import json

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from messaging.providers.base import (
    AccountInfo,
    ErrorKind,
    InboundText,
    ProviderError,
    Reason,
)
from tests.messaging.kavenegars import TEXT, outcome, raised_by, texts
from tests.messaging.smsirs import LINE, answering, success

SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
    | st.sampled_from([0, 1, 5, "5", 20, 102, 111, 2**64, 10**400, 1e400, TEXT, 989121234567])
)  # fmt: skip
WORDS = (
    "status message data packId messageIds cost messageId deliveryState receiveReturnId "
    "messageText number mobile receivedDateTime"
)
NAMES = st.sampled_from(WORDS.split()) | st.text(max_size=5)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=8),
    max_leaves=20,
)
DATA = (
    JSON
    | st.fixed_dictionaries({"messageIds": st.lists(SCALARS, max_size=3), "cost": SCALARS})
    | st.lists(st.dictionaries(NAMES, SCALARS, max_size=8), max_size=3)
)
ANSWERS = (
    st.binary(max_size=200)
    | JSON.map(lambda value: json.dumps(value).encode())
    | DATA.map(lambda data: json.dumps(success(data)).encode())
)


def is_accepted(accepted, batch):
    ids = [a.local_id for a in accepted]
    numbers = [a.provider_id for a in accepted]
    costs = [a.cost_rial for a in accepted]
    return (
        set(ids) <= {text.local_id for text in batch}
        and len(set(ids)) == len(ids)
        and len(set(numbers)) == len(numbers)
        and all(0 < int(number) < 2**63 for number in numbers)
        and all(cost is None or 0 <= cost < 2**31 for cost in costs)
    )


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ANSWERS, st.sampled_from([200, 201, 400, 401, 429, 500, 502]), st.sampled_from([0, 1500]))
def test_no_answer_gives_anything_but_our_own_types(body, status, price):
    provider, batch = answering(body, status, rial_per_credit=price), texts(2)
    sent = outcome(lambda: provider.send(batch))
    states = outcome(lambda: provider.statuses(["5", "7"]))
    inbox = outcome(lambda: provider.receive(LINE))
    info = outcome(provider.account)

    assert is_accepted(sent.accepted if isinstance(sent, ProviderError) else sent, batch)
    assert isinstance(sent, ProviderError) or len(sent) == 2
    assert isinstance(states, ProviderError) or set(states) <= {"5", "7"}
    assert isinstance(inbox, ProviderError) or all(isinstance(t, InboundText) for t in inbox)
    assert isinstance(info, ProviderError | AccountInfo)


@pytest.mark.parametrize(
    "body", [b"[" * 100_000, b'{"status":' * 50_000, b"\xff\xfe", b"9" * 10_000, b"NaN", b"{}"]
)
def test_hostile_json_is_only_unreadable(body):
    error = raised_by(answering(body).send, texts())

    assert (error.kind, error.reason) == (ErrorKind.UNKNOWN, Reason.UNREADABLE)
