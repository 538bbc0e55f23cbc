"""Chats of a connector: updates from fans, their cursor, shared inboxes and webhooks."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol, runtime_checkable

from connectors.contract.connector import Connector, Send, StepResult, WireStep
from connectors.contract.outcomes import Outcome
from foundation.sealed import Sealed

AttachmentKind = Literal[
    "", "picture", "film", "sound", "file", "share", "story", "mention", "hidden", "more"
]
"""A `story`: an answer to one of ours; a `mention`: a story of theirs that names us; `hidden`: what
programs are not shown; `more`: messages before this one that are not told any more."""


class ChatConnector(Connector, Protocol):
    """A platform with one-to-one chat and sales."""

    def listen(
        self, cursor: str, answers: tuple[StepResult, ...]
    ) -> "Send | ChatUpdates | Outcome | None":
        """The next request for what happened after `cursor` (control, action updates), what did, or
        why not."""
        ...

    def accept_checkout(self, query_id: str) -> WireStep:
        """The request that lets a checkout go through (control)."""
        ...

    def refund(self, charge_id: str, fan_id: str, amount_minor: int, currency: str) -> WireStep:
        """The request that gives money back (control); answering "already refunded" is a
        success."""
        ...

    def refund_outcome(self, answer: StepResult) -> Outcome:
        """What the answer to a refund meant; `Published` with the charge id means the money is
        back."""
        ...

    def look_up_refund(
        self, charge_id: str, answers: tuple[StepResult, ...]
    ) -> Send | Outcome | None:
        """Before a refund whose answer was lost is asked again: the next look (control, action
        look), `Published` when the money is back; None when it is not, or when asking again is
        harmless by itself."""
        ...

    def acknowledge(self, update: "ChatUpdate") -> WireStep | None:
        """The request that tells the fan's app at once that an update was seen (control); None
        where it needs none."""
        ...


ChatEventKind = Literal["blocked", "lost", "back", "join", "counted", "edited"]
"""`blocked`: the fan takes no message of ours; `lost`, `back`: we may no more, or again, post to
`ref`; `join`: somebody asks into that place; `counted`, `edited`: message `native_id` has
`amount_minor` reactions, reads `text`."""


@runtime_checkable
class SupportsSharedInbox(Protocol):
    """A chat platform on which several accounts may hear the same messages: a bot that posts to
    three channels."""

    def inbox_id(self, account: str) -> str:
        """Whose messages the account hears; the same for accounts that hear the same."""
        ...


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
    """Updates in order, and the cursor that passes just these: the rest comes with it. "" leaves it
    where it is."""

    updates: "tuple[ChatUpdate, ...]"
    cursor: str


@dataclass(frozen=True)
class ChatUpdate:
    """One thing that happened on a chat platform. `key` is the platform's update id, unique per
    account."""

    key: str
    kind: (
        Literal[
            "message",
            "button",
            "checkout",
            "payment",
            "unlocked",
            "refund",
            "age",
            "stop",
            "unsupported",
        ]
        | ChatEventKind
    )
    """`unlocked`: the fan paid for a locked message; where the platform says which, `payload` names
    it."""
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
