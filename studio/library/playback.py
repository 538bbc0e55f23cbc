"""Films and sounds as pages show them: how long they are, their poster, and the sheets with every
frame of theirs."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from foundation.db.database import Scope
from gate.assets import asset_records, viewings
from studio.library import assets
from studio.library.assets import FRAMES_PARAMETER, SECONDS_PARAMETER
from tenants.agencies.queries import Member

POSTER_PART = "poster"
SHEET_PART = "sheet"
"""Profiles of the pictures kept beside a film."""

ON_A_SHEET = 12


@dataclass(frozen=True)
class Playback:
    """A film, or a sound, which has no sheets. `seconds` are rounded."""

    asset_id: UUID
    sha256: str
    seconds: int
    sheets: int

    @property
    def is_audio(self) -> bool:
        """Whether there is nothing to see."""
        return not self.sheets

    @property
    def mime(self) -> str:
        """What a player is told."""
        return "audio/mp4" if self.is_audio else "video/mp4"

    @property
    def duration_text(self) -> str:
        """Minutes and seconds, as players write them."""
        return f"{self.seconds // 60}:{self.seconds % 60:02d}"


_REELS = """
SELECT asset_id, sha256, CAST(parameters ->> :seconds AS int) AS seconds, CAST(parameters ->>
:frames AS int) AS frames
FROM creations WHERE tenant_id = :tenant AND asset_id = ANY(:assets) AND parameters ->> :frames
IS NOT NULL
"""


def playback_of(scope: Scope, assets: Collection[UUID]) -> dict[UUID, Playback]:
    """The films and sounds among these assets; pictures are absent."""
    if not assets:
        return {}
    rows = scope.run(
        _REELS,
        tenant=scope.tenant_id,
        assets=list(assets),
        seconds=SECONDS_PARAMETER,
        frames=FRAMES_PARAMETER,
    )
    return {
        row.asset_id: Playback(row.asset_id, row.sha256, row.seconds, -(-row.frames // ON_A_SHEET))
        for row in rows
    }


def poster_digest(scope: Scope, asset_id: UUID) -> str | None:
    """The picture that stands for a film, by its digest; None of a picture."""
    return next(iter(asset_records.rendition_digests(scope, asset_id, POSTER_PART)), None)


def sheet_digests(scope: Scope, asset_id: UUID) -> list[str]:
    """The sheets of a film in the order it plays, by their digests."""
    return asset_records.rendition_digests(scope, asset_id, SHEET_PART)


def record_shown(scope: Scope, member: Member, reel: Playback, sha256: str) -> None:
    """A sheet of a film, or a sound, went to a member's screen. Who was shown every sheet has seen
    the film."""
    assets.lock_library(
        scope, "shown", member.principal_id, reel.sha256
    )  # the last two may go at the same moment
    viewings.record_viewing(scope, member, sha256)
    every = sheet_digests(scope, reel.asset_id)
    if viewings.viewed_digests_of(scope, member.principal_id, every) >= set(every):
        viewings.record_viewing(scope, member, reel.sha256)


def percent_seen(scope: Scope, member: Member, asset_id: UUID) -> int:
    """How much of a film was shown to a member in the last hour; of a picture, which is shown
    whole, all."""
    found = playback_of(scope, [asset_id]).get(asset_id)
    if found is None:
        return 100
    every = sheet_digests(scope, asset_id) or [found.sha256]
    return (
        100 * len(viewings.viewed_digests_of(scope, member.principal_id, every)) // len(set(every))
    )
