"""How much each scan of the planner reads, as the tables grow: `python -m bench.scans [SESSIONS]`.

Prints one JSON document: for each kind of rule the partial indexes its statement uses, what it
planned, and how many pages it read, in a table and in one ten times as large with the same number
due. The ratio says whether the cost follows what is due or what is stored. A million sessions take
some minutes to write; the ratio is of one run.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

NOW = dt.datetime(2026, 11, 21, 6, 30, tzinfo=dt.UTC)
#: What a tick looks back at.
SINCE = NOW - dt.timedelta(days=1)
SESSIONS = 1_000_000
GROWTH = 10
#: Sessions around NOW, which fall due; the same in every size.
RECENT = 7_000

#: The tables that grow with the years.
BIG = {
    "sessions_app_session",
    "sessions_app_participant",
    "sessions_app_sessionchange",
    "sessions_app_rhythm",
    "sessions_app_caretask",
    "patients_client",
    "patients_contactperson",
    "patients_treatment",
    "messaging_message",
}
#: The partial indexes through which each statement must find its occasions.
INDEXES = {
    "before_session": {"session_coming"},
    "booked": {"change_to_tell"},
    "moved": {"change_to_tell"},
    "cancelled": {"change_to_tell"},
    "thanks": {"session_recorded"},
    "no_show": {"session_recorded"},
    "no_show, call": {"session_recorded"},
    "no_next": {"session_over", "session_recorded"},
    "no_next, call": {"session_over", "session_recorded"},
    "mid_treatment": {"session_over", "session_recorded"},
    "long_gap": {"rhythm_gap"},
    "silent": {"rhythm_silent"},
    "pause_over": {"treatment_paused"},
    "plan_over": {"treatment_ending", "session_recorded"},
}

CLIENTS = """
INSERT INTO patients_client
       (clinic_id, file_no, honorific, first_name, last_name, gender, phone, email,
        consent_transactional, consent_follow_up, consent_motivation, consent_campaign,
        created_at, search_text, sort_key)
SELECT %(clinic)s, 'f' || n, '', '', 'k' || n, '', '+98912' || lpad(n::text, 7, '0'), '',
       true, true, true, false, %(now)s, '', ''
  FROM generate_series(%(from)s + 1, %(from)s + %(clients)s) n
RETURNING id
"""
# `at` is the start of the n-th; a client's sessions are as far apart as there are clients.
SESSIONS_OF_THEM = """
WITH planned AS (
    SELECT n, {at} AS at, (%(ids)s::bigint[])[1 + mod(n, %(clients)s)] AS client
      FROM generate_series(0, %(count)s - 1) n),
made AS (
    INSERT INTO sessions_app_session
           (clinic_id, therapist_id, service_id, session_no, starts_at, ends_at, state,
            cancelled_by, revision, booked_at, recorded_at, source, online_url)
    SELECT %(clinic)s, %(therapist)s, %(service)s, (%(from)s + n)::text,
           at, at + interval '1 minute',
           CASE WHEN mod(n, 10) = 8 THEN 'cancelled' WHEN at > %(now)s THEN 'scheduled'
                WHEN mod(n, 10) = 7 THEN 'no_show' ELSE 'attended' END,
           '', 1, at - (CASE WHEN mod(n, 2) = 0 THEN 4 ELSE 15 END) * interval '1 day',
           CASE WHEN at <= %(now)s THEN at + interval '1 minute' END, 'panel', ''
      FROM planned
    RETURNING id, session_no, booked_at),
seated AS (
    INSERT INTO sessions_app_participant (clinic_id, session_id, client_id)
    SELECT %(clinic)s, id, client FROM made JOIN planned ON n = session_no::int - %(from)s)
INSERT INTO sessions_app_sessionchange
       (clinic_id, session_id, kind, revision, before, after, at, via, tell)
SELECT %(clinic)s, id, 'booked', 1, '{{}}', '{{}}', booked_at, 'panel', true FROM made
"""
#: From 260 days ago back through some years: nothing of it is due any more.
LONG_AGO = "%(now)s - interval '260 days' - n * (interval '1500 days' / %(count)s)"
#: From sixty days ago to ten days ahead.
AROUND_NOW = "%(now)s - interval '60 days' + n * (interval '70 days' / %(count)s)"

# A tenth of all treatments pauses, until three weeks after the last session; a tenth is planned to end
# then, and another after twelve sessions.
TREATMENTS = """
INSERT INTO patients_treatment
       (clinic_id, client_id, therapist_id, service_id, state, started_at, paused_until, ends_on,
        ends_after)
