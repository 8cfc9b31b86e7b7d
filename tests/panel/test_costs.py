"""What a page costs follows what it shows, and not what years have left behind it."""

import datetime as dt

import pytest
from django.db import connection

from clinic.tenancy import EVERYWHERE, Hat, wear
from tests import factories
from tests.panel.screens import CLINIC

pytestmark = pytest.mark.slow

SOME, MANY = 1_000, 10_000
#: Pages of memory that a deeper tree costs, over all the statements of a screen.
SLACK = 60

# Every session has been attended and told of; the clients come in turn.
HISTORY = """
WITH made AS (
    INSERT INTO sessions_app_session
           (clinic_id, therapist_id, service_id, starts_at, ends_at, state, cancelled_by, revision,
            booked_at, recorded_at, source, online_url)
    SELECT %(clinic)s, %(therapist)s, %(service)s, at, at + interval '50 minutes', 'attended', '', 1,
           at - interval '9 days', at + interval '1 hour', 'panel', ''
      FROM generate_series(1, %(count)s) n,
           LATERAL (SELECT %(until)s - n * interval '1 hour' AS at) moment
    RETURNING id, starts_at),
placed AS (
    INSERT INTO sessions_app_participant (clinic_id, session_id, client_id)
    SELECT %(clinic)s, id, (%(clients)s::bigint[])[1 + mod(id, cardinality(%(clients)s::bigint[]))]
      FROM made
    RETURNING session_id, client_id)
INSERT INTO messaging_message
       (clinic_id, rule_key, rule_number, expects, invites, purpose, priority, channel, "then",
        occasion, client_id, session_id, revision, recipient, due_at, useful_until, planned_at, state,
        reason, state_at, attempt_at, attempts, holder, text, provider, provider_id, provider_code,
        negative_lookups, sending_at, sent_at)
SELECT %(clinic)s, 'reminder_24h', 1, 'coming', false, 'transactional', 1, 'sms', '{}', '',
       p.client_id, m.id, 1, '+989121112233', at, at, at, 'delivered', '', at, at, 1, '', 'x', '',
       '', '', 0, at, at
  FROM made m JOIN placed p ON p.session_id = m.id,
       LATERAL (SELECT m.starts_at - interval '1 day' AS at) told
"""
TABLES = "sessions_app_session, sessions_app_participant, messaging_message"


@pytest.fixture
def lived(clinic, people):
    """Let so many hours of sessions have been, before all that is there."""
    others = [c.pk for c in factories.ClientFactory.create_batch(20, clinic=clinic)]
    reached = [factories.NOW - dt.timedelta(days=10)]

    def live(count):
        values = {"clinic": clinic.pk, "therapist": people["mine"].pk, "clients": others}
        values |= {"service": people["service"].pk, "until": reached[0], "count": count}
        with wear(Hat.OWNER, clinic_id=EVERYWHERE), connection.cursor() as cursor:
            cursor.execute(HISTORY, values)
            cursor.execute(f"ANALYZE {TABLES}")
        reached[0] -= dt.timedelta(hours=count)

    return live


def pages_read(browser, address):
    """By all statements of a screen, from memory or disk."""
    found = []

    def explained(execute, sql, params, many, context):
        if "set_config" not in sql and sql.lstrip(" (\n").startswith(("SELECT", "WITH")):
            with connection.connection.cursor() as cursor:
                cursor.execute("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + sql, params)
                plan = cursor.fetchone()[0][0]["Plan"]
            found.append(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explained):
        assert browser.get(address).status_code == 200
    return sum(found)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "messages/",
        "messages/?state=failed",
        "messages/?reason=no_consent",
        "calls/",
        "calendar/",
        "calendar/week/",
    ],
)
def test_a_page_reads_as_much_after_ten_times_the_years(as_reception, people, lived, address):
    session = factories.SessionFactory(
        clinic=people["mine"].clinic, therapist=people["mine"], service=people["service"],
        clients=[people["my_client"]], starts_at=factories.NOW + dt.timedelta(hours=2),
    )  # fmt: skip
    factories.MessageFactory(
        clinic=session.clinic, client=people["my_client"], session=session, state="failed"
    )
    lived(SOME)
    before = pages_read(as_reception, CLINIC + address)
    lived(MANY - SOME)
    assert pages_read(as_reception, CLINIC + address) <= before + SLACK


def test_a_clients_page_reads_as_much_after_ten_times_the_clinics_years(
    as_reception, people, lived
):
    address = f"{CLINIC}clients/{people['my_client'].pk}/"
    lived(SOME)
    before = pages_read(as_reception, address)
    lived(MANY - SOME)
    assert pages_read(as_reception, address) <= before + SLACK


def test_today_reads_as_much_with_ten_times_the_clients(as_reception, clinic):
    def join(count):
        factories.ClientFactory.create_batch(count, clinic=clinic)
        with wear(Hat.OWNER, clinic_id=EVERYWHERE), connection.cursor() as cursor:
            cursor.execute("ANALYZE patients_client")

    join(50)
    before = pages_read(as_reception, CLINIC)
    join(950)
    assert pages_read(as_reception, CLINIC) <= before + 10
