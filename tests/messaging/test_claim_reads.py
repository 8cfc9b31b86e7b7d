"""What a claim reads: it may not hang on what PostgreSQL happens to know about the queue."""

import json

import pytest
from django.db import connection

from clinic.tenancy import EVERYWHERE, Hat, wear
from messaging import claiming
from messaging.models import Message
from tests.factories import ClinicFactory, MessageFactory
from tests.followup.clinics import tehran

NOW = tehran("2026-11-25 17:30")
CLINICS, SENT, DUE = 8, 500, 40
#: Partial indexes of what is queued.
OF_THE_QUEUE = {"message_due", "message_waiting", "message_expiring"}

COPIES = """
INSERT INTO messaging_message
SELECT (jsonb_populate_record(m, jsonb_build_object(
            'id', nextval(pg_get_serial_sequence('messaging_message', 'id')),
            'occasion', %(state)s || n, 'state', %(state)s))).*
  FROM messaging_message m, generate_series(1, %(count)s) n
 WHERE m.occasion = ''
"""


@pytest.fixture
def messages(transactional_db):
    """Some clinics' texts; emptied by truncation, for what ANALYZE says outlives a rollback."""
    with wear(Hat.OWNER, clinic_id=EVERYWHERE):
        for _ in range(CLINICS):
            MessageFactory(
                clinic=ClinicFactory(), session=None, template=None, due_at=NOW, occasion=""
            )
        copies("delivered", SENT)
        Message.objects.filter(occasion="").update(state="delivered")


def copies(state, count):
    with connection.cursor() as cursor:
        cursor.execute(COPIES, {"state": state, "count": count})


def analyze():
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE messaging_message")


def indexes_of_a_claim():
    values = {"now": NOW, "holder": "x", "lease": NOW, "rested": NOW}
    values |= {"limit": 200, "reach": 1600, "least": 4}
    with wear(Hat.WORKER, clinic_id=EVERYWHERE), connection.cursor() as cursor:
        cursor.execute(claiming.IN_ORDER + "EXPLAIN (FORMAT json) " + claiming.CLAIM, values)
        ((plan,),) = cursor.fetchall()
    words = json.dumps(plan)
    return {name for name in (*OF_THE_QUEUE, "messaging_message_pkey") if f'"{name}"' in words}


@pytest.mark.parametrize("known", ["an empty queue", "a full one"])
def test_a_claim_reads_the_queue_in_its_order_and_what_it_chose_by_id(messages, known):
    with wear(Hat.OWNER, clinic_id=EVERYWHERE):
        if known == "an empty queue":
            analyze()
        copies("queued", DUE)
        if known == "a full one":
            analyze()
    assert indexes_of_a_claim() == {"message_due", "messaging_message_pkey"}
