"""Writing thousands of rows in few statements."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

from django.db import connection

BATCH = 1000
T = TypeVar("T")


def in_batches(items: Iterable[T], size: int = BATCH) -> Iterator[list[T]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def update_many(model: type[Any], rows: Sequence[Any], fields: Sequence[str]) -> None:
    """Save the fields of rows that exist, and that the caller holds locked, in one statement.

    An insert that becomes an update: `bulk_update` writes a CASE of all rows for each field and is
    ten times slower at a thousand rows. A row deleted meanwhile would come back; the lock is what
    rules that out.
    """
    model.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["id"], update_fields=fields
    )


def check_keys() -> None:
    """Check what waits for the commit now, where a fault still has a name. Raises IntegrityError.

    The checks' plans are kept by the connection and may stem from when the tables were small: a
    whole table read for each of 100,000 keys took minutes. Without its plans it makes new ones.
    """
    with connection.cursor() as cursor:
        cursor.execute("DISCARD PLANS")
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
