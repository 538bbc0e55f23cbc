"""What platforms ask for requests of a program: counted by account and month, and held under the agency's own cap.

Requests are counted as they are answered, and a post is held back at its claim where its price is not left; posts of
several accounts that leave in the same moment may exceed the cap by one each. Replies and removals are counted and not
held back; what people write is not asked for where its price is not left. A month is one of the agency's zone, as for
content; the platform's own bill may turn at another hour.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, Numeric, UniqueConstraint
from sqlmodel import Field, select

from channels import reads
from channels.models import of_channel
from channels.reads import Channel
from connectors import charges, stopping
from connectors.charges import Charges, What
from connectors.contract import Answer
from foundation.database import Scope, TenantRow, table
from foundation.errors import BadInput
from foundation.ids import derived, uuid7
from foundation.money import Money, Price, rounded_up
from foundation.words import Message
from tenants import notices
from tenants import reads as tenant_reads

CAPPED = "channel.capped"
"""Why posts wait: what they cost is not left of the month's cap."""

NEAR_PERCENT = 80
"""From so much of its cap on an agency is told that it is near."""

MOST_MINOR = 10**9


class RequestCostRow(TenantRow, table=True):
    """How many requests of one kind an account made in a month, and what they cost."""

    __tablename__ = "request_costs"
    __table_args__ = table(
        UniqueConstraint("tenant_id", "channel_id", "month", "what", name="request_costs_once"),
        of_channel(),
        about="nobody",
        keep="while the tenant is here",
    )
    channel_id: UUID
    platform: str
    month: str
    """By the clocks of the agency's zone: `2026-11`."""
    what: str
    """As `connectors.charges.What`."""
    many: int
    minor: Decimal = Field(sa_type=Numeric(14, 4))
    currency: str


class RequestCapRow(TenantRow, table=True):
    """What an agency lets the requests of its accounts on one platform cost in a month."""

    __tablename__ = "request_caps"
    __table_args__ = table(
        UniqueConstraint("tenant_id", "platform", name="request_caps_once"),
        about="nobody",
        keep="while the tenant is here",
    )
    platform: str
    currency: str
    minor: int = Field(sa_type=BigInteger)


@dataclass(frozen=True)
class Bill:
    """What an account's month came to: how many of each kind, and their sum."""

    many: Mapping[str, int]
    price: Price

    @property
    def posts(self) -> int:
        """With a link or without."""
        return self.many.get("post", 0) + self.many.get("link_post", 0)

    @property
    def reads(self) -> int:
        """Posts, people and messages that were read."""
        return self.many.get("post_read", 0) + self.many.get("person_read", 0) + self.many.get("message_read", 0)

    @property
    def messages(self) -> int:
        """To one person each."""
        return self.many.get("message", 0)

    @property
    def money(self) -> Money:
        """Never less than it adds up to."""
        return rounded_up(self.price.minor, self.price.currency)


@dataclass(frozen=True)
class Month:
    """What the accounts of an agency on one platform cost this month, of at most `cap`; None for no cap."""

    platform: str
    spent: Price
    cap: Money | None
    ends: datetime

    def left(self) -> Decimal | None:
        """Minor units until the cap; None without one."""
        return self.cap.minor - self.spent.minor if self.cap is not None else None


_COUNT = """
INSERT INTO request_costs AS c (tenant_id, id, channel_id, platform, month, what, many, minor, currency)
VALUES (:tenant, :id, :channel, :platform, :month, :what, :many, :minor, :currency)
ON CONFLICT (tenant_id, channel_id, month, what) DO UPDATE SET many = c.many + EXCLUDED.many,
  minor = c.minor + EXCLUDED.minor, updated_at = house_now()
"""

_SPENT = """
SELECT coalesce(sum(minor), 0) FROM request_costs
WHERE tenant_id = :tenant AND platform = :platform AND month = :month AND currency = :currency
"""

_BILLS = """
SELECT channel_id, what, many, minor, currency FROM request_costs WHERE tenant_id = :tenant AND month = :month
ORDER BY channel_id, what
"""


def note(scope: Scope, channel_id: UUID, platform: str, answer: Answer, words: str) -> None:
    """Count what a request came to, and tell once a month that the cap is near, and that it is reached; and once that
    an application is stopped, until it is answered again."""
    stop = stopping.stopped(platform, answer)
    if stop is not None:
        notices.put(scope, stop, cause=f"stopped:{platform}", urgent=True)
    elif stopping.goes_on(platform, answer):
        notices.settle(scope, f"stopped:{platform}")
    asked = charges.of(platform)
    if asked is not None:
        count(scope, channel_id, platform, charges.came_to(asked, answer, words))


def count(scope: Scope, channel_id: UUID, platform: str, found: Mapping[What, int]) -> None:
    """Count how many of each some requests came to."""
    asked = charges.of(platform)
    if asked is None or not found:
        return
    now = _month(scope)[0]
    for what, many in sorted(found.items()):
        scope.run(
            _COUNT,
            tenant=scope.tenant_id,
            id=uuid7(),
            channel=channel_id,
            platform=platform,
            month=now,
            what=what,
            many=many,
            minor=asked.each[what] * many,
            currency=asked.currency,
        )
    _tell(scope, asked, platform)


