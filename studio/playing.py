"""Films and sounds as pages show them: how long they are, their poster, and the sheets with every frame of theirs."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from foundation.database import Scope
from gate import recording, showing
from studio import library
from studio.library import FRAMES, SECONDS
from tenants.reads import Member

POSTER, SHEET = "poster", "sheet"
"""Profiles of the pictures kept beside a film."""

ON_A_SHEET = 12


@dataclass(frozen=True)
class Reel:
    """A film, or a sound, which has no sheets. `seconds` are rounded."""

    asset_id: UUID
    sha256: str
    seconds: int
    sheets: int

    @property
    def sound(self) -> bool:
        """Whether there is nothing to see."""
        return not self.sheets

    @property
    def mime(self) -> str:
        """What a player is told."""
        return "audio/mp4" if self.sound else "video/mp4"

    @property
    def length(self) -> str:
        """Minutes and seconds, as players write them."""
        return f"{self.seconds // 60}:{self.seconds % 60:02d}"


_REELS = """
SELECT asset_id, sha256, CAST(parameters ->> :seconds AS int) AS seconds, CAST(parameters ->> :frames AS int) AS frames
FROM creations WHERE tenant_id = :tenant AND asset_id = ANY(:assets) AND parameters ->> :frames IS NOT NULL
"""


def reels(scope: Scope, assets: Collection[UUID]) -> dict[UUID, Reel]:
    """The films and sounds among these assets; pictures are absent."""
    if not assets:
        return {}
    rows = scope.run(_REELS, tenant=scope.tenant_id, assets=list(assets), seconds=SECONDS, frames=FRAMES)
    return {row.asset_id: Reel(row.asset_id, row.sha256, row.seconds, -(-row.frames // ON_A_SHEET)) for row in rows}


def poster(scope: Scope, asset_id: UUID) -> str | None:
    """The picture that stands for a film, by its digest; None of a picture."""
    return next(iter(recording.beside(scope, asset_id, POSTER)), None)


def sheets(scope: Scope, asset_id: UUID) -> list[str]:
    """The sheets of a film in the order it plays, by their digests."""
    return recording.beside(scope, asset_id, SHEET)


def shown(scope: Scope, member: Member, reel: Reel, sha256: str) -> None:
    """A sheet of a film, or a sound, went to a member's screen. Who was shown every sheet has seen the film."""
    library.alone(scope, "shown", member.principal_id, reel.sha256)  # the last two may go at the same moment
    showing.note(scope, member, sha256)
    every = sheets(scope, reel.asset_id)
    if showing.shown(scope, member.principal_id, every) >= set(every):
        showing.note(scope, member, reel.sha256)


def seen_percent(scope: Scope, member: Member, asset_id: UUID) -> int:
    """How much of a film was shown to a member in the last hour; of a picture, which is shown whole, all."""
    found = reels(scope, [asset_id]).get(asset_id)
    if found is None:
        return 100
    every = sheets(scope, asset_id) or [found.sha256]
    return 100 * len(showing.shown(scope, member.principal_id, every)) // len(set(every))
