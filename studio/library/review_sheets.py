"""Contact sheets: pictures that came in together are looked at together, and judged by one
decision.

Together are the pictures of one run of a recipe, the files handed in by one gesture, else those of
one pack. A picture is on one sheet only; one that came alone is on none, and neither is a film,
which has sheets of its own. Nobody judged the pictures of a sheet yet, and all of a sheet wait for
the same thing: a rating, or a yes to what shows Nudity.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from foundation.db.database import Scope
from foundation.errors import Conflict, NotFound, Refused
from foundation.i18n.translation import Message
from gate.contract.units import Rating
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
    """Pictures of one creator that are judged together; `origin` says what they share: job, upload
    or pack."""

    key: str
    origin: str
    wants: ReviewKind
    creator_id: UUID
    cards: tuple[AssetCard, ...]


@dataclass(frozen=True)
class PictureVerdict:
    """What is said of one picture: a yes, a no, or a rating. `drawn` is the rating it had when it
    was looked at."""

    asset_id: UUID
    drawn: Rating | None
    approve: bool | None = None
    rating: Rating | None = None
    minor: bool = False


def list_waiting_pictures(scope: Scope, creators: Collection[UUID]) -> list[AssetCard]:
    """Pictures of these creators that nobody judged, as many as one decision may be about."""
    return queries.list_unreviewed(scope, creators, limit=MAX_SHEET_SIZE)


def group_into_sheets(
    scope: Scope, cards: Sequence[AssetCard]
) -> tuple[list[ReviewSheet], list[AssetCard]]:
    """The sheets among pictures that wait, the oldest first, and the pictures that are on none."""
    shared = _load_shared_origins(scope, cards)
    found: dict[tuple[str, str, ReviewKind], list[AssetCard]] = {}
    for card in cards:
        if card.asset_id in shared and not card.seconds:
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
    """What may stand on one sheet, each with its mark: what a model of their own made stands
    without demonstrations."""
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
    """What each picture came in with: its kind and its key, which no two creators share; absent
    where it came alone."""
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
    """The human who brought each picture in, by asset; those the house brought are absent."""
    known = member_reviews.makers_of(scope, [card.asset_id for card in cards])
    humans = {by: member_reviews.human_behind(scope, by) for by in set(known.values())}
    return {asset: maker for asset, by in known.items() if (maker := humans[by]) is not None}


def review_sheet(
    scope: Scope, creators: Collection[UUID], said: Sequence[PictureVerdict], *, key: UUID
) -> None:
    """Judge the pictures of a sheet as they were drawn, all of them or none; the safety check asks
    for every one to have been shown (`gate.reviews.content_reviews.record_sheet_verdicts`), and
    holds each picture to what it asks of a single one. Once per `key`.

    Raises Conflict where one of them does not wait any more, or is rated anew; Refused for a yes of
    who made it, or counts as who did; NotFound for a picture of nobody among `creators`; and as the
    safety check does.
    """
    assets.lock_library(
        scope, "sheets"
    )  # of two who press at once, the second is told that it is settled
    about = f"sheet:{key}"
    if audit.find_last_act(scope, SHEET_REVIEWED, about) is not None:
        return
    wanted = {one.asset_id: one for one in said}
    still = {
        card.asset_id: card
        for card in queries.list_unreviewed(scope, creators, limit=MAX_SHEET_SIZE, only=wanted)
    }
    for asset_id in wanted.keys() - still.keys():
        if (
            queries.get_asset_bytes(scope, asset_id).creator_id not in creators
        ):  # raises for another tenant's
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
    """A yes needs somebody who neither handed the picture in nor asked for it."""
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
        return SheetVerdict(card.asset_id, card.sha256, rating=said.rating, minor=said.minor)
    if said.approve:
        return SheetVerdict(card.asset_id, card.sha256, verdict="approve")
    return SheetVerdict(
        card.asset_id, card.sha256, verdict="refuse", reason=Message(REFUSED_REASON)
    )
