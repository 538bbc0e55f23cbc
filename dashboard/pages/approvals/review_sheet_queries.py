"""Queries of review sheets: images delivered to a member, and images they cannot approve."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from dashboard.pages.approvals.queries import load_past_decisions, own_work_reasons
from foundation.db.database import Scope
from gate.assets import viewings
from gate.reviews.past_verdicts import PastVerdict
from studio.library import review_sheets
from studio.library.queries import AssetCard
from studio.library.review_sheets import ReviewSheet
from tenants.agencies.queries import Member

PAGE_SIZE = 24
"""Number of images of a sheet that are drawn at once."""


@dataclass(frozen=True)
class SheetTile:
    """One image of a sheet.

    `number` starts at 1. `shown` is True once the file was delivered to this member. `own` is the
    message code of the reason why their approval does not count, or empty.
    """

    card: AssetCard
    number: int
    shown: bool
    own: str


@dataclass(frozen=True)
class SheetPage:
    """One page of a sheet; `at` is its index from 0, `parts` the number of pages."""

    sheet: ReviewSheet
    tiles: Sequence[SheetTile]
    drawn: Sequence[SheetTile]
    at: int
    parts: int
    past: Mapping[UUID, tuple[PastVerdict, ...]]

    @property
    def shown_count(self) -> int:
        """Return the number of images of the whole sheet that were delivered."""
        return sum(tile.shown for tile in self.tiles)

    @property
    def is_fully_shown(self) -> bool:
        """Return True if all images of the sheet were delivered."""
        return self.shown_count == len(self.tiles)

    @property
    def own_work_reason(self) -> str:
        """Return the reason why this member's approval does not count for some images, or an empty
        string."""
        return next((tile.own for tile in self.tiles if tile.own), "")

    @property
    def approvable_count(self) -> int:
        """Return the number of images that this member can approve."""
        return sum(not tile.own for tile in self.tiles)


def load_sheet_page(scope: Scope, sheet: ReviewSheet, member: Member, at: int) -> SheetPage:
    """Return a page of a sheet, the last one if `at` is too large."""
    seen = list_shown_digests(scope, sheet, member)
    makers = review_sheets.makers_by_asset(scope, sheet.cards)
    own = own_work_reasons(scope, set(makers.values()), member)
    tiles = [
        SheetTile(
            card,
            number,
            card.sha256 in seen,
            own.get(makers[card.asset_id], "") if card.asset_id in makers else "",
        )
        for number, card in enumerate(sheet.cards, 1)
    ]
    parts = -(-len(tiles) // PAGE_SIZE)
    at = min(max(at, 0), parts - 1)
    drawn = tiles[at * PAGE_SIZE : (at + 1) * PAGE_SIZE]
    return SheetPage(
        sheet,
        tiles,
        drawn,
        at,
        parts,
        load_past_decisions(scope, {tile.card.asset_id: tile.card.sha256 for tile in drawn}),
    )


def list_shown_digests(scope: Scope, sheet: ReviewSheet, member: Member) -> frozenset[str]:
    """Return the digests of a sheet that were delivered to this member in the last hour."""
    return viewings.viewed_digests_of(
        scope, member.principal_id, [card.sha256 for card in sheet.cards]
    )
