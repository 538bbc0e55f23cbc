"""Import of the demo's history: generated in memory, written in one transaction for each
creator."""

from channels.accounts import lifecycle
from demo.agency import acquisition, comments, daily_totals, experiments, history, workspace
from demo.agency.cast import RAIL, AgencyProfile, CreatorProfile
from demo.agency.channel_accounts import find_chat_channel
from demo.agency.costs import enter_demo_costs
from demo.agency.history import HistoryInput
from demo.agency.people import DEMO_ACTOR, REVENUE_SPLIT, creator_id_of
from foundation.db.database import OpenScope, Scope
from foundation.ops.wall_time import local_day
from insights.rollups.history_import import (
    build_past_rollups,
    import_past_days,
    import_past_followers,
    import_past_readings,
)
from schedules.availability import slots
from schedules.imports.history_import import import_past_posts
from schedules.posts import live_posts
from studio.library import assets
from studio.packs import packs
from subscribers.catalog.prices import get_price
from subscribers.history import history_import
from subscribers.history.history_import import import_past_fans


def read_history_input(scope: Scope, company: AgencyProfile, part: CreatorProfile) -> HistoryInput:
    """Read what a creator's history needs: channel, packs, prices and pictures."""
    creator_id = creator_id_of(scope, part)
    slugs = {pack.slug for pack in part.packs}
    sold = [pack for pack in packs.list_active_packs(scope, creator_id) if pack.slug in slugs]
    prices = {
        pack.id: get_price(scope, pack.id, RAIL, part.packs[0].price.currency) for pack in sold
    }
    made = assets.assets_by_source(
        scope, creator_id, [key for pack in part.packs for key in pack.shots]
    )
    return HistoryInput(
        part=part,
        creator_id=creator_id,
        channel=find_chat_channel(scope, part),
        packs=sorted(
            (pack for pack in sold if prices[pack.id] is not None), key=lambda pack: pack.slug
        ),
        prices={pack_id: price for pack_id, price in prices.items() if price is not None},
        pictures=sorted(made.items()),
        zone=company.zone,
        today=local_day(scope.now, company.zone),
    )


def write_history(tenant: OpenScope, company: AgencyProfile, part: CreatorProfile) -> None:
    """Write a creator's history in one transaction, once."""
    with tenant(company.tenant_id, DEMO_ACTOR) as scope:
        first = history.first_delivery_id(part, find_chat_channel(scope, part))
        if live_posts.find_live_post(scope, first) is not None:
            return
        stage = read_history_input(scope, company, part)
        past = history.generate_history(stage)
        import_past_posts(scope, past.posts, past.tests)
        workspace.label_history(scope, past.posts)
        lifecycle.record_imported_history(
            scope, stage.channel.id, max(one.published_at for one in past.posts)
        )
        slots.import_past_trials(scope, history.generate_timing_trials(stage, past.posts))
        import_past_fans(scope, past.fans)
        history_import.import_past_sales(scope, past.sales)
        history_import.import_past_subscriptions(scope, past.subscriptions)
        experiments.write_demo_script_test(scope, stage, past.fans)
        comments.write_demo_comments(scope, stage, past.posts, past.fans)
        import_past_readings(scope, past.readings)
        import_past_followers(scope, past.followers)
        if stage.prices:
            enter_demo_costs(scope, stage)
        import_past_days(scope, daily_totals.daily_rollups(stage, past, REVENUE_SPLIT))
        acquisition.write_acquisition_links(scope, stage, past.fans)
        days = stage.days()
        build_past_rollups(scope, stage.creator_id, days[0], days[-1])
