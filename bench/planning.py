"""The planner's tick against three other ways to the same reminders.

(a) is what somebody would write who needs reminders only: one INSERT … SELECT with the same
predicates and nothing of the other nine kinds of rule, under PostgreSQL's own plan settings. (b)
selects the same and inserts with bulk_create; (c) with get_or_create, row by row.

Everything that fell due up to NOW has been planned and has left. So each run finds what fell due in
the minutes after NOW, and looks back over what has been planned: a little as most ticks do, or a day
as the first tick of every quarter of an hour does.
"""

from __future__ import annotations

import datetime as dt
import time
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from bench.data import NOW
from bench.measure import in_turns, median, ms, ratio, read_only, run, taken_back
from bench.server import Bench
from followup import planner
from followup.models import Kind, Rule
from followup.occasions import FOUND, Offset, offsets, values
from messaging.models import Message

MINUTES = (1, 15, 60)
#: get_or_create is timed on so many rows at most; the others are taken to cost the same each.
SAMPLE = 150

COLUMNS = (
    "clinic_id", "rule_number", "rule_key", "purpose", "priority", "channel", '"then"', "occasion",
    "client_id", "session_id", "revision", "recipient", "expects", "invites", "due_at",
    "useful_until", "planned_at", "state", "reason", "state_at", "attempt_at", "attempts", "holder",
    "text", "provider", "provider_id", "provider_code", "negative_lookups",
)  # fmt: skip
#: What makes an occasion: the constraint `message_once_per_occasion`.
KEY = ("clinic_id", "rule_number", "session_id", "revision", "recipient", "occasion")

REMINDERS = """
SELECT s.clinic_id, r.id, r.key, r.purpose, CASE r.purpose WHEN 'transactional' THEN 1 ELSE 2 END,
       r.channel, r."then", '', p.client_id, s.id, s.revision,
       CASE r.channel WHEN 'email' THEN cl.email ELSE cl.phone END, 'coming', false, due.due_at,
       s.starts_at - r.useful_minutes * interval '1 minute', %(now)s::timestamptz,
       CASE WHEN s.starts_at - r.useful_minutes * interval '1 minute' <= %(now)s
            THEN 'missed' ELSE 'queued' END,
       CASE WHEN s.starts_at - r.useful_minutes * interval '1 minute' <= %(now)s
            THEN 'too_late' ELSE '' END,
       %(now)s::timestamptz, due.due_at, 0, '', '', '', '', '', 0
  FROM (VALUES {minutes}) o(minutes)
  JOIN sessions_app_session s
    ON s.starts_at > %(since)s - %(longest_spread)s + o.minutes * interval '1 minute'
   AND s.starts_at <= %(until)s + %(reach)s + o.minutes * interval '1 minute'
   AND s.state IN ('scheduled', 'confirmed')
  JOIN followup_rule r
    ON r.clinic_id = s.clinic_id AND r.offset_minutes = o.minutes AND r.kind = 'before_session'
   AND r.enabled
  JOIN sessions_app_participant p ON p.session_id = s.id
  JOIN patients_client cl ON cl.id = p.client_id
  JOIN clinic_clinic c ON c.id = s.clinic_id
 CROSS JOIN LATERAL (
       SELECT s.starts_at - o.minutes * interval '1 minute' AS at,
              coalesce(cl.texts_until, c.quiet_from) AS begins,
              coalesce(cl.texts_from, c.quiet_to) AS ends,
              mod(s.id * 7919, greatest(r.spread_minutes * 60, 1)) * interval '1 second' AS spread,
              %(last_minutes)s - mod(s.id * 7919, %(places)s) * interval '1 second' AS early) x
 CROSS JOIN LATERAL (
       SELECT CASE WHEN is_quiet(x.at, c.timezone, x.begins, x.ends)
                   THEN quiet_since(x.at, c.timezone, x.begins) - x.early
                   WHEN is_quiet(x.at + x.spread, c.timezone, x.begins, x.ends)
                   THEN quiet_since(x.at + x.spread, c.timezone, x.begins) - x.early
                   ELSE x.at + x.spread END AS due_at OFFSET 0) due
 WHERE due.due_at > %(since)s AND due.due_at <= %(until)s
   AND s.booked_at <= s.starts_at - r.notice_minutes * interval '1 minute'
   AND cl.deceased_at IS NULL
   AND (cardinality(r.services) = 0 OR s.service_id = ANY(r.services))
   AND (cardinality(r.therapists) = 0 OR s.therapist_id = ANY(r.therapists))
   AND (r.audience = 'all' OR (r.audience = 'returning') = EXISTS (
        SELECT 1 FROM sessions_app_participant bp
          JOIN sessions_app_session bs ON bs.id = bp.session_id
         WHERE bp.client_id = cl.id AND bs.state = 'attended' AND bs.starts_at < s.starts_at))
   AND due.due_at >= greatest(r.active_since, r.numbers_since, (
        SELECT max(e.at) FROM patients_clientevent e
         WHERE e.clinic_id = cl.clinic_id AND e.client_id = cl.id AND e.kind = 'not_died'))
   AND (c.live_since IS NULL OR due.due_at >= c.live_since)
   AND NOT EXISTS (
       SELECT 1 FROM messaging_message m
        WHERE m.clinic_id = s.clinic_id AND m.session_id = s.id AND m.rule_number = r.id
          AND m.revision = s.revision
          AND m.recipient = CASE r.channel WHEN 'email' THEN cl.email ELSE cl.phone END)
 ORDER BY due.due_at, s.id, r.id, p.client_id
"""
BARE = (
    f"INSERT INTO messaging_message ({', '.join(COLUMNS)})"
    + REMINDERS
    + "ON CONFLICT DO NOTHING RETURNING state"
)

