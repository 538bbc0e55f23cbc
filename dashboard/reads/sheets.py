"""A contact sheet as one member sees it: what was really shown to them, and what they may not say yes to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from dashboard.reads.approvals import own_works, past_of
from foundation.database import Scope
from gate import showing
from gate.history import Past
from studio import sheets
from studio.reads import Card
from studio.sheets import Sheet
from tenants.reads import Member

PART = 24
"""So many pictures of a sheet are drawn at once."""


@dataclass(frozen=True)
class Tile:
    """One picture: its `number` on the sheet, from 1; `shown` once its bytes went to this member; `own` says why their
    yes does not count, "" when it does."""

    card: Card
    number: int
    shown: bool
    own: str


@dataclass(frozen=True)
class Part:
    """What is drawn of a sheet: its part `at`, from 0, of `parts`."""

    sheet: Sheet
    tiles: Sequence[Tile]
    drawn: Sequence[Tile]
    at: int
    parts: int
    past: Mapping[UUID, tuple[Past, ...]]

    @property
    def shown(self) -> int:
        """How many pictures of the whole sheet were shown."""
        return sum(tile.shown for tile in self.tiles)

    @property
    def whole(self) -> bool:
        """Whether all of them were."""
        return self.shown == len(self.tiles)

    @property
    def own(self) -> str:
        """Why this member's yes counts for some pictures only, or for none; "" where it counts for all."""
        return next((tile.own for tile in self.tiles if tile.own), "")

    @property
    def left(self) -> int:
        """For how many their yes counts."""
        return sum(not tile.own for tile in self.tiles)


def part(scope: Scope, sheet: Sheet, member: Member, at: int) -> Part:
    """A sheet, and the part of it that is drawn; the last where there are not so many."""
    seen = shown(scope, sheet, member)
    makers = sheets.makers(scope, sheet.cards)
    own = own_works(scope, set(makers.values()), member)
    tiles = [
        Tile(card, number, card.sha256 in seen, own.get(makers[card.asset_id], "") if card.asset_id in makers else "")
        for number, card in enumerate(sheet.cards, 1)
    ]
    parts = -(-len(tiles) // PART)
    at = min(max(at, 0), parts - 1)
    drawn = tiles[at * PART : (at + 1) * PART]
    return Part(
        sheet, tiles, drawn, at, parts, past_of(scope, {tile.card.asset_id: tile.card.sha256 for tile in drawn})
    )


def shown(scope: Scope, sheet: Sheet, member: Member) -> frozenset[str]:
    """The bytes of a sheet that went to this member's screen in the last hour."""
    return showing.shown(scope, member.principal_id, [card.sha256 for card in sheet.cards])
