"""What gives rise to a text: one statement for each kind of rule, across all clinics.

Every statement starts from the few distinct offsets of the rules, given as VALUES, and reads one
range of a partial index for each: its cost follows what falls due, not what is stored. A plain join
with the rules would read every session there is.

An occasion falls due at `at`. Reminders due in quiet hours are pulled before them, everything else
waits until after them, and what can wait until a working day: that moment is `due_at`. `falls_at` is
the one that decides when it is planned: `due_at` for what is pulled, `at` for what waits. So a text
may stand in the queue until the next working morning; the sender asks everything again then.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet

from followup.conditions import WHY_NOT, WORLD
from followup.models import Kind, Rule

#: Reminders due in quiet hours go in these last minutes before them.
LAST_MINUTES = dt.timedelta(minutes=10)
#: Before the quiet hours themselves: one tick and one drain must still fit.
MARGIN = dt.timedelta(minutes=2)
LONGEST_SPREAD = dt.timedelta(hours=1)
#: How far before its nominal time a reminder can be pulled: a night, of a clinic or a client, is
#: shorter than a day, and one in which the clocks change an hour longer.
REACH = dt.timedelta(hours=25) + LAST_MINUTES
#: No session is longer.
LONGEST_SESSION = dt.timedelta(hours=12)

#: Goes before a statement, for the rest of its transaction. PostgreSQL cannot know how narrow a range
#: is whose ends come from a join; it takes a third for each end, and would rather read whole tables.
#: Nor does it know a table that has just been filled: without hash joins, but with whole tables read
#: again and again inside a nested loop, a tick took minutes. Each of these joins has its index.
BY_INDEX = (
    "SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off;"
    " SET LOCAL enable_seqscan = off;"
)

BEFORE_SESSION = """
SELECT s.id AS session_id, p.client_id, r.id AS rule_id,
       s.starts_at - o.minutes * interval '1 minute' AS at,
       s.starts_at - r.useful_minutes * interval '1 minute' AS useful_until,
       'coming' AS expects
  FROM (VALUES {minutes}) o(minutes)
  JOIN sessions_app_session s
    ON s.starts_at > %(since)s - %(longest_spread)s + o.minutes * interval '1 minute'
   AND s.starts_at <= %(until)s + %(reach)s + o.minutes * interval '1 minute'
  JOIN followup_rule r
    ON r.clinic_id = s.clinic_id AND r.offset_minutes = o.minutes AND r.kind = 'before_session'
   AND r.enabled
  JOIN sessions_app_participant p ON p.session_id = s.id
 WHERE {coming}
"""

# A later change of the same promise has taken the place of an earlier one; and a cancellation is
# told because somebody chose to tell it, never because the booking was told. A booking or a move that
# was put right in silence before anybody was told is told as it stands, unless it was undone.
AFTER_CHANGE = """
SELECT s.id AS session_id, p.client_id, r.id AS rule_id,
       ch.at + o.minutes * interval '1 minute' AS at,
       CASE r.kind WHEN 'booked'
            THEN ch.at + (o.minutes + r.useful_minutes) * interval '1 minute'
            ELSE s.starts_at END AS useful_until,
       CASE r.kind WHEN 'cancelled' THEN 'cancelled' ELSE 'coming' END AS expects
  FROM (VALUES {minutes}) o(minutes)
  JOIN sessions_app_sessionchange ch
    ON ch.tell AND ch.at > %(since)s - o.minutes * interval '1 minute'
   AND ch.at <= %(until)s - o.minutes * interval '1 minute'
  JOIN sessions_app_session s
    ON s.id = ch.session_id
   AND (s.revision = ch.revision
        OR ch.kind IN ('booked', 'moved') AND s.revision = (
            SELECT CASE WHEN bool_or(x.tell) OR (array_agg(x.kind ORDER BY x.id))[1] = 'undone'
                        THEN 0 ELSE max(x.revision) END
              FROM sessions_app_sessionchange x
             WHERE x.session_id = s.id AND x.id > ch.id
               AND x.at <= ch.at + o.minutes * interval '1 minute'))
   AND (s.state = 'cancelled') = coalesce(ch.after ->> 'state' = 'cancelled', false)
  JOIN followup_rule r
    ON r.clinic_id = s.clinic_id AND r.offset_minutes = o.minutes AND r.enabled
   AND r.kind = CASE WHEN s.state = 'cancelled' THEN 'cancelled'
                     WHEN ch.kind = 'booked' THEN 'booked' ELSE 'moved' END
  JOIN sessions_app_participant p ON p.session_id = s.id
 WHERE r.kind = %(kind)s AND s.state IN ('scheduled', 'confirmed', 'cancelled')