SELECT %(clinic)s, client_id, %(therapist)s, %(service)s,
       CASE WHEN mod(client_id, 10) = 0 THEN 'paused' ELSE 'active' END, min(starts_at),
       CASE WHEN mod(client_id, 10) = 0 THEN max(starts_at)::date + 20 END,
       CASE WHEN mod(client_id, 10) = 1 THEN max(starts_at)::date + 20 END,
       CASE WHEN mod(client_id, 10) = 2 THEN 12 END
  FROM sessions_app_participant p JOIN sessions_app_session s ON s.id = p.session_id
 WHERE p.client_id = ANY(%(ids)s) GROUP BY client_id
"""
# What `sessions_app.rhythm` derives, in so far as a scan reads it: client by client takes minutes.
RHYTHMS = """
INSERT INTO sessions_app_rhythm
       (clinic_id, client_id, last_attended_at, last_attended_id, next_session_at, next_session_id,
        gap_middle_at, attended, median_gap_days, usual_minute, lapse_days)
SELECT %(clinic)s, client_id, last_at, last_id, next_at, next_id,
       last_at + (next_at - last_at) / 2, attended, 7, 1050, 21 + mod(client_id, 30)
  FROM (SELECT p.client_id, count(*) FILTER (WHERE state = 'attended') AS attended,
               max(starts_at) FILTER (WHERE state = 'attended') AS last_at,
               max(s.id) FILTER (WHERE state = 'attended') AS last_id,
               min(starts_at) FILTER (WHERE state = 'scheduled') AS next_at,
               min(s.id) FILTER (WHERE state = 'scheduled') AS next_id
          FROM sessions_app_participant p JOIN sessions_app_session s ON s.id = p.session_id
         WHERE p.client_id = ANY(%(ids)s) GROUP BY p.client_id) x
"""
MESSAGES = """
INSERT INTO messaging_message
       (clinic_id, rule_number, rule_key, expects, invites, purpose, channel, client_id, session_id,
        revision, recipient, due_at, useful_until, planned_at, state, reason, state_at, attempt_at,
        attempts, holder, text, provider, provider_id, provider_code, negative_lookups, priority,
        "then", occasion)
SELECT %(clinic)s, -1, 'thank_you', 'attended', false, 'follow_up', 'sms', p.client_id,
       p.session_id, 1, '', s.ends_at, s.ends_at, s.ends_at, 'sent', '', s.ends_at, s.ends_at,
       1, '', '', '', '', '', 0, 2, '{}', ''
  FROM sessions_app_participant p JOIN sessions_app_session s ON s.id = p.session_id
 WHERE p.client_id = ANY(%(ids)s) AND s.state = 'attended'
