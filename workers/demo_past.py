"""Bringing the demo's history in: made in memory, written in pages, one transaction for each creator."""

from channels import connecting
from foundation.database import OpenScope, Scope
from insights import loading as insights
from schedules import loading as schedules
from schedules import outside
from schedules.calendar import local_day
from studio import library, packs
from subscribers import loading as subscribers
from subscribers import loading_sales, offers
from workers import demo_days, demo_history
from workers.demo_channels import chat_account
from workers.demo_history import Stage
from workers.demo_parts import RAIL, Company, Part
from workers.demo_people import SEEDING, SHARES, creator_id_of


def stage_of(scope: Scope, company: Company, part: Part) -> Stage:
    """What is there, for a history to be about."""
    creator_id = creator_id_of(scope, part)
    slugs = {pack.slug for pack in part.packs}
    sold = [pack for pack in packs.packs_of(scope, creator_id) if pack.slug in slugs]
    prices = {pack.id: offers.price(scope, pack.id, RAIL, part.packs[0].price.currency) for pack in sold}
    made = library.made(scope, creator_id, [key for pack in part.packs for key in pack.shots])
    return Stage(
        part=part,
        creator_id=creator_id,
        channel=chat_account(scope, part),
        packs=sorted((pack for pack in sold if prices[pack.id] is not None), key=lambda pack: pack.slug),
        prices={pack_id: price for pack_id, price in prices.items() if price is not None},
        pictures=sorted(made.items()),
        zone=company.zone,
        today=local_day(scope.now, company.zone),
    )


def remember(tenant: OpenScope, company: Company, part: Part) -> None:
    """Write a creator's history, whole or not at all; once."""
    with tenant(company.tenant_id, SEEDING) as scope:
        first = demo_history.first_delivery(part, chat_account(scope, part))
        if outside.published(scope, first) is not None:
            return
        stage = stage_of(scope, company, part)
        past = demo_history.history(stage)
        schedules.load_posts(scope, past.posts)
        connecting.moved_in(scope, stage.channel.id, max(one.published_at for one in past.posts))
        subscribers.load_fans(scope, past.fans)
        loading_sales.load_sales(scope, past.sales)
        insights.load_readings(scope, past.readings)
        insights.load_followers(scope, past.followers)
        insights.load_days(scope, demo_days.days(stage, past, SHARES))