"""

# Nobody is thanked while they are still there.
AFTER_RECORD = """
SELECT s.id AS session_id, p.client_id, r.id AS rule_id,
       CASE r.kind WHEN 'thanks' THEN greatest(s.recorded_at, s.ends_at) ELSE s.recorded_at END
            + o.minutes * interval '1 minute' AS at,
       CASE r.kind WHEN 'thanks' THEN s.ends_at + r.useful_minutes * interval '1 minute'
            ELSE s.recorded_at + (o.minutes + r.useful_minutes) * interval '1 minute' END
            AS useful_until,
       s.state AS expects
  FROM (VALUES {minutes}) o(minutes)
  JOIN sessions_app_session s
    ON s.recorded_at > %(since)s - %(longest_session)s - o.minutes * interval '1 minute'
   AND s.recorded_at <= %(until)s - o.minutes * interval '1 minute'
  JOIN followup_rule r
    ON r.clinic_id = s.clinic_id AND r.offset_minutes = o.minutes AND r.kind = %(kind)s
   AND r.enabled
  JOIN sessions_app_participant p ON p.session_id = s.id
 WHERE s.state = CASE %(kind)s WHEN 'thanks' THEN 'attended' ELSE 'no_show' END
"""

# Found by its end, or, where the outcome was recorded only later, by that moment: many clinics record
# once a week.
AFTER_SESSION = """
SELECT s.id AS session_id, p.client_id, r.id AS rule_id,
       greatest(s.ends_at + o.minutes * interval '1 minute', s.recorded_at) AS at,
       CASE r.kind WHEN 'no_next' THEN s.ends_at + r.useful_minutes * interval '1 minute'
            ELSE s.ends_at + (o.minutes + r.useful_minutes) * interval '1 minute' END
            AS useful_until,
       'attended' AS expects
  FROM (VALUES {minutes}) o(minutes)
 CROSS JOIN LATERAL (
       SELECT x.* FROM sessions_app_session x
        WHERE x.state = 'attended' AND x.ends_at > %(since)s - o.minutes * interval '1 minute'
          AND x.ends_at <= %(until)s - o.minutes * interval '1 minute'
        UNION ALL
       SELECT x.* FROM sessions_app_session x
        WHERE x.state = 'attended' AND x.recorded_at > %(since)s AND x.recorded_at <= %(until)s
          AND x.ends_at <= %(since)s - o.minutes * interval '1 minute') s
  JOIN followup_rule r
    ON r.clinic_id = s.clinic_id AND r.offset_minutes = o.minutes AND r.kind = %(kind)s
   AND r.enabled
  JOIN sessions_app_participant p ON p.session_id = s.id
"""

# The rhythm is the client's own, or the service's while there is none. What was booked after the
# middle had passed was not a gap that anybody waited through.
LONG_GAP = """
SELECT s.id AS session_id, a.client_id, r.id AS rule_id, a.gap_middle_at AS at,
       s.starts_at - r.useful_minutes * interval '1 minute' AS useful_until,
       'coming' AS expects
  FROM sessions_app_rhythm a
  JOIN sessions_app_session s ON s.id = a.next_session_id
  JOIN clinic_service service ON service.id = s.service_id
  JOIN followup_rule r ON r.clinic_id = a.clinic_id AND r.kind = 'long_gap' AND r.enabled
 WHERE a.gap_middle_at > %(since)s AND a.gap_middle_at <= %(until)s
   AND s.booked_at <= a.gap_middle_at
   AND s.starts_at - a.last_attended_at
       > r.factor * coalesce(a.median_gap_days, service.rhythm_days) * interval '1 day'