"""


@dataclass
class Place:
    """A live clinic with every rule on, and how many sessions it holds."""

    clinic: int
    therapist: int
    service: int
    sessions: int = 0

    def add(self, count: int, clients: int, at: str) -> None:
        """Write sessions and all that hangs on them, each table in one statement."""
        from django.db import connection

        values: dict[str, Any] = {
            "clinic": self.clinic,
            "therapist": self.therapist,
            "service": self.service,
            "now": NOW,
            "count": count,
            "clients": clients,
            "from": self.sessions,
        }
        with connection.cursor() as cursor:
            cursor.execute(CLIENTS, values)
            values["ids"] = [row[0] for row in cursor.fetchall()]
            for statement in (SESSIONS_OF_THEM.format(at=at), TREATMENTS, RHYTHMS, MESSAGES):
                cursor.execute(statement, values)
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
            cursor.execute("ANALYZE")
        self.sessions += count

    def grow(self, to: int) -> None:
        """More years behind it; what is due stays as it is."""
        self.add(to - self.sessions, max(1, (to - self.sessions) // 10), LONG_AGO)


def open_place() -> Place:
    """Needs the owner's hat across clinics."""
    from clinic.models import Service, Therapist
    from clinic.tenancy import Hat, wear
    from followup.actions import open_clinic
    from followup.models import Rule

    opened = NOW - dt.timedelta(days=2000)
    clinic = open_clinic("scans", "scans", timezone="Asia/Tehran", live=True, now=opened)
    with wear(Hat.OWNER, clinic_id=clinic.pk):
        Rule.objects.update(enabled=True)
        therapist = Therapist.objects.create(name="دکتر صادقی")
        service = Service.objects.create(name="فردی")
    place = Place(clinic.pk, therapist.pk, service.pk)
    # Half of them twenty days apart and on either side of NOW, half for clients of one session.
    place.add(RECENT // 2, RECENT // 7, AROUND_NOW)
    place.add(RECENT // 2, RECENT // 2, AROUND_NOW + " + interval '10 minutes'")
    return place


@dataclass
class Scan:
    """One statement as PostgreSQL ran it."""

    planned: int = 0
    #: Pages that it read, from memory or from disk.
    pages: int = 0
    indexes: set[str] = field(default_factory=set)
    #: Big tables that it read from end to end.
    read_whole: set[str] = field(default_factory=set)


def scan_all() -> dict[str, Scan]:
    """Each statement of a tick, run and taken back, under the worker's hat."""
    from django.db import connection, transaction

    from clinic.tenancy import EVERYWHERE, Hat, wear
    from followup.occasions import BY_INDEX

    found = {}
    with wear(Hat.WORKER, clinic_id=EVERYWHERE), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(BY_INDEX)
        for name, statement, values in _statements():
            found[name] = _explain(statement, values)
        transaction.set_rollback(True)
    return found


def _statements() -> Iterator[tuple[str, str, dict[str, Any]]]:
    from followup import calls, planner
    from followup.models import Kind, Rule
    from followup.occasions import offsets, statement, values

    wanted = offsets(Rule.objects.filter(enabled=True))
    for kind in Kind.values:
        given = {"now": NOW, **values(kind, SINCE, NOW)}
        yield kind, statement(kind, wanted[kind]) + planner.INSERT, given
    for kind, found, why_not in (
        (Kind.NO_SHOW, None, "second_no_show"),
        (Kind.NO_NEXT_BOOKING, calls.NO_NEXT_BOOKING, ""),
    ):
        given = {"now": NOW, "task": kind, "why_not": why_not, **values(kind, SINCE, NOW)}
        yield f"{kind}, call", statement(kind, wanted[kind], found=found) + calls.INSERT, given
    agreed = {"now": NOW, "since": SINCE, "until": NOW}
    yield "pause_over", calls.PAUSE_OVER, agreed
    yield "plan_over", calls.PLAN_OVER, agreed


def _explain(statement: str, values: dict[str, Any]) -> Scan:
    from django.db import connection

    with connection.cursor() as cursor:
        # Once before, so that what is looked up in the catalogue is not counted.
        cursor.execute("EXPLAIN " + statement, values)
        cursor.execute("EXPLAIN (ANALYZE, BUFFERS, TIMING off, FORMAT json) " + statement, values)
        (plan,) = cursor.fetchone()[0]
    top = plan["Plan"]
    found = Scan(pages=top["Shared Hit Blocks"] + top["Shared Read Blocks"])
    found.planned = int(top["Plans"][0]["Actual Rows"])
    _walk(top, found)
    return found


def _walk(node: dict[str, Any], found: Scan) -> None:
    if "Index Name" in node:
        found.indexes.add(node["Index Name"])
    if node["Node Type"] == "Seq Scan" and node["Relation Name"] in BIG:
        found.read_whole.add(node["Relation Name"])
    for below in node.get("Plans", ()):
        _walk(below, found)


def measure(sessions: int) -> dict[str, Any]:
    from clinic.tenancy import EVERYWHERE, Hat, wear

    with wear(Hat.OWNER, clinic_id=EVERYWHERE):
        place = open_place()
        place.grow(sessions // GROWTH)
    small = scan_all()
    with wear(Hat.OWNER, clinic_id=EVERYWHERE):
        place.grow(sessions)
    large = scan_all()
    return {
        "sessions": [sessions // GROWTH, sessions],
        "scans": {
            name: {
                "planned": [small[name].planned, scan.planned],
                "pages": [small[name].pages, scan.pages],
                "growth": round(scan.pages / small[name].pages, 2),
                "through": sorted(INDEXES[name] & scan.indexes),
                "read_whole": sorted(scan.read_whole),
            }
            for name, scan in large.items()
        },
    }


def main() -> None:
    from config.embedded import throwaway_servers

    sessions = int(sys.argv[1]) if len(sys.argv) > 1 else SESSIONS
    with throwaway_servers() as servers:
        os.environ.update(DATABASE_URL=servers.database_url, REDIS_URL=servers.redis_url)
        os.environ["PEYGIR_VAR"] = str(servers.folder / "var")
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0, stdout=sys.stderr)
        sys.stdout.write(json.dumps(measure(sessions), indent=2) + "\n")


if __name__ == "__main__":
    main()
