"""A post pending approval as its approver sees it: previews, images and depicted people, and the
approval of exactly this content."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from dashboard.media import library_files
from dashboard.shell.platforms import platform_connectors
from foundation.db.database import Scope
from foundation.errors import NotFound, Refused
from gate.contract.units import highest_rating
from gate.log.queries import DepictedPerson, list_depicted_people
from gate.ratings import ratings
from gate.ratings.ratings import DisplayRating
from schedules.approvals import decisions, pending_decisions, review_queue
from schedules.approvals.release import release_post
from schedules.approvals.review_queue import ReviewItem
from schedules.drafts.drafts import Draft
from schedules.drafts.previews import PostPreview, preview_draft
from studio.library import member_reviews, playback, queries
from studio.library.assets import asset_titles
from studio.library.playback import Playback
from tenants.agencies.queries import Creator, Member
from tenants.agencies.rights import Right, has_right


@dataclass(frozen=True)
class ReviewPicture:
    """An image of a post as one member sees it.

    `covered` is True if it is blurred by default, `seen` if the member has revealed it. `reel` is
    set for video and audio.
    """

    asset_id: UUID
    sha256: str
    alt: str
    standing: DisplayRating
    covered: bool
    seen: bool
    reel: Playback | None = None
    name: str = ""
    """The asset's own name: an alt text or the name of its file."""

    @property
    def title(self) -> str:
        """The name of the image for members: its alt text in the post, else its own name."""
        return self.alt or self.name


@dataclass(frozen=True)
class PostContent:
    """One post as each channel would publish it, with depicted people and images left to view."""

    previews: Sequence[PostPreview]
    shots: Sequence[ReviewPicture]
    people: Sequence[DepictedPerson]
    own: bool
    agreed: bool
    """True if this member has approved and another approval is missing."""
    tier: int
    tiers: int

    @property
    def highest_rating(self) -> str:
        """Return the highest rating of the images, "none" if one of them has no rating."""
        known = [shot.standing.rating for shot in self.shots]
        rated = [rating for rating in known if rating is not None]
        return str(highest_rating(rated)) if len(rated) == len(known) else "none"

    @property
    def unseen_pictures(self) -> tuple[UUID, ...]:
        """Return the images that must be revealed before an approval."""
        return tuple(shot.asset_id for shot in self.shots if shot.covered and not shot.seen)


def load_post_content(
    scope: Scope, asked: ReviewItem, creator: Creator, member: Member
) -> PostContent:
    """Return one post as it would be published now."""
    channels = tuple(wish.channel_id for wish in asked.wishes)
    said = (
        asked.title,
        asked.body,
        asked.media,
        channels,
        asked.text_ai,
        asked.parts,
        asked.others,
    )
    draft = Draft(asked.creator_id, *said, post_id=asked.post_id)
    previews = preview_draft(scope, draft, author=asked.author, connectors=platform_connectors())
    shown = {
        asset: medium
        for one in previews
        for asset, medium in zip(one.said.all_assets, one.all_media, strict=False)
    }
    return PostContent(
        previews=previews,
        shots=load_review_pictures(
            scope, [(asset, medium.sha256, medium.alt) for asset, medium in shown.items()]
        ),
        people=list_depicted_people(scope, [medium.sha256 for medium in shown.values()]),
        own=asked.author_principal == member.principal_id,
        agreed=asked.tier_for(member.principal_id) is None,
        tier=asked.tier_for(member.principal_id) or asked.missing_approvals,
        tiers=creator.approval_tiers,
    )


def load_review_pictures(
    scope: Scope, pictures: Collection[tuple[UUID, str, str]]
) -> list[ReviewPicture]:
    """Return images as this member may see them now, in one read.

    Each image is passed as asset ID, digest and alt text. Images without a record are omitted.
    """
    if not pictures:
        return []
    assets = {asset for asset, _, _ in pictures}
    standing = ratings.display_ratings(scope, {sha256 for _, sha256, _ in pictures})
    seen = library_files.list_revealed(scope, assets)
    reels = playback.playback_of(scope, assets)
    names = asset_titles(scope, assets)
    return [
        ReviewPicture(
            asset,
            sha256,
            alt,
            known,
            library_files.is_blurred(known.rating),
            asset in seen,
            reels.get(asset),
            names.get(asset, ""),
        )
        for asset, sha256, alt in pictures
        if (known := standing.get(sha256)) is not None
    ]


def list_pending_posts(scope: Scope, creators: Collection[Creator]) -> dict[UUID, ReviewItem]:
    """Return the pending posts of these creators, keyed by ID."""
    return {
        one.post_id: one
        for one in review_queue.list_review_queue(
            scope, [each.id for each in creators], limit=pending_decisions.COUNT_LIMIT
        )
    }


def get_pending_post(scope: Scope, creators: Collection[Creator], post_id: UUID) -> ReviewItem:
    """Return a pending post of these creators. Raises NotFound."""
    found = review_queue.list_review_queue(scope, [each.id for each in creators], post_id=post_id)
    if not found:
        raise NotFound("approvals.settled_meanwhile")
    return found[0]


def submit_approval(
    scope: Scope, member: Member, asked: ReviewItem, tier: int, *, digest: str
) -> None:
    """Approve a post as this member read it (`digest`); the last approval schedules the post.

    Raises Refused if the member has not revealed all images, and the errors of
    `decisions.approve_post`.
    """
    post_id = asked.post_id
    ratings_seen = {
        one: queries.get_asset_bytes(scope, one).standing.rating for one in asked.assets
    }
    covered = [one for one, rating in ratings_seen.items() if library_files.is_blurred(rating)]
    if not library_files.list_revealed(scope, covered) >= set(covered):
        raise Refused("approvals.look_first")
    decisions.approve_post(scope, post_id, member_id=member.id, tier=tier, digest=digest)
    if has_right(
        member.role, Right.REVIEW
    ):  # One look counts twice: for the agency's approval and for the safety review.
        for asset_id in covered:
            if ratings_seen[asset_id] is not None:
                member_reviews.record_member_viewing(scope, asset_id)
    release_post(scope, post_id)
