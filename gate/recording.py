"""Assets and their bytes, as the library brings them: what made them, since when they are, who is in them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import select

from foundation.database import Scope
from foundation.errors import BadInput, NotFound
from foundation.ids import uuid7
from gate.models import Asset, Depiction, Rendition

AI = ("none", "assisted", "generated")


@dataclass(frozen=True)
class Stored:
    """A rendition: what of it a unit needs. `size` in bytes; `ai` as its asset says."""

    sha256: str
    mime: str
    size: int
    width: int
    height: int
    ai: str


def record_asset(
    scope: Scope,
    *,
    creator_id: UUID,
    origin: str,
    ai: str,
    engine: str,
    made_at: datetime | None,
    source: str,
    parent: UUID | None = None,
    people_seen: int | None = None,
    model: str = "",
) -> UUID:
    """Write down one origin of bytes; returns its id.

    Args:
        origin: generated, upload or import.
        ai: none, assisted or generated.
        made_at: start of production, UTC-aware; None when nobody knows.
        source: what proves `made_at`: generation, capture or publication; anything else proves nothing.
        parent: the asset this one was made from: it keeps the older date, or that there is none, and the people shown.
        people_seen: how many people a detector counted; None when none ran.
        model: of an engine of ours, as it calls it; an edit keeps its parent's.

    Raises BadInput for an unknown `ai`, NotFound for an unknown parent.
    """
    if ai not in AI:
        raise BadInput("asset.bad_mark", mark=ai)
    older = _asset(scope, parent) if parent is not None else None
    if older is not None:  # nobody knows when something was made that was made from what nobody dated
        made_at = older.made_at and min(made_at or older.made_at, older.made_at)
    row = Asset(
        tenant_id=scope.tenant_id,
        creator_id=creator_id,
        origin=origin,
        ai=ai if older is None else max(ai, older.ai, key=AI.index),
        engine=engine,
        model=model or (older.model if older is not None else ""),
        made_at=made_at,
        source=source if older is None else older.source,
        parent_id=parent,
        people_seen=people_seen,
    )
    with scope.acting_as("gate"):
        scope.add(row)
        if older is not None:
            scope.add(*_inherited(scope, older.id, row.id))
    return row.id


def _asset(scope: Scope, asset_id: UUID) -> Asset:
    row = scope.session.get(Asset, (scope.tenant_id, asset_id))
    if row is None:
        raise NotFound("asset.unknown")
    return row


def _inherited(scope: Scope, parent: UUID, child: UUID) -> Sequence[Depiction]:
    """The people of the parent: they are never looked for anew in a blurred or cut picture."""
    found = scope.session.exec(
        select(Depiction).where(Depiction.tenant_id == scope.tenant_id, Depiction.asset_id == parent)
    )
    return [
        Depiction(
            tenant_id=scope.tenant_id,
            asset_id=child,
            person_id=row.person_id,
            how=row.how,
            state=row.state,
            confirmed_by=row.confirmed_by,
            proposed_by=row.proposed_by,
        )
        for row in found
    ]


_RECORD = """
INSERT INTO renditions
  (tenant_id, id, asset_id, sha256, mime, size, width, height, profile, parent_sha256, phash, state)
VALUES (:tenant, :id, :asset, :sha256, :mime, :size, :width, :height, :profile, :parent, :phash, 'made')
ON CONFLICT (tenant_id, sha256) DO NOTHING
"""


def record_rendition(
    scope: Scope,
    asset_id: UUID,
    *,
    sha256: str,
    mime: str,
    size: int,
    width: int,
    height: int,
    profile: str,
    parent: str | None = None,
    phash: str | None = None,
) -> UUID:
    """Write down final bytes by their SHA-256 (64 hexadecimal digits); returns the rendition's id.

    Bytes known already stay the rendition of their first asset, with its ratings, people and marks, and this asset
    becomes a child of it. `parent` is the SHA-256 of the bytes they were derived from; `phash` 64 bits in hexadecimal.

    Raises NotFound for an unknown asset.
    """
    own = _asset(scope, asset_id)
    with scope.acting_as("gate"):
        scope.run(
            _RECORD,
            tenant=scope.tenant_id,
            id=uuid7(),
            asset=asset_id,
            sha256=sha256,
            mime=mime,
            size=size,
            width=width,
            height=height,
            profile=profile,
            parent=parent,
            phash=phash,
        )
        row = recorded(scope, sha256)
        if row.asset_id != asset_id and own.parent_id is None:
            own.parent_id = row.asset_id
            scope.add(own)
    return row.id


def recorded(scope: Scope, sha256: str) -> Rendition:
    """The rendition of bytes. Raises NotFound for bytes nobody recorded."""
    row = scope.session.exec(
        select(Rendition).where(Rendition.tenant_id == scope.tenant_id, Rendition.sha256 == sha256)
    ).first()
    if row is None:
        raise NotFound("asset.unknown")
    return row


_RENDITIONS = """
WITH RECURSIVE line AS (
  SELECT a.id AS wanted, a.id, a.parent_id, a.ai, 0 AS depth
  FROM assets a WHERE a.tenant_id = :tenant AND a.id = ANY(:assets)
  UNION ALL
  SELECT l.wanted, a.id, a.parent_id, a.ai, l.depth + 1
  FROM line l JOIN assets a ON a.tenant_id = :tenant AND a.id = l.parent_id
  WHERE l.depth < 20)
SELECT DISTINCT ON (l.wanted) l.wanted, r.sha256, r.mime, r.size, r.width, r.height, l.ai
FROM line l JOIN renditions r ON r.tenant_id = :tenant AND r.asset_id = l.id AND r.profile = :profile
ORDER BY l.wanted, l.depth, r.id DESC
"""


def renditions(scope: Scope, assets: Collection[UUID], profile: str) -> dict[UUID, Stored]:
    """The newest rendition of each asset for a profile, its parent's when it has none; those without any are absent."""
    if not assets:
        return {}
    rows = scope.run(_RENDITIONS, tenant=scope.tenant_id, assets=list(assets), profile=profile)
    return {row.wanted: Stored(row.sha256, row.mime, row.size, row.width, row.height, row.ai) for row in rows}


def rendition(scope: Scope, asset_id: UUID, profile: str) -> Stored | None:
    """The same of one asset; None when there is none."""
    return renditions(scope, [asset_id], profile).get(asset_id)


_BESIDE = """
SELECT sha256 FROM renditions WHERE tenant_id = :tenant AND asset_id = :asset AND profile = :profile ORDER BY id
"""


def beside(scope: Scope, asset_id: UUID, profile: str) -> list[str]:
    """The digests of an asset's own renditions for a profile, in the order they were recorded."""
    return list(scope.run(_BESIDE, tenant=scope.tenant_id, asset=asset_id, profile=profile).scalars())
