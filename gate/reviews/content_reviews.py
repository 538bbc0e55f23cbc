"""Reviews of units and of bytes: a member approves or refuses them.

A review is bound to a digest, so any change invalidates it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from sqlmodel import col, select

from foundation.db.database import Scope
from foundation.errors import BadInput, Conflict, NotFound, Refused
from foundation.i18n.translation import Message
from foundation.outbox import outbox
from gate import epochs
from gate.assets import viewings
from gate.assets.depicted_principals import depicted_principals
from gate.assets.models import Rendition
from gate.contract.facts import parse_unit
from gate.contract.states import DepictionAnswer
from gate.contract.units import Rating
from gate.log.models import DecisionInput, DecisionRow
from gate.ratings import depiction_answers, ratings
from gate.reviews.events import RatingRequested
from gate.reviews.models import HumanReview
from tenants.agencies import queries
from tenants.agencies.rights import Right, require_right

ReviewVerdict = Literal["approve", "refuse"]


MAX_SHEET_SIZE = 500
"""Maximum number of pictures in one decision."""


@dataclass(frozen=True)
class SheetVerdict:
    """The decision about one picture of a contact sheet: a verdict, or a rating above the current
    one.

    `minor` is True if a depicted person appears to be under age, which is never allowed. `shown`
    answers who is shown.
    """

    asset_id: UUID
    sha256: str
    verdict: ReviewVerdict | None = None
    rating: Rating | None = None
    minor: bool = False
    reason: Message | None = None
    shown: DepictionAnswer | None = None


@dataclass(frozen=True)
class _ReviewInput:
    verdict: ReviewVerdict
    reason: Message | None
    seen_percent: int
    sheet: UUID | None = None


def review_unit(
    scope: Scope,
    unit_digest: str,
    *,
    verdict: ReviewVerdict,
    reason: Message | None = None,
    seen_percent: int = 100,
) -> None:
    """Approve or refuse a unit that was checked by the gate, together with its media.

    `seen_percent` is the part that was on screen. Below 95 the review does not count for Nudity and
    Explicit.

    Raises Refused for a member who may not review, is the author, or is depicted and approves;
    NotFound for a unit without a decision; BadInput.
    """
    member = _get_reviewer(scope, seen_percent)
    judged = scope.session.exec(
        select(DecisionRow)
        .where(DecisionRow.tenant_id == scope.tenant_id, DecisionRow.unit_digest == unit_digest)
        .order_by(col(DecisionRow.seq).desc())
    ).all()
    if not judged:
        raise NotFound("review.unknown")
    if any(_find_principal(scope, row.author) == member.principal_id for row in judged):
        raise Refused("review.own")
    stored = scope.session.get(DecisionInput, (scope.tenant_id, judged[0].id))
    media = (
        sorted({medium.sha256 for medium in parse_unit(stored.unit).media})
        if stored is not None
        else []
    )
    if verdict == "approve":
        _check_not_depicted(scope, member, media)
    said = _ReviewInput(verdict, reason, seen_percent)
    # The lock lets a claim that read the earlier approval finish; later claims read the refusal.
    if verdict == "refuse":
        channels = {epochs.channel_key(scope, row.channel_id) for row in judged}
        epochs.lock_exclusive(scope, *channels, *_asset_keys(scope, media))
    _record_review(scope, member.principal_id, "unit", unit_digest, said)
    for sha256 in media:
        _record_review(scope, member.principal_id, "bytes", sha256, said)


def review_bytes(
    scope: Scope,
    sha256: str,
    *,
    verdict: ReviewVerdict,
    reason: Message | None = None,
    seen_percent: int = 100,
) -> None:
    """Approve or refuse stored bytes for every use, for example the pictures of a pack.

    Raises Refused for a member who may not review, or is depicted and approves; NotFound for
    unknown bytes; BadInput.
    """
    member = _get_reviewer(scope, seen_percent)
    assets = _asset_keys(scope, [sha256])
    if not assets:
        raise NotFound("review.unknown")
    if verdict == "approve":
        _check_not_depicted(scope, member, [sha256])
    else:
        epochs.lock_exclusive(scope, *assets)
    _record_review(
        scope, member.principal_id, "bytes", sha256, _ReviewInput(verdict, reason, seen_percent)
    )


def record_sheet_verdicts(scope: Scope, tiles: Sequence[SheetVerdict], *, sheet: UUID) -> None:
    """Record the verdicts on all pictures of a contact sheet. If one is refused, none is recorded.

    Each verdict becomes a review and each rating a rating request. `sheet` is the ID that these
    reviews share. Every picture must have been shown to this member in the last hour, according to
    `gate/assets/viewings.py`.

    Raises Refused for a member who may not review, for pictures that were not shown and for a lower
    rating; Conflict if a picture is now withheld; NotFound for unknown bytes; BadInput for an empty
    or oversized sheet, a repeated picture, and a rating without an answer to who is shown.
    """
    member = _get_reviewer(scope, 100)
    digests = [tile.sha256 for tile in tiles]
    if not 0 < len(digests) <= MAX_SHEET_SIZE or len(set(digests)) < len(digests):
        raise BadInput("review.set_size", most=MAX_SHEET_SIZE)
    if any((tile.verdict is None) == (tile.rating is None) for tile in tiles):
        raise BadInput("review.set_unclear")
    approved = [tile.sha256 for tile in tiles if tile.verdict == "approve"]
    _check_not_depicted(scope, member, approved)
    refused = [tile.sha256 for tile in tiles if tile.verdict == "refuse"]
    if refused:
        epochs.lock_exclusive(scope, *_asset_keys(scope, refused))
    standing = ratings.display_ratings(scope, digests)
    if len(standing) < len(digests):
        raise NotFound("review.unknown")
    if any(each.is_withheld for each in standing.values()):
        raise Conflict("review.set_changed")
    # Only the server's record of the bytes that it served counts; a claim by the page proves
    # nothing.
    unseen = len(digests) - len(viewings.viewed_digests_of(scope, member.principal_id, digests))
    if unseen:
        raise Refused("review.set_unseen", count=unseen)
    _require_depiction_answers(scope, tiles)
    for tile in tiles:
        if tile.rating is not None:
            _request_rating(scope, tile, tile.rating, standing[tile.sha256].rating)
    said = [
        (tile.sha256, _ReviewInput(tile.verdict, tile.reason, 100, sheet))
        for tile in tiles
        if tile.verdict is not None
    ]
    scope.add(
        *(_build_review(scope, member.principal_id, "bytes", sha256, one) for sha256, one in said)
    )


def _request_rating(scope: Scope, tile: SheetVerdict, rating: Rating, known: Rating | None) -> None:
    """Request a rating of bytes from a worker. Raises Refused for a lower rating."""
    if known is not None and rating.rank < known.rank:
        raise Refused("gate.RATING_LOWERING_INVALID")
    shown = str(tile.shown or "")
    event = RatingRequested(
        scope.tenant_id, tile.asset_id, tile.sha256, str(rating), tile.minor, scope.actor, shown
    )
    outbox.put(
        scope, event, priority=1, dedupe=f"rating:{tile.sha256}:{rating}:{shown}:{scope.actor}"
    )


def submit_rating(
    scope: Scope,
    asset_id: UUID,
    sha256: str,
    rating: Rating,
    *,
    minor: bool = False,
    shown: DepictionAnswer | None = None,
) -> None:
    """Request a rating of bytes, which a worker records immediately with the answer to who is
    shown.

    Raises BadInput if there is no answer yet and `shown` is missing, except for content that is
    never allowed. Raises Refused for a member who may not review and for a rating below the current
    one, which needs `rating_reductions`; NotFound for unknown bytes.
    """
    _get_reviewer(scope, 100)
    if not _asset_keys(scope, [sha256]):
        raise NotFound("review.unknown")
    tile = SheetVerdict(asset_id, sha256, rating=rating, minor=minor, shown=shown)
    _require_depiction_answers(scope, [tile])
    _request_rating(scope, tile, rating, ratings.effective_rating(scope, sha256))


def _require_depiction_answers(scope: Scope, tiles: Sequence[SheetVerdict]) -> None:
    """Raise BadInput if a rated picture has no answer to who is shown, except for content that is
    never allowed."""
    unanswered = [
        tile.sha256
        for tile in tiles
        if tile.rating is not None and tile.rating is not Rating.X and tile.shown is None
    ]
    if depiction_answers.unanswered_digests(scope, unanswered):
        raise BadInput("rating.shown_missing")


def _check_not_depicted(scope: Scope, member: queries.Member, digests: Sequence[str]) -> None:
    """Raise Refused for a member who is depicted in these bytes, or operates a synthetic person
    there.

    They may refuse, and rate higher.
    """
    shown = depicted_principals(scope, digests)
    if any(member.principal_id in own for own in shown.values()):
        raise Refused("review.depicted")


def _asset_keys(scope: Scope, digests: Sequence[str]) -> set[str]:
    found = scope.session.exec(
        select(Rendition.asset_id).where(
            Rendition.tenant_id == scope.tenant_id, col(Rendition.sha256).in_(digests)
        )
    )
    return {epochs.asset_key(scope, each) for each in found}


def _get_reviewer(scope: Scope, seen_percent: int) -> queries.Member:
    if not 0 <= seen_percent <= 100:
        raise BadInput("review.bad_share", percent=seen_percent)
    member = queries.get_acting_member(scope, "review.people_only")
    require_right(member.role, Right.REVIEW)
    return member


def _find_principal(scope: Scope, author: str) -> UUID | None:
    kind, _, key = author.partition(":")
    if kind != "member":
        return None
    try:
        return queries.get_member(scope, UUID(key)).principal_id
    except (NotFound, ValueError):
        return None


def _record_review(
    scope: Scope, principal: UUID, about: str, digest: str, said: _ReviewInput
) -> None:
    scope.add(_build_review(scope, principal, about, digest, said))


def _build_review(
    scope: Scope, principal: UUID, about: str, digest: str, said: _ReviewInput
) -> HumanReview:
    return HumanReview(
        tenant_id=scope.tenant_id,
        about=about,
        digest=digest,
        principal_id=principal,
        verdict=said.verdict,
        reason=said.reason.to_json() if said.reason is not None else None,
        seen_percent=said.seen_percent,
        sheet=said.sheet,
    )
