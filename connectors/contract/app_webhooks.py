"""Webhooks of an application: signed calls by a platform about any account connected through it.

The content of a call is never stored as fact. It only triggers a read of the account it names.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol, runtime_checkable

from connectors.contract.connector import Connector, Send, StepKind, StepResult, WireStep
from connectors.contract.outcomes import Outcome

WebhookTopic = Literal["chats", "earnings", "followers", "remarks"]
"""The data that a call causes to be read: chat messages, earnings, follower counts, or comments."""

WEBHOOKS_ACTION = "calls"
"""Name and action of the step that subscribes an account to webhooks or unsubscribes it. Its
requests contain only IDs."""


@dataclass(frozen=True)
class WebhookSignature:
    """The signature header of a call. `timestamp` is in Unix seconds, exactly as it was sent.
    `marks` are signatures of timestamp and body (`connectors/transport/signatures.py`); one must be
    valid."""

    timestamp: str
    marks: tuple[str, ...]


@dataclass(frozen=True)
class AppWebhookEvent:
    """The reads that a call triggers. `key` identifies the event across repeated deliveries.
    `account` is the platform's name of the account; if it is "", every account of the application
    is read."""

    key: str
    account: str
    wakes: frozenset[WebhookTopic]
    platform: str = ""
    """The platform of the account, if several platforms call the same URL; "" if the URL determines
    the platform."""
    at: datetime | None = None
    """Time of the event (UTC-aware), if the signed body contains it."""


@runtime_checkable
class SupportsAppWebhooks(Connector, Protocol):
    """A platform that calls a configured address of an application, with a secret that the platform
    created."""

    call_header: str
    """The header with the signature, in lower case."""

    def read_signature(self, header: str) -> WebhookSignature | None:
        """Return the signature in that header, or None if it is unusable."""
        ...

    def parse_app_webhook(self, body: bytes) -> AppWebhookEvent | None:
        """Return the event of a call, or None if it is unreadable or has no use here."""
        ...


@runtime_checkable
class SupportsWebhookSubscription(Connector, Protocol):
    """A platform that calls about an account only after a subscription with the account's token."""

    def subscribe_account(
        self, account: str, about: frozenset[WebhookTopic], answers: tuple[StepResult, ...]
    ) -> Send | Outcome:
        """Return the next request (kind control, action calls), or the outcome.

        `Published` with the account's name means that the subscription now has exactly these
        topics; an empty set ends it. The request is idempotent, so a lost answer is a Retry. If a
        permission is missing, the outcome is `Rejected`, not Reauthorize; if it is missing for
        messages only, the other topics are subscribed.
        """
        ...


def subscription_request(method: str, path: str) -> Send:
    """Return the request that subscribes an account or unsubscribes it."""
    return Send(WireStep(WEBHOOKS_ACTION, StepKind.CONTROL, method, path, action=WEBHOOKS_ACTION))