"""

# The distinct lapses are few: a loose index scan hops from one to the next instead of reading all
# clients, and each is one range of `rhythm_silent`.
SILENT = """
SELECT a.last_attended_id AS session_id, a.client_id, r.id AS rule_id,
       a.last_attended_at + a.days * interval '1 day' AS at,
       a.last_attended_at + coalesce(next.days, a.days + r.useful_minutes / 1440.0)
                            * interval '1 day' AS useful_until,
       'attended' AS expects
  FROM (SELECT stage.days, stage.floor_days, stage.factor,
               y.clinic_id, y.client_id, y.last_attended_id, y.last_attended_at, y.lapse_days
          FROM (WITH RECURSIVE lapses AS (
            SELECT min(lapse_days) AS lapse FROM sessions_app_rhythm
             WHERE next_session_at IS NULL AND last_attended_at IS NOT NULL
            UNION ALL
            SELECT (SELECT min(x.lapse_days) FROM sessions_app_rhythm x
                     WHERE x.lapse_days > l.lapse
                       AND x.next_session_at IS NULL AND x.last_attended_at IS NOT NULL)
              FROM lapses l WHERE l.lapse IS NOT NULL)
        SELECT lapse, greatest(v.floor_days, ceil(v.factor * lapse))::int AS days,
               v.floor_days, v.factor
          FROM lapses CROSS JOIN (VALUES {stages}) v(floor_days, factor)
         WHERE lapse IS NOT NULL) stage
         -- One range of `rhythm_silent` for each. Not a plain join: expecting many of every lapse,
         -- PostgreSQL would read all clients who ever fell silent, the more the longer the history.
         CROSS JOIN LATERAL (
               SELECT x.clinic_id, x.client_id, x.last_attended_id, x.last_attended_at, x.lapse_days
                 FROM sessions_app_rhythm x
                WHERE x.lapse_days = stage.lapse
                  AND x.next_session_at IS NULL AND x.last_attended_at IS NOT NULL
                  AND x.last_attended_at > %(since)s - stage.days * interval '1 day'
                  AND x.last_attended_at <= %(until)s - stage.days * interval '1 day'
               OFFSET 0) y
        -- And found before any rule is looked at: joined to the rules first, half a million clients
        -- of a thousand clinics were read fifteen times over for six hundred that were due.
        OFFSET 0) a
  JOIN followup_rule r
    ON r.clinic_id = a.clinic_id AND r.kind = 'silent' AND r.enabled
   AND r.floor_days = a.floor_days AND r.factor = a.factor
  LEFT JOIN LATERAL (
       SELECT min(greatest(x.floor_days, ceil(x.factor * a.lapse_days))) AS days
         FROM followup_rule x
        WHERE x.clinic_id = a.clinic_id AND x.kind = 'silent'
          AND greatest(x.floor_days, ceil(x.factor * a.lapse_days)) > a.days) next ON true
