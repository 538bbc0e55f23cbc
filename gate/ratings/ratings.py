"""Depictions of people in assets, and the ratings of their bytes.

Functions in this module only raise ratings. Ratings superseded by a lowering are ignored
(`gate/ratings/lowered_ratings.py`).
"""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from foundation.db.database import Scope
from foundation.errors import Refused
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from gate import epochs, journal
from gate.assets import asset_records
from gate.assets.derivations import derived_assets
from gate.contract.units import Rating
from gate.ratings import lowered_ratings
from gate.ratings.aggregation import (
    LOWERING_SOURCE,
    MEMBER_SOURCE,
    AggregatedRating,
    aggregate_ratings,
)
from gate.ratings.models import ContentRating


@dataclass(frozen=True)
class DisplayRating:
    """The rating of bytes, or None if they are unrated.

    `is_withheld` is True for prohibited and frozen bytes, which no member may see.
    """

    rating: Rating | None
    is_withheld: bool


def record_rating(
    scope: Scope, sha256: str, rating: Rating, *, source: str, reason: Message | None = None
) -> None:
    """Rate bytes. The highest of all ratings counts, so this can only raise the rating.

    `source` is `classifier:<name>@<version>`, `rule:<name>`, `declared:words` or `member:<id>`. The
    `reason` of an X rating is `prohibited.minor` or `prohibited.category`. Raises NotFound for
    unknown bytes, and Refused for a member who would lower the rating.
    """
    asset_id = asset_records.find_rendition_by_digest(scope, sha256).asset_id
    known = effective_rating(scope, sha256)
    if source.startswith(MEMBER_SOURCE) and known is not None and rating.rank < known.rank:
        raise Refused("gate.RATING_LOWERING_INVALID")
    epochs.lock_and_advance(scope, epochs.asset_key(scope, asset_id))
    stored = reason.to_json() if reason is not None else None
    with scope.acting_as("gate"):
        scope.add(
            ContentRating(
                tenant_id=scope.tenant_id,
                sha256=sha256,
                rating=str(rating),
                source=source,
                reason=stored,
            )
        )


def highest_rank_by_source(scope: Scope, sha256: str, source: str) -> int:
    """Return the rank of the highest rating by one source, or -1 if there is none."""
    said = scope.session.exec(
        select(ContentRating.rating).where(
            ContentRating.tenant_id == scope.tenant_id,
            ContentRating.sha256 == sha256,
            ContentRating.source == source,
        )
    )
    return max((Rating(rating).rank for rating in said), default=-1)


def directly_rated(scope: Scope, digests: Collection[str]) -> frozenset[str]:
    """Return the bytes that have ratings of their own and not only inherited ones."""
    if not digests:
        return frozenset()
    rows = scope.session.exec(
        select(ContentRating.sha256).where(
            ContentRating.tenant_id == scope.tenant_id, col(ContentRating.sha256).in_(list(digests))
        )
    )
    return frozenset(rows)


def effective_rating(scope: Scope, sha256: str) -> Rating | None:
    """Return the rating of bytes, or None if they are unrated.

    It is the highest of their own ratings and those of their siblings and ancestors.
    """
    return explain_rating(scope, sha256).rating


_FAMILY = """
WITH RECURSIVE line AS (
  SELECT r.sha256 AS wanted, r.state, r.asset_id AS id, 0 AS depth, 0 AS steps, false AS part
  FROM renditions r WHERE r.tenant_id = :tenant AND r.sha256 = ANY(:digests)
  UNION SELECT l.wanted, l.state, p.parent_id, l.depth + CASE WHEN p.part THEN 0 ELSE 1 END,
  l.steps + 1,
    p.part AND l.depth = 0
  FROM line l JOIN asset_parents p ON p.tenant_id = :tenant AND p.asset_id = l.id
  WHERE l.steps < 20)
SELECT l.wanted, l.state, l.depth, l.part, r.sha256, c.rating, c.source, c.reason ->> 'code' AS
code,
  c.created_at AS at,
  ARRAY(SELECT s.lowering_id FROM lowered_ratings s WHERE s.tenant_id = :tenant AND s.rating_id =
  c.id) AS lowered
FROM line l JOIN renditions r ON r.tenant_id = :tenant AND r.asset_id = l.id
JOIN content_ratings c ON c.tenant_id = :tenant AND c.sha256 = r.sha256
"""


