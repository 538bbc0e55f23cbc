"""Playback of videos and audio on pages: duration, poster, and sheets with every frame."""

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
"""Profile of frame sheets; posters have `POSTER_PART`."""

ON_A_SHEET = 12


@dataclass(frozen=True)
class Playback:
    """A video, or audio, which has no sheets. `seconds` are rounded."""

    asset_id: UUID
    sha256: str
    seconds: int
    sheets: int

    @property
    def is_audio(self) -> bool:
        """True if there are no frames."""
        return not self.sheets

    @property
    def mime(self) -> str:
        """The MIME type for the player."""
        return "audio/mp4" if self.is_audio else "video/mp4"

    @property
    def duration_text(self) -> str:
        """The duration as minutes and seconds."""
        return f"{self.seconds // 60}:{self.seconds % 60:02d}"


_REELS = """
SELECT asset_id, sha256, CAST(parameters ->> :seconds AS int) AS seconds, CAST(parameters ->>
:frames AS int) AS frames
FROM creations WHERE tenant_id = :tenant AND asset_id = ANY(:assets) AND parameters ->> :frames
IS NOT NULL
"""


def playback_of(scope: Scope, assets: Collection[UUID]) -> dict[UUID, Playback]:
    """Return the videos and audio among these assets; images are not in the result."""
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
    """Return the digest of a video's poster, or None for an image."""
    return next(iter(asset_records.rendition_digests(scope, asset_id, POSTER_PART)), None)


def sheet_digests(scope: Scope, asset_id: UUID) -> list[str]:
    """Return the digests of a video's frame sheets in playing order."""
    return asset_records.rendition_digests(scope, asset_id, SHEET_PART)


def record_shown(scope: Scope, member: Member, reel: Playback, sha256: str) -> None:
    """Record that a frame sheet, or audio, was displayed to a member.

    Once all sheets were displayed, the video counts as seen.
    """
    # The last two sheets may be displayed at the same moment.
    assets.lock_library(scope, "shown", member.principal_id, reel.sha256)
    viewings.record_viewing(scope, member, sha256)
    every = sheet_digests(scope, reel.asset_id)
    if viewings.viewed_digests_of(scope, member.principal_id, every) >= set(every):
        viewings.record_viewing(scope, member, reel.sha256)


def percent_seen(scope: Scope, member: Member, asset_id: UUID) -> int:
    """Return the percentage of a video displayed to a member in the last hour; 100 for an image."""
    found = playback_of(scope, [asset_id]).get(asset_id)
    if found is None:
        return 100
    every = sheet_digests(scope, asset_id) or [found.sha256]
    return (
        100 * len(viewings.viewed_digests_of(scope, member.principal_id, every)) // len(set(every))
    )
