"""What a second person is asked for: ratings to be lowered, what is read afterwards, and comparing
how people rate."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from dashboard.pages.approvals.queries import ReviewPicture, load_review_pictures
from foundation.db.database import Scope
from gate.reviews import calibration, rating_reductions, spot_checks
from gate.reviews.calibration import CalibrationSummary, OpenCalibration
from gate.reviews.rating_reductions import LoweringRequest
from gate.reviews.spot_checks import PendingSample
from studio.library import queries

POSTS = frozenset({"delivery", "export"})
"""What a guest may read afterwards: never a chat."""


@dataclass(frozen=True)
class SecondReviewsView:
    """What waits, of these creators."""

    wishes: Sequence[LoweringRequest]
    drawn: Sequence[PendingSample]

    @property
    def count(self) -> int:
        """How many decisions that is."""
        return len(self.wishes) + len(self.drawn)


@dataclass(frozen=True)
class CalibrationView:
    """The next picture of the comparison under way for this member, and how the last one ended."""

    under_way: OpenCalibration | None
    asset_id: UUID | None
    last: CalibrationSummary | None
    waits: bool = False
    """They have rated all of it, and somebody else has not."""
    others: bool = False
    """One is under way with pictures of creators they do not work for: nobody ends one they see a
    part of."""


def load_second_reviews(
    scope: Scope, creators: Collection[UUID], *, guest: bool
) -> SecondReviewsView:
    """What somebody who may review is asked for."""
    drawn = [
        one
        for one in spot_checks.list_pending_samples(scope, creators)
        if not guest or one.subject.kind in POSTS
    ]
    return SecondReviewsView(rating_reductions.list_lowering_requests(scope, creators), drawn)


def load_sampled_pictures(
    scope: Scope, drawn: Sequence[PendingSample]
) -> dict[UUID, Mapping[str, ReviewPicture]]:
    """The pictures of each thing to read, by their bytes; what is withheld is left out. Read at
    once."""
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
    """The comparison for the acting member, who works for these creators."""
    found = calibration.open_calibration_of_actor(scope)
    last = calibration.last_calibration(scope)
    if found is None:
        return CalibrationView(None, None, last, waits=calibration.is_calibration_open(scope))
    mine = queries.assets_by_digest(scope, found.left, creators=creators)
    if len(mine) < len(found.left):
        return CalibrationView(None, None, last, others=True)
    return CalibrationView(found, mine[found.left[0]], last)
