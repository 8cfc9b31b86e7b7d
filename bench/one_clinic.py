"""`python -m bench.one_clinic`: how long the panel's pages take in one large clinic, 500 clients with
20,000 sessions and 50,000 texts, in the median and for the slowest in twenty.

With the garbage collector as the web process sets it; `GC=usual` leaves it as Python does. These are
milliseconds of one machine: they say whether a page is near the limit, not which is quicker.
"""

from __future__ import annotations

import os
import statistics
import sys

from bench.server import CAREFUL, bench_servers
from config import garbage

ROUNDS = 60
#: Milliseconds that the slowest in twenty may take.
LIMIT = 150
MORE = {
    "calendar, a day": "/c/{clinic}/calendar/?day=1405-08-30",
    "calendar, a week": "/c/{clinic}/calendar/week/?day=1405-08-30",
    "inbox": "/c/{clinic}/inbox/",
    "waiting list": "/c/{clinic}/waiting/",
    "rules": "/c/{clinic}/settings/texts/",
}


def main() -> None:
    with bench_servers() as bench:
        from bench import pages
        from bench.__main__ import point_django_at
        from bench.data import NOW_LAYER, RECENT, Data, Layer

        data = Data(bench, 2)
        data.open()
        for layer in (
            NOW_LAYER,
            RECENT,
            Layer("years", (150, 500), (500, 20_000), "400 + {hash} %% 500"),
        ):
            data.add(layer)
        data.plan_until_now()
        data.vacuum()
        bench.restart(CAREFUL)
        point_django_at(bench)
        pages.PAGES |= MORE
        visitor = pages.Visitor()
        del visitor.clinics[1:]
        if os.environ.get("GC") != "usual":
            garbage.look_less_often()
        for page in pages.PAGES:
            _tell(page, [visitor.visit(page, 0)[0] * 1000 for _ in range(ROUNDS + 3)][3:])


def _tell(page: str, runs: list[float]) -> None:
    slow = statistics.quantiles(runs, n=20)[-1]
    told = f"{page:22} {statistics.median(runs):6.0f} {slow:6.0f}"
    sys.stderr.write(f"{told}{'' if slow < LIMIT else '  over the limit'}\n")


if __name__ == "__main__":
    main()
