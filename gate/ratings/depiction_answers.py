"""Answers to the question who is shown in an asset.

Members answer when they rate a file. The answer restricts only: whether it suffices is decided in
`gate/decision/answer_rules.py`.
"""

from collections.abc import Collection
from uuid import UUID

from sqlmodel import select

from foundation.db.database import Scope
from gate import epochs
from gate.assets.models import Asset
from gate.contract.states import DepictionAnswer
from gate.ratings.models import DepictionAnswerRow
from tenants.agencies import queries

DRAWN_SOURCE = "drawn"
"""Source of the answer for scenes of our own engine, which draws landscapes and rooms only."""


def record_answer(
    scope: Scope, asset_id: UUID, answer: DepictionAnswer, *, source: str, principal: UUID | None
) -> None:
    """Record who is shown in an asset; the latest answer counts.

    `source` is `member:<id>` with the human behind the member, or `DRAWN_SOURCE`. Copies and clips
    of the asset without an answer of their own have the same one. Raises NotFound.
    """
    epochs.lock_and_advance(scope, epochs.asset_key(scope, asset_id))
    creator = scope.session.exec(
        select(Asset.creator_id).where(Asset.tenant_id == scope.tenant_id, Asset.id == asset_id)
    ).one()
    with scope.acting_as("gate"):
        scope.add(
            DepictionAnswerRow(
                tenant_id=scope.tenant_id,
                asset_id=asset_id,
                creator_id=creator,
                answer=str(answer),
                source=source,
                principal_id=principal,
            )
        )


def record_member_answer(scope: Scope, asset_id: UUID, answer: DepictionAnswer) -> None:
    """Record the answer of the acting member. Raises Refused for anybody else."""
    member = queries.get_acting_member(scope, "review.people_only")
    record_answer(scope, asset_id, answer, source=scope.actor, principal=member.principal_id)


OLDER_DRAWN_SQL = """(a.redrawn IS NULL AND a.parent_id IS NULL
  AND a.label IN ('drawn', 'stand_in', 'placeholder'))"""
"""SQL condition: an asset `a` recorded before the question existed is a scene of our own engine."""

_PARENTS = """
SELECT a.parent_id AS id WHERE a.parent_id IS NOT NULL
  AND NOT coalesce(a.redrawn, a.origin = 'generated')
UNION SELECT p.part_id FROM asset_parts p
WHERE p.tenant_id = a.tenant_id AND p.asset_id = a.id AND p.whole
"""
"""The assets whose answers an asset `a` has without one of its own: those it is a copy of or
contains uncut."""

ANSWERING_LINE_SQL = f"""
line AS (
  SELECT r.sha256 AS wanted, r.asset_id AS id, 0 AS depth FROM renditions r
  WHERE r.tenant_id = :tenant AND r.sha256 = ANY(:digests)
  UNION SELECT l.wanted, up.id, l.depth + 1 FROM line l
  JOIN assets a ON a.tenant_id = :tenant AND a.id = l.id, LATERAL ({_PARENTS}) up
  WHERE l.depth < 20)
"""  # noqa: S608 - only constants
PARENTS_SQL = f"ARRAY({_PARENTS})"
"""SQL for the assets above `a`, with the rows of each asset in `ANSWERING_LINE_SQL`."""
_UNANSWERED = f"""
WITH RECURSIVE {ANSWERING_LINE_SQL}
SELECT l.wanted FROM line l GROUP BY l.wanted HAVING NOT bool_or(
  EXISTS (SELECT FROM depiction_answers d WHERE d.tenant_id = :tenant AND d.asset_id = l.id)
  OR EXISTS (SELECT FROM depictions d WHERE d.tenant_id = :tenant AND d.asset_id = l.id
    AND d.state = 'confirmed')
  OR EXISTS (SELECT FROM assets a WHERE a.tenant_id = :tenant AND a.id = l.id AND {OLDER_DRAWN_SQL})
  OR EXISTS (SELECT FROM shoot_card_assets s WHERE s.tenant_id = :tenant AND s.asset_id = l.id))
"""  # noqa: S608 - only constants


def unanswered_digests(scope: Scope, digests: Collection[str]) -> frozenset[str]:
    """Return the bytes without an answer to who is shown and without a confirmed person, where the
    files they were made from have neither."""
    if not digests:
        return frozenset()
    rows = scope.run(_UNANSWERED, tenant=scope.tenant_id, digests=list(digests))
    return frozenset(rows.scalars())
