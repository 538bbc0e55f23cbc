"""The part of the contract by which a platform calls for an application: signed, about any account
that came in by it.

What a call tells is never kept as true. It says that it is worth asking now, and whom: what is then
read counts.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol, runtime_checkable

from connectors.contract.connector import Connector, Send, StepKind, StepResult, WireStep
from connectors.contract.outcomes import Outcome

WebhookTopic = Literal["chats", "earnings", "followers", "remarks"]
"""What is read anew: what fans say in chats, what was earned, how many follow, what people say
under posts."""

WEBHOOKS_ACTION = "calls"
"""Name and action of the step that asks a platform to call about an account, or no more: ids
alone."""


@dataclass(frozen=True)
class WebhookSignature:
    """What a call shows of whose it is: when it was signed, in Unix seconds as they were written,
    and signatures of that and the body (`connectors/transport/signatures.py`), one of which must be
    right."""

    timestamp: str
    marks: tuple[str, ...]


@dataclass(frozen=True)
class AppWebhookEvent:
    """What a call makes us read. `key` is the event's, the same when it is told again; `account` is
    the account's name at the platform, "" where none is told: then every account of the application
    is meant."""

    key: str
    account: str
    wakes: frozenset[WebhookTopic]
    platform: str = ""
    """Whose account it is, where one address is called by several platforms; "" where the address
    says it."""
    at: datetime | None = None
    """When it was told, where that is signed with it."""


@runtime_checkable
class SupportsAppWebhooks(Connector, Protocol):
    """A platform that calls an address somebody gave it for their application, with a secret it
    made."""

    call_header: str
    """The header in which a call is signed, in lower case."""

    def read_signature(self, header: str) -> WebhookSignature | None:
        """What that header says; None where it says nothing usable."""
        ...

    def parse_app_webhook(self, body: bytes) -> AppWebhookEvent | None:
        """What a call is about; None for what nobody here reads, or nobody can."""
        ...


@runtime_checkable
class SupportsWebhookSubscription(Connector, Protocol):
    """A platform that calls about an account once the account was signed up for it, with its own
    token."""

    def subscribe_account(
        self, account: str, about: frozenset[WebhookTopic], answers: tuple[StepResult, ...]
    ) -> Send | Outcome:
        """The next request (kind control, action calls), or what came of it: `Published` with the
        account's name means that it is called about these now, or about nothing, as it may have
        been before. A lost answer is a Retry; a right that is missing is no reason to connect the
        account anew, and `Rejected`; where it is missing for messages alone, the account is called
        about the rest."""
        ...


def subscription_request(method: str, path: str) -> Send:
    """The request that signs an account up, or off."""
    return Send(WireStep(WEBHOOKS_ACTION, StepKind.CONTROL, method, path, action=WEBHOOKS_ACTION))
