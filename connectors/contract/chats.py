"""Chats of contract."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol, runtime_checkable

from connectors.contract.connector import AttachmentKind, ChatConnector, ChatEventKind, WireStep
from foundation.sealed import Sealed


@runtime_checkable
class SupportsWebhook(ChatConnector, Protocol):
    """A chat platform that can call us instead of being polled."""

    hook_header: str
    """The header in which a call shows the secret it was given, in lower case."""

    def set_webhook(self, address: str, secret: Sealed) -> WireStep:
        """The request that makes the platform call `address` and show `secret` (auth)."""
        ...

    def delete_webhook(self) -> WireStep:
        """The request after which the platform is polled again (auth)."""
        ...

    def parse_webhook(self, body: object) -> "tuple[ChatUpdate, ...] | None":
        """What a call told, one update at most; None when nobody can read it."""
        ...


@dataclass(frozen=True)
class ChatUpdates:
    """Updates in order, and the cursor that passes just these: the rest comes with it. "" leaves it where it is."""

    updates: "tuple[ChatUpdate, ...]"
    cursor: str


@dataclass(frozen=True)
class ChatUpdate:
    """One thing that happened on a chat platform. `key` is the platform's update id, unique per account."""

    key: str
    kind: (
        Literal["message", "button", "checkout", "payment", "unlocked", "refund", "age", "stop", "unsupported"]
        | ChatEventKind
    )
    """`unlocked`: the fan paid for a locked message; where the platform says which, `payload` names it."""
    fan: str
    handle: str = ""
    language: str = ""
    native_id: str = ""
    at: datetime | None = None
    text: str = ""
    ref: str = ""
    """Button action:ref, checkout query id, or payment payload's order reference."""
    payload: str = ""
    charge_id: str = ""
    amount_minor: int = 0
    currency: str = ""
    recurring: bool = False
    """Of a payment: a month of a subscription, paid for `until` then where the platform says it."""
    until: datetime | None = None
    shows: AttachmentKind = ""  # of what is unsupported, where the platform says it
