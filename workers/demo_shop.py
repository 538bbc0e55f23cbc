"""The packs of the demo and what they cost."""

from uuid import UUID

from foundation.database import OpenScope, Scope
from foundation.money import Money
from studio import library, packs
from subscribers import offers
from workers.demo_parts import RAIL, Company, PackPart, Part
from workers.demo_people import SEEDING, creator_id_of

STARS, STARS_CURRENCY = "stars", "XTR"
"""What a bot sells for, once a real one is connected to the demo: as many Stars as test money."""


def stock(tenant: OpenScope, company: Company, part: Part) -> None:
    """Put a creator's packs on sale; one that is there keeps its content, one that has a price keeps it."""
    with tenant(company.tenant_id, SEEDING) as scope:
        creator_id = creator_id_of(scope, part)
        for pack in part.packs:
            pack_id = _pack(scope, creator_id, pack)
            for rail, price in ((RAIL, pack.price), (STARS, Money(pack.price.minor, STARS_CURRENCY))):
                if offers.price(scope, pack_id, rail, price.currency) is None:
                    offers.set_price(scope, creator_id, pack_id, rail, price)


def _pack(scope: Scope, creator_id: UUID, pack: PackPart) -> UUID:
    made = library.made(scope, creator_id, pack.shots)
    return packs.make(
        scope,
        creator_id=creator_id,
        slug=pack.slug,
        title=pack.title,
        description=pack.description,
        assets=[made[key] for key in pack.shots],
    )
