"""The events of the fake Fanvue: what happens in its world is told to an address, signed, often and
late as asked.

Bodies are as several third parties write them down (`id`, `type`, `timestamp`, `data` with its
`creator`; snake case, what is unknown left out, sometimes a message's words too); `before` is as
older examples have them, without id or type. Fanvue's own page of fields could not be read.
Unverified besides: how often a call that failed is told again, and whether in order; that it may
come twice is said by all.
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
    """An address that an application of the fake calls, and how it does so now."""

    server: FakeFanvue
    app: App
    address: str = ""
    times: int = 1
    """How often each event is told."""
    late: float = 0.0
    """Seconds ago at which calls were signed; below 0 is ahead."""
    signing: str = ""
    """The secret that signs, where not the application's own."""
    before: bool = False
    """Whether events are told as they were told before they had ids."""
    statuses: list[int] = field(default_factory=list)
    """How calls were answered; 0 where nobody did."""

    def says(self, fan: Fan, creator: Member, text: str) -> None:
        """A fan writes."""
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
        """A fan pays."""
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
        """All of a payment goes back; the amount is told without a sign."""
        self.server.till.give_back(creator, sale)
        self.tell(
            creator,
            "refund.created",
            {"id": f"R-{sale.order}", "payment_id": sale.order, "amount": sale.gross},
        )

    def follows(self, fan: Fan, creator: Member) -> None:
        """A fan follows."""
        creator.followers += 1
        self.tell(creator, "follow.created", {"follower": _person(fan)})

    def tell(self, creator: Member, kind: str, told: Mapping[str, Any], *, key: str = "") -> None:
        """An event of a creator; `key` is its id."""
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
        """Sign and send, if there is an address."""
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
