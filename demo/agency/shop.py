"""Shop of the demo agencies: packs and prices."""

from uuid import UUID

from demo.agency.cast import RAIL, AgencyProfile, CreatorProfile, PackProfile
from demo.agency.people import DEMO_ACTOR, creator_id_of
from foundation.db.database import OpenScope, Scope
from foundation.money import Money
from studio.library import assets
from studio.packs import packs
from subscribers.catalog.prices import get_price, set_price

STARS = "stars"
STARS_CURRENCY = "XTR"
"""Currency of a real Telegram bot that is connected to the demo: as many Stars as units of test
money."""


def put_packs_on_sale(tenant: OpenScope, company: AgencyProfile, part: CreatorProfile) -> None:
    """Put a creator's packs on sale. The contents of existing packs and existing prices are not
    changed."""
    with tenant(company.tenant_id, DEMO_ACTOR) as scope:
        creator_id = creator_id_of(scope, part)
        for pack in part.packs:
            pack_id = _create_pack(scope, creator_id, pack)
            for rail, price in (
                (RAIL, pack.price),
                (STARS, Money(pack.price.minor, STARS_CURRENCY)),
            ):
                if get_price(scope, pack_id, rail, price.currency) is None:
                    set_price(scope, creator_id, pack_id, rail, price)


def _create_pack(scope: Scope, creator_id: UUID, pack: PackProfile) -> UUID:
    made = assets.assets_by_source(scope, creator_id, pack.shots)
    return packs.create_pack(
        scope,
        creator_id=creator_id,
        slug=pack.slug,
        title=pack.title,
        description=pack.description,
        assets=[made[key] for key in pack.shots],
    )
