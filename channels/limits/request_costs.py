"""Request costs of platforms with paid APIs: metered per account and month, and limited by a cap of
the agency.

Requests are counted when they are answered, and a post is held at its claim if its price exceeds
the remaining cap; posts of several accounts that are claimed at the same moment may exceed the cap
by one each. Replies and removals are counted but not held; comments and messages are not read if
their price exceeds the remaining cap. Months are those of the agency's time zone, as for content
costs; the bill of the platform may start at a different hour.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlmodel import select

from channels.accounts import queries
from channels.accounts.queries import Channel
from channels.limits.models import RequestCapRow
from connectors.contract.connector import StepResult
from connectors.shared import request_costs
from connectors.shared.request_costs import PriceList, RequestCostKind
from foundation.db.database import Scope
from foundation.errors import BadInput
from foundation.i18n.translation import Message
from foundation.ids import derived_uuid, uuid7
from foundation.money import Money, Price, round_up
from tenants.agencies.queries import get_agency
from tenants.notices import notices

COST_CAP_REACHED = "channel.capped"
"""Code of the reason why posts wait for the monthly cap."""

NEAR_PERCENT = 80
"""Percentage of the cap at which the agency is notified."""

MAX_MINOR = 10**9


@dataclass(frozen=True)
class AccountBill:
    """The request costs of an account in a month: number per kind, and total."""

    many: Mapping[str, int]
    price: Price

    @property
    def post_count(self) -> int:
        """Return the number of posts, with and without links."""
        return self.many.get("post", 0) + self.many.get("link_post", 0)

    @property
    def read_count(self) -> int:
        """Return the number of posts, people and messages that were read."""
        return (
            self.many.get("post_read", 0)
            + self.many.get("person_read", 0)
            + self.many.get("message_read", 0)
        )

    @property
    def message_count(self) -> int:
        """Return the number of direct messages."""
        return self.many.get("message", 0)

    @property
    def total(self) -> Money:
        """Return the total, rounded up."""
        return round_up(self.price.minor, self.price.currency)


@dataclass(frozen=True)
class MonthlyCosts:
    """The request costs of an agency on one platform this month; `cap` is None without a cap."""

    platform: str
    spent: Price
    cap: Money | None
    ends: datetime

    def remaining_minor(self) -> Decimal | None:
        """Return the minor units left below the cap, or None without a cap."""
        return self.cap.minor - self.spent.minor if self.cap is not None else None


_COUNT = """
INSERT INTO request_costs AS c (tenant_id, id, channel_id, platform, month, what, many, minor,
currency)
VALUES (:tenant, :id, :channel, :platform, :month, :what, :many, :minor, :currency)
ON CONFLICT (tenant_id, channel_id, month, what) DO UPDATE SET many = c.many + EXCLUDED.many,
  minor = c.minor + EXCLUDED.minor, updated_at = house_now()
