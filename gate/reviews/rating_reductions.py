"""Lowering a rating: a member requests it with a reason, and others agree with their own reasons.

Two others must agree if the rating is Nudity or Explicit, and one if it is Suggestive. None of them
may have requested it, uploaded the picture, rated or reviewed it before, be depicted in it, or
count as one of these people. A prohibited rating cannot be lowered. A worker lowers the rating
(`handle_lowering_vote`) unless it has changed since the request.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

from foundation.db.database import OpenScope, Scope
from foundation.errors import BadInput, Conflict, NotFound, Refused
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from foundation.outbox import outbox
from foundation.outbox.outbox import Queue
from gate import epochs
from gate.assets import asset_records, viewings
from gate.assets.depicted_principals import depicted_principals
from gate.contract.units import Rating
from gate.ratings import lowered_ratings, ratings
from gate.ratings.aggregation import LOWERING_SOURCE
from gate.ratings.lowered_ratings import LOWERING_REVIEW, Lowering
from gate.reviews.models import HumanReview
from tenants import audit
from tenants.agencies import queries
from tenants.agencies.rights import Right, has_right, require_right
from tenants.auth import device_fingerprints

ACTOR = "system:lowering"
MAX_LOWERING_REASON = 500
"""Maximum number of characters in a reason."""

LIFE = timedelta(days=30)
"""Lifetime of an open request; after that it must be made again."""

INVALID = "gate.RATING_LOWERING_INVALID"


@dataclass(frozen=True)
class LoweringVoted:
    """A member agreed to lower a rating; `subject_id` is the request, which may now have enough
    votes."""

    kind: ClassVar[str] = "rating.lower"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class LoweringRequest:
    """An open request: `agreed` of `needed` members agreed; `allowed` may still vote."""

    id: UUID
    asset_id: UUID
    sha256: str
    creator_id: UUID
    drawn: Rating
    wanted: Rating
    why: str
    by: UUID
    at: datetime
    agreed: int
    needed: int
    allowed: frozenset[UUID]


def request_lowering(
    scope: Scope, asset_id: UUID, sha256: str, wanted: Rating, *, why: str, maker: UUID | None
) -> UUID:
    """Request a lower rating of bytes and return the request's ID.

    `maker` is the principal who uploaded the picture, if any. Raises Refused for a member who may
    not review or did not view the picture, for withheld or prohibited content, for a rating that is
    not lower, and if the rating of a source picture does not allow it; Conflict while another
    request is open; NotFound; BadInput without a reason.
    """
    member = _get_reviewer(scope)
    words = _clean_reason(why)
    scope.lock(f"{scope.tenant_id}:lowering:{sha256}")
    standing = ratings.display_ratings(scope, [sha256]).get(sha256)
    if (
        standing is None
        or asset_records.find_rendition_by_digest(scope, sha256).asset_id != asset_id
    ):
        raise NotFound("review.unknown")
    if standing.is_withheld or standing.rating is None or wanted.rank >= standing.rating.rank:
        raise Refused(INVALID)
    if ratings.inherited_rank(scope, sha256) > wanted.rank:
        raise Refused("lowering.family")
    _check_viewed(scope, member, sha256)
    if any(one.sha256 == sha256 for one in _list_open_requests(scope)):
        raise Conflict("lowering.open")
    row = Lowering(
        tenant_id=scope.tenant_id,
        asset_id=asset_id,
        sha256=sha256,
        drawn=str(standing.rating),
        wanted=str(wanted),
        why=words,
        principal_id=member.principal_id,
        maker_id=maker,
    )
    scope.add(row)
    audit.record(scope, "rating.lower_asked", f"lowering:{row.id}")
    return row.id


def vote_on_lowering(scope: Scope, lowering_id: UUID, *, agree: bool, why: str) -> None:
    """Vote on a request as the acting member, with a reason; one vote against it ends it.

    Raises NotFound; Conflict for a request that is over; Refused (RATING_LOWERING_INVALID) for a
    member who is excluded, and for one who did not view the picture; BadInput without a reason.
    """
    member = _get_reviewer(scope)
    words = _clean_reason(why)
    wish = next((one for one in _list_open_requests(scope) if one.id == lowering_id), None)
    if wish is None:
        if scope.session.get(Lowering, (scope.tenant_id, lowering_id)) is None:
            raise NotFound("lowering.unknown")
        raise Conflict("lowering.over")
    if member.id not in wish.allowed:
        raise Refused(INVALID)
    _check_viewed(scope, member, wish.sha256)
    review = HumanReview(
        tenant_id=scope.tenant_id,
        about=LOWERING_REVIEW,
        digest=str(lowering_id),
        principal_id=member.principal_id,
        verdict="approve" if agree else "refuse",
        reason=Message("lowering.said", {"words": words}).to_json(),
        seen_percent=100,
    )
    scope.add(review)
    audit.record(
        scope, "rating.lower_agreed" if agree else "rating.lower_refused", f"lowering:{lowering_id}"
    )
    if agree:
        outbox.put(scope, LoweringVoted(scope.tenant_id, lowering_id), priority=1)


def handle_lowering_vote(event: LoweringVoted, *, tenant: OpenScope) -> None:
    """Lower the rating if enough members agree and it has not changed since the request."""
    with tenant(event.tenant_id, ACTOR) as scope:
        wish = next((one for one in _list_open_requests(scope) if one.id == event.subject_id), None)
        if wish is None:
            return
        epochs.lock_and_advance(scope, epochs.asset_key(scope, wish.asset_id))
        still = any(
            one.id == event.subject_id for one in _list_open_requests(scope)
        )  # Read again under the lock, which excludes other ratings.
        if still and lowered_ratings.backers_by_lowering(scope, [wish.id])[wish.id]:
            _record_lowering(scope, wish)


# Ratings are superseded and not deleted: they apply again if the lowering turns out to be void.
_SET_ASIDE = """
INSERT INTO lowered_ratings (tenant_id, id, rating_id, lowering_id)
SELECT c.tenant_id, gen_random_uuid(), c.id, :lowering FROM content_ratings c
WHERE c.tenant_id = :tenant AND c.sha256 = :sha256 AND c.id <> :own
  AND position(c.rating IN 'GSNEX') - 1 > :rank AND c.rating <> 'X'
