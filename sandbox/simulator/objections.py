"""What can speak against a text, as the facts are: by the words that the engine gives as reasons."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from sandbox.simulator.facts import House, Person, Visit
from sandbox.simulator.oracle import COMING, STATES, Oracle, purpose_of

Row = dict[str, Any]


def objections(house: House, row: Row, now: dt.datetime) -> Iterator[str]:
    """Everything that speaks against a text leaving now."""
    person, visit = house.people[row["client_id"]], house.visits[row["session_id"]]
    if house.paused:
        yield "clinic_paused"
    yield from _against_person(house, person, row, now)
    yield from _against_visit(visit, row)
    yield from _against_rule(house, row)
    if visit.revision == row["revision"]:
        yield from _against_course(house, visit, person, row, now)


def _against_person(house: House, person: Person, row: Row, now: dt.datetime) -> Iterator[str]:
    today = house.almanac.local(now).date()
    muted = person.muted_at and (person.muted_until is None or today < person.muted_until)
    readers = person.readers(purpose_of(row["rule_key"]))
    against = {
        "deceased": person.deceased,
        "crisis": person.crisis,
        "muted": muted,
        "no_phone": not row["recipient"],
        "not_told": row["contact_id"] not in readers,
        "phone_changed": readers.get(row["contact_id"]) != row["recipient"],
        "no_consent": purpose_of(row["rule_key"]) not in person.consents,
    }
    yield from (reason for reason, holds in against.items() if holds)


def _against_visit(visit: Visit, row: Row) -> Iterator[str]:
    expected = STATES.get(row["rule_key"], COMING)
    if visit.state == "cancelled" and "cancelled" not in expected:
        yield "session_cancelled"
    if visit.revision != row["revision"]:
        yield "session_moved"
    if visit.state not in expected:
        yield "session_started" if expected == COMING else "record_changed"
    if row["client_id"] not in visit.clients:
        yield "not_participant"


def _against_rule(house: House, row: Row) -> Iterator[str]:
    rule = house.rules.get(row["rule_key"])
    if rule is None or not rule.enabled or rule.active_since > row["due_at"]:
        yield "rule_off"


def _against_course(
    house: House, visit: Visit, person: Person, row: Row, now: dt.datetime
) -> Iterator[str]:
    """What of the client's whole course speaks against it."""
    oracle, key = Oracle(house), row["rule_key"]
    if key == "no_show" and oracle.missed_before(visit, person):
        yield "second_no_show"
    follows = key == "no_next_booking" or key.startswith("silent")
    if not follows and not key.startswith("motivation"):
        return
    state = house.treatments.get((person.id, visit.therapist, visit.service), ("active", None))[0]
    if oracle.ends_it(visit, person, now):
        yield "paused" if state == "paused" else "ended"
    last, coming = oracle.last_and_next(person)
    if follows:
        if coming:
            yield "booked"
        if last is None or last.id != visit.id:
            yield "seen_since"
        if (person.id, visit.id) in house.answered:
            yield "answered"
        if oracle.plan_is_over(visit, person, now):
            yield "plan_over"
    elif key == "motivation_gap" and (coming is None or coming.id != visit.id):
        yield "booked"
        yield "seen_since"