@dataclass
class _Line:
    """The ratings of a file and related assets that are in effect, and the lowerings."""

    rows: list[Any] = field(default_factory=list)
    lowered_by: set[UUID] = field(default_factory=set)
    void: bool = False

    @property
    def frozen(self) -> bool:
        """Return True if the bytes are frozen until a decision."""
        return any(row.state == "frozen" for row in self.rows)

    def together(self, sha256: str) -> AggregatedRating:
        """Return the aggregated rating."""
        found = aggregate_ratings(sha256, self.rows)
        if not self.lowered_by and not self.void:
            return found
        return replace(found, lowered_by=frozenset(self.lowered_by), lowering_void=self.void)


def _lines_by_digest(scope: Scope, digests: Collection[str]) -> dict[str, _Line]:
    """Return the effective ratings of each of these bytes; bytes without ratings are absent.

    A rating superseded by a lowering is left out, unless the lowering is not in effect or the
    rating is X.
    """
    if not digests:
        return {}
    rows = scope.run(_FAMILY, tenant=scope.tenant_id, digests=list(digests)).all()
    behind = lowered_ratings.backers_by_lowering(
        scope, {one for row in rows for one in row.lowered}
    )
    void = {f"{LOWERING_SOURCE}{one}" for one, who in behind.items() if not who}
    found: dict[str, _Line] = {}
    for row in rows:
        line = found.setdefault(row.wanted, _Line())
        stands = [one for one in row.lowered if behind[one]]
        line.void = line.void or len(stands) < len(row.lowered)
        line.lowered_by |= {who for one in stands for who in behind[one]}
        if (not stands or row.rating == Rating.X) and row.source not in void:
            line.rows.append(row)
    return found


def explain_rating(scope: Scope, sha256: str) -> AggregatedRating:
    """Return the aggregated rating of bytes, with the reason if they are prohibited.

    A derivative of Nudity or Explicit is at least Suggestive, even if blurred. An asset that
    contains it as a part has the same rating, since parts are shown unchanged. A derivative of
    prohibited content is prohibited.
    """
    return explain_ratings(scope, [sha256])[sha256]


def explain_ratings(scope: Scope, digests: Collection[str]) -> dict[str, AggregatedRating]:
    """Return the aggregated ratings of several bytes, by digest."""
    lines = _lines_by_digest(scope, digests)
    return {sha256: lines.get(sha256, _Line()).together(sha256) for sha256 in digests}


def showable_ratings(scope: Scope, digests: Collection[str]) -> dict[str, Rating]:
    """Return the ratings of the bytes that may be shown: known, rated and not frozen."""
    lines = _lines_by_digest(scope, digests)
    found = {
        sha256: line.together(sha256).rating for sha256, line in lines.items() if not line.frozen
    }
    return {sha256: rating for sha256, rating in found.items() if rating is not None}


def inherited_rank(scope: Scope, sha256: str) -> int:
    """Return the minimum rank of bytes due to their ancestors, or -1 if there is none."""
    rows = _lines_by_digest(scope, [sha256]).get(sha256, _Line()).rows
    cut = [min(Rating(row.rating).rank, Rating.S.rank) for row in rows if row.depth > 0]
    return max(cut + [Rating(row.rating).rank for row in rows if row.part], default=-1)


_STATES = (
    "SELECT sha256, state FROM renditions WHERE tenant_id = :tenant AND sha256 = ANY(:digests)"
)


def display_ratings(scope: Scope, digests: Collection[str]) -> dict[str, DisplayRating]:
    """Return the ratings of these bytes for display to members; unknown bytes are absent."""
    if not digests:
        return {}
    lines = _lines_by_digest(scope, digests)
    found = {}
    for sha256, state in scope.run(_STATES, tenant=scope.tenant_id, digests=list(digests)):
        rating = lines.get(sha256, _Line()).together(sha256).rating
        found[sha256] = DisplayRating(rating, rating is Rating.X or state != "made")
    return found


