"""The bench's clinics: at scale 1 a thousand of them, 500,000 clients, 2 million sessions, and the
5 million texts that they gave rise to.

Written set-based, row by row what the product would have written; only rules, wordings and holidays
are made by the product itself, once, and copied, and the rhythms are the product's own. Neighbours
in a table belong to different clinics, as in years of use: the worst case for reading one clinic.

The tables fill in layers. The first holds everything that anything can be due of; the others are
clients who left more than a year ago. So a table can grow and owe the same texts as before.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import psycopg2

from bench.server import Bench

#: Saturday, 10:00 in Tehran: the clinics are open, and no quiet hour is near.
NOW = dt.datetime(2026, 11, 21, 6, 30, tzinfo=dt.UTC)
MIDNIGHT = dt.datetime(2026, 11, 20, 20, 30, tzinfo=dt.UTC)
OPENED = NOW - dt.timedelta(days=1500)
#: Older texts are history; later ones the planner has made.
PLANNED_FROM = NOW - dt.timedelta(hours=27)

CLINICS = 1000
THERAPISTS, SERVICES = 10, 3
#: Sessions of a clinic in a day.
DAILY = 30
FIRST_DAY = -3


@dataclass(frozen=True, slots=True)
class Layer:
    """A clinic's clients and sessions by number, both ends like those of a Python range."""

    name: str
    clients: tuple[int, int]
    sessions: tuple[int, int]
    #: When the n-th client came last, in days before NOW; None for those who come now.
    left: str | None

    @property
    def per_client(self) -> int:
        return -(-(self.sessions[1] - self.sessions[0]) // (self.clients[1] - self.clients[0]))


NOW_LAYER = Layer("now", (0, 100), (0, 270), None)
#: Who left in the last months: among them the silent.
RECENT = Layer("recent", (100, 150), (270, 500), "10 + {hash} %% 240")
#: With each of these the history has twice as many rows.
OLD = Layer("old", (150, 270), (500, 1000), "400 + {hash} %% 500")
OLDER = Layer("older", (270, 500), (1000, 2000), "900 + {hash} %% 500")

FIRST_NAMES = ("مریم", "سارا", "علی", "رضا", "نگار", "مهدی", "لیلا", "امیر", "زهرا", "حسین")
LAST_NAMES = (
    "کریمی", "صادقی", "ملکی", "صالحی", "رضایی", "احمدی", "موسوی", "یزدانی", "نوری", "پارسا",
)  # fmt: skip
TEXT = (
    "سلام خانم کریمی، شنبه ۳۰ آبان ساعت ۱۷:۳۰ با خانم دکتر صادقی قرار دارید."
    " تغییر یا لغو: https://peygir.example.ir/s/abcdefghijklmnop\nکلینیک آرامش"
)

COPY_CLINIC = """
INSERT INTO clinic_clinic
       (id, slug, name, phone, address, timezone, quiet_from, quiet_to, names_on_shared_phones,
        stop_note, late_cancel_hours, holidays_until, live_since, created_at)
SELECT n, 'clinic-' || n, 'کلینیک ' || n, phone, address, timezone, quiet_from, quiet_to,
       names_on_shared_phones, stop_note, late_cancel_hours, holidays_until, live_since, created_at
  FROM clinic_clinic CROSS JOIN generate_series(2, %(clinics)s) n WHERE id = 1;
SELECT setval('clinic_clinic_id_seq', %(clinics)s);
"""
PEOPLE = """
INSERT INTO clinic_therapist (id, clinic_id, name, title, active, sort_key)
SELECT (c - 1) * %(therapists)s + k + 1, c, 'دکتر ' || k, 'خانم دکتر ' || k, true, k::text
  FROM generate_series(1, %(clinics)s) c, generate_series(0, %(therapists)s - 1) k;
INSERT INTO clinic_service
       (id, clinic_id, name, duration_minutes, rhythm_days, active, sort_key)
SELECT (c - 1) * %(services)s + k + 1, c, 'فردی ' || k, 50, 7, true, k::text
  FROM generate_series(1, %(clinics)s) c, generate_series(0, %(services)s - 1) k;
SELECT setval('clinic_therapist_id_seq', %(clinics)s * %(therapists)s);
SELECT setval('clinic_service_id_seq', %(clinics)s * %(services)s);
"""
CLIENTS = """
INSERT INTO patients_client
       (id, clinic_id, file_no, honorific, first_name, last_name, gender, phone, email,
        consent_transactional, consent_follow_up, consent_motivation, consent_campaign,
        created_at, search_text, sort_key)
SELECT id, c + 1, 1000 + k, 'خانم', (%(first)s::text[])[1 + who / 10],
       (%(last)s::text[])[1 + who %% 10], 'female', '+98912' || lpad(id::text, 7, '0'), '',
       true, true, false, false, %(opened)s,
       (%(words)s::text[])[1 + who] || ' ' || 1000 + k || ' +98912' || lpad(id::text, 7, '0')
           || ' 0912' || lpad(id::text, 7, '0'),
       (%(keys)s::text[])[1 + who]
  FROM (SELECT k * %(clinics)s + c + 1 AS id, c, k,
               abs(hashint8(k * %(clinics)s + c)) %% 100 AS who
          FROM generate_series(%(client)s, %(clients)s - 1) k,
               generate_series(0, %(clinics)s - 1) c) x
 ORDER BY id;
INSERT INTO patients_treatment (clinic_id, client_id, therapist_id, service_id, state, started_at)
SELECT c + 1, k * %(clinics)s + c + 1, c * %(therapists)s + k %% %(therapists)s + 1,
       c * %(services)s + k %% %(services)s + 1, 'active', %(opened)s
  FROM generate_series(%(client)s, %(clients)s - 1) k, generate_series(0, %(clinics)s - 1) c;
SELECT setval('patients_client_id_seq', %(clients)s * %(clinics)s);
"""
# The n-th session of a clinic's thirty a day, none over another of its therapist; or the n-th one
# of a client who left, a week before the one after it.
SESSIONS_NOW = """
SELECT j, c, j %% 100 AS k,
       %(midnight)s::timestamptz + (j / %(daily)s + %(first_day)s) * interval '1 day'
       + (480 + j %% %(daily)s / 10 * 240 + abs(hashint8(j * 100003 + c)) %% 190)
         * interval '1 minute' AS at
  FROM generate_series(%(session)s, %(sessions)s - 1) j, generate_series(0, %(clinics)s - 1) c
"""
SESSIONS_LONG_AGO = """
SELECT j, c, %(client)s + (j - %(session)s) %% (%(clients)s - %(client)s) AS k,
       %(midnight)s::timestamptz
       - (7 * ((j - %(session)s) / (%(clients)s - %(client)s)) + {left}) * interval '1 day'
       + (480 + abs(hashint8(j * 100003 + c)) %% 660) * interval '1 minute' AS at
  FROM generate_series(%(session)s, %(sessions)s - 1) j, generate_series(0, %(clinics)s - 1) c
"""
WHO_LEFT = "abs(hashint8(((j - %(session)s) %% (%(clients)s - %(client)s)) * 7919 + c))"
SESSIONS = """
WITH x AS ({rows}),
y AS (SELECT *, j * %(clinics)s + c + 1 AS id, abs(hashint8(j * 7 + c)) %% 20 AS luck,
             at - (abs(hashint8(j * 3 + c)) %% 14 + 0.2) * interval '1 day' AS agreed FROM x)
INSERT INTO sessions_app_session
       (id, clinic_id, therapist_id, service_id, session_no, starts_at, ends_at, state,
        cancelled_by, revision, booked_at, recorded_at, source, online_url)
SELECT id, c + 1, c * %(therapists)s + k %% %(therapists)s + 1,
       c * %(services)s + k %% %(services)s + 1, NULL, at, at + interval '50 minutes',
       CASE WHEN luck < 2 THEN 'cancelled'
            WHEN at + interval '51 minutes' > %(now)s
            THEN CASE WHEN luck < 6 THEN 'confirmed' ELSE 'scheduled' END
            WHEN luck < 4 THEN 'no_show' ELSE 'attended' END,
       CASE WHEN luck < 2 THEN 'client' ELSE '' END, 1,
       CASE WHEN agreed > %(now)s THEN at - interval '15 days' ELSE agreed END,
       CASE WHEN luck >= 2 AND at + interval '51 minutes' <= %(now)s
            THEN at + interval '51 minutes' END, 'panel', ''
  FROM y ORDER BY id;
INSERT INTO sessions_app_participant (clinic_id, session_id, client_id)
SELECT c + 1, j * %(clinics)s + c + 1, k * %(clinics)s + c + 1 FROM ({rows}) x ORDER BY j, c;
SELECT setval('sessions_app_session_id_seq', %(sessions)s * %(clinics)s);
"""
#: What was written about them: the booking, the outcome, and the client's page of each.
ABOUT_SESSIONS = """
INSERT INTO sessions_app_sessionchange
       (clinic_id, session_id, kind, revision, before, after, at, via, tell)
SELECT clinic_id, id, 'booked', 1, '{{}}'::jsonb, '{{}}'::jsonb, booked_at, 'panel', true
  FROM sessions_app_session WHERE {these}
 UNION ALL
SELECT clinic_id, id, 'outcome', 1, '{{"state": "scheduled"}}',
       jsonb_build_object('state', state), recorded_at, 'panel', false
  FROM sessions_app_session WHERE recorded_at IS NOT NULL AND {these};
INSERT INTO clinic_directory (token_hash, clinic_id, purpose)
SELECT encode(sha256(id::text::bytea), 'hex'), clinic_id, 'session'
  FROM sessions_app_session WHERE {these};
INSERT INTO sessions_app_clientlink
       (clinic_id, purpose, client_id, session_id, token_hash, created_at, answer)
SELECT s.clinic_id, 'session', p.client_id, s.id, encode(sha256(s.id::text::bytea), 'hex'),
       s.booked_at, ''
  FROM sessions_app_session s JOIN sessions_app_participant p ON p.session_id = s.id
 WHERE s.{these};
"""
THESE = "id BETWEEN %(session)s * %(clinics)s + 1 AND %(sessions)s * %(clinics)s"
# Two texts and a half for each session, with the lives that the database would have written.
MESSAGES = """
WITH gone AS (
    SELECT s.*, p.client_id, 'booked' AS key, 'transactional' AS purpose, 'coming' AS expects,
           s.booked_at + interval '3 minutes' AS due
      FROM sessions_app_session s JOIN sessions_app_participant p ON p.session_id = s.id
     WHERE s.{these}
     UNION ALL
    SELECT s.*, p.client_id, 'reminder_24h', 'transactional', 'coming',
           s.starts_at - interval '1 day'
      FROM sessions_app_session s JOIN sessions_app_participant p ON p.session_id = s.id
     WHERE s.{these}
     UNION ALL
    SELECT s.*, p.client_id, 'thank_you', 'follow_up', 'attended', s.recorded_at
      FROM sessions_app_session s JOIN sessions_app_participant p ON p.session_id = s.id
     WHERE s.{these} AND s.state = 'attended' AND s.id %% 3 <> 0)
INSERT INTO messaging_message
       (clinic_id, rule_number, rule_key, expects, invites, purpose, channel, client_id, session_id,
        revision, recipient, due_at, useful_until, planned_at, state, reason, state_at, attempt_at,
        attempts, holder, text, parts, provider, provider_id, provider_code, cost_rial,
        sending_at, sent_at, delivered_at, negative_lookups, priority, "then", occasion,
        template_id, life)
SELECT g.clinic_id, r.id, g.key, g.expects, false, g.purpose, 'sms', g.client_id, g.id, 1,
       cl.phone, g.due, g.due + interval '20 hours', g.due, 'delivered', '',
       g.due + interval '9 seconds', g.due, 1, '', %(text)s, 3, 'kavenegar',
       (8000000000 + g.id * 3 + length(g.key))::text, '', 5400, g.due + interval '2 seconds',
       g.due + interval '3 seconds', g.due + interval '9 seconds', 0,
       CASE g.purpose WHEN 'transactional' THEN 1 ELSE 2 END, '{{}}', '', t.id,
       jsonb_build_array(
           {life_queued}, {life_claimed}, {life_sending}, {life_sent})
  FROM gone g
  JOIN patients_client cl ON cl.id = g.client_id
  JOIN followup_rule r ON r.clinic_id = g.clinic_id AND r.key = g.key
  JOIN (SELECT clinic_id, key, min(id) AS id FROM messaging_template GROUP BY 1, 2) t
    ON t.clinic_id = g.clinic_id AND t.key = g.key
 WHERE g.due < %(planned_from)s
 ORDER BY g.due
"""
_STEP = (
    "jsonb_build_object('at', g.due + interval '{s} seconds', 'from', '{a}', 'to', '{b}',"
    " 'why', '', 'code', '', 'hat', 'app_worker', 'by', NULL)"
)
LIFE = {
    "life_queued": _STEP.format(s=1, a="queued", b="claimed"),
    "life_claimed": _STEP.format(s=2, a="claimed", b="sending"),
    "life_sending": _STEP.format(s=3, a="sending", b="sent"),
    "life_sent": _STEP.format(s=9, a="sent", b="delivered"),
}
#: Written anew at the end of a layer: keeping them row by row takes five times as long.
BIG = (
    "messaging_message",
    "sessions_app_session",
    "sessions_app_participant",
    "sessions_app_sessionchange",
    "sessions_app_clientlink",
    "patients_client",
)
SECONDARY = """
SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
 WHERE indrelid = ANY(%s::regclass[]) AND NOT indisunique AND NOT indisexclusion
"""


@dataclass
class Data:
    """A database that fills layer by layer."""

    bench: Bench
    clinics: int
    database: str = "peygir"

    def open(self) -> None:
        """Clinics as the product opens them, with everything but clients."""
        from clinic.tenancy import EVERYWHERE, Hat, wear
        from followup.actions import open_clinic

        with wear(Hat.OWNER, clinic_id=EVERYWHERE):
            open_clinic(
                "clinic-1",
                "کلینیک 1",
                phone="021-88001122",
                timezone="Asia/Tehran",
                live=True,
                now=OPENED,
            )
        with self._filling() as cursor:
            cursor.execute(COPY_CLINIC + PEOPLE, self._values())
            for table in ("followup_rule", "messaging_template", "clinic_closure"):
                cursor.execute(_copy_for_others(cursor, table), self._values())

    def add(self, layer: Layer) -> None:
        """Its clients, their sessions and texts, and their rhythms."""
        values = self._values(layer)
        rows = SESSIONS_NOW
        if layer.left is not None:
            rows = SESSIONS_LONG_AGO.format(left=layer.left.format(hash=WHO_LEFT))
        with self._filling() as cursor:
            cursor.execute(SECONDARY, [list(BIG)])
            indexes = cursor.fetchall()
            for name, _ in indexes:
                cursor.execute(f"DROP INDEX {name}")
            cursor.execute(CLIENTS, values)
            cursor.execute(SESSIONS.format(rows=rows), values)
            cursor.execute(
                "ANALYZE sessions_app_session, sessions_app_participant, patients_client"
            )
            cursor.execute(ABOUT_SESSIONS.format(these=THESE), values)
            cursor.execute(MESSAGES.format(these=THESE, **LIFE), values)
            for _, definition in indexes:
                cursor.execute(definition)
        self._keep_rhythms(layer)
        self.vacuum()

    def vacuum(self) -> None:
        """As after a quiet night."""
        self.bench.admin("VACUUM (ANALYZE)", database=self.database)

    def plan_until_now(self) -> None:
        """What the planner has made of the last day; all of it left at its time."""
        from clinic.tenancy import EVERYWHERE, Hat, wear
        from followup import planner
        from followup.models import Kind, Watermark

        with wear(Hat.OWNER, clinic_id=EVERYWHERE):
            before = NOW - dt.timedelta(hours=1)
            Watermark.objects.bulk_create(
                Watermark(kind=kind, scanned_to=before, finished_at=before) for kind in Kind.values
            )
        planner.plan(NOW)
        self.bench.admin(
            "SET ROLE app_owner; UPDATE messaging_message SET state = 'delivered',"
            " sending_at = due_at, attempted_at = due_at, sent_at = due_at, delivered_at = due_at"
            " WHERE state IN ('queued', 'missed')",
            database=self.database,
        )

    def counts(self) -> dict[str, int]:
        """Rows by table."""
        tables = ("clinic_clinic", *BIG, "sessions_app_rhythm", "followup_rule")
        return {
            table: self.bench.admin(f"SELECT count(*) FROM {table}", database=self.database)[0][0]
            for table in tables
        }

    def _keep_rhythms(self, layer: Layer) -> None:
        from clinic.tenancy import EVERYWHERE, Hat, wear
        from sessions_app import rhythm

        first, last = (n * self.clinics for n in layer.clients)
        for start in range(first + 1, last + 1, 5000):
            with wear(Hat.OWNER, clinic_id=EVERYWHERE):
                rhythm.refresh(range(start, min(start + 5000, last + 1)))

    def _values(self, layer: Layer | None = None) -> dict[str, Any]:
        from clinic.text import fold, sort_key

        names = [(first, last) for first in FIRST_NAMES for last in LAST_NAMES]
        values: dict[str, Any] = {
            "clinics": self.clinics,
            "therapists": THERAPISTS,
            "services": SERVICES,
            "daily": DAILY,
            "first_day": FIRST_DAY,
            "now": NOW,
            "midnight": MIDNIGHT,
            "opened": OPENED,
            "planned_from": PLANNED_FROM,
            "text": TEXT,
            "first": list(FIRST_NAMES),
            "last": list(LAST_NAMES),
            "words": [fold(f"{first} {last}") for first, last in names],
            "keys": [sort_key(f"{last} {first}") for first, last in names],
        }
        if layer is not None:
            values |= {"client": layer.clients[0], "clients": layer.clients[1]}
            values |= {"session": layer.sessions[0], "sessions": layer.sessions[1]}
        return values

    def _filling(self) -> _Filling:
        return _Filling(self.bench.admin_url(self.database))


class _Filling:
    """A cursor of the superuser for which no trigger fires: the rows are right as they are."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg2.connect(url)

    def __enter__(self) -> Any:
        cursor = self._connection.cursor()
        cursor.execute(
            "SET session_replication_role = replica; SET TIME ZONE 'UTC';"
            " SET work_mem = '256MB'; SET max_parallel_maintenance_workers = 1"
        )
        return cursor

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._connection.commit()
        self._connection.close()


def _copy_for_others(cursor: Any, table: str) -> str:
    """The statement that gives every clinic what the first one has in a table."""
    cursor.execute(
        "SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute"
        " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped"
        " AND attname NOT IN ('id', 'clinic_id')",
        [table],
    )
    (columns,) = cursor.fetchone()
    return (
        f"INSERT INTO {table} (clinic_id, {columns}) SELECT n, {columns} FROM {table}"
        f" CROSS JOIN generate_series(2, %(clinics)s) n WHERE clinic_id = 1 ORDER BY n, id"
    )
