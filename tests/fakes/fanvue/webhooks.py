"""Webhook events of the fake Fanvue: signed, and repeated or delayed as configured.

Bodies follow the reports of several third parties (`id`, `type`, `timestamp`, `data` with its
`creator`; snake case, unknown values omitted, sometimes with the text of a message); `before`
selects the older format without ID and type. Fanvue's own page of fields could not be read. Also
unverified: the number and order of retries; all sources say that events can be repeated.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from tests.fakes.fanvue.earnings import Earning
from tests.fakes.fanvue.oauth import App
from tests.fakes.fanvue.server import FakeFanvue
from tests.fakes.fanvue.state import Fan, Member, stamp


@dataclass
class Events:
    """An app's webhook URL, and the current behaviour of deliveries to it."""

    server: FakeFanvue
    app: App
    address: str = ""
    times: int = 1
    """Number of deliveries of each event."""
    late: float = 0.0
    """Age of signatures in seconds. Negative values are in the future."""
    signing: str = ""
    """Secret of the signature, if it is not the app's."""
    before: bool = False
    """True to use the older format without IDs."""
    statuses: list[int] = field(default_factory=list)
    """Statuses of the responses, 0 without a response."""

    def says(self, fan: Fan, creator: Member, text: str) -> None:
        """Send a message from a fan."""
        made = self.server.says(fan, creator, text)
        if self.before:
            sender = {"uuid": fan.id, "handle": fan.handle}
            told = {
                "message": {"uuid": made.id, "text": text},
                "messageUuid": made.id,
                "sender": sender,
            }
            return self.send(told | {"recipientUuid": creator.id, "timestamp": stamp(made.at)})
        told = {
            "uuid": made.id,
            "sender": "fan",
            "text": text,
            "fan": _person(fan),
            "created_at": stamp(made.at),
        }
        return self.tell(creator, "message.received", told)

    def pays(self, fan: Fan, creator: Member, gross: int, net: int, source: str = "tip") -> Earning:
        """Add a payment of a fan."""
        made = self.server.till.earn(creator, gross, net, source, fan)
        told = {
            "id": made.order,
            "source": source,
            "gross": gross,
            "currency": "USD",
            "purchaser": _person(fan),
        }
        self.tell(creator, "payment.succeeded", told)
        return made

    def gives_back(self, creator: Member, sale: Earning) -> None:
        """Refund a payment completely. The amount has no sign."""
        self.server.till.give_back(creator, sale)
        self.tell(
            creator,
            "refund.created",
            {"id": f"R-{sale.order}", "payment_id": sale.order, "amount": sale.gross},
        )

    def follows(self, fan: Fan, creator: Member) -> None:
        """Add a follower."""
        creator.followers += 1
        self.tell(creator, "follow.created", {"follower": _person(fan)})

    def tell(self, creator: Member, kind: str, told: Mapping[str, Any], *, key: str = "") -> None:
        """Send an event of a creator. `key` is its ID."""
        data = {**told, "creator": {"uuid": creator.id, "handle": creator.username}}
        at = stamp(self.server.clock())
        self.send(
            {
                "id": key or f"evt_{uuid4()}",
                "type": f"creator.{kind}",
                "timestamp": at,
                "data": data,
            }
        )

    def send(self, event: Mapping[str, Any]) -> None:
        """Sign and send an event if a URL is configured."""
        if self.address:
            self.statuses += self.server.deliver(
                self.app,
                self.address,
                json.loads(json.dumps(event)),
                late=self.late,
                times=self.times,
                signing=self.signing,
            )


def _person(fan: Fan) -> dict[str, str]:
    return {"uuid": fan.id, "handle": fan.handle, "display_name": fan.handle.title()}
