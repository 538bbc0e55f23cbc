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
"""The kind of an attachment, as far as the platform reports it; no attachment is downloaded.
`story`: a reply to one of our stories; `mention`: a story of the fan that mentions us; `hidden`:
not visible to programs; `more`: earlier messages that are no longer available."""


class ChatConnector(Connector, Protocol):
    """A platform with one-to-one chat and sales."""

    def listen(
        self, cursor: str, answers: tuple[StepResult, ...]
    ) -> "Send | ChatUpdates | Outcome | None":
        """Return the next request for updates after `cursor` (control, action updates), the
        updates, or the failure."""
        ...

    def accept_checkout(self, query_id: str) -> WireStep:
        """Return the request that accepts a checkout (control)."""
        ...

    def refund(self, charge_id: str, fan_id: str, amount_minor: int, currency: str) -> WireStep:
        """Return the request for a refund (control). The response "already refunded" counts as
        success, so the request may be repeated."""
        ...

    def refund_outcome(self, answer: StepResult) -> Outcome:
        """Return the outcome of a refund; `Published` with the charge ID means that the money is
        refunded."""
        ...

    def look_up_refund(
        self, charge_id: str, answers: tuple[StepResult, ...]
    ) -> Send | Outcome | None:
        """Search for a refund whose answer was lost, before it is requested again.

        Return the next request (control, action look), or `Published` if the money is refunded.
        Return None if it is not, or if repeating the refund is harmless.
        """
        ...

    def acknowledge(self, update: "ChatUpdate") -> WireStep | None:
        """Return the request that confirms an update to the fan's app (control), or None if none is
        needed."""
        ...


ChatEventKind = Literal["blocked", "lost", "back", "join", "counted", "edited"]
"""`blocked`: the fan blocked our messages; `lost`, `back`: we lost or regained the permission to
post to `ref`; `join`: the fan requests to join that chat; `counted`: message `native_id` has
`amount_minor` reactions; `edited`: its text is now `text`."""


@runtime_checkable
class SupportsSharedInbox(Protocol):
    """A chat platform on which several accounts receive the same messages, for example a bot that
    posts to three channels."""

    def inbox_id(self, account: str) -> str:
        """Return the ID of the account's inbox; accounts with the same inbox are polled once."""
        ...


@runtime_checkable
class SupportsWebhook(ChatConnector, Protocol):
    """A chat platform that can send updates by webhook instead of being polled."""

    hook_header: str
    """The header in which a call contains the secret, in lower case."""

    def set_webhook(self, address: str, secret: Sealed) -> WireStep:
        """Return the request that sets the webhook's address and secret (auth)."""
        ...

    def delete_webhook(self) -> WireStep:
        """Return the request that removes the webhook, so that the platform can be polled again
        (auth)."""
        ...

    def parse_webhook(self, body: object) -> "tuple[ChatUpdate, ...] | None":
        """Return the updates of a call, at most one, or None if it is unreadable."""
        ...


@dataclass(frozen=True)
class ChatUpdates:
    """Updates in order, and the cursor after exactly these; a later read with that cursor returns
    the updates that follow. The cursor "" does not change the stored one."""

    updates: "tuple[ChatUpdate, ...]"
    cursor: str


@dataclass(frozen=True)
class ChatUpdate:
    """An event on a chat platform. `key` is the platform's update ID, unique per account."""

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
    """`unlocked` means that the fan paid for a locked message, named by `payload` if the platform
    reports it."""
    fan: str
    handle: str = ""
    language: str = ""
    native_id: str = ""
    at: datetime | None = None
    text: str = ""
    ref: str = ""
    """The action:ref of a button, the query ID of a checkout, or the order reference of a payment.
    """
    payload: str = ""
    charge_id: str = ""
    amount_minor: int = 0
    currency: str = ""
    recurring: bool = False
    """The payment is for a month of a subscription."""
    until: datetime | None = None
    """End of the period that a recurring payment paid for (UTC-aware), if the platform reports it.
    """
    shows: AttachmentKind = ""  # of an unsupported message, if the platform reports it
