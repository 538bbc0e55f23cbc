"""Credits: each movement of a sale divided among the links through which its fan came. Pure.

A link has a credit for a sale only if the fan began a chat through it before the sale was paid; for
a subscription, before its first payment, so that renewals credit the links that brought the
subscriber. Refunds and fees are divided as their sale is, whenever they are booked. Sales of fans
without such a link have no credit.

The credits of a movement sum to its amount in minor units. For that, the share of a link is a
difference of rounded totals: of the links before it, and of the movements before this one. Links
whose sale is refunded in full therefore have exactly 0.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from uuid import UUID

from subscribers.acquisition.fan_movements import FanMovement
from subscribers.acquisition.touches import Touch


class AttributionModel(StrEnum):
    """The links that a sale is credited to: the fan's first one, the last one before the sale, or
    all of them in equal parts."""

    FIRST = "first"
    LAST = "last"
    LINEAR = "linear"


@dataclass(frozen=True)
class Credit:
    """The share of a link in a movement, in minor units. `touched_at` is when the fan came through
    the link, `sold_at` when the sale was paid and `at` when the movement was booked (UTC-aware)."""

    link_id: UUID
    creator_id: UUID
    touched_at: datetime
    sold_at: datetime
    at: datetime
    currency: str
    minor: int


@dataclass(frozen=True)
class FirstPurchase:
    """The share of a link in a fan's first purchase; `at` is when it was paid (UTC-aware)."""

    link_id: UUID
    creator_id: UUID
    at: datetime
    share: Fraction


def credit_movements(
    touches: Iterable[Touch], movements: Iterable[FanMovement], model: AttributionModel
) -> list[Credit]:
    """Return the credits of all movements. The order of the arguments has no effect."""
    by_fan = _touches_by_fan(touches)
    sales = _sales(movements)
    first_paid = _first_payments(sales)
    found: list[Credit] = []
    for moved in sales:
        credited = _credited_touches(by_fan.get(moved[0].fan_id, ()), first_paid[id(moved)], model)
        if credited:
            found += _credit_sale(moved, credited)
    return found


def credit_first_purchases(
    touches: Iterable[Touch], movements: Iterable[FanMovement], model: AttributionModel
) -> list[FirstPurchase]:
    """Return the shares in the first purchase of each fan. They sum to 1 for each fan; fans who
    bought before they came through a link are left out."""
    by_fan = _touches_by_fan(touches)
    first: dict[UUID, FanMovement] = {}
    for one in movements:
        if one.is_sale and (one.fan_id not in first or one.at < first[one.fan_id].at):
            first[one.fan_id] = one
    found = []
    for fan_id, sale in first.items():
        credited = _credited_touches(by_fan.get(fan_id, ()), sale.at, model)
        found += [
            FirstPurchase(touch.link_id, sale.creator_id, sale.at, Fraction(1, len(credited)))
            for touch in credited
        ]
    return found


def _touches_by_fan(touches: Iterable[Touch]) -> Mapping[UUID, Sequence[Touch]]:
    by_fan: defaultdict[UUID, list[Touch]] = defaultdict(list)
    for one in touches:
        by_fan[one.fan_id].append(one)
    for mine in by_fan.values():
        mine.sort(key=lambda one: (one.at, one.id, one.link_id))
    return by_fan


def _sales(movements: Iterable[FanMovement]) -> list[list[FanMovement]]:
    """Return the movements of each sale and currency, earliest first."""
    groups: defaultdict[tuple[str, str], list[FanMovement]] = defaultdict(list)
    for one in movements:
        groups[one.sale, one.currency].append(one)
    for moved in groups.values():
        moved.sort(key=lambda one: (one.at, not one.is_sale, one.net_minor))
    return [groups[key] for key in sorted(groups)]


def _paid_at(moved: Sequence[FanMovement]) -> datetime:
    """Return the time of a sale's payment; a refund without a known sale counts from its own."""
    return next((one.at for one in moved if one.is_sale), moved[0].at)


def _first_payments(sales: Sequence[Sequence[FanMovement]]) -> Mapping[int, datetime]:
    """Return the time that decides about the links of each sale, by its identity: that of its
    payment, or of the first payment of its subscription."""
    begun: dict[UUID, datetime] = {}
    for moved in sales:
        subscription = moved[0].subscription
        if subscription is not None:
            at = _paid_at(moved)
            begun[subscription] = min(at, begun.get(subscription, at))
    return {
        id(moved): begun[moved[0].subscription]
        if moved[0].subscription is not None
        else _paid_at(moved)
        for moved in sales
    }


def _credited_touches(
    touches: Sequence[Touch], paid_at: datetime, model: AttributionModel
) -> Sequence[Touch]:
    before = [one for one in touches if one.at <= paid_at]
    match model:
        case AttributionModel.FIRST:
            return before[:1]
        case AttributionModel.LAST:
            return before[-1:]
        case AttributionModel.LINEAR:
            return before


def _credit_sale(moved: Sequence[FanMovement], credited: Sequence[Touch]) -> list[Credit]:
    sold_at = _paid_at(moved)
    total = 0
    given = [0] * len(credited)
    found = []
    for one in moved:
        total += one.net_minor
        shares = divide_equally(total, len(credited))
        for place, (touch, share) in enumerate(zip(credited, shares, strict=True)):
            if share != given[place]:
                found.append(
                    Credit(
                        touch.link_id,
                        one.creator_id,
                        touch.at,
                        sold_at,
                        one.at,
                        one.currency,
                        share - given[place],
                    )
                )
        given = shares
    return found


def divide_equally(minor: int, parts: int) -> list[int]:
    """Return an amount in equal parts that differ by at most one unit and sum to it. The parts of
    a negative amount are those of the positive one, negated."""
    sign = -1 if minor < 0 else 1
    size = abs(minor)
    return [sign * (size * (one + 1) // parts - size * one // parts) for one in range(parts)]
