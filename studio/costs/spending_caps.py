"""Spending caps: prices of external engines are reserved before a request and count until released.

The spending of a month is the sum of its image orders and text requests (`text_requests`), so that
no separate counter can diverge.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlmodel import select

from foundation.db.database import Scope
from foundation.errors import BadInput, LeaseLost, NotFound, Refused
from foundation.ids import derived_uuid
from foundation.money import Money, Price, round_up
from studio.costs.models import EngineOrderRow, SpendingCapRow
from studio.costs.states import PURCHASE_STATES, PurchaseState
from studio.library import assets
from tenants.agencies import queries

SpendingCaps = Mapping[str, Money]
"""Maximum spending per agency and month by currency (setting `generators.spending_caps`)."""

_SPENT = """
SELECT coalesce(sum(minor), 0) FROM (
  SELECT minor FROM engine_orders
  WHERE tenant_id = :tenant AND currency = :currency AND month = :month AND state <> 'released'
  UNION ALL SELECT minor FROM text_requests
  WHERE tenant_id = :tenant AND currency = :currency AND month = :month AND state <> 'unheard')
  billed
"""

MAX_MINOR = 10**9


class CapReached(Refused):
    """The agency's monthly cap does not allow another image or text."""


@dataclass(frozen=True)
class PurchaseRequest:
    """An image of a run to buy, with its price. `budget` is the limit of the run, or None if it has
    none."""

    creator_id: UUID
    job_id: UUID
    number: int
    engine: str
    model: str
    price: Price
    budget: SpendingCaps | None = None


@dataclass(frozen=True)
class MonthlyBudget:
    """The spending and the cap of a month. `cap` is the effective cap and `own` the agency's; None
    means no cap."""

    spent: Price
    cap: Money | None
    own: Money | None

    def can_spend(self, count: int, price: Price) -> bool:
        """Return True if `count` more images at this price are within the cap."""
        return self.cap is None or self.spent.minor + count * price.minor <= self.cap.minor


def monthly_budget(scope: Scope, currency: str, caps: SpendingCaps) -> MonthlyBudget:
    """Return the budget of the current month in the agency's time zone.

    The lower of the agency's and the installation's cap applies.
    """
    own = _find_agency_cap(scope, currency)
    house = caps.get(currency)
    both = [each for each in (own, house) if each is not None]
    spent = Price(_load_spent(scope, currency, current_month(scope)), currency)
    return MonthlyBudget(spent, min(both, key=lambda each: each.minor) if both else None, own)


def list_budgets(scope: Scope, caps: SpendingCaps) -> list[MonthlyBudget]:
    """Return the budgets of the current month that have a cap, by currency."""
    own = scope.session.exec(
        select(SpendingCapRow.currency).where(SpendingCapRow.tenant_id == scope.tenant_id)
    )
    return [monthly_budget(scope, currency, caps) for currency in sorted({*own, *caps})]


def set_spending_cap(scope: Scope, currency: str, cap: Money | None) -> None:
    """Set the agency's monthly cap in a currency; 0 forbids spending, None removes the cap.

    Raises BadInput.
    """
    if cap is not None and not (cap.currency == currency and 0 <= cap.minor <= MAX_MINOR):
        raise BadInput("spending.cap_wrong", currency=currency).about("cap")
    assets.lock_library(scope, "spending", currency)
    row = _find_cap_row(scope, currency)
    if cap is None:
        if row is not None:
            scope.session.delete(row)
        return
    new = SpendingCapRow(
        tenant_id=scope.tenant_id, id=_cap_id(scope, currency), currency=currency, minor=0
    )
    row = row or new
    row.minor = cap.minor
    scope.add(row)


def reserve_price(scope: Scope, wanted: PurchaseRequest, caps: SpendingCaps) -> EngineOrderRow:
    """Reserve the price of an image and return its order.

    An order that may already have been requested is returned unchanged. Raises CapReached.
    """
    currency = wanted.price.currency
    # two concurrent reservations could both pass the check
    assets.lock_library(scope, "spending", currency)
    found = order_of_picture(scope, wanted.job_id, wanted.number)
    if found is not None and found.state in (PurchaseState.ASKED, PurchaseState.PAID):
        return found
    row = found or EngineOrderRow(
        tenant_id=scope.tenant_id,
        id=_order_id(scope, wanted.job_id, wanted.number),
        creator_id=wanted.creator_id,
        job_id=wanted.job_id,
        number=wanted.number,
        engine=wanted.engine,
        model=wanted.model,
        minor=wanted.price.minor,
        currency=currency,
        month="",
        state=str(PurchaseState.RELEASED),
    )
    _check_order_cap(scope, row, wanted.price, caps)
    _check_run(scope, row, wanted)
    row.engine = wanted.engine
    row.model = wanted.model
    row.month = current_month(scope)
    row.minor = wanted.price.minor
    row.currency = currency
    row.state = str(PurchaseState.RESERVED)
    scope.add(row)
    scope.session.flush()
    return row


