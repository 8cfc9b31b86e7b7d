"""Honest figures of few answers: intervals, and nothing at all where there is too little. Pure.

Wilson's interval is used because it stays right for small numbers and shares near 0 or 1, where
most of the shares here are. Shares are kept as counts, so that nobody can average averages.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import NormalDist, fmean, median

#: With fewer answers nothing is said.
ENOUGH = 5
#: 1.96: of a hundred such intervals, ninety-five hold the true share.
Z = NormalDist().inv_cdf(0.975)


def wilson(hits: int, n: int) -> tuple[float, float]:
    """The 95 % interval of the share hits ÷ n. Raises ValueError for counts that are none."""
    if not 0 <= hits <= n or n == 0:
        raise ValueError(f"{hits} of {n}")
    share, squared = hits / n, Z * Z
    centre = (share + squared / (2 * n)) / (1 + squared / n)
    spread = share * (1 - share) / n + squared / (4 * n * n)
    half = Z / (1 + squared / n) * math.sqrt(spread)
    return max(0.0, centre - half), min(1.0, centre + half)


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many."""

    hits: int
    n: int

    @property
    def value(self) -> float:
        return self.hits / self.n

    @property
    def interval(self) -> tuple[float, float]:
        return wilson(self.hits, self.n)

    @property
    def is_enough(self) -> bool:
        return self.n >= ENOUGH


@dataclass(frozen=True, slots=True)
class Level:
    """Where answers on a scale lie."""

    mean: float
    median: float
    n: int


def level(values: Iterable[int | None]) -> Level | None:
    """Mean and median of those who answered; None while they are too few."""
    said = [value for value in values if value is not None]
    if len(said) < ENOUGH:
        return None
    return Level(fmean(said), median(said), len(said))


def change(before: Share, after: Share) -> int:
    """1 or −1 where the share has clearly risen or fallen, 0 where chance would explain it.

    Newcombe's interval of the difference, made of the two Wilson intervals (Stat Med
    1998;17:873, method 10): clear is what does not hold zero.
    """
    difference = after.value - before.value
    (low_before, high_before), (low_after, high_after) = before.interval, after.interval
    low = difference - math.hypot(after.value - low_after, high_before - before.value)
    high = difference + math.hypot(high_after - after.value, before.value - low_before)
    return int(low > 0) - int(high < 0)