ON CONFLICT DO NOTHING
"""


def _record_lowering(scope: Scope, wish: LoweringRequest) -> None:
    own = uuid7()
    with scope.acting_as("gate"):
        scope.run(
            "INSERT INTO content_ratings (tenant_id, id, sha256, rating, source)"
            " VALUES (:tenant, :id, :sha256, :rating, :source)",
            tenant=scope.tenant_id,
            id=own,
            sha256=wish.sha256,
            rating=str(wish.wanted),
            source=f"{LOWERING_SOURCE}{wish.id}",
        )
        said = {"tenant": scope.tenant_id, "sha256": wish.sha256, "lowering": wish.id, "own": own}
        scope.run(_SET_ASIDE, **said, rank=wish.wanted.rank)
    audit.record(
        scope,
        "rating.lowered",
        f"lowering:{wish.id}",
        before=str(wish.drawn),
        after=str(wish.wanted),
    )


def list_lowering_requests(scope: Scope, creators: Collection[UUID]) -> list[LoweringRequest]:
    """Return the open requests about pictures of these creators, oldest first."""
    return [wish for wish in _list_open_requests(scope) if wish.creator_id in creators]


_OPEN = """
SELECT l.id, l.asset_id, l.sha256, a.creator_id, l.drawn, l.wanted, l.why, l.principal_id AS asker,
  l.maker_id AS maker, l.created_at AS at,
  (SELECT jsonb_agg(jsonb_build_array(r.principal_id, r.verdict, r.seen_percent) ORDER BY
  r.created_at, r.id)
    FROM human_reviews r WHERE r.tenant_id = :tenant AND r.about = :about AND r.digest =
    CAST(l.id AS text)) AS said,
  ARRAY(SELECT r.principal_id FROM human_reviews r
    WHERE r.tenant_id = :tenant AND r.about = 'bytes' AND r.digest = l.sha256) AS reviewed,
  ARRAY(SELECT c.source FROM content_ratings c WHERE c.tenant_id = :tenant AND c.sha256 =
  l.sha256) AS rated
