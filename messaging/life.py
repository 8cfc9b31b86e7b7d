"""A message's life: which change of state is possible, and which hat may make it.

This table is the only one. The database keeps it too: `keep_life` refuses every other change, and
notes each that happens in `Message.life`, whoever makes it and however. The picture of it is in
`docs/messages.md`; `messaging.steps` tells a life to people.
"""

from __future__ import annotations

from clinic.tenancy import Hat
from messaging.models import State

#: Planner, sender, look-ups and receipts.
_ENGINE = (Hat.WORKER,)
#: And people: in the panel, and clients on their own pages.
_ANYBODY = (Hat.WORKER, Hat.WEB)

TRANSITIONS: dict[tuple[State, State], tuple[Hat, ...]] = {
    (State.QUEUED, State.CLAIMED): _ENGINE,
    (State.QUEUED, State.SKIPPED): _ENGINE,
    (State.QUEUED, State.CANCELLED): _ANYBODY,
    (State.QUEUED, State.MISSED): _ENGINE,
    (State.CLAIMED, State.SENDING): _ENGINE,
    (State.CLAIMED, State.QUEUED): _ENGINE,  # its lease ran out, or it has to wait
    (State.CLAIMED, State.SKIPPED): _ENGINE,
    (State.CLAIMED, State.CANCELLED): _ANYBODY,
    (State.CLAIMED, State.MISSED): _ENGINE,
    (State.CLAIMED, State.SHADOW): _ENGINE,
    (State.SENDING, State.SENT): _ENGINE,
    (State.SENDING, State.QUEUED): _ENGINE,  # certainly not accepted
    (State.SENDING, State.FAILED): _ENGINE,
    (State.SENDING, State.UNKNOWN): _ENGINE,
    (State.SENT, State.DELIVERED): _ENGINE,
    (State.SENT, State.UNDELIVERED): _ENGINE,
    (State.UNKNOWN, State.SENT): _ANYBODY,
    (State.UNKNOWN, State.QUEUED): _ENGINE,  # after two negative look-ups
    (State.UNKNOWN, State.FAILED): _ANYBODY,
}

# The owner may set any state (migrations, repairs, tests); that is noted as well. Appending to OLD
# is what makes the record one that nobody rewrites.
_KEEP_LIFE = """
CREATE OR REPLACE FUNCTION keep_life() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.life := OLD.life;
    IF NEW.state = OLD.state THEN
        RETURN NEW;
    END IF;
    IF current_user <> '{owner}'
       AND NOT (OLD.state || ' ' || NEW.state || ' ' || current_user) = ANY ('{{{possible}}}') THEN
        RAISE EXCEPTION 'a message does not go from % to % under %',
            OLD.state, NEW.state, current_user USING ERRCODE = 'check_violation';
    END IF;
    NEW.life := OLD.life || jsonb_build_object(
        'at', NEW.state_at, 'from', OLD.state, 'to', NEW.state, 'why', NEW.reason,
        'code', NEW.provider_code, 'hat', current_user,
        'by', nullif(current_setting('app.user_id', true), '')::bigint);
    RETURN NEW;
END
$$
"""

_TRIGGER = """
CREATE TRIGGER message_keeps_its_life BEFORE UPDATE OF state, life ON messaging_message
FOR EACH ROW EXECUTE FUNCTION keep_life()
"""


def possible() -> list[str]:
    """The table as the database keeps it: «queued claimed app_worker»."""
    return [f"{old} {new} {hat}" for (old, new), hats in TRANSITIONS.items() for hat in hats]


def create() -> list[str]:
    """The statements that put the table into the database."""
    listed = ",".join(f'"{line}"' for line in possible())
    return [_KEEP_LIFE.format(owner=Hat.OWNER, possible=listed), _TRIGGER]
