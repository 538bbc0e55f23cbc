"""A history that moves in: fans with what was said, and what was sold, given back and divided. No outbox row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from foundation.database import Scope
from foundation.ids import derived
from foundation.loading import load
from foundation.money import Money
from subscribers.models import ChatMessage, Conversation, Fan, FanFacts, FanIdentity
from subscribers.states import OwnerState


@dataclass(frozen=True)
class PastLine:
    """One line of a chat; `author` is fan, bot or member, and only a fan's lines come in."""

    author: str
    body: str
    at: datetime


@dataclass(frozen=True)
class PastFan:
    """A fan on one account with their lines, oldest first; `since` is when they came."""

    id: UUID
    creator_id: UUID
    channel_id: UUID
    native_id: str
    name: str
    language: str
    since: datetime
    lines: tuple[PastLine, ...]

    @property
    def conversation_id(self) -> UUID:
        """Their chat on this account."""
        return derived(self.id, self.channel_id)

    @property
    def last_at(self) -> datetime:
        """When something was last said."""
        return self.lines[-1].at if self.lines else self.since


@dataclass(frozen=True)
class PastSale:
    """A pack that was paid and delivered; `refunded_at` when its money went back. `id` is the order's."""

    id: UUID
    fan: PastFan
    rail: str
    account: str
    pack_id: UUID
    pack_version: int
    title: str
    money: Money
    charge_id: str
    at: datetime
    refunded_at: datetime | None = None

    @property
    def payment_id(self) -> UUID:
        """Its charge."""
        return derived(self.id, "payment")


def load_fans(scope: Scope, fans: Sequence[PastFan]) -> int:
    """Write fans, identities and conversations; what is there stays. Returns how many fans were new."""
    new = load(scope, Fan, [_fan(fan) for fan in fans])
    load(scope, FanIdentity, [_identity(fan) for fan in fans])
    load(scope, Conversation, [_talk(fan) for fan in fans])
    load(scope, ChatMessage, [_line(fan, seq, line) for fan in fans for seq, line in enumerate(fan.lines, start=1)])
    load(scope, FanFacts, [_facts(fan) for fan in fans])
    return new


def _born(fan: PastFan) -> dict[str, object]:
    return {"created_at": fan.since, "updated_at": fan.last_at, "creator_id": fan.creator_id}


def _fan(fan: PastFan) -> Mapping[str, object]:
    return {
        **_born(fan),
        "id": fan.id,
        "display_name": fan.name,
        "language": fan.language,
        "opt_out": "none",
        "status": "active",
    }


def _identity(fan: PastFan) -> Mapping[str, object]:
    return {
        **_born(fan),
        "id": derived(fan.id, fan.channel_id, "identity"),
        "fan_id": fan.id,
        "channel_id": fan.channel_id,
        "native_id": fan.native_id,
        "handle": fan.name,
        "reachable": "yes",
    }


def _talk(fan: PastFan) -> Mapping[str, object]:
    heard = [seq for seq, line in enumerate(fan.lines, start=1) if line.author == "fan"]
    return {
        **_born(fan),
        "id": fan.conversation_id,
        "fan_id": fan.id,
        "channel_id": fan.channel_id,
        "owner": str(OwnerState.BOT),
        "epoch": 1,
        "safety_hold": False,
        "priority": 5,
        "language": fan.language,
        "last_in_seq": heard[-1] if heard else 0,
        "last_seq": len(fan.lines),
        "last_in_at": fan.lines[heard[-1] - 1].at if heard else None,
        "session_at": fan.since,
        "redone": 0,
        "unsure": 0,
    }


def _line(fan: PastFan, seq: int, line: PastLine) -> Mapping[str, object]:
    return {
        "id": derived(fan.conversation_id, seq),
        "created_at": line.at,
        "updated_at": line.at,
        "creator_id": fan.creator_id,
        "conversation_id": fan.conversation_id,
        "seq": seq,
        "direction": "in" if line.author == "fan" else "out",
        "author": line.author,
        "kind": "text",
        "body": line.body,
        "native_id": f"history:{seq}",
        "media": [],
        "at": line.at,
    }


def _facts(fan: PastFan) -> Mapping[str, object]:
    heard = [line.at for line in fan.lines if line.author == "fan"]
    said = [line.at for line in fan.lines if line.author != "fan"]
    return {
        **_born(fan),
        "id": derived(fan.id, "facts"),
        "fan_id": fan.id,
        "spent": {},
        "buys": 0,
        "messages_in": len(heard),
        "messages_out": len(said),
        "last_in_at": heard[-1] if heard else None,
        "last_out_at": said[-1] if said else None,
    }