def short(scope: Scope, platform: str, words: str, *, parts: int = 1) -> tuple[datetime, Message] | None:
    """Until when a post of these words, in so many parts, must wait for the month's cap, and why; None for at once.

    Called with the account locked and before the subject is (lock order of the house); it locks nothing itself.
    """
    asked = charges.of(platform)
    found = month(scope, platform) if asked is not None else None
    left = found.left() if found is not None else None
    if asked is None or found is None or left is None or asked.each[asked.post(words)] * parts <= left:
        return None
    return found.ends, capped(found)


def deaf(scope: Scope, platform: str) -> Month | None:
    """The month in which nothing that people write is read any more, since its price is not left; None otherwise."""
    asked = charges.of(platform)
    found = month(scope, platform) if asked is not None and "message_read" in asked.each else None
    left = found.left() if found is not None else None
    return found if asked is not None and left is not None and left < asked.each["message_read"] else None


def capped(found: Month) -> Message:
    """That a month's cap is reached, in words."""
    spent = rounded_up(found.spent.minor, found.spent.currency)
    return Message(
        CAPPED, {"network": charges.CHARGES[found.platform].name, "spent": str(spent), "cap": str(found.cap)}
    )


def month(scope: Scope, platform: str) -> Month | None:
    """What this month came to on a platform so far, and its cap; None where it costs nothing."""
    asked = charges.of(platform)
    if asked is None:
        return None
    now, ends = _month(scope)
    ours = {"tenant": scope.tenant_id, "platform": platform, "month": now, "currency": asked.currency}
    row = _cap(scope, platform)
    cap = Money(row.minor, row.currency) if row is not None else None
    return Month(platform, Price(Decimal(scope.run(_SPENT, **ours).scalar_one()), asked.currency), cap, ends)


def bills(scope: Scope, platforms: Iterable[str], of: str = "") -> Mapping[UUID, Bill]:
    """By account, what a month (`2026-11`; "" for this one) came to so far; accounts that cost nothing are absent.
    `platforms` are those of the accounts: where none of them asks for anything, nobody is asked here either."""
    found: dict[UUID, Bill] = {}
    if not any(map(charges.of, platforms)):
        return found
    for row in scope.run(_BILLS, tenant=scope.tenant_id, month=of or _month(scope)[0]):
        before = found.get(row.channel_id, Bill({}, Price(Decimal(0), row.currency)))
        whole = Price(before.price.minor + row.minor, row.currency)
        found[row.channel_id] = Bill({**before.many, row.what: row.many}, whole)
    return found


def of_creator(scope: Scope, creator_id: UUID, of: str = "") -> list[tuple[Channel, Bill]]:
    """What a month (`2026-11`; "" for this one) came to on each account of a creator, by its name; accounts that cost
    nothing are absent."""
    ours = reads.channels_of(scope, creator_id)
    found = bills(scope, {one.platform for one in ours}, of)
    return [(one, found[one.id]) for one in ours if one.id in found]


def set_cap(scope: Scope, platform: str, cap: Money | None) -> None:
    """Requests on a platform cost at most so much a month; nothing holds posts back when None. Raises BadInput."""
    asked = charges.of(platform)
    if asked is None or (cap is not None and not (cap.currency == asked.currency and 0 <= cap.minor <= MOST_MINOR)):
        raise BadInput("channel.cap_wrong", currency=asked.currency if asked is not None else "")
    row = _cap(scope, platform)
    if cap is None:
        if row is not None:
            scope.session.delete(row)
            scope.session.flush()
    else:
        new = RequestCapRow(
            tenant_id=scope.tenant_id,
            id=derived("request_cap", scope.tenant_id, platform),
            platform=platform,
            currency=cap.currency,
            minor=0,
        )
        row = row or new
        row.minor = cap.minor
        scope.add(row)
        scope.session.flush()
    _tell(scope, asked, platform)


def _tell(scope: Scope, asked: Charges, platform: str) -> None:
    """Once a month each: near the cap, and where a post is not left of it; a higher cap ends what was told."""
    found = month(scope, platform)
    if found is None:
        return
    left, cause = found.left(), f"charges:{platform}:{_month(scope)[0]}"
    posts: tuple[What, ...] = ("post", "link_post")
    said = {"network": asked.name, "spent": str(rounded_up(found.spent.minor, asked.currency)), "cap": str(found.cap)}
    near = found.cap is not None and found.spent.minor * 100 >= found.cap.minor * NEAR_PERCENT
    reached = left is not None and left < min(asked.each[what] for what in posts)
    dear = left is not None and left < max(asked.each[what] for what in posts)
    for word, stands, urgent in (("near", near or dear, False), ("reached", reached, True)):
        if stands:
            notices.put(scope, Message(f"channel.cap_{word}", said), cause=f"{cause}:{word}", urgent=urgent)
        else:
            notices.settle(scope, f"{cause}:{word}")


def _cap(scope: Scope, platform: str) -> RequestCapRow | None:
    return scope.session.exec(
        select(RequestCapRow).where(RequestCapRow.tenant_id == scope.tenant_id, RequestCapRow.platform == platform)
    ).one_or_none()


def _month(scope: Scope) -> tuple[str, datetime]:
    """The month that it is for the agency, and when the next one begins."""
    zone = ZoneInfo(tenant_reads.agency(scope).zone)
    here = scope.now.astimezone(zone)
    first = here.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    ends = (first + timedelta(days=32)).replace(day=1)
    return f"{here:%Y-%m}", ends.astimezone(scope.now.tzinfo)