def _check_order_cap(scope: Scope, row: EngineOrderRow, price: Price, caps: SpendingCaps) -> None:
    found = monthly_budget(scope, price.currency, caps)
    # An earlier reservation of the same order must not count twice.
    mine = row.state == PurchaseState.RESERVED and (row.currency, row.month) == (
        price.currency,
        current_month(scope),
    )
    _check_within_cap(found, found.spent.minor - (row.minor if mine else 0), price)


def check_text_affordable(scope: Scope, price: Price, caps: SpendingCaps) -> None:
    """Raise CapReached if the maximum price of a text exceeds the rest of the month's cap.

    Locks the agency's spending until the transaction ends.
    """
    assets.lock_library(scope, "spending", price.currency)
    found = monthly_budget(scope, price.currency, caps)
    _check_within_cap(found, found.spent.minor, price)


def _check_within_cap(found: MonthlyBudget, spent: Decimal, price: Price) -> None:
    if found.cap is not None and spent + price.minor > found.cap.minor:
        raise CapReached(
            "spending.cap_reached", spent=str(round_up(spent, price.currency)), cap=str(found.cap)
        )


def _check_run(scope: Scope, row: EngineOrderRow, wanted: PurchaseRequest) -> None:
    """Raise CapReached if the price exceeds the budget of the run. All orders that are not released
    count."""
    price = wanted.price
    if wanted.budget is None:
        return
    most = wanted.budget.get(price.currency, Money(0, price.currency))
    spent = scope.run(
        "SELECT coalesce(sum(minor), 0) FROM engine_orders WHERE tenant_id = :tenant AND job_id = "
        ":job"
        " AND currency = :currency AND state <> 'released' AND id <> :own",
        tenant=scope.tenant_id,
        job=wanted.job_id,
        currency=price.currency,
        own=row.id,
    ).scalar_one()
    if Decimal(spent) + price.minor > most.minor:
        said = round_up(Decimal(spent), price.currency)
        raise CapReached("spending.run_reached", spent=str(said), most=str(most))


def check_spending(
    scope: Scope,
    price: Price,
    count: int,
    caps: SpendingCaps,
    *,
    budget_of_run: SpendingCaps | None = None,
) -> None:
    """Raise CapReached if `count` more images exceed the budget of the run or of the month."""
    if budget_of_run is not None:
        most = budget_of_run.get(price.currency, Money(0, price.currency))
        if count * price.minor > most.minor:
            raise CapReached("spending.run_near", cost=str(price.total(count)), most=str(most))
    found = monthly_budget(scope, price.currency, caps)
    if found.cap is not None and not found.can_spend(count, price):
        left = Price(max(found.cap.minor - found.spent.minor, Decimal(0)), price.currency)
        # Rounded down, so that the displayed rest is not too high.
        down = Money(int(left.minor), price.currency)
        raise CapReached(
            "spending.cap_near", cost=str(price.total(count)), left=str(down), cap=str(found.cap)
        )


def mark_ordering(scope: Scope, order_id: UUID, at: datetime) -> None:
    """Record that an order is about to be requested, at the real time `at`.

    Raises LeaseLost if another worker did so first, or the run has ended.
    """
    if not _change_order_state(
        scope, order_id, PurchaseState.RESERVED, PurchaseState.ASKED, asked_at=at
    ):
        raise LeaseLost("spending.not_ours")


def mark_ordered(scope: Scope, order_id: UUID, remote_id: str) -> None:
    """Record the provider's ID of an order."""
    scope.run(
        "UPDATE engine_orders SET remote_id = :remote WHERE tenant_id = :tenant AND id = :id AND "
        "state = 'asked'",
        remote=remote_id,
        tenant=scope.tenant_id,
        id=order_id,
    )


