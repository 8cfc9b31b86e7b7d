"""Who waits for a lock, asked of PostgreSQL itself: a clock can only hope that they wait by now."""

import os
import time

import psycopg2
from django.db import connection

WAITING = """
SELECT count(*) FROM pg_stat_activity
 WHERE datname = %s AND wait_event IN ('transactionid', 'tuple', 'advisory')
"""


def come_to_wait(count=1, *, seconds=20):
    """Return True as soon as so many others wait for a lock of a transaction; False if they never do.

    For the one who holds it: what they have not committed is then what the others ran into.
    """
    deadline = time.monotonic() + seconds
    # Only a superuser is told what the connections of other roles wait for.
    admin = psycopg2.connect(os.environ["PEYGIR_TEST_ADMIN_URL"])
    try:
        admin.autocommit = True
        while (found := _waiting(admin)) < count and time.monotonic() < deadline:
            time.sleep(0.02)
        return found >= count
    finally:
        admin.close()


def _waiting(admin):
    with admin.cursor() as cursor:
        cursor.execute(WAITING, [connection.settings_dict["NAME"]])
        return cursor.fetchone()[0]
