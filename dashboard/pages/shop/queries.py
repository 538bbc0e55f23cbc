"""Queries of the Shop page: packs and prices, orders, reconciliation, months and statement
files."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from uuid import UUID

from channels.accounts.queries import Channel, list_channels, list_creator_channels
from channels.limits import request_costs
from dashboard.shell.page_context import PageContext
from foundation.csv_tables import CsvCell, render_csv_table
from foundation.db.database import Scope
from foundation.errors import NotFound
from foundation.money import Money
from foundation.ops.wall_time import local_day
from gate.assets.free_copies import find_posted_free
from schedules.posts import post_costs
from studio.costs.cost_report import SpendingTotal
from studio.library import assets, demo_separation
from studio.library.assets import AssetTile
from studio.packs import packs
from studio.packs.packs import PackListing, PackPicture
from subscribers.catalog.prices import prices_of_packs
from subscribers.ledger import month_close
from subscribers.ledger.month_close import LedgerMonth
from subscribers.orders import queries, rail_movements, sales
from subscribers.orders.queries import OrderHistory, OrderRow, RailBalanceCheck, UnmatchedPayment
from subscribers.rails import installed_rails
from subscribers.rails.contract import RailTerms
from subscribers.statements import bookings
from subscribers.statements.bookings import ImportedStatement
from tenants.agencies.queries import Creator, get_agency, list_members

MONTHS = 6


@dataclass(frozen=True)
class PacksView:
    """A creator's packs with their prices on each rail, the rails that can sell them, and the
    pictures available for a new pack. `posted` are the pictures of each pack that were already
    published without a price, and `free` those among the available ones."""

    creator: Creator
    wares: Sequence[PackListing]
    prices: Mapping[UUID, Mapping[str, Money]]
    rails: Sequence[RailTerms]
    tiles: Sequence[AssetTile]
    posted: Mapping[UUID, Sequence[PackPicture]]
    free: Collection[UUID]


@dataclass(frozen=True)
class SalesChoices:
    """The choices of the filters of sales: accounts that sell and platforms known from statements,
    and packs, by name. `today` is in the agency's time zone."""

    today: date
    channels: Mapping[str, str]
    packs: Mapping[UUID, str]


@dataclass(frozen=True)
class CreatorBalance:
    """The balance check of a rail account with the name of its creator."""

    creator: str
    till: RailBalanceCheck


@dataclass(frozen=True)
class ReconciliationView:
    """Balances of rail accounts, unmatched payments with the orders they could pay, imported
    statements, and balances that platforms report."""

    now: datetime
    tills: Sequence[CreatorBalance]
    unmatched: Sequence[UnmatchedPayment]
    payable: Mapping[UUID, Sequence[OrderRow]]
    brought: Sequence[ImportedStatement]
    told: Sequence[rail_movements.RailBalance]


@dataclass(frozen=True)
class AccountingView:
    """The ledger of a creator's month.

    The content costs (`spent`) and the API costs of platforms (`requests`, by account) are shown
    for information and are not included in any ledger total. `names` maps actors to the names of
    members.
    """

    month: LedgerMonth
    spent: SpendingTotal
    requests: Sequence[tuple[Channel, request_costs.AccountBill]]
    names: Mapping[str, str]


def load_packs(scope: Scope, creator: Creator) -> PacksView:
    """Return a creator's packs. Demo pictures are not used as covers next to those of a
    real model."""
    every = packs.list_packs(scope, [creator.id])
    fit = demo_separation.same_kind_indexes(
        scope, [[one.cover] if one.cover is not None else [] for one in every]
    )
    wares = [one if at in fit else replace(one, cover=None) for at, one in enumerate(every)]
    platforms = {
        one.platform for one in list_creator_channels(scope, creator.id) if one.chat_surface
    }
    tiles = assets.list_asset_tiles(scope, creator.id)
    return PacksView(
        creator=creator,
        wares=wares,
        prices=prices_of_packs(scope, [ware.id for ware in wares]),
        rails=[
            terms
            for platform, terms in installed_rails.rail_terms_by_platform().items()
            if platform in platforms
        ],
        tiles=tiles,
        posted=packs.list_posted_free(scope, creator.id, [ware.id for ware in wares]),
        free=find_posted_free(scope, creator.id, [tile.asset_id for tile in tiles]),
    )


def load_sales_choices(scope: Scope, mine: Sequence[Creator]) -> SalesChoices:
    """Return the channels and packs of these creators, by name."""
    ids = {one.id for one in mine}
    accounts = {
        str(one.id): one.name
        for one in list_channels(scope)
        if one.creator_id in ids and one.chat_surface
    }
    return SalesChoices(
        today=local_day(scope.now, get_agency(scope).zone),
        channels=accounts | {one: one for one in sales.list_sources(scope, sorted(ids))},
        packs=packs.pack_titles(scope, ids),
    )