_DEPICT = """
INSERT INTO depictions (tenant_id, id, asset_id, person_id, how, state, confirmed_by, proposed_by)
VALUES (:tenant, :id, :asset, :person, :how, :state, :by, :proposed)
ON CONFLICT (tenant_id, asset_id, person_id, how) DO UPDATE SET
  state = excluded.state, confirmed_by = excluded.confirmed_by, updated_at = house_now()
WHERE depictions.state = 'proposed'
"""


def record_depiction(
    scope: Scope,
    asset_id: UUID,
    person_id: UUID,
    *,
    how: str,
    confirmed_by: str = "",
    hidden: bool = False,
    proposed_by: str = "",
) -> None:
    """Record that a person is in an asset; `how` is face, voice, name or mark.

    Without `confirmed_by` (`member:<id>` or `generation`) it is a proposal. The asset is not
    published until a member or a shoot card confirms it (`gate/decision/shoot_card_terms.py`).
    `hidden` states that an irreversible blur makes the person unrecognizable. Derivatives of the
    asset get the same record.
    """
    state = "non_identifiable" if hidden else "confirmed"
    told = _family_alone(scope, asset_id, person_id)
    said = {
        "state": state if confirmed_by else "proposed",
        "by": confirmed_by,
        "proposed": proposed_by,
    }
    with scope.acting_as("gate"):
        for each in told:
            scope.run(
                _DEPICT,
                tenant=scope.tenant_id,
                id=uuid7(),
                asset=each,
                person=person_id,
                how=how,
                **said,
            )


def _family_alone(scope: Scope, asset_id: UUID, person_id: UUID) -> list[UUID]:
    """Lock an asset, its derivatives and the person exclusively, and return the assets.

    No derivative can be added while the locks are held.
    """
    told = [asset_id, *derived_assets(scope, asset_id)]
    epochs.lock_and_advance(
        scope,
        *(epochs.asset_key(scope, each) for each in told),
        epochs.person_key(scope, person_id),
    )
    while late := [
        each for each in derived_assets(scope, asset_id) if each not in told
    ]:  # derivatives added before the locks
        epochs.lock_and_advance(scope, *(epochs.asset_key(scope, each) for each in late))
        told += late
    return told


def freeze_bytes(scope: Scope, sha256: str) -> None:
    """Block bytes from publication until a decision; nothing is deleted. Raises NotFound."""
    row = asset_records.find_rendition_by_digest(scope, sha256)
    epochs.lock_and_advance(scope, epochs.asset_key(scope, row.asset_id))
    with scope.acting_as("gate"):
        scope.run(
            "UPDATE renditions SET state = 'frozen', updated_at = house_now()"
            " WHERE tenant_id = :tenant AND sha256 = :sha256 AND state = 'made'",
            tenant=scope.tenant_id,
            sha256=sha256,
        )
    journal.record_restriction(scope, journal.FREEZE, sha256)


def unfreeze_bytes(scope: Scope, sha256: str) -> None:
    """Allow the publication of frozen bytes again. Sealed and removed bytes stay blocked.

    Raises NotFound.
    """
    row = asset_records.find_rendition_by_digest(scope, sha256)
    epochs.lock_and_advance(scope, epochs.asset_key(scope, row.asset_id))
    with scope.acting_as("gate"):
        scope.run(
            "UPDATE renditions SET state = 'made', updated_at = house_now()"
            " WHERE tenant_id = :tenant AND sha256 = :sha256 AND state = 'frozen' AND NOT EXISTS ("
            "SELECT FROM seals s WHERE s.tenant_id = renditions.tenant_id AND s.sha256 = "
            "renditions.sha256)",
            tenant=scope.tenant_id,
            sha256=sha256,
        )
    journal.record_restriction(scope, journal.THAW, sha256)
