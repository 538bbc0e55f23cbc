"""What the Shop page shows: packs and prices, orders and their story, money and where it lies, months and files."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from uuid import UUID

from channels import charging
from channels import reads as channel_reads
from channels.reads import Channel
from dashboard.frame import Page
from foundation.database import Scope
from foundation.errors import NotFound
from foundation.money import Money
from schedules import costs
from schedules.calendar import local_day
from studio import kinds, library, packs
from studio.costs import Bill
from studio.library import Tile
from studio.packs import Ware
from subscribers import closing, offers, rail_rows, shop, statements
from subscribers.closing import Month
from subscribers.rails import registry
from subscribers.rails.contract import Terms
from subscribers.shop import Sold, Story, Till, Unmatched
from subscribers.statements import Brought
from tenants import reads as tenant_reads
from tenants.reads import Creator

MONTHS = 6
_RUNS = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for a formula at the beginning of a cell (OWASP, CSV injection)."""


@dataclass(frozen=True)
class Shelf:
    """A creator's packs with their prices by rail, the rails they can be sold on, and pictures for another pack."""

    creator: Creator
    wares: Sequence[Ware]
    prices: Mapping[UUID, Mapping[str, Money]]
    rails: Sequence[Terms]
    tiles: Sequence[Tile]


@dataclass(frozen=True)
class Drawer:
    """A till with the name of its creator."""

    creator: str
    till: Till


@dataclass(frozen=True)
class Safe:
    """What lies where, what belongs to no order, and the files that were brought in."""

    now: datetime
    tills: Sequence[Drawer]
    unmatched: Sequence[Unmatched]
    payable: Mapping[UUID, Sequence[Sold]]
    brought: Sequence[Brought]
    told: Sequence[rail_rows.Told]


@dataclass(frozen=True)
class Books:
    """A month of a creator, and what stands beside its books, in none of their sums: what content cost (`spent`), and
    what platforms asked for requests, by account. `names` are those of members, by the way they sign."""

    month: Month
    spent: Bill
    requests: Sequence[tuple[Channel, charging.Bill]]
    names: Mapping[str, str]


def shelf(scope: Scope, creator: Creator) -> Shelf:
    """A creator's packs. Covers of demonstrations do not stand beside those of a model of their own."""
    every = packs.wares(scope, [creator.id])
    fit = kinds.of_one(scope, [[one.cover] if one.cover is not None else [] for one in every])
    wares = [one if at in fit else replace(one, cover=None) for at, one in enumerate(every)]
    platforms = {one.platform for one in channel_reads.channels_of(scope, creator.id) if one.chat_surface}
    return Shelf(
        creator=creator,
        wares=wares,
        prices=offers.prices(scope, [ware.id for ware in wares]),
        rails=[terms for platform, terms in registry.terms().items() if platform in platforms],
        tiles=library.tiles(scope, creator.id),
    )


def sold(scope: Scope, page: Page, order_id: UUID) -> Story:
    """An order of this member's creators. Raises NotFound; anybody else's looks like nobody's."""
    found = shop.story(scope, order_id)
    try:
        page.my(scope, found.order.creator_id)
    except NotFound:
        raise NotFound("order.unknown") from None
    return found


def ware(scope: Scope, page: Page, pack_id: UUID) -> packs.Pack:
    """A pack of this member's creators. Raises NotFound likewise."""
    found = packs.pack(scope, pack_id)
    try:
        page.my(scope, found.creator_id)
    except NotFound:
        raise NotFound("pack.unknown") from None
    return found


def money(scope: Scope, mine: Sequence[Creator]) -> Safe:
    """What lies where."""
    names, ids = {one.id: one.name for one in mine}, [one.id for one in mine]
    unmatched = shop.unmatched(scope, ids)
    return Safe(
        now=scope.now,
        tills=[Drawer(names[till.creator_id], till) for till in shop.tills(scope, ids)],
        unmatched=unmatched,
        payable={one.id: shop.payable(scope, one) for one in unmatched[:5] if not one.returning},
        brought=statements.recent(scope, ids),
        told=rail_rows.told(scope, ids),
    )


def months(scope: Scope, creator: Creator) -> list[date]:
    """The months that can be looked at, by their first day: the last whole one, those before, then this one."""
    this = local_day(scope.now, creator.zone).replace(day=1)
    found = [this]
    for _ in range(MONTHS):
        found.append((found[-1] - timedelta(days=1)).replace(day=1))
    return [*found[1:], this]


def month(scope: Scope, page: Page, creator_id: UUID, first: date) -> Books:
    """A month of one of this member's creators, by its first day. Raises NotFound likewise."""
    page.my(scope, creator_id)
    named = f"{first:%Y-%m}"
    return Books(
        month=closing.month(scope, creator_id, first),
        spent=costs.of_month(scope, creator_id, named).total,
        requests=charging.of_creator(scope, creator_id, named),
        names=members(scope),
    )


def members(scope: Scope) -> Mapping[str, str]:
    """Names of members by the way they sign."""
    return {f"member:{one.id}": one.name for one in tenant_reads.members(scope)}


def table(found: Month) -> str:
    """A month's lines as CSV, amounts in minor units; cells that a spreadsheet would run are defused."""
    out = io.StringIO()
    lines = csv.writer(out)
    lines.writerow(["at_utc", "kind", "source", "key", "account", "amount_minor", "currency"])
    for line in found.lines:
        account = f"'{line.account}" if line.account.startswith(_RUNS) else line.account
        named = (line.at.isoformat(), line.kind, line.source_kind, line.source_key, account)
        lines.writerow([*named, line.money.minor, line.money.currency])
    return out.getvalue()


HEADING = "date,type,reference,gross,fee,currency"


def sample(creator: Creator, today: date) -> str:
    """A statement as another platform would give it for the last whole month: the same for the same creator and month.

    In a demonstration nothing real can be imported; elsewhere it is the template of what can be read.
    """
    last = today.replace(day=1) - timedelta(days=1)
    lines = [HEADING]
    for number in range(24):
        day = last.replace(day=1 + number)
        gross = 900 + (number * 737 + len(creator.slug) * 91) % 4100
        kind = "tip" if number % 5 == 4 else "sale"
        lines.append(f"{day},{kind},{creator.slug}-{number:03d},{_cents(gross)},{_cents(gross // 5)},EUR")
        if number in (7, 16):
            lines.append(f"{day},refund,{creator.slug}-{number:03d},-{_cents(gross)},-{_cents(gross // 5)},EUR")
    lines.append(f"{last},payout,{creator.slug}-pay,200.00,0,EUR")
    return "\n".join([*lines, ""])


def _cents(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02d}"