def require_own_order(scope: Scope, page: PageContext, order_id: UUID) -> OrderHistory:
    """Return an order of one of the member's creators.

    Raise NotFound for any other order, so that the response does not reveal whether it exists.
    """
    found = queries.load_order_history(scope, order_id)
    try:
        page.get_creator(scope, found.order.creator_id)
    except NotFound:
        raise NotFound("order.unknown") from None
    return found


def require_own_pack(scope: Scope, page: PageContext, pack_id: UUID) -> packs.PackView:
    """Return a pack of one of the member's creators. Raise NotFound for any other pack."""
    found = packs.get_pack(scope, pack_id)
    try:
        page.get_creator(scope, found.creator_id)
    except NotFound:
        raise NotFound("pack.unknown") from None
    return found


def load_reconciliation(scope: Scope, mine: Sequence[Creator]) -> ReconciliationView:
    """Return the reconciliation of these creators' rail accounts."""
    names = {one.id: one.name for one in mine}
    ids = [one.id for one in mine]
    unmatched = queries.list_unmatched_payments(scope, ids)
    return ReconciliationView(
        now=scope.now,
        tills=[
            CreatorBalance(names[till.creator_id], till)
            for till in queries.check_rail_balances(scope, ids)
        ],
        unmatched=unmatched,
        payable={
            one.id: queries.find_payable_orders(scope, one)
            for one in unmatched[:5]
            if not one.returning
        },
        brought=bookings.list_imported_statements(scope, ids),
        told=rail_movements.reported_balances(scope, ids),
    )


def list_months(scope: Scope, creator: Creator) -> list[date]:
    """Return the first days of the months to choose from: the current month in the creator's time
    zone, then earlier ones from newest to oldest."""
    found = [local_day(scope.now, creator.zone).replace(day=1)]
    for _ in range(MONTHS):
        found.append((found[-1] - timedelta(days=1)).replace(day=1))
    return found


def load_month(scope: Scope, page: PageContext, creator_id: UUID, first: date) -> AccountingView:
    """Return a month of one of the member's creators, given its first day. Raise NotFound for any
    other creator."""
    page.get_creator(scope, creator_id)
    named = f"{first:%Y-%m}"
    return AccountingView(
        month=month_close.load_ledger_month(scope, creator_id, first),
        spent=post_costs.load_month_cost(scope, creator_id, named).total,
        requests=request_costs.creator_bills(scope, creator_id, named),
        names=member_names(scope),
    )


def member_names(scope: Scope) -> Mapping[str, str]:
    """Return the names of members, keyed by actor, such as `member:<id>`."""
    return {f"member:{one.id}": one.name for one in list_members(scope)}


def month_csv(found: LedgerMonth) -> str:
    """Return the ledger lines of a month as CSV, with instants in UTC and amounts in minor
    units."""
    rows: list[Sequence[CsvCell]] = [
        ["at_utc", "kind", "source", "key", "account", "amount_minor", "currency"]
    ]
    for line in found.lines:
        named = (line.at.isoformat(), line.kind, line.source_kind, line.source_key, line.account)
        rows.append([*named, line.money.minor, line.money.currency])
    return render_csv_table(rows)


STATEMENT_HEADING = "date,type,reference,gross,fee,currency"


def sample_statement(creator: Creator, today: date) -> str:
    """Return a sample statement of another platform for the last complete month, always the same
    for a creator and month.

    A demo agency imports it instead of real earnings; other agencies download it as the template of
    the accepted format.
    """
    last = today.replace(day=1) - timedelta(days=1)
    lines = [STATEMENT_HEADING]
    for number in range(24):
        day = last.replace(day=1 + number)
        gross = 900 + (number * 737 + len(creator.slug) * 91) % 4100
        kind = "tip" if number % 5 == 4 else "sale"
        lines.append(
            f"{day},{kind},{creator.slug}-{number:03d},{_format_cents(gross)},"
            f"{_format_cents(gross // 5)},EUR"
        )
        if number in (7, 16):
            lines.append(
                f"{day},refund,{creator.slug}-{number:03d},-{_format_cents(gross)},"
                f"-{_format_cents(gross // 5)},EUR"
            )
    lines.append(f"{last},payout,{creator.slug}-pay,200.00,0,EUR")
    return "\n".join([*lines, ""])


def _format_cents(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02d}"