"""

FOUND = {
    Kind.BEFORE_SESSION: BEFORE_SESSION,
    Kind.BOOKED: AFTER_CHANGE,
    Kind.MOVED: AFTER_CHANGE,
    Kind.CANCELLED: AFTER_CHANGE,
    Kind.THANKS: AFTER_RECORD,
    Kind.NO_SHOW: AFTER_RECORD,
    Kind.NO_NEXT_BOOKING: AFTER_SESSION,
    Kind.MID_TREATMENT: AFTER_SESSION,
    Kind.LONG_GAP: LONG_GAP,
    Kind.SILENT: SILENT,
}

# The same session always gets the same second, whoever asks and however often.
PULLED = """
CASE WHEN is_quiet(at, c.timezone, quiet.begins, quiet.ends)
     THEN quiet_since(at, c.timezone, quiet.begins) - last_minutes
     WHEN is_quiet(at + spread, c.timezone, quiet.begins, quiet.ends)
     THEN quiet_since(at + spread, c.timezone, quiet.begins) - last_minutes
     ELSE at + spread END"""
AFTER_QUIET = "after_quiet(at, c.timezone, quiet.begins, quiet.ends)"
WORKING = "working_moment(at, c.timezone, quiet.begins, quiet.ends, c.id)"
# A client's own hours may not hold the hour at which they come.
USUAL = (
    "working_moment(usual_moment(at, c.timezone, a.usual_minute, c.id), c.timezone, quiet.begins,"
    " quiet.ends, c.id)"
)
DUE = {
    Kind.BEFORE_SESSION: PULLED,
    Kind.BOOKED: AFTER_QUIET,
    Kind.MOVED: AFTER_QUIET,
    Kind.CANCELLED: AFTER_QUIET,
    Kind.SILENT: USUAL,
}

# Who was silent when the clinic went live is on a list for a person, and stays there.
LIVE_SINCE = {
    Kind.SILENT: """
           CASE WHEN a.last_attended_at + a.lapse_days * interval '1 day' < c.live_since
                THEN 'infinity' ELSE c.live_since END"""
}

#: Which visit of a client to this therapist for this service a session was, counting from one. By the
#: client's own few sessions, each found by its number: as a join PostgreSQL may go through all that the
#: therapist ever had instead, more every year.
ORDINAL = """(
    SELECT count(*)
      FROM (SELECT op.session_id FROM sessions_app_participant op
             WHERE op.client_id = f.client_id OFFSET 0) mine
     CROSS JOIN LATERAL (
           SELECT FROM sessions_app_session os
            WHERE os.id = mine.session_id AND os.state = 'attended'
              AND os.therapist_id = s.therapist_id AND os.service_id = s.service_id
              AND (os.starts_at, os.id) <= (s.starts_at, s.id)
           OFFSET 0) visit)"""

# An invitation to give feedback goes with the thanks for a client's first visit to a therapist, for
# the third, and then for every fourth. The sender asks again whether another has gone lately.
INVITES = f"""
    SELECT r.kind = 'thanks' AND (visit.n = 1 OR visit.n >= 3 AND mod(visit.n - 3, 4) = 0) AS yes
      FROM (SELECT CASE WHEN r.kind = 'thanks' THEN {ORDINAL} END AS n) visit"""

# What fell due while a client was taken for dead is not sent late.
RETURNED_AT = """(
    SELECT max(e.at) FROM patients_clientevent e
     WHERE e.clinic_id = cl.clinic_id AND e.client_id = cl.id AND e.kind = 'not_died')"""

# Whom a text goes to: the client, people around them, or both; see `patients.contacts`. Where nobody
# can be written to there is one text without an address, so that staff see why nothing went.
TOLD = """
LEFT JOIN LATERAL (
     SELECT x.contact_id, x.address
       FROM (SELECT NULL::bigint AS contact_id,
                    CASE r.channel WHEN 'email' THEN cl.email ELSE cl.phone END AS address
              WHERE cl.own_texts
             UNION ALL
             SELECT ct.id, CASE r.channel WHEN 'email' THEN ct.email ELSE ct.phone END
               FROM patients_contactperson ct
              WHERE ct.client_id = cl.id
                AND CASE r.purpose WHEN 'transactional' THEN ct.gets_sessions
                                   ELSE ct.gets_follow_up AND ct.stopped_at IS NULL END) x
      WHERE x.address <> '') told ON true"""

OCCASIONS = """
WITH found AS {kept} ({found}),
occasions AS {kept} (
    SELECT f.session_id, f.client_id, f.rule_id, f.at, f.useful_until, f.expects,
           s.clinic_id, s.revision, s.starts_at, r.key, r.kind, r.purpose, r.channel, r."then",
           greatest(r.active_since, r.numbers_since, {returned_at}) AS active_since,
           {live_since} AS live_since,
           told.contact_id, coalesce(told.address, '') AS recipient,
           due.due_at, {falls_at} AS falls_at,
           {why_not} AS why_not, coalesce(invites.yes, false) AS invites,
           CASE r.purpose WHEN 'transactional' THEN cl.consent_transactional
                          WHEN 'follow_up' THEN cl.consent_follow_up
                          WHEN 'motivation' THEN cl.consent_motivation
                          ELSE cl.consent_campaign END AS consents
      FROM found f
      JOIN sessions_app_session s ON s.id = f.session_id
      JOIN followup_rule r ON r.id = f.rule_id
      JOIN patients_client cl ON cl.id = f.client_id
      {told}
      {world}
      CROSS JOIN LATERAL (
           SELECT coalesce(cl.texts_until, c.quiet_from) AS begins,
                  coalesce(cl.texts_from, c.quiet_to) AS ends) quiet
      CROSS JOIN LATERAL (
           SELECT mod(s.id * 7919, greatest(r.spread_minutes * 60, 1)) * interval '1 second'
                  AS spread,
                  %(last_minutes)s - mod(s.id * 7919, %(places)s) * interval '1 second'
                  AS last_minutes) place
      CROSS JOIN LATERAL (SELECT {due} AS due_at {once}) due
      CROSS JOIN LATERAL ({invites}) invites
     WHERE r.nth IS NULL OR r.nth = {ordinal}
)
"""
# What is pulled is chosen by its due time, and the long expression of it would be written out in
# each of the comparisons: a day's look back took twice as long. Elsewhere `at` chooses, and the few
# that are chosen are all that have a due time at all.
ONCE = "OFFSET 0"
#: What does not differ between the kinds.
CONDITIONS = {
    "told": TOLD,
    "world": WORLD,
    "why_not": WHY_NOT,
    "invites": INVITES,
    "ordinal": ORDINAL,
    "returned_at": RETURNED_AT,
}
#: Sessions whose reminders are planned.
COMING = "s.state IN ('scheduled', 'confirmed')"


@dataclass(frozen=True, slots=True)
class Offset:
    """What the rules of a kind differ by in time; few, whatever the number of clinics."""

    minutes: int
    floor_days: int
    factor: Decimal


def offsets(rules: QuerySet[Rule]) -> defaultdict[str, set[Offset]]:
    """The distinct offsets of these rules by kind, in one query."""
    names = ("kind", "offset_minutes", "floor_days", "factor")
    found = defaultdict(set)
    for kind, *numbers in rules.order_by().values_list(*names).distinct():
        found[kind].add(Offset(*numbers))
    return found


def offsets_of(rules: Iterable[Rule]) -> defaultdict[str, set[Offset]]:
    """The same of rules that have been loaded."""
    found = defaultdict(set)
    for rule in rules:
        found[rule.kind].add(Offset(rule.offset_minutes, rule.floor_days, rule.factor))
    return found


def statement(
    kind: str, wanted: set[Offset], *, coming: str = COMING, found: str | None = None
) -> str:
    """The `occasions` of one kind of rule, as the beginning of a statement; see `values`.

    `coming` says which sessions a reminder may be about; `found` replaces the kind's own statement.
    """
    pulled = kind == Kind.BEFORE_SESSION
    return OCCASIONS.format(
        **CONDITIONS,
        kept="",
        found=_found(found or FOUND[Kind(kind)], wanted, coming),
        due=DUE.get(Kind(kind), WORKING),
        once=ONCE if pulled else "",
        falls_at="due.due_at" if pulled else "f.at",
        live_since=LIVE_SINCE.get(Kind(kind), "c.live_since"),
    )


def statement_of_few(wanted: Mapping[str, set[Offset]], whose: str, *, coming: str = COMING) -> str:
    """The `occasions` of several kinds at once, of the few that `whose` chooses; see `values`.

    What is found is kept before anything is asked about it. For one client PostgreSQL takes far longer
    to plan a kind's own statement than to answer it: here all kinds share the long part, and each
    expression of it is written out once. For a whole clinic its estimates would be wrong by far.
    """
    found = (
        f"SELECT * FROM ({_found(FOUND[Kind(kind)], offsets, coming)}) few WHERE {whose}"
        # The kind is a parameter of its own statement.
        .replace("%(kind)s", f"'{Kind(kind).value}'")
        for kind, offsets in sorted(wanted.items())
    )
    return OCCASIONS.format(
        **CONDITIONS,
        kept="MATERIALIZED",
        found=" UNION ALL ".join(found),
        due=_by_kind(DUE, WORKING),
        once=ONCE,
        falls_at=_by_kind({Kind.BEFORE_SESSION: "due.due_at"}, "f.at"),
        live_since=_by_kind(LIVE_SINCE, "c.live_since"),
    )


def _found(statement: str, wanted: set[Offset], coming: str) -> str:
    return statement.format(
        minutes=_rows({(offset.minutes,) for offset in wanted}),
        stages=_rows({(offset.floor_days, offset.factor) for offset in wanted}),
        coming=coming,
    )


def _by_kind(of: Mapping[Kind, str], others: str) -> str:
    cases = " ".join(f"WHEN '{kind.value}' THEN {said}" for kind, said in of.items())
    return f"CASE r.kind {cases} ELSE {others} END"


def values(kind: str, since: dt.datetime, until: dt.datetime) -> dict[str, Any]:
    """The parameters of a statement: what falls due after `since` and up to `until`."""
    return {
        "kind": kind,
        "since": since,
        "until": until,
        "reach": REACH,
        "longest_spread": LONGEST_SPREAD,
        "longest_session": LONGEST_SESSION,
        "last_minutes": LAST_MINUTES,
        "places": int((LAST_MINUTES - MARGIN).total_seconds()),
    }


def _rows(found: set[tuple[int | Decimal, ...]]) -> str:
    return ", ".join(f"({', '.join(map(str, row))})" for row in sorted(found))
