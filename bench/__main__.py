"""`make bench`: what the engine does in a second, and whether it still does so when it has grown.

BENCH_SCALE says how large the tables are: 1 for a thousand clinics with 500,000 clients, 2 million
sessions and 5 million texts, 0.05 by default. Figures are medians of runs that took turns with what
they are compared with; read the ratios, for the milliseconds say only something about one machine.

Writes var/bench.json and a table to stderr. Ends with 0 whether the goals hold or not: it measures.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.server import CAREFUL, Bench, bench_servers

SCALE = 0.05
ROUNDS = 5
#: Below this nothing is measured but whether the bench still works.
SMOKE = 0.01
#: Fewer sessions than these leave no room to grow in.
SCANNED = 90_000
#: A core for PostgreSQL and one for Python; with more going on beside, even ratios suffer.
IDLE = 0.5


def main() -> None:
    from config import env

    scale = float(os.environ.get("BENCH_SCALE") or SCALE)
    rounds = int(os.environ.get("BENCH_ROUNDS") or ROUNDS)
    target = env.var_folder(os.environ) / "bench.json"
    found = measure(scale, rounds, lambda parts: _as_json(parts, target.with_suffix(".parts.json")))
    write(found, target)
    from bench.goals import goals_of, table

    table(found, goals_of(found), _say)
    _say(f"\n{target}")


def write(found: dict[str, Any], target: Path) -> None:
    from bench.goals import goals_of

    _as_json({"goals": [goal.as_json() for goal in goals_of(found)], **found}, target)


def _as_json(found: dict[str, Any], target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n")


def measure(scale: float, rounds: int, keep: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Everything, on servers of its own."""
    began, loaded = time.monotonic(), load()
    if loaded > IDLE:
        _say(f"the machine is busy (load {os.getloadavg()[0]:.1f}): ratios suffer too")
    with bench_servers() as bench:
        found = _parts(bench, scale, rounds, keep)
    return {
        "scale": scale,
        "rounds": rounds,
        "cores": os.cpu_count(),
        "load_per_core": {"before": loaded, "after": load()},
        "seconds": round(time.monotonic() - began),
        **found,
    }


def _parts(
    bench: Bench, scale: float, rounds: int, keep: Callable[[dict[str, Any]], None]
) -> dict[str, Any]:
    """In this order, because some leave more behind than others. `keep` is called after each: a run
    that is broken off has not been for nothing."""
    from bench import claiming, data, growth, imports, pages, planning, scans, sending

    clinics = max(2, round(data.CLINICS * scale))
    found: dict[str, Any] = {}
    if scale >= SMOKE:
        sessions = max(SCANNED, round(scans.SESSIONS * scale))
        found["imports"] = _elsewhere(bench, "imports", imports.measure)
        found["scans"] = _elsewhere(bench, "scans", lambda: scans.measure(sessions))
    filled = _step("filling the tables", lambda: _fill(bench, clinics))
    parts: dict[str, Callable[[], Any]] = {
        "growth": lambda: growth.measure(bench, filled, rounds),
        "rows": filled.counts,
        "planner": lambda: planning.measure(bench, rounds),
        "silent": lambda: planning.measure_silent(bench, rounds),
        "pages": lambda: pages.measure(bench, rounds),
        "claiming": lambda: claiming.measure(bench, clinics),
        "sending": lambda: sending.measure(bench, clinics),
        "sizes": lambda: bench_sizes(bench),
    }
    for name, work in parts.items():
        found[name] = _step(name, work)
        keep(found)
    return found


def _fill(bench: Bench, clinics: int) -> Any:
    from django.db import connections

    from bench.data import NOW_LAYER, RECENT, Data

    data = Data(bench, clinics)
    data.open()
    data.add(NOW_LAYER)
    data.add(RECENT)
    data.plan_until_now()
    data.vacuum()
    connections.close_all()
    bench.restart(CAREFUL)
    point_django_at(bench)
    return data


def _elsewhere(bench: Bench, name: str, work: Callable[[], Any]) -> Any:
    """In a database of its own, a copy of the empty one."""
    from django.db import connections

    connections.close_all()
    bench.admin(f"CREATE DATABASE {name} TEMPLATE peygir OWNER app_owner", database="postgres")
    point_django_at(bench, name)
    try:
        return _step(name, work)
    finally:
        point_django_at(bench)
        bench.admin(f"DROP DATABASE {name} WITH (FORCE)", database="postgres")


def point_django_at(bench: Bench, database: str = "peygir") -> None:
    from django.conf import settings
    from django.db import connections

    connections.close_all()
    port = bench.database_url.rsplit(":", 1)[1].split("/")[0]
    for place in (settings.DATABASES["default"], connections["default"].settings_dict):
        place.update(NAME=database, PORT=int(port))


def bench_sizes(bench: Bench) -> dict[str, Any]:
    """Bytes of a row with its indexes, of the tables that grow."""
    asked = """
    SELECT relname, reltuples::bigint, pg_table_size(oid), pg_indexes_size(oid) FROM pg_class
     WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND reltuples > 1000
     ORDER BY pg_total_relation_size(oid) DESC LIMIT 10
    """
    bench.admin("ANALYZE")
    return {
        name: {"rows": rows, "row": round(heap / rows), "indexes": round(indexes / rows)}
        for name, rows, heap, indexes in bench.admin(asked)
    }


def load() -> float:
    """What runs on this machine, in parts of what it could run."""
    return round(os.getloadavg()[0] / (os.cpu_count() or 1), 2)


def _step(name: str, work: Callable[[], Any]) -> Any:
    began = time.monotonic()
    found = work()
    _say(f"{name}: {time.monotonic() - began:.0f} s, load {os.getloadavg()[0]:.1f}")
    return found


def _say(words: str) -> None:
    sys.stderr.write(words + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main()
