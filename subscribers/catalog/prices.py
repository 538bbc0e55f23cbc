"""Prices of packs, by rail and currency."""

from collections.abc import Collection
from uuid import UUID

from foundation.db.database import Scope
from foundation.errors import BadInput
from foundation.ids import uuid7
from foundation.money import Money
from subscribers.rails import installed_rails
from subscribers.rails.price_text import format_price

HIGHEST = 1_000_000
"""Highest price in minor units; anything above counts as a typing error."""


def set_price(scope: Scope, creator_id: UUID, pack_id: UUID, rail: str, money: Money) -> None:
    """Set the price of a pack on a rail. Raises BadInput if it is below the rail's minimum or above
    `HIGHEST`."""
    if money.minor <= 0:
        raise BadInput("price.not_positive", amount=money.minor)
    terms = installed_rails.rail_terms_by_name(rail)
    if terms is not None and money.minor < terms.least:
        raise BadInput("price.too_low", least=format_price(Money(terms.least, terms.currency)))
    if money.minor > HIGHEST:
        raise BadInput("price.too_high")
    scope.run(
        "INSERT INTO prices (tenant_id, id, creator_id, pack_id, rail, currency, amount_minor)"
        " VALUES (:tenant, :id, :creator, :pack, :rail, :currency, :minor)"
        " ON CONFLICT (tenant_id, pack_id, rail, currency)"
        " DO UPDATE SET amount_minor = EXCLUDED.amount_minor, updated_at = house_now()",
        tenant=scope.tenant_id,
        id=uuid7(),
        creator=creator_id,
        pack=pack_id,
        rail=rail,
        currency=money.currency,
        minor=money.minor,
    )


def get_price(scope: Scope, pack_id: UUID, rail: str, currency: str) -> Money | None:
    """Return the price of a pack on a rail in a currency, or None if it is not sold there."""
    minor = scope.run(
        "SELECT amount_minor FROM prices WHERE tenant_id = :tenant AND pack_id = :pack AND rail = "
        ":rail"
        " AND currency = :currency",
        tenant=scope.tenant_id,
        pack=pack_id,
        rail=rail,
        currency=currency,
    ).scalar()
    return Money(minor, currency) if minor is not None else None


def listed_price(scope: Scope, pack_id: UUID) -> Money | None:
    """Return the price shown on pages, that of the first rail by name, or None if the pack is not
    for sale."""
    row = scope.run(
        "SELECT amount_minor, currency FROM prices WHERE tenant_id = :tenant AND pack_id = :pack"
        " ORDER BY rail, currency LIMIT 1",
        tenant=scope.tenant_id,
        pack=pack_id,
    ).first()
    return Money(row.amount_minor, row.currency) if row is not None else None


def prices_of_packs(scope: Scope, packs_of: Collection[UUID]) -> dict[UUID, dict[str, Money]]:
    """Return the prices by pack and rail. Packs that are not for sale are absent."""
    found: dict[UUID, dict[str, Money]] = {}
    rows = scope.run(
        "SELECT pack_id, rail, currency, amount_minor FROM prices WHERE tenant_id = :tenant AND "
        "pack_id = ANY(:packs)"
        " ORDER BY rail, currency",
        tenant=scope.tenant_id,
        packs=list(packs_of),
    )
    for row in rows:
        found.setdefault(row.pack_id, {})[row.rail] = Money(row.amount_minor, row.currency)
    return found
