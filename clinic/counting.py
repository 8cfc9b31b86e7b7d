"""How often something happened lately, for limits: kept in the cache, where losing it costs little."""

from __future__ import annotations

import datetime as dt

from django.core.cache import cache
from redis.exceptions import RedisError


def count(key: str, window: dt.timedelta) -> int:
    """Count once more; how often so far in the window that the first time began.

    0 where the cache does not answer: a limit must not stop the work it guards.
    """
    seconds = int(window.total_seconds())
    try:
        cache.add(key, 0, seconds)
        times: int = cache.incr(key)
        if times == 1:  # or made anew by `incr`, if the window ended just before: then without end
            cache.touch(key, seconds)
    except (RedisError, OSError):
        return 0
    except ValueError:  # the window ended between the two
        return 0
    return times


def counted(key: str) -> int:
    """How often so far; 0 where the cache does not answer."""
    try:
        return int(cache.get(key, 0))
    except (RedisError, OSError):
        return 0