def unmark_ordered(scope: Scope, order_id: UUID) -> None:
    """Set an order back to reserved after the provider rejected the request or charged nothing."""
    _change_order_state(scope, order_id, PurchaseState.ASKED, PurchaseState.RESERVED, asked_at=None)


def settle_order(scope: Scope, order_id: UUID) -> None:
    """Record an order as paid."""
    scope.run(
        "UPDATE engine_orders SET state = 'paid' WHERE tenant_id = :tenant AND id = :id AND state "
        "= 'asked'",
        tenant=scope.tenant_id,
        id=order_id,
    )


def release_order(scope: Scope, order_id: UUID) -> None:
    """Release the reservation of an order that will not be requested."""
    _change_order_state(
        scope, order_id, PurchaseState.RESERVED, PurchaseState.RELEASED, asked_at=None
    )


def release_run_orders(scope: Scope, job_id: UUID) -> None:
    """Release all reservations of a run that has ended. Requested orders still count."""
    scope.run(
        "UPDATE engine_orders SET state = 'released' WHERE tenant_id = :tenant AND job_id = :job"
        " AND state = 'reserved'",
        tenant=scope.tenant_id,
        job=job_id,
    )


def order_of_picture(scope: Scope, job_id: UUID, number: int) -> EngineOrderRow | None:
    """Return the order of an image of a run, or None."""
    return scope.session.get(
        EngineOrderRow, (scope.tenant_id, _order_id(scope, job_id, number)), populate_existing=True
    )


def get_engine_order(scope: Scope, order_id: UUID) -> EngineOrderRow:
    """Return an order by its ID. Raises NotFound."""
    row = scope.session.get(EngineOrderRow, (scope.tenant_id, order_id))
    if row is None:
        raise NotFound("job.unknown")
    return row


def count_open_orders(scope: Scope) -> int:
    """Return the number of images being purchased that are neither in the library nor skipped.

    The caller must have reserved its order in this transaction, under the same lock.
    """
    rows = scope.run(
        "SELECT o.creator_id, o.job_id, o.number FROM engine_orders o"
        " JOIN jobs j ON j.tenant_id = o.tenant_id AND j.id = o.job_id"
        " WHERE o.tenant_id = :tenant AND j.state = 'running' AND o.state <> 'released' AND NOT "
        "EXISTS"
        " (SELECT 1 FROM jsonb_array_elements(j.skipped) s WHERE CAST(s ->> 'number' AS int) = "
        "o.number)",
        tenant=scope.tenant_id,
    ).all()
    return sum(
        not assets.assets_by_source(scope, row.creator_id, [f"job:{row.job_id}:{row.number}"])
        for row in rows
    )


def _change_order_state(
    scope: Scope,
    order_id: UUID,
    before: PurchaseState,
    after: PurchaseState,
    *,
    asked_at: datetime | None,
) -> bool:
    PURCHASE_STATES.check(before, after)
    moved = scope.run(
        "UPDATE engine_orders SET state = :after, asked_at = :asked_at, remote_id = ''"
        " WHERE tenant_id = :tenant AND id = :id AND state = :before",
        after=str(after),
        asked_at=asked_at,
        tenant=scope.tenant_id,
        id=order_id,
        before=str(before),
    )
    return bool(moved.rowcount)


def _load_spent(scope: Scope, currency: str, month: str) -> Decimal:
    found = scope.run(
        _SPENT,
        tenant=scope.tenant_id,
        currency=currency,
        month=month,
    ).scalar_one()
    return Decimal(found)


def current_month(scope: Scope) -> str:
    """Return the current month in the agency's time zone: `2026-11`."""
    return f"{scope.now.astimezone(ZoneInfo(queries.get_agency(scope).zone)):%Y-%m}"


def _find_agency_cap(scope: Scope, currency: str) -> Money | None:
    row = _find_cap_row(scope, currency)
    return Money(row.minor, currency) if row is not None else None


def _find_cap_row(scope: Scope, currency: str) -> SpendingCapRow | None:
    return scope.session.exec(
        select(SpendingCapRow).where(
            SpendingCapRow.tenant_id == scope.tenant_id, SpendingCapRow.currency == currency
        )
    ).first()


def _cap_id(scope: Scope, currency: str) -> UUID:
    return derived_uuid(scope.tenant_id, "spending cap", currency)


def _order_id(scope: Scope, job_id: UUID, number: int) -> UUID:
    return derived_uuid(scope.tenant_id, "engine order", job_id, number)
