"""The till of the fake Fanvue: what fans paid, what went back to them, told in pages that move
while they are read.

Unverified, so that nothing may lean on it, and what tests set otherwise:
- What went back is told by `spending` alone, with the sign `sign`, as the description has it, or by
  `earnings` too (`tells_reversals`), as newer pages have it: a row of its own, negative, that names
  the order it reverses.
- Cursors count rows (`keyset` off), so that a row that comes or goes in between moves the pages; or
  they name the last row's instant (`keyset`), so that rows of the same instant are told twice or
  left out, as `again` has it.
- Newest first. Numbers of orders are told (`numbered`) or not, as in the older description; amounts
  are US cents, the currency is what the fan paid in.
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
    """One movement, in cents. `post` and `message` are what was paid for, `reverses` is the order
    that went back."""

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
    """What came in and went back, by account."""

    clock: Callable[[], datetime]
    numbered: bool = True
    tells_reversals: bool = False
    sign: int = 1
    keyset: bool = False
    again: bool = True
    """Whether a page that begins at an instant tells the rows of that instant once more, or leaves
    them out."""
    paid: dict[str, list[Earning]] = field(default_factory=dict)
    after_page: Callable[[], None] | None = None
    """What happens between two pages."""
    odd: list[Json] = field(default_factory=list)
    """Rows that come with every first page of earnings."""

    def earn(
        self,
        creator: Member,
        gross: int,
        net: int,
        source: str = "post",
        fan: Fan | None = None,
        **more: Any,
    ) -> Earning:
        """Somebody paid, now unless `at` says when; cents."""
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
        """Money goes back, all of it unless `gross` says how much; `net` in `more` is what it costs
        the creator."""
        much = sale.gross if gross is None else gross
        at, net = more.pop("at", self.clock()), more.pop("net", sale.net if gross is None else much)
        made = Earning(at, much, net, source, sale.fan, sale.currency, reverses=sale.order, **more)
        self.paid.setdefault(creator.id, []).append(made)
        return made

    def page(self, mine: Member, name: str, query: Mapping[str, str]) -> Json:
        """A page of earnings or of spending, newest first. Raises Refusal."""
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