# The silent without the kept figures: everybody's last visit, and nobody with something booked.
BY_GROUPS = """
SELECT last.client_id
  FROM (SELECT p.client_id, max(s.starts_at) AS at
          FROM sessions_app_session s JOIN sessions_app_participant p ON p.session_id = s.id
         WHERE s.state = 'attended' GROUP BY p.client_id) last
 WHERE EXISTS (SELECT 1 FROM (VALUES (21), (45), (90)) stage(days)
                WHERE last.at > %(since)s - stage.days * interval '1 day'
                  AND last.at <= %(until)s - stage.days * interval '1 day')
   AND NOT EXISTS (
       SELECT 1 FROM sessions_app_participant p JOIN sessions_app_session s ON s.id = p.session_id
        WHERE p.client_id = last.client_id AND s.state IN ('scheduled', 'confirmed', 'arrived'))
"""


def measure(bench: Bench, rounds: int) -> dict[str, Any]:
    looks = {f"{minutes} min": (minutes, planner.LATELY) for minutes in MINUTES}
    looks[f"{MINUTES[-1]} min, a day back"] = (MINUTES[-1], planner.OVERLAP)
    found = {}
    for name, (minutes, back) in looks.items():
        found[name] = _tick(NOW - back, NOW + dt.timedelta(minutes=minutes), rounds)
        bench.admin("VACUUM messaging_message")
    found["whole tick"] = _whole_ticks(bench, rounds)
    return found


def _whole_ticks(bench: Bench, rounds: int) -> dict[str, Any]:
    """All ten kinds: a minute after the last one, and at the beginning of a quarter of an hour."""
    ends = {"between": NOW + dt.timedelta(minutes=1), "first of a quarter": NOW + planner.QUARTER}
    runs = in_turns(
        {
            name: partial(taken_back, partial(planner.plan, until), hat=None)
            for name, until in ends.items()
        },
        rounds,
    )
    bench.admin("VACUUM messaging_message")
    return {"ms": {name: ms(each) for name, each in runs.items()}}


def _tick(since: dt.datetime, until: dt.datetime, rounds: int) -> dict[str, Any]:
    wanted = wanted_of(Kind.BEFORE_SESSION)
    select = partial(_select, wanted, since, until)
    due = len(read(select))
    runs = in_turns(
        {
            "planner": lambda: taken_back(lambda: reminders(since, until, wanted)),
            "bare": lambda: taken_back(lambda: _bare(wanted, since, until)),
            "bulk_create": lambda: taken_back(lambda: _bulk(select)),
            "get_or_create": lambda: _loop(select),
        },
        rounds,
    )
    return {
        "due": due,
        "planned": _planned(wanted, since, until),
        "ms": {name: ms(each) for name, each in runs.items()},
        "planner/bare": ratio(runs["planner"], runs["bare"]),
        "bulk_create/planner": ratio(runs["bulk_create"], runs["planner"]),
        "get_or_create/planner": ratio(runs["get_or_create"], runs["planner"]),
        "get_or_create_timed_on": min(due, SAMPLE),
    }