FROM lowerings l JOIN assets a ON a.tenant_id = l.tenant_id AND a.id = l.asset_id
WHERE l.tenant_id = :tenant AND l.created_at > :since
  AND NOT EXISTS (SELECT FROM content_ratings c
    WHERE c.tenant_id = :tenant AND c.sha256 = l.sha256 AND c.source = 'lowering:' || l.id)
ORDER BY l.created_at, l.id
"""


def _list_open_requests(scope: Scope) -> list[LoweringRequest]:
    """Return the requests that are neither refused nor done and whose rating is unchanged."""
    rows = scope.run(
        _OPEN, tenant=scope.tenant_id, about=LOWERING_REVIEW, since=scope.now - LIFE
    ).all()
    standing = ratings.display_ratings(scope, {row.sha256 for row in rows})
    open_ = [
        row
        for row in rows
        if all(word.agrees for word in lowered_ratings.parse_votes(row.said))
        and _as_drawn(row, standing)
    ]
    members = queries.list_members(scope) if open_ else []
    same = device_fingerprints.same_humans(scope) if open_ else {}
    shown = depicted_principals(scope, {row.sha256 for row in open_})
    raters = queries.principals_by_actor(scope, {one for row in open_ for one in row.rated})
    return [
        _request_from_row(
            row,
            members,
            same,
            shown.get(row.sha256, frozenset()).union(raters.get(one) for one in row.rated),
        )
        for row in open_
    ]


def _as_drawn(row: Any, standing: dict[str, ratings.DisplayRating]) -> bool:
    now = standing[row.sha256]
    return now.rating == row.drawn and not now.is_withheld


def _request_from_row(
    row: Any, members: Iterable[queries.Member], same: Any, concerned: frozenset[UUID | None]
) -> LoweringRequest:
    """Return the open request of a row. `concerned` are the principals who are depicted in the
    picture or rated it."""
    words = lowered_ratings.parse_votes(row.said)
    barred = {row.asker, row.maker, *row.reviewed, *concerned} - {None}
    spoke = {word.principal for word in words}
    allowed = {
        one.id
        for one in members
        if has_right(one.role, Right.REVIEW)
        and not lowered_ratings.is_same_human(one.principal_id, barred | spoke, same)
    }
    drawn = Rating(row.drawn)
    return LoweringRequest(
        id=row.id,
        asset_id=row.asset_id,
        sha256=row.sha256,
        creator_id=row.creator_id,
        drawn=drawn,
        wanted=Rating(row.wanted),
        why=row.why,
        by=row.asker,
        at=row.at,
        agreed=len(spoke),
        needed=lowered_ratings.required_votes(drawn),
        allowed=frozenset(allowed),
    )


def _get_reviewer(scope: Scope) -> queries.Member:
    member = queries.get_acting_member(scope, "review.people_only")
    require_right(member.role, Right.REVIEW)
    return member


def _check_viewed(scope: Scope, member: queries.Member, sha256: str) -> None:
    """Raise Refused unless this member viewed the whole picture, unblurred, in the last hour."""
    if not viewings.viewed_digests_of(scope, member.principal_id, [sha256]):
        raise Refused("review.set_unseen", count=1)


def _clean_reason(why: str) -> str:
    words = why.strip()
    if not words or len(words) > MAX_LOWERING_REASON:
        raise BadInput("lowering.no_reason", most=MAX_LOWERING_REASON).about("reason")
    return words
