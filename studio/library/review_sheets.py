"""Review sheets: images that belong together are reviewed together with one decision.

A sheet contains the images of a run, of one batch of uploads, or otherwise of a pack. An image is
on at most one sheet. Single images and videos, which have frame sheets, are on none. All images of
a sheet are unreviewed and need the same review: a rating, or an approval of nudity.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from foundation.db.database import Scope
from foundation.errors import Conflict, NotFound, Refused
from foundation.i18n.translation import Message
from gate.contract.states import DepictionAnswer
from gate.contract.units import Rating
from gate.ratings.depiction_answers import unanswered_digests
from gate.reviews import content_reviews
from gate.reviews.content_reviews import MAX_SHEET_SIZE, SheetVerdict
from studio.library import assets, member_reviews, queries
from studio.library.queries import AssetCard
from tenants import audit
from tenants.auth import device_fingerprints

ReviewKind = Literal["rating", "review"]
MIN_SHEET_SIZE = 2
SHEET_REVIEWED = "sheet.judged"
REFUSED_REASON = "approvals.because.check"


@dataclass(frozen=True)
class ReviewSheet:
    """Images of one creator to review together; `origin` is job, upload or pack."""

    key: str
    origin: str
    wants: ReviewKind
    creator_id: UUID
    cards: tuple[AssetCard, ...]


@dataclass(frozen=True)
class PictureVerdict:
    """The verdict on an image: approval, rejection or a rating. `drawn` is the rating it had when
    displayed; `shown` answers who is shown and belongs to a rating."""

    asset_id: UUID
    drawn: Rating | None
    approve: bool | None = None
    rating: Rating | None = None
    minor: bool = False
    shown: DepictionAnswer | None = None


def list_waiting_pictures(scope: Scope, creators: Collection[UUID]) -> list[AssetCard]:
    """Return unreviewed images of these creators, at most as many as one decision covers."""
    return queries.list_unreviewed(scope, creators, limit=MAX_SHEET_SIZE)


def group_into_sheets(
    scope: Scope, cards: Sequence[AssetCard]
) -> tuple[list[ReviewSheet], list[AssetCard]]:
    """Group unreviewed images into sheets, oldest first; return the sheets and the remaining
    images. Rated images that only lack an answer to who is shown are among the latter."""
    shared = _load_shared_origins(scope, cards)
    unanswered = unanswered_digests(
        scope, [card.sha256 for card in cards if card.standing.rating is not None]
    )
    found: dict[tuple[str, str, ReviewKind], list[AssetCard]] = {}
    for card in cards:
        if card.asset_id in shared and not card.seconds and card.sha256 not in unanswered:
            wants: ReviewKind = "rating" if card.standing.rating is None else "review"
            found.setdefault((*shared[card.asset_id], wants), []).append(card)
    sheets = [
        ReviewSheet(
            f"{key}:{wants}{mark}",
            origin,
            wants,
            some[0].creator_id,
            tuple(sorted(some, key=_age_key)),
        )
        for (origin, key, wants), every in found.items()
        for mark, some in _of_one_kind(every)
        if len(some) >= MIN_SHEET_SIZE
    ]
    placed = {card.asset_id for sheet in sheets for card in sheet.cards}
    return sorted(sheets, key=lambda sheet: _age_key(sheet.cards[0])), [
        one for one in cards if one.asset_id not in placed
    ]


def _of_one_kind(cards: Sequence[AssetCard]) -> list[tuple[str, Sequence[AssetCard]]]:
    """Split images so that demo images are never on a sheet with images of a real model."""
    demo = [one for one in cards if one.label]
    if not demo or not any(one.seed is not None and not one.label for one in cards):
        return [("", cards)]
    return [("", [one for one in cards if not one.label]), (":demo", demo)]


def _age_key(card: AssetCard) -> tuple[object, ...]:
    return card.at, card.asset_id


_SHARED = """
SELECT DISTINCT ON (c.asset_id) c.asset_id, c.creator_id, c.job_id, u.batch, p.pack_id
FROM creations c
LEFT JOIN uploads u ON u.tenant_id = c.tenant_id AND u.creator_id = c.creator_id AND u.asset_id =
c.asset_id
  AND u.batch IS NOT NULL
