"""A contact sheet as one member sees it: what was really shown to them, and what they may not say
yes to."""

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
"""So many pictures of a sheet are drawn at once."""


@dataclass(frozen=True)
class SheetTile:
    """One picture: its `number` on the sheet, from 1; `shown` once its bytes went to this member;
    `own` says why their yes does not count, "" when it does."""

    card: AssetCard
    number: int
    shown: bool
    own: str


@dataclass(frozen=True)
class SheetPage:
    """What is drawn of a sheet: its part `at`, from 0, of `parts`."""

    sheet: ReviewSheet
    tiles: Sequence[SheetTile]
    drawn: Sequence[SheetTile]
    at: int
    parts: int
    past: Mapping[UUID, tuple[PastVerdict, ...]]

    @property
    def shown_count(self) -> int:
        """How many pictures of the whole sheet were shown."""
        return sum(tile.shown for tile in self.tiles)

    @property
    def is_fully_shown(self) -> bool:
        """Whether all of them were."""
        return self.shown_count == len(self.tiles)

    @property
    def own_work_reason(self) -> str:
        """Why this member's yes counts for some pictures only, or for none; "" where it counts for
        all."""
        return next((tile.own for tile in self.tiles if tile.own), "")

    @property
    def approvable_count(self) -> int:
        """For how many their yes counts."""
        return sum(not tile.own for tile in self.tiles)


def load_sheet_page(scope: Scope, sheet: ReviewSheet, member: Member, at: int) -> SheetPage:
    """A sheet, and the part of it that is drawn; the last where there are not so many."""
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
    """The bytes of a sheet that went to this member's screen in the last hour."""
    return viewings.viewed_digests_of(
        scope, member.principal_id, [card.sha256 for card in sheet.cards]
    )
