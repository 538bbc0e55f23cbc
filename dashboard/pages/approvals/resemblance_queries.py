"""Queries of face matches: both images, and the reason why a member's review would not count."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from dashboard.pages.approvals.queries import own_work_reasons
from dashboard.pages.posts.pending_post import ReviewPicture, load_review_pictures
from foundation.db.database import Scope
from gate.reviews import resemblance_reviews
from gate.reviews.resemblance_reviews import FaceComparisonTask
from studio.library import member_reviews, queries
from tenants.agencies.queries import Member, principals_by_actor

Picture = tuple[UUID, str]
"""Asset ID and digest. One asset can have several files."""


@dataclass(frozen=True)
class ResemblancePair:
    """An image and the person that it resembles.

    `own` is the message code of the reason why this member's review does not count, or empty.
    """

    one: FaceComparisonTask
    shot: ReviewPicture | None
    others: Sequence[ReviewPicture]
    own: str

    @property
    def unseen_pictures(self) -> tuple[UUID, ...]:
        """Return the blurred images that this member has not revealed yet."""
        drawn = [self.shot, *self.others] if self.shot is not None else [*self.others]
        return tuple(shot.asset_id for shot in drawn if shot.covered and not shot.seen)


def list_resemblance_pairs(
    scope: Scope, creators: Collection[UUID], member: Member
) -> list[ResemblancePair]:
    """Return the pending face matches of these creators, oldest first."""
    waiting = resemblance_reviews.list_face_comparisons(scope, creators, limit=12)
    if not waiting:
        return []
    there = queries.assets_by_digest(scope, {sha256 for one in waiting for sha256 in one.beside})
    every = [
        *((one.asset_id, one.sha256) for one in waiting),
        *((asset, sha256) for sha256, asset in there.items()),
    ]
    shown = {
        (shot.asset_id, shot.sha256): shot
        for shot in load_review_pictures(scope, {(*each, "") for each in every})
    }
    others = {
        one.id: [(there[each], each) for each in one.beside if each in there] for one in waiting
    }
    own = _own_work_reasons_by_picture(scope, waiting, member)
    return [_build_resemblance_pair(one, shown, others[one.id], own, member) for one in waiting]


def _own_work_reasons_by_picture(
    scope: Scope, waiting: Sequence[FaceComparisonTask], member: Member
) -> dict[UUID, str]:
    """Return the reasons why this member's review would not count, keyed by image."""
    actors = member_reviews.makers_of(scope, [one.asset_id for one in waiting])
    humans = principals_by_actor(scope, set(actors.values()))
    makers = {asset: humans[actor] for asset, actor in actors.items() if actor in humans}
    own = own_work_reasons(scope, set(makers.values()), member)
    return {asset: own[human] for asset, human in makers.items() if human in own}


def _build_resemblance_pair(
    one: FaceComparisonTask,
    shown: Mapping[Picture, ReviewPicture],
    others: Sequence[Picture],
    own: Mapping[UUID, str],
    member: Member,
) -> ResemblancePair:
    said = any(said.principal == member.principal_id and said.approves for said in one.said)
    why = own.get(one.asset_id, "likeness.said" if said else "")
    there = [replace(shown[each], alt=one.name) for each in others if each in shown]
    return ResemblancePair(one, shown.get((one.asset_id, one.sha256)), there, why)


def picture_author(scope: Scope, asset_id: UUID) -> str:
    """Return the actor who uploaded or generated an image, or an empty string."""
    return member_reviews.makers_of(scope, [asset_id]).get(asset_id, "")