LEFT JOIN pack_items p ON p.tenant_id = c.tenant_id AND p.asset_id = c.asset_id
WHERE c.tenant_id = :tenant AND c.asset_id = ANY(:assets)
ORDER BY c.asset_id, u.created_at, p.created_at, p.pack_id
"""


def _load_shared_origins(
    scope: Scope, cards: Sequence[AssetCard]
) -> Mapping[UUID, tuple[str, str]]:
    """Return the origin and the group key of each image, except images that are in no group."""
    if not cards:
        return {}
    rows = scope.run(_SHARED, tenant=scope.tenant_id, assets=[card.asset_id for card in cards])
    found: dict[UUID, tuple[str, str]] = {}
    for row in rows:
        for origin, key in (("job", row.job_id), ("upload", row.batch), ("pack", row.pack_id)):
            if key is not None:
                found[row.asset_id] = (origin, f"{origin}:{key}:{row.creator_id}")
                break
    return found


def makers_by_asset(scope: Scope, cards: Iterable[AssetCard]) -> Mapping[UUID, UUID]:
    """Return the person who uploaded or requested each image, except images made by the system."""
    known = member_reviews.makers_of(scope, [card.asset_id for card in cards])
    humans = {by: member_reviews.human_behind(scope, by) for by in set(known.values())}
    return {asset: maker for asset, by in known.items() if (maker := humans[by]) is not None}


def review_sheet(
    scope: Scope, creators: Collection[UUID], said: Sequence[PictureVerdict], *, key: UUID
) -> None:
    """Apply the verdicts on a sheet, all or none; once per `key`.

    The safety check requires every image to have been displayed
    (`gate.reviews.content_reviews.record_sheet_verdicts`) and applies the rules for single images.
    Raises Conflict if an image is already reviewed or its rating has changed; Refused if its maker,
    or the same person under another account, approves it; NotFound for images of other creators;
    and the errors of the safety check.
    """
    # Of two concurrent decisions, the second fails because the images are already reviewed.
    assets.lock_library(scope, "sheets")
    about = f"sheet:{key}"
    if audit.find_last_act(scope, SHEET_REVIEWED, about) is not None:
        return
    wanted = {one.asset_id: one for one in said}
    still = {
        card.asset_id: card
        for card in queries.list_unreviewed(scope, creators, limit=MAX_SHEET_SIZE, only=wanted)
    }
    for asset_id in wanted.keys() - still.keys():
        # Raises NotFound for another tenant's asset.
        if queries.get_asset_bytes(scope, asset_id).creator_id not in creators:
            raise NotFound("library.asset_unknown", destination="-")
    if any(
        asset not in still or still[asset].standing.rating is not one.drawn
        for asset, one in wanted.items()
    ):
        raise Conflict("review.set_changed")
    _check_not_own_work(scope, [still[one.asset_id] for one in said if one.approve])
    content_reviews.record_sheet_verdicts(
        scope, [_sheet_verdict(still[one.asset_id], one) for one in said], sheet=key
    )
    audit.record(
        scope,
        SHEET_REVIEWED,
        about,
        count=len(said),
        refused=sum(one.approve is False for one in said),
        rated=sum(one.rating is not None for one in said),
    )


def _check_not_own_work(scope: Scope, cards: Sequence[AssetCard]) -> None:
    """Raise Refused if the acting member uploaded or requested one of the images to approve."""
    made = makers_by_asset(scope, cards)
    if not made:
        return
    reviewer = member_reviews.human_behind(scope, scope.actor)
    if reviewer is not None and {
        reviewer,
        *device_fingerprints.same_humans(scope, reviewer).get(reviewer, ()),
    } & set(made.values()):
        raise Refused("review.own")


def _sheet_verdict(card: AssetCard, said: PictureVerdict) -> SheetVerdict:
    if said.rating is not None:
        return SheetVerdict(
            card.asset_id,
            card.sha256,
            rating=said.rating,
            minor=said.minor,
            shown=said.shown,
        )
    if said.approve:
        return SheetVerdict(card.asset_id, card.sha256, verdict="approve")
    return SheetVerdict(
        card.asset_id, card.sha256, verdict="refuse", reason=Message(REFUSED_REASON)
    )
