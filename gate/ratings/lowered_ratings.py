"""Lowered ratings: their tables, and the check that a lowering is in effect.

A lowering is in effect as long as enough other members support it. This is checked on every read,
because a guest may later turn out to be the author. The earlier ratings then apply again.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint

import gate.assets.models
import gate.ratings.models  # noqa: F401  foreign keys refer to its tables
from foundation.db.database import Scope
from foundation.db.tables import FOREVER, TenantRow, table_arguments, tenant_foreign_key
from gate.assets.depicted_principals import depicted_principals
from gate.contract.facts import MIN_SEEN_PERCENT
from gate.contract.units import Rating
from tenants.auth import device_fingerprints

LOWERING_REVIEW = "lowering"
"""The `about` of a vote on a lowering request; its digest is the request's ID."""


class Lowering(TenantRow, table=True):
    """A request to lower a rating, which has no effect by itself. The app may insert."""

    __tablename__ = "lowerings"
    __table_args__ = table_arguments(
        tenant_foreign_key("asset_id", "assets"),
        tenant_foreign_key("principal_id", "principals"),
        Index("lowerings_sha256", "tenant_id", "sha256"),
        about="member",
        keep=FOREVER,
    )
    asset_id: UUID
    sha256: str
    drawn: str
    """The rating at the time of the request."""
    wanted: str
    why: str
    """The reason, as plain text."""
    principal_id: UUID
    maker_id: UUID | None = None
    """The principal who uploaded the picture; None if the system created it."""


class LoweredRating(TenantRow, table=True):
    """A rating that a lowering supersedes. Only the gate writes it, append-only."""

    __tablename__ = "lowered_ratings"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "rating_id", "lowering_id", name="lowered_ratings_once"),
        tenant_foreign_key("rating_id", "content_ratings"),
        tenant_foreign_key("lowering_id", "lowerings"),
        about="creator",
        keep=FOREVER,
    )
    rating_id: UUID
    lowering_id: UUID


@dataclass(frozen=True)
class LoweringVote:
    """A vote on a request to lower a rating."""

    principal: UUID
    agrees: bool
    seen_percent: int = 100


def required_votes(drawn: Rating) -> int:
    """Return the number of supporters needed: two from Nudity or Explicit, one from Suggestive."""
    return 2 if drawn.rank >= Rating.N.rank else 1


def agreeing_principals(
    words: Iterable[LoweringVote],
    *,
    barred: Collection[UUID],
    same: Mapping[UUID, frozenset[UUID]],
    count: int,
) -> frozenset[UUID]:
    """Return the supporters of a lowering, or an empty set if it is not in effect.

    It needs `count` supporters who are different people and not `barred`, and no vote against it.
    The function is pure.
    """
    last = {word.principal: word for word in words}
    if any(not word.agrees for word in last.values()):
        return frozenset()
    apart = [
        word.principal
        for word in last.values()
        if word.seen_percent >= MIN_SEEN_PERCENT and not is_same_human(word.principal, barred, same)
    ]
    groups = (each for each in combinations(sorted(apart), count))
    found = (
        each
        for each in groups
        if not any(_is_same_principal(a, b, same) for a, b in combinations(each, 2))
    )
    return frozenset(apart) if next(found, None) else frozenset()


def is_same_human(
    principal: UUID, others: Collection[UUID], same: Mapping[UUID, frozenset[UUID]]
) -> bool:
    """Return True if a principal is one of these people, or a guest who counts as one of them."""
    return any(_is_same_principal(principal, other, same) for other in others)


def _is_same_principal(a: UUID, b: UUID, same: Mapping[UUID, frozenset[UUID]]) -> bool:
    return a == b or b in same.get(a, frozenset()) or a in same.get(b, frozenset())


_WISHES = """
SELECT l.id, l.sha256, l.drawn, l.principal_id AS asker, l.maker_id AS maker,
  (SELECT jsonb_agg(jsonb_build_array(r.principal_id, r.verdict, r.seen_percent) ORDER BY
  r.created_at, r.id)
    FROM human_reviews r WHERE r.tenant_id = l.tenant_id AND r.about = :about AND r.digest =
    CAST(l.id AS text)) AS said
FROM lowerings l WHERE l.tenant_id = :tenant AND l.id = ANY(:ids)
"""


def backers_by_lowering(scope: Scope, ids: Collection[UUID]) -> dict[UUID, frozenset[UUID]]:
    """Return the supporters of each lowering, by principal; empty if it is not in effect."""
    if not ids:
        return {}
    same = device_fingerprints.same_humans(scope)
    found = dict.fromkeys(ids, frozenset[UUID]())
    rows = scope.run(_WISHES, tenant=scope.tenant_id, ids=list(ids), about=LOWERING_REVIEW).all()
    shown = depicted_principals(scope, {row.sha256 for row in rows})
    for row in rows:
        barred = {one for one in (row.asker, row.maker) if one is not None}
        barred |= shown.get(row.sha256, frozenset())
        found[row.id] = agreeing_principals(
            parse_votes(row.said), barred=barred, same=same, count=required_votes(Rating(row.drawn))
        )
    return found


def parse_votes(said: Sequence[tuple[str, str, int]] | None) -> list[LoweringVote]:
    """Return the stored reviews of a request as votes, oldest first."""
    return [
        LoweringVote(UUID(principal), verdict == "approve", seen)
        for principal, verdict, seen in said or ()
    ]
