"""Optional protocols for sales: refusing a checkout with a reason, and ending a subscription."""

from typing import Protocol, runtime_checkable

from connectors.contract.chats import ChatConnector
from connectors.contract.connector import StepResult, WireStep
from connectors.contract.outcomes import Outcome


@runtime_checkable
class SupportsCheckoutRefusal(ChatConnector, Protocol):
    """A platform that shows the user why a checkout is refused. On others the checkout just times
    out."""

    def refuse_checkout(self, query_id: str, words: str) -> WireStep:
        """Return the request that refuses a checkout with the text `words`. Its kind is publish,
        although only one user reads the text and it is not stored."""
        ...


@runtime_checkable
class SupportsRenewalStop(ChatConnector, Protocol):
    """A platform that renews a subscription and collects its payments automatically."""

    def stop_renewal(self, user: str, charge_id: str) -> WireStep:
        """Return the request (control, action subscription) that ends a subscription after the paid
        month. It is idempotent. `charge_id` is that of the first payment."""
        ...

    def renewal_stop_outcome(self, answer: StepResult) -> Outcome:
        """Return the outcome of that request; `Published` if no more payments are collected."""
        ...
