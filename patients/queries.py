"""Finding clients the way people ask for them."""

from __future__ import annotations

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from django.contrib.postgres.search import TrigramWordSimilarity
from django.db.models import BigIntegerField, Case, Max, Q, QuerySet, Value, When
from django.db.models.functions import Cast

from clinic.text import ascii_digits, fold
from patients import phones
from patients.models import Client, ContactPerson, FormerFile

#: How well a client fits what was typed, best first; `search` annotates it as `rank`.
EXACT, BEGINS, CONTAINS, NEAR = range(4)

# Two words of four letters with one typo between them share at least the trigram of their first
# letter: one of the five in the typed word. The edit distance decides afterwards.
_SIMILAR_ENOUGH = 0.19
_MOST_CANDIDATES = 500
_SHORTEST_FORGIVEN = 4
_SHORTEST_WITH_COUNTRY = 8
_NUMBER = re.compile(r"\+?[0-9][0-9 ().\-/]*")


def search(clients: QuerySet[Client], typed: str) -> QuerySet[Client]:
    """The clients that fit what was typed, best first, each with its `rank`.

    Every word must be found in the name, the phone or the file number; spelling is folded and one
    typo in a word is forgiven. An empty text finds everybody, in alphabetical order.
    """
    words = _words(typed)
    if not words:
        return clients.annotate(rank=Value(EXACT)).order_by("sort_key", "id")
    exact = _all(_contains(word) for word in words)
    return (
        clients.filter(exact | Q(pk__in=_near(clients, words, exact)))
        .annotate(rank=_rank(words, exact))
        .order_by("rank", "sort_key", "id")
    )


def next_file_no() -> str:
    """One above the highest file number that is a plain number; "1" in a new clinic.

    The number of a file that was joined to another stands on somebody's paper still.
    """
    return str(max(_highest(Client.objects.all()), _highest(FormerFile.objects.all())) + 1)


def _highest(files: QuerySet[Any]) -> int:
    numbers = files.filter(file_no__regex=r"^[0-9]{1,15}$")
    highest = numbers.aggregate(highest=Max(Cast("file_no", BigIntegerField())))["highest"]
    return highest or 0


def by_number(number: int) -> Client | None:
    """The client of this id, or the one to whom the file was joined that had it."""
    whole = Client.objects.filter(pk=number).first()
    return whole or Client.objects.filter(former_files__number=number).first()


def with_phone(phone: str) -> QuerySet[Client]:
    """Whose number (E.164) it is, whose contact person's, and those whose second file had it."""
    # Asked first: an OR with a subquery would read every client for each text that comes in.
    had = FormerFile.objects.filter(phone=phone).order_by().values_list("client_id")
    of_contacts = ContactPerson.objects.filter(phone=phone or None).order_by()
    others = [pk for (pk,) in had.union(of_contacts.values_list("client_id"))]
    return Client.objects.filter(Q(phone=phone) | Q(pk__in=others))


def phones_of(client: Client) -> list[str]:
    """The client's number, those of contact persons, and of files that were joined to this one."""
    former = client.former_files.values_list("phone", flat=True) if client.former_words else ()
    people = client.contacts.values_list("phone", flat=True) if client.contact_words else ()
    return [phone for phone in dict.fromkeys([client.phone, *people, *former]) if phone]


def owners_of(phones: Iterable[str]) -> dict[str, list[Client]]:
    """Who is behind each number, in alphabetical order: whose it is, or whose contact person's."""
    wanted = set(phones) - {""}
    at: defaultdict[int, set[str]] = defaultdict(set)
    people = ContactPerson.objects.filter(phone__in=wanted).order_by()
    for client_id, phone in people.values_list("client_id", "phone"):
        at[client_id].add(phone)
    clients = Client.objects.filter(Q(phone__in=wanted) | Q(pk__in=list(at)))
    found: defaultdict[str, list[Client]] = defaultdict(list)
    for client in clients.select_related("clinic").order_by("sort_key", "id"):
        for phone in at[client.pk] | {client.phone} & wanted:
            found[phone].append(client)
    return found


def sharing_phone(phone: str, *, but: int = 0) -> QuerySet[Client]:
    """The other clients with this number (E.164), in alphabetical order; nobody for an empty one."""
    others: QuerySet[Client] = Client.objects.filter(phone=phone or None)
    return others.exclude(pk=but).order_by("sort_key", "id")


