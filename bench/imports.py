"""How the time of an import grows with its rows: `python -m bench.imports`.

Prints one JSON document. The ratio of the two per-row times comes from one run on one machine;
the seconds themselves say only something about that machine.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import os
import sys
import time
from typing import Any

CLIENTS = 1000
FEW, MANY = 2_000, 20_000
NOW = dt.datetime(2026, 11, 21, 6, 30, tzinfo=dt.UTC)


def main() -> None:
    from config.embedded import throwaway_servers

    with throwaway_servers() as servers:
        os.environ.update(DATABASE_URL=servers.database_url, REDIS_URL=servers.redis_url)
        os.environ["PEYGIR_VAR"] = str(servers.folder / "var")
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0, stdout=sys.stderr)
        sys.stdout.write(json.dumps(measure(), indent=2) + "\n")


def measure() -> dict[str, Any]:
    few, many = import_anew("few", FEW), import_anew("many", MANY)
    return {
        "sessions": {str(FEW): few, str(MANY): many},
        "growth_per_row": round(many["new"] / MANY / (few["new"] / FEW), 2),
    }


def import_anew(slug: str, sessions: int) -> dict[str, float]:
    """Seconds for a list that is all new, and for the same list once more."""
    from clinic.tenancy import EVERYWHERE, Hat, wear
    from exchange.actions import ListFile, import_files
    from followup.actions import open_clinic

    with wear(Hat.OWNER, clinic_id=EVERYWHERE):
        clinic = open_clinic(slug, slug, timezone="Asia/Tehran", live=False, now=NOW)
    clients, diary = client_list(), session_list(sessions)
    times = {}
    for name in ("new", "unchanged"):
        began = time.perf_counter()
        with wear(Hat.WEB, clinic_id=clinic.pk):
            import_files(
                clinic,
                clients=ListFile("clients.csv", clients),
                sessions=ListFile("sessions.csv", diary),
                now=NOW,
            )
        times[name] = round(time.perf_counter() - began, 2)
    return times


def client_list() -> bytes:
    rows = [[1000 + n, "سارا", f"احمدی {n}", f"0912{n:07d}"] for n in range(CLIENTS)]
    return as_csv(["شماره پرونده", "نام", "نام خانوادگی", "موبایل"], rows)


def session_list(count: int) -> bytes:
    """Ten therapists, thirteen hours a day, up to 154 days: most of them past."""
    header = ["شماره جلسه", "شماره پرونده", "درمانگر", "خدمت", "تاریخ", "ساعت", "وضعیت"]
    return as_csv(header, [session_row(n) for n in range(count)])


def session_row(n: int) -> list[object]:
    hour, day = 8 + n // 10 % 13, n // 130
    date = f"1405/{5 + day // 30:02}/{1 + day % 30:02}"
    status = "حاضر شد" if day < 100 else "رزرو شده"  # noqa: PLR2004  (a hundred days are past)
    return [n, 1000 + n % CLIENTS, f"دکتر {n % 10}", "فردی", date, f"{hour}:00", status]


def as_csv(header: list[str], rows: list[list[object]]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows([header, *rows])
    return out.getvalue().encode()


if __name__ == "__main__":
    main()
