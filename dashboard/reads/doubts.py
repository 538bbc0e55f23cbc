"""What a person needs to say whether a post in doubt stands outside: what was looked at, when, and where to look."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from channels import abilities
from channels import reads as channel_reads
from channels.reads import AttemptStory, Channel
from connectors.naming import AtHome
from dashboard.reads.channels import connectors
from foundation.database import Scope
from foundation.words import Message
from schedules.composing import subject
from schedules.doubts import looks_ahead
from schedules.reads import Entry
from schedules.states import DeliveryState

SENT, LOOK = "send", "look"
SHOWN = 5
"""So many of the last looks are shown."""


@dataclass(frozen=True)
class Doubt:
    """One post in doubt: when it was sent last, every look since (the last ones with what they saw), and the address
    of the account; "" where nobody knows one."""

    entry: Entry
    sent_at: datetime | None
    looks: Sequence[tuple[datetime, Message]]
    count: int
    home: str
    soon: bool = False
    """Whether nobody has looked yet, and the house is about to."""

    @property
    def partly(self) -> bool:
        """Whether some of a thread stands there for sure: then it cannot be left at that."""
        return self.entry.done > 0


def doubts(scope: Scope, entries: Sequence[Entry]) -> Mapping[UUID, Doubt]:
    """Those of these posts that are in doubt, by delivery; nothing is read where there are none."""
    doubted = [one for one in entries if one.state is DeliveryState.UNCERTAIN]
    if not doubted:
        return {}
    told = channel_reads.attempts_of(scope, [subject(one.delivery_id) for one in doubted])
    accounts = {one.id: one for one in channel_reads.every_channel(scope)}
    found, ahead = {}, looks_ahead(scope, [one.delivery_id for one in doubted])
    for one in doubted:
        on = accounts.get(one.channel_id)
        home = _home(on) if on is not None else ""
        found[one.delivery_id] = _doubt(one, told[subject(one.delivery_id)], home, ahead=one.delivery_id in ahead)
    return found


def _home(on: Channel) -> str:
    connector: object = abilities.of(connectors(), on)
    return connector.home(on.account, on.destination, on.base_url) if isinstance(connector, AtHome) else ""


def _doubt(entry: Entry, told: Sequence[AttemptStory], home: str, *, ahead: bool) -> Doubt:
    sent = [one for one in told if one.kind == SENT and one.part == entry.done]
    last = sent[-1].armed_at if sent else None
    looks = [one for one in told if one.kind == LOOK and one.part == entry.done and (not last or one.armed_at >= last)]
    seen = [(one.armed_at, one.detail or one.said) for one in looks]
    return Doubt(entry, last, seen[-SHOWN:], len(seen), home, soon=ahead and not seen)