def is_muted(client: Client, today: dt.date) -> bool:
    """Whether automated texts are stopped on the clinic's local day `today`; `muted_until` ends it."""
    if client.muted_at is None:
        return False
    return client.muted_until is None or client.muted_until > today


def has_usable_phone(client: Client) -> bool:
    """Whether a text message can reach the client, or a contact person in their place."""
    return is_usable(client.call_phone)


def out_of_reach(clients: QuerySet[Client]) -> list[Client]:
    """Those whom no text message can reach: without a number, or with one that takes none."""
    # The index `client_out_of_reach` finds the few without an Iranian mobile; of those abroad only
    # the library knows.
    candidates = clients.exclude(phone__startswith="+989")
    return [client for client in candidates if not has_usable_phone(client)]


def is_usable(phone: str) -> bool:
    """Whether a text message can reach this number (E.164, or empty)."""
    return bool(phone) and phones.is_mobile(phone)


def _words(typed: str) -> list[str]:
    folded = fold(typed)
    if _NUMBER.fullmatch(folded):
        return [_number(folded)]
    return folded.split()[:6]


def _number(typed: str) -> str:
    """The digits in a form that `search_text` holds: of 00980912… and +980912… only 0912…."""
    digits = re.sub(r"[^0-9]", "", ascii_digits(typed))
    if digits.startswith("0098"):
        digits = digits.removeprefix("00")
    if len(digits) >= _SHORTEST_WITH_COUNTRY and digits.startswith("9809"):
        digits = digits.removeprefix("98")
    return digits


def _contains(word: str) -> Q:
    return Q(search_text__contains=word)


def _begins(word: str) -> Q:
    return Q(search_text__startswith=word) | Q(search_text__contains=f" {word}")


def _all(conditions: Iterable[Q]) -> Q:
    together = Q()
    for condition in conditions:
        together &= condition
    return together


def _rank(words: list[str], exact: Q) -> Case:
    whole = Q(file_no__iexact=words[0]) if len(words) == 1 else Q(pk=None)
    return Case(
        When(whole, then=Value(EXACT)),
        When(_all(_begins(word) for word in words), then=Value(BEGINS)),
        When(exact, then=Value(CONTAINS)),
        default=Value(NEAR),
    )


def _near(clients: QuerySet[Client], words: list[str], exact: Q) -> list[int]:
    """Those whom one typo in a word keeps from being found.

    The database proposes by trigrams and the edit distance decides: trigrams alone bring in names
    that merely share an ending. Word similarity is not leakproof, so under row-level security it
    reads the clinic's rows one by one: a third of a second for 10,000 clients.
    """
    forgiven = [word for word in words if _may_hold_a_typo(word)]
    if not forgiven:
        return []
    found: Any = clients.exclude(exact)
    for n, word in enumerate(words):
        if word in forgiven:
            found = found.annotate(**{f"near_{n}": TrigramWordSimilarity(word, "search_text")})
            found = found.filter(_contains(word) | Q(**{f"near_{n}__gt": _SIMILAR_ENOUGH}))
        else:
            found = found.filter(_contains(word))
    first = f"-near_{words.index(forgiven[0])}"
    rows = found.order_by(first, "id").values_list("pk", "search_text")[:_MOST_CANDIDATES]
    return [pk for pk, text in rows if all(_is_near(word, text) for word in words)]


def _may_hold_a_typo(word: str) -> bool:
    return len(word) >= _SHORTEST_FORGIVEN and word.isalpha()


def _is_near(word: str, text: str) -> bool:
    if word in text:
        return True
    return _may_hold_a_typo(word) and any(_begins_nearly(word, other) for other in text.split())


def _begins_nearly(typed: str, word: str) -> bool:
    """Whether what was typed is the beginning of the word, but for one typo."""
    size = len(typed)
    if len(word) <= size:
        return _one_edit_apart(typed, word)
    return any(_one_edit_apart(typed, word[:length]) for length in (size, size + 1))


def _one_edit_apart(one: str, two: str) -> bool:
    """One letter wrong, missing, too many, or two neighbours swapped."""
    if abs(len(one) - len(two)) > 1:
        return False
    start = next((n for n, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), None)
    if start is None:
        return True
    a, b = one[start:], two[start:]
    if len(a) != len(b):
        return a[1:] == b or b[1:] == a
    return a[1:] == b[1:] or (a[:2] == b[1::-1] and a[2:] == b[2:])
