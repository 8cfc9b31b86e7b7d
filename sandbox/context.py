"""What a method of the gateway is given, and what it gives."""

from dataclasses import dataclass
from datetime import UTC, datetime

from sandbox.codes import Refused
from sandbox.gateway import Gateway
from sandbox.params import Params
from sandbox.records import Account

Entry = dict[str, object]
Entries = list[Entry] | Entry


@dataclass(frozen=True, slots=True)
class Context:
    """Whose call it is, and when."""

    gateway: Gateway
    account: Account
    params: Params
    now: datetime


def moment(seconds: int) -> datetime:
    """Unix seconds as a time, or `Refused` with 417."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        raise Refused(417) from None
