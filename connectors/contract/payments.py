"""The part of the contract by which a platform is told more of a sale than yes: why not, and that
one ends. Pure."""

from typing import Protocol, runtime_checkable

from connectors.contract.chats import ChatConnector
from connectors.contract.connector import StepResult, WireStep
from connectors.contract.outcomes import Outcome


@runtime_checkable
class SupportsCheckoutRefusal(ChatConnector, Protocol):
    """A platform that shows its user why a checkout is refused; on others they see that nobody
    answered."""

    def refuse_checkout(self, query_id: str, words: str) -> WireStep:
        """The request that refuses a checkout with `words` (publish: one person reads them, and
        they stand nowhere)."""
        ...


@runtime_checkable
class SupportsRenewalStop(ChatConnector, Protocol):
    """A platform that takes the money of a subscription by itself, month after month."""

    def stop_renewal(self, user: str, charge_id: str) -> WireStep:
        """The request (control, action subscription) after which a subscription ends with the month
        that is paid; asked twice, it is stopped. `charge_id` is that of its first payment."""
        ...

    def renewal_stop_outcome(self, answer: StepResult) -> Outcome:
        """What the answer to that meant; `Published` when no money is taken any more."""
        ...
