"""What all senders know together of a gateway account: its pace, and whether it answers at all.

Both stand in Redis and guard the gateway, not the texts: a text's truth is its row. So an emptied
Redis costs nothing but a few calls too many, and one that does not answer lets every call through.
"""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from typing import TypeVar

import structlog
from django.conf import settings
from redis import Redis
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)

#: So many calls in a row that ended in nothing close the gate.
FAILURES = 5
#: For so long nothing is tried; then the first failure closes it again, and a success opens it.
CLOSED_FOR = dt.timedelta(seconds=60)
#: What nobody asked about for so long is forgotten.
_KEPT = dt.timedelta(hours=1)
#: Calls that an account may save up while it has nothing to send.
_BURST_SECONDS = 2.0
_PREFIX = "peygir:gate:"
T = TypeVar("T")

# A token bucket: by Redis's own clock, since it is the gateway's patience in real time that counts.
# Returns milliseconds to wait; 0 when a token was taken.
_TURN = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + clock[2] / 1000
local rate, most = tonumber(ARGV[1]) / 1000, tonumber(ARGV[2])
local kept = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens = tonumber(kept[1]) or most
tokens = math.min(most, tokens + math.max(0, now - (tonumber(kept[2]) or now)) * rate)
local wait = 0
if tokens >= 1 then tokens = tokens - 1 else wait = math.ceil((1 - tokens) / rate) end
redis.call('HSET', KEYS[1], 'tokens', tokens, 'at', now)
redis.call('PEXPIRE', KEYS[1], 60000)
return wait
"""
_FAILED = """
local failures = redis.call('HINCRBY', KEYS[1], 'failures', 1)
if failures >= tonumber(ARGV[1]) then redis.call('HSET', KEYS[1], 'closed_until', ARGV[2]) end
redis.call('EXPIRE', KEYS[1], ARGV[3])
return failures
"""


def turn(key: str, calls_per_second: float) -> float:
    """Take the account's next turn: 0, or the seconds until there is one. Unlimited where 0."""
    if not calls_per_second:
        return 0.0
    burst = max(1.0, calls_per_second * _BURST_SECONDS)
    try:
        waits = _redis().eval(_TURN, 1, f"{_PREFIX}pace:{key}", calls_per_second, burst)
    except RedisError as error:
        return _open_anyway(error, 0.0)
    return float(waits) / 1000


def closed_until(key: str, now: dt.datetime) -> dt.datetime | None:
    """Until when nothing should be tried, None while the gate is open.

    In the time of the caller, which may be moved; what was written under a clock far ahead of `now`
    says nothing.
    """
    try:
        told = _redis().hget(_breaker(key), "closed_until")
    except RedisError as error:
        return _open_anyway(error, None)
    until = dt.datetime.fromtimestamp(float(told), dt.UTC) if told else None
    return until if until and now < until <= now + _KEPT else None


def failed(key: str, now: dt.datetime) -> None:
    """A call ended in nothing: no connection, no answer, too much at once."""
    until = (now + CLOSED_FOR).timestamp()
    try:
        failures = _redis().eval(
            _FAILED, 1, _breaker(key), FAILURES, until, int(_KEPT.total_seconds())
        )
    except RedisError as error:
        _open_anyway(error, None)
        return
    if int(failures) == FAILURES:
        log.warning("gate_closed", gateway=key)


def close(key: str, until: dt.datetime) -> None:
    """Let an account that refused us rest."""
    try:
        _redis().hset(_breaker(key), "closed_until", until.timestamp())
        _redis().expire(_breaker(key), int(_KEPT.total_seconds()))
    except RedisError as error:
        _open_anyway(error, None)


def worked(key: str) -> None:
    try:
        _redis().delete(_breaker(key))
    except RedisError as error:
        _open_anyway(error, None)


def first_time(what: str, within: dt.timedelta) -> bool:
    """Whether nobody has asked this lately; False without Redis, where nobody could know."""
    try:
        return bool(_redis().set(f"{_PREFIX}told:{what}", 1, nx=True, ex=within))
    except RedisError as error:
        return _open_anyway(error, False)


def forget() -> None:
    """Open all gates, as after an emptied Redis."""
    for key in _redis().scan_iter(f"{_PREFIX}*"):
        _redis().delete(key)


def _breaker(key: str) -> str:
    return f"{_PREFIX}answers:{key}"


def _open_anyway(error: RedisError, answer: T) -> T:
    log.warning("gates_not_known", error=type(error).__name__)
    return answer


@lru_cache(maxsize=4)
def _client(url: str) -> Redis:
    return Redis.from_url(url, socket_connect_timeout=1, socket_timeout=1)


def _redis() -> Redis:
    return _client(settings.CELERY_BROKER_URL)