"""

_SPENT = """
SELECT coalesce(sum(minor), 0) FROM request_costs
WHERE tenant_id = :tenant AND platform = :platform AND month = :month AND currency = :currency
"""

_BILLS = """
SELECT channel_id, what, many, minor, currency FROM request_costs WHERE tenant_id = :tenant AND
month = :month
ORDER BY channel_id, what
"""


def record_costs(
    scope: Scope, channel_id: UUID, platform: str, answer: StepResult, words: str
) -> None:
    """Record the cost of a request.

    Notify the agency once a month when the cap is near and when it is reached, and once when the
    platform stops the application, until it responds again.
    """
    stop = request_costs.app_stop_reason(platform, answer)
    if stop is not None:
        notices.put(scope, stop, cause=f"stopped:{platform}", urgent=True)
    elif request_costs.is_app_running(platform, answer):
        notices.close(scope, f"stopped:{platform}")
    asked = request_costs.price_list_of(platform)
    if asked is not None:
        record_poll_costs(
            scope, channel_id, platform, request_costs.count_charges(asked, answer, words)
        )


def record_poll_costs(
    scope: Scope, channel_id: UUID, platform: str, found: Mapping[RequestCostKind, int]
) -> None:
    """Record the number of billed items of some requests by kind."""
    asked = request_costs.price_list_of(platform)
    if asked is None or not found:
        return
    now = _current_month(scope)[0]
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
    _notify_near_cap(scope, asked, platform)


def costs_by_month(
    scope: Scope, creators: Collection[UUID], first_month: str, last_month: str
) -> dict[tuple[UUID, str], dict[str, Decimal]]:
    """Return the request costs of creators in minor units by currency, from `first_month` to
    `last_month` (`2026-11`) inclusive, at the platforms' list prices; months without costs are
    absent."""
    rows = scope.run(
        "SELECT c.creator_id, r.month, r.currency, sum(r.minor) AS minor FROM request_costs r"
        " JOIN channels c ON c.tenant_id = r.tenant_id AND c.id = r.channel_id"
        " WHERE r.tenant_id = :tenant AND c.creator_id = ANY(:creators)"
        " AND r.month BETWEEN :first AND :last GROUP BY c.creator_id, r.month, r.currency",
        tenant=scope.tenant_id,
        creators=list(creators),
        first=first_month,
        last=last_month,
    )
    found: dict[tuple[UUID, str], dict[str, Decimal]] = {}
    for row in rows:
        found.setdefault((row.creator_id, row.month), {})[row.currency] = row.minor
    return found


def cap_wait(
    scope: Scope, platform: str, words: str, *, parts: int = 1
) -> tuple[datetime, Message] | None:
    """Return the time until which a post with this text and number of parts must wait for the
    monthly cap, and the reason, or None if it need not wait.

    Call it after the account is locked and before the subject is (lock order of the system). It
    takes no locks.
    """
    asked = request_costs.price_list_of(platform)
    found = monthly_costs(scope, platform) if asked is not None else None
    left = found.remaining_minor() if found is not None else None
    if (
        asked is None
        or found is None
        or left is None
        or asked.each[asked.post_kind(words)] * parts <= left
    ):
        return None
    return found.ends, cap_reached_message(found)


def listening_stopped_by_cap(scope: Scope, platform: str) -> MonthlyCosts | None:
    """Return the costs of this month if the remaining cap is too low to read messages, else
    None."""
    asked = request_costs.price_list_of(platform)
    found = (
        monthly_costs(scope, platform)
        if asked is not None and "message_read" in asked.each
        else None
    )
    left = found.remaining_minor() if found is not None else None
    return (
        found
        if asked is not None and left is not None and left < asked.each["message_read"]
        else None
    )


def cap_reached_message(found: MonthlyCosts) -> Message:
    """Return the message that the monthly cap is reached."""
    spent = round_up(found.spent.minor, found.spent.currency)
    return Message(
        COST_CAP_REACHED,
        {
            "network": request_costs.PRICE_LISTS[found.platform].name,
            "spent": str(spent),
            "cap": str(found.cap),
        },
    )


def monthly_costs(scope: Scope, platform: str) -> MonthlyCosts | None:
    """Return the costs of this month on a platform with their cap, or None for platforms without
    request costs."""
    asked = request_costs.price_list_of(platform)
    if asked is None:
        return None
    now, ends = _current_month(scope)
    ours = {
        "tenant": scope.tenant_id,
        "platform": platform,
        "month": now,
        "currency": asked.currency,
    }
    row = _find_request_cap_row(scope, platform)
    cap = Money(row.minor, row.currency) if row is not None else None
    return MonthlyCosts(
        platform, Price(Decimal(scope.run(_SPENT, **ours).scalar_one()), asked.currency), cap, ends
    )


def bills_by_account(
    scope: Scope, platforms: Iterable[str], of: str = ""
) -> Mapping[UUID, AccountBill]:
    """Return the costs of a month by account. `of` is the month, such as `2026-11`; "" means the
    current one.

    Accounts without costs are absent. `platforms` are those of the accounts; if none has request
    costs, no statement runs.
    """
    found: dict[UUID, AccountBill] = {}
    if not any(map(request_costs.price_list_of, platforms)):
        return found
    for row in scope.run(_BILLS, tenant=scope.tenant_id, month=of or _current_month(scope)[0]):
        before = found.get(row.channel_id, AccountBill({}, Price(Decimal(0), row.currency)))
        whole = Price(before.price.minor + row.minor, row.currency)
        found[row.channel_id] = AccountBill({**before.many, row.what: row.many}, whole)
    return found


def creator_bills(
    scope: Scope, creator_id: UUID, of: str = ""
) -> list[tuple[Channel, AccountBill]]:
    """Return the costs of a month for each account of a creator, by name. `of` is the month, such
    as `2026-11`; "" means the current one. Accounts without costs are absent."""
    ours = queries.list_creator_channels(scope, creator_id)
    found = bills_by_account(scope, {one.platform for one in ours}, of)
    return [(one, found[one.id]) for one in ours if one.id in found]


def set_cost_cap(scope: Scope, platform: str, cap: Money | None) -> None:
    """Set the monthly cap on request costs of a platform; None removes it. Raises BadInput."""
    asked = request_costs.price_list_of(platform)
    if asked is None or (
        cap is not None and not (cap.currency == asked.currency and 0 <= cap.minor <= MAX_MINOR)
    ):
        raise BadInput(
            "channel.cap_wrong", currency=asked.currency if asked is not None else ""
        ).about("cap")
    row = _find_request_cap_row(scope, platform)
    if cap is None:
        if row is not None:
            scope.session.delete(row)
            scope.session.flush()
    else:
        new = RequestCapRow(
            tenant_id=scope.tenant_id,
            id=derived_uuid("request_cap", scope.tenant_id, platform),
            platform=platform,
            currency=cap.currency,
            minor=0,
        )
        row = row or new
        row.minor = cap.minor
        scope.add(row)
        scope.session.flush()
    _notify_near_cap(scope, asked, platform)


def _notify_near_cap(scope: Scope, asked: PriceList, platform: str) -> None:
    """Notify the agency once a month each when the cap is near, and when a post no longer fits. A
    higher cap closes the notices."""
    found = monthly_costs(scope, platform)
    if found is None:
        return
    left = found.remaining_minor()
    cause = f"charges:{platform}:{_current_month(scope)[0]}"
    posts: tuple[RequestCostKind, ...] = ("post", "link_post")
    said = {
        "network": asked.name,
        "spent": str(round_up(found.spent.minor, asked.currency)),
        "cap": str(found.cap),
    }
    near = found.cap is not None and found.spent.minor * 100 >= found.cap.minor * NEAR_PERCENT
    reached = left is not None and left < min(asked.each[what] for what in posts)
    dear = left is not None and left < max(asked.each[what] for what in posts)
    for word, stands, urgent in (("near", near or dear, False), ("reached", reached, True)):
        if stands:
            notices.put(
                scope, Message(f"channel.cap_{word}", said), cause=f"{cause}:{word}", urgent=urgent
            )
        else:
            notices.close(scope, f"{cause}:{word}")


def _find_request_cap_row(scope: Scope, platform: str) -> RequestCapRow | None:
    return scope.session.exec(
        select(RequestCapRow).where(
            RequestCapRow.tenant_id == scope.tenant_id, RequestCapRow.platform == platform
        )
    ).one_or_none()


def _current_month(scope: Scope) -> tuple[str, datetime]:
    """Return the current month of the agency, and the beginning of the next one."""
    zone = ZoneInfo(get_agency(scope).zone)
    here = scope.now.astimezone(zone)
    first = here.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    # 32 days after the first day is always in the next month.
    ends = (first + timedelta(days=32)).replace(day=1)
    return f"{here:%Y-%m}", ends.astimezone(scope.now.tzinfo)
