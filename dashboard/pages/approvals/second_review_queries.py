"""Queries of second reviews: rating reductions, spot checks and calibration."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from dashboard.pages.posts.pending_post import ReviewPicture, load_review_pictures
from foundation.db.database import Scope
from gate.reviews import calibration
from gate.reviews.calibration import CalibrationSummary, OpenCalibration
from gate.reviews.spot_checks import PendingSample
from studio.library import queries


@dataclass(frozen=True)
class CalibrationView:
    """The next image of this member's calibration and the result of the last one."""

    under_way: OpenCalibration | None
    asset_id: UUID | None
    last: CalibrationSummary | None
    waits: bool = False
    """True if this member has rated all images but another member has not."""
    others: bool = False
    """True if a calibration includes creators who are not assigned to this member. It can only be
    completed by members who see all of its images."""


def load_sampled_pictures(
    scope: Scope, drawn: Sequence[PendingSample]
) -> dict[UUID, Mapping[str, ReviewPicture]]:
    """Return the images of each spot check, keyed by digest, in one read. Withheld images are
    omitted."""
    known = queries.assets_by_digest(
        scope, {medium.sha256 for one in drawn for medium in one.unit.media}
    )
    found = load_review_pictures(scope, [(asset, sha256, "") for sha256, asset in known.items()])
    shown = {shot.sha256: shot for shot in found if not shot.standing.is_withheld}
    return {
        one.id: {
            medium.sha256: replace(shown[medium.sha256], alt=medium.alt)
            for medium in one.unit.media
            if medium.sha256 in shown
        }
        for one in drawn
    }


def load_calibration(scope: Scope, creators: Collection[UUID]) -> CalibrationView:
    """Return the calibration of the acting member, to whom these creators are assigned."""
    found = calibration.open_calibration_of_actor(scope)
    last = calibration.last_calibration(scope)
    if found is None:
        return CalibrationView(None, None, last, waits=calibration.is_calibration_open(scope))
    mine = queries.assets_by_digest(scope, found.left, creators=creators)
    if len(mine) < len(found.left):
        return CalibrationView(None, None, last, others=True)
    return CalibrationView(found, mine[found.left[0]], last)
