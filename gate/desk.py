"""Reviews: a person looks at a unit, or at bytes, and says yes or no. Bound to the digest; any change undoes it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from sqlmodel import col, select

from foundation import outbox
from foundation.database import Scope
from foundation.errors import BadInput, NotFound, Refused
from foundation.words import Message
from gate import epochs, ratings
from gate.events import RatingWanted
from gate.facts import read_unit
from gate.models import DecisionInput, DecisionRow, HumanReview, Rendition
from gate.units import Rating
from tenants import reads as tenants
from tenants.roles import Right, require

ReviewVerdict = Literal["approve", "refuse"]


@dataclass(frozen=True)
class _Said:
    verdict: ReviewVerdict
    reason: Message | None
    seen_percent: int


def review(
    scope: Scope, unit_digest: str, *, verdict: ReviewVerdict, reason: Message | None = None, seen_percent: int = 100
) -> None:
    """Say yes or no to a unit that was judged, and with it to its media.

    `seen_percent` is how much of it was really on screen: below 95 it does not count for Nudity and Explicit.

    Raises Refused for who may not review, or who wrote it; NotFound for a unit nobody judged; BadInput.
    """
    member = _reviewer(scope, seen_percent)
    judged = scope.session.exec(
        select(DecisionRow)
        .where(DecisionRow.tenant_id == scope.tenant_id, DecisionRow.unit_digest == unit_digest)
        .order_by(col(DecisionRow.seq).desc())
    ).all()
    if not judged:
        raise NotFound("review.unknown")
    if any(_principal(scope, row.author) == member.principal_id for row in judged):
        raise Refused("review.own")
    stored = scope.session.get(DecisionInput, (scope.tenant_id, judged[0].id))
    media = sorted({medium.sha256 for medium in read_unit(stored.unit).media}) if stored is not None else []
    said = _Said(verdict, reason, seen_percent)
    if verdict == "refuse":  # a claim that read the old yes ends first, a later one reads the no
        channels = {epochs.channel(scope, row.channel_id) for row in judged}
        epochs.bar(scope, *channels, *_assets(scope, media))
    _write(scope, member.principal_id, "unit", unit_digest, said)
    for sha256 in media:
        _write(scope, member.principal_id, "bytes", sha256, said)


def review_bytes(
    scope: Scope, sha256: str, *, verdict: ReviewVerdict, reason: Message | None = None, seen_percent: int = 100
) -> None:
    """Say yes or no to stored bytes, once for every use of them: a pack's pictures, a contact sheet.

    Raises Refused for who may not review, NotFound for bytes nobody recorded, BadInput.
    """
    member = _reviewer(scope, seen_percent)
    assets = _assets(scope, [sha256])
    if not assets:
        raise NotFound("review.unknown")
    if verdict == "refuse":
        epochs.bar(scope, *assets)
    _write(scope, member.principal_id, "bytes", sha256, _Said(verdict, reason, seen_percent))


def rate(scope: Scope, asset_id: UUID, sha256: str, rating: Rating, *, minor: bool = False) -> None:
    """Say how bytes are rated: never lower than they are, which takes two others. The workers write it at once.

    Raises Refused for who may not review and for a lower rating, NotFound for bytes nobody recorded.
    """
    _reviewer(scope, 100)
    if not _assets(scope, [sha256]):
        raise NotFound("review.unknown")
    known = ratings.effective(scope, sha256)
    if known is not None and rating.rank < known.rank:
        raise Refused("gate.RATING_LOWERING_INVALID")
    event = RatingWanted(scope.tenant_id, asset_id, sha256, str(rating), minor, scope.actor)
    outbox.put(scope, event, priority=1, dedupe=f"rating:{sha256}:{rating}")


def _assets(scope: Scope, digests: Sequence[str]) -> set[str]:
    found = scope.session.exec(
        select(Rendition.asset_id).where(Rendition.tenant_id == scope.tenant_id, col(Rendition.sha256).in_(digests))
    )
    return {epochs.asset(scope, each) for each in found}


def _reviewer(scope: Scope, seen_percent: int) -> tenants.Member:
    if not 0 <= seen_percent <= 100:
        raise BadInput("review.bad_share", percent=seen_percent)
    kind, _, key = scope.actor.partition(":")
    if kind != "member":
        raise Refused("review.people_only")
    member = tenants.member(scope, UUID(key))
    require(member.role, Right.REVIEW)
    return member


def _principal(scope: Scope, author: str) -> UUID | None:
    kind, _, key = author.partition(":")
    if kind != "member":
        return None
    try:
        return tenants.member(scope, UUID(key)).principal_id
    except (NotFound, ValueError):
        return None


def _write(scope: Scope, principal: UUID, about: str, digest: str, said: _Said) -> None:
    scope.add(
        HumanReview(
            tenant_id=scope.tenant_id,
            about=about,
            digest=digest,
            principal_id=principal,
            verdict=said.verdict,
            reason=said.reason.to_json() if said.reason is not None else None,
            seen_percent=said.seen_percent,
        )
    )
