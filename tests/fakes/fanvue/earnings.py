"""Earnings of the fake Fanvue: payments and refunds, in pages that can shift while they are read.

The following is unverified. Clients must not rely on it, and tests vary it:

- Refunds are reported by `spending` only, with the sign `sign`, as the description has it, or also
  by `earnings` (`tells_reversals`), as newer pages have it: a separate negative row with the
  reversed order.
- Cursors count rows (`keyset` off), so that concurrent changes shift the pages, or they contain the
  last row's instant (`keyset`), so that rows with the same instant are repeated or skipped, as
  `again` selects.
- Rows are newest first. Order numbers are present (`numbered`) or absent, as in the older
  description; amounts are US cents, and the currency is the one the fan paid in.
"""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from tests.fakes.fanvue.spec import Json, invalid
from tests.fakes.fanvue.state import MOST_ROWS, Fan, Member, instant, number, stamp

SALES = (
    "affiliate",
    "mediaLink",
    "message",
    "post",
    "referral",
    "renewal",
    "subscription",
    "tip",
    "giveaway",
)
NEWER = ("appStore", "checkoutLink", "fanExperience")
REVERSALS = ("refund", "chargeback")
_orders = count(1)


@dataclass(eq=False)
class Earning:
    """A movement in cents. `post` and `message` are the purchased content, `reverses` is the
    refunded order."""

    at: datetime
    gross: int
    net: int
    source: str
    fan: Fan | None
    currency: str = "USD"
    post: str = ""
    message: str = ""
    order: str = ""
    status: str = "pendingBalance"
    reverses: str = ""


@dataclass
class EarningsLedger:
    """Payments and refunds by account."""

    clock: Callable[[], datetime]
    numbered: bool = True
    tells_reversals: bool = False
    sign: int = 1
    keyset: bool = False
    again: bool = True
    """True if a page that starts at an instant repeats the rows of that instant; otherwise it skips
    them."""
    paid: dict[str, list[Earning]] = field(default_factory=dict)
    after_page: Callable[[], None] | None = None
    """Callback that runs between two pages."""
    odd: list[Json] = field(default_factory=list)
    """Extra rows of every first page of earnings."""

    def earn(
        self,
        creator: Member,
        gross: int,
        net: int,
        source: str = "post",
        fan: Fan | None = None,
        **more: Any,
    ) -> Earning:
        """Add a payment in cents, now or at `at`."""
        if source not in (*SALES, *NEWER):
            raise ValueError(source)
        order = more.pop("order", f"FV-{next(_orders)}" if self.numbered else "")
        made = Earning(more.pop("at", self.clock()), gross, net, source, fan, order=order, **more)
        self.paid.setdefault(creator.id, []).append(made)
        return made

    def give_back(
        self,
        creator: Member,
        sale: Earning,
        source: str = "refund",
        *,
        gross: int | None = None,
        **more: Any,
    ) -> Earning:
        """Refund a payment completely, or the amount `gross`. `net` in `more` is the cost for the
        creator."""
        much = sale.gross if gross is None else gross
        at, net = more.pop("at", self.clock()), more.pop("net", sale.net if gross is None else much)
        made = Earning(at, much, net, source, sale.fan, sale.currency, reverses=sale.order, **more)
        self.paid.setdefault(creator.id, []).append(made)
        return made

    def page(self, mine: Member, name: str, query: Mapping[str, str]) -> Json:
        """Return a page of earnings or spending, newest first. Raise Refusal."""
        begin, end = instant(query, "startDate"), instant(query, "endDate")
        sources, size = (
            set(query.get("source", "all").split(",")),
            number(query, "size", 20, MOST_ROWS),
        )
        rows = sorted(self.paid.get(mine.id, ()), key=lambda one: one.at, reverse=True)
        rows = [one for one in rows if self._told_in(name, one)]
        rows = [
            one
            for one in rows
            if (begin is None or one.at >= begin) and (end is None or one.at < end)
        ]
        rows = [one for one in rows if "all" in sources or one.source in sources]
        rows, skip = self._from(rows, query)
        here, more = rows[skip : skip + size], len(rows) > skip + size
        told = [self._shown(one, -1 if name == "earnings" else self.sign) for one in here]
        if name == "earnings" and "cursor" not in query:
            told = [*told, *self.odd]
        after = (_keyed(here[-1].at) if self.keyset else f"c{skip + size}") if more else None
        if self.after_page is not None:
            self.after_page()
        return {"data": told, "nextCursor": after}

    def _told_in(self, name: str, one: Earning) -> bool:
        reversal = one.source in REVERSALS
        return reversal if name == "spending" else not reversal or self.tells_reversals

    def _from(self, rows: list[Earning], query: Mapping[str, str]) -> tuple[list[Earning], int]:
        cursor = query.get("cursor", "")
        if not (self.keyset and cursor):
            return rows, number({"cursor": cursor[1:] if cursor else "0"}, "cursor", 0, 10**9)
        try:
            at = datetime.fromisoformat(json.loads(base64.b64decode(cursor))["date"])
        except ValueError as error:
            raise invalid("cursor: Could not be read") from error
        late = timedelta(milliseconds=1) if self.again else timedelta()
        return [one for one in rows if one.at < at + late], 0

    def _shown(self, one: Earning, sign: int) -> Json:
        fan = one.fan and {
            "uuid": one.fan.id,
            "handle": one.fan.handle,
            "displayName": one.fan.handle,
        }
        user = fan and fan | {"nickname": None, "isTopSpender": False}
        back = sign if one.source in REVERSALS else 1
        told: Json = {"date": stamp(one.at), "gross": back * one.gross, "net": back * one.net}
        told |= {"currency": one.currency, "source": one.source, "user": user}
        named = {"postUuid": one.post, "messageUuid": one.message}
        if self.numbered:
            named |= {"transactionOrderId": one.order, "reversedTransactionOrderId": one.reverses}
            named |= {"transactionOrderStatus": one.status if one.order else ""}
        return told | {name: value for name, value in named.items() if value}


def _keyed(at: datetime) -> str:
    return base64.b64encode(json.dumps({"date": stamp(at)}).encode()).decode()