def wanted_of(kind: str) -> set[Offset]:
    found: set[Offset] = read(lambda: offsets(Rule.objects.filter(enabled=True)))[kind]
    return found


def read(work: Any) -> Any:
    kept: list[Any] = []
    read_only(lambda: kept.append(work()))
    return kept[0]


def reminders(since: dt.datetime, until: dt.datetime, wanted: set[Offset]) -> Counter[str]:
    """What the planner does for reminders in a tick that looks back until `since`."""
    return planner._insert(Kind.BEFORE_SESSION, wanted, since, until)  # noqa: SLF001


def _planned(wanted: set[Offset], since: dt.datetime, until: dt.datetime) -> int:
    counts: list[Counter[str]] = []
    taken_back(lambda: counts.append(reminders(since, until, wanted)))
    return counts[0].total()


def _bare(wanted: set[Offset], since: dt.datetime, until: dt.datetime) -> None:
    run(BARE.format(minutes=_minutes(wanted)), _values(since, until))


def _select(wanted: set[Offset], since: dt.datetime, until: dt.datetime) -> list[tuple[Any, ...]]:
    return run(REMINDERS.format(minutes=_minutes(wanted)), _values(since, until))


def _bulk(select: Callable[[], list[tuple[Any, ...]]]) -> None:
    rows = [Message(**row) for row in _as_fields(select())]
    Message.objects.bulk_create(rows, batch_size=500, ignore_conflicts=True)


def _loop(select: Callable[[], list[tuple[Any, ...]]]) -> float:
    """Seconds for all, from the seconds for the first of them."""
    selecting, each = [0.0], [0.0]

    def work() -> None:
        began = time.perf_counter()
        rows = list(_as_fields(select()))
        selecting[0] = time.perf_counter() - began
        for row in rows[:SAMPLE]:
            key = {name: row.pop(name) for name in KEY}
            Message.objects.get_or_create(**key, defaults=row)
        each[0] = len(rows) / max(1, len(rows[:SAMPLE]))

    took = taken_back(work)
    return selecting[0] + (took - selecting[0]) * each[0]


def _as_fields(rows: Iterable[tuple[Any, ...]]) -> Iterable[dict[str, Any]]:
    names = [column.strip('"') for column in COLUMNS]
    return (dict(zip(names, row, strict=True)) for row in rows)


def _minutes(wanted: set[Offset]) -> str:
    return ", ".join(f"({offset.minutes})" for offset in sorted(wanted, key=lambda o: o.minutes))


def _values(since: dt.datetime, until: dt.datetime) -> dict[str, Any]:
    return {"now": until, **values(Kind.BEFORE_SESSION, since, until)}


def measure_silent(bench: Bench, rounds: int) -> dict[str, Any]:
    """Finding the silent of a tick and of the day behind it."""
    until = NOW + dt.timedelta(minutes=15)
    wanted = wanted_of(Kind.SILENT)
    since = NOW - planner.OVERLAP
    given = {"since": since, "until": until}
    scan = scan_of_silent(wanted)
    runs = in_turns(
        {
            "scan": lambda: read_only(lambda: run(scan, given)),
            "planned": lambda: taken_back(lambda: silent(until, wanted)),
            "group by": lambda: read_only(lambda: run(BY_GROUPS, given)),
        },
        rounds,
    )
    bench.admin("VACUUM messaging_message")
    return {
        "found": len(read(lambda: run(scan, given))),
        "found_by_groups": len(read(lambda: run(BY_GROUPS, given))),
        "ms": {name: ms(each) for name, each in runs.items()},
        "group by/scan": round(median(runs["group by"]) / median(runs["scan"]), 1),
        "group by/planned": round(median(runs["group by"]) / median(runs["planned"]), 1),
    }


def silent(until: dt.datetime, wanted: set[Offset]) -> None:
    """What the planner does for the silent in a tick, with conditions and working days."""
    planner._insert(Kind.SILENT, wanted, NOW - planner.OVERLAP, until)  # noqa: SLF001


def scan_of_silent(wanted: set[Offset]) -> str:
    stages = ", ".join(f"({offset.floor_days}, {offset.factor})" for offset in wanted)
    return FOUND[Kind.SILENT].format(stages=stages)
