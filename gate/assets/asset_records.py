"""Records of assets and their renditions, as registered by the library.

An asset recorded as a photograph can be declared AI-generated, which is final. From the next
decision on it is disclosed as such, and every depicted person must have consented to AI content in
their likeness.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import col, select

from foundation.db.database import Scope
from foundation.errors import BadInput, NotFound
from foundation.ids import uuid7
from gate import epochs
from gate.assets.derivations import AssetPart, ancestors_by_asset, descendants_by_asset
from gate.assets.models import Asset, Depiction, Rendition

AI_KINDS = ("none", "assisted", "generated")

DATED_SOURCES = frozenset({"generation", "capture", "publication"})
"""Sources that prove a production date; the date of a shoot card is read from the card."""

_SURE = ("non_identifiable", "confirmed", "proposed")
"""States of a depiction, from least to most restrictive. If a person is recorded several times, the
most restrictive state applies."""


@dataclass(frozen=True)
class RenditionSummary:
    """A rendition of an asset for a profile. `size` is in bytes, dimensions are in pixels."""

    profile: str
    mime: str
    size: int
    width: int
    height: int


@dataclass(frozen=True)
class StoredRendition:
    """The fields of a rendition that a unit needs. `size` is in bytes; `ai` is copied from the
    asset."""

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
    label: str = "",
    parts: Sequence[UUID] = (),
    after: Sequence[UUID] = (),
    redrawn: bool = False,
) -> UUID:
    """Record an asset and return its ID.

    Args:
        origin: generated, upload or import.
        ai: none, assisted or generated.
        made_at: start of production, UTC-aware; None if unknown.
        source: proof of `made_at`: generation, capture or publication. Other values prove nothing.
        parent: the asset that this one was cut from. Its people and the older date are inherited.
        people_seen: number of people that a detector counted; None if no detector ran.
        model: name of the model, as the engine reports it. An edit inherits that of its parent.
        label: the `OriginLabel` of a picture made by an engine. Derivatives inherit it.
        parts: the assets that this one contains uncut; each counts as a parent, the first one for
            all on the shoot card. Ratings, people, labels and the oldest date are inherited.
        after: the references of a model. They count like a parent, without their shoot cards.
        redrawn: True if a model redrew `parent`: the answer to who is shown is not inherited.

    Raises BadInput for an unknown `ai`, and NotFound for an unknown parent or part.
    """
    if ai not in AI_KINDS:
        raise BadInput("asset.bad_mark", mark=ai)
    main = list(dict.fromkeys((*filter(None, [parent]), *parts)))
    behind = [one for one in dict.fromkeys(after) if one not in main]
    line = _lock_sources(scope, [*main, *behind])
    row = Asset(
        tenant_id=scope.tenant_id,
        creator_id=creator_id,
        origin=origin,
        ai=max(ai, *(one.ai for one in line), key=AI_KINDS.index) if line else ai,
        engine=engine,
        model=model or next((one.model for one in line if one.model), ""),
        label=label or next((one.label for one in line if one.label), ""),
        made_at=_oldest_date(made_at, line),
        source=_date_source(source, line),
        parent_id=main[0] if main else None,
        people_seen=people_seen,
        redrawn=redrawn,
    )
    with scope.acting_as("gate"):
        scope.add(row)
        scope.add(*_inherit_depictions(scope, [one.id for one in line], row.id))
        scope.add(*_build_parts(scope, row.id, dict.fromkeys(parts), whole=True))
        scope.add(*_build_parts(scope, row.id, behind, whole=False))
    return row.id


def _lock_sources(scope: Scope, asset_ids: Sequence[UUID]) -> list[Asset]:
    """Lock the sources of a new asset against changes of their records, and return them."""
    if asset_ids:
        epochs.lock_exclusive(scope, *(epochs.asset_key(scope, one) for one in asset_ids))
    return [_get_asset(scope, one) for one in asset_ids]


def _build_parts(
    scope: Scope, asset_id: UUID, parts: Iterable[UUID], *, whole: bool
) -> list[AssetPart]:
    return [
        AssetPart(tenant_id=scope.tenant_id, asset_id=asset_id, part_id=one, whole=whole)
        for one in parts
    ]


def _oldest_date(made_at: datetime | None, line: Sequence[Asset]) -> datetime | None:
    """Return the oldest date, or None if a source has no date."""
    dates = [one.made_at for one in line]
    known = [date for date in dates if date is not None]
    return (
        None
        if len(known) < len(dates)
        else min([*known, *([made_at] if made_at else [])], default=None)
    )


def _date_source(source: str, line: Sequence[Asset]) -> str:
    """Return the proof of the date; a source without proof takes precedence."""
    return (
        next((one.source for one in line if one.source not in DATED_SOURCES), line[0].source)
        if line
        else source
    )


def _get_asset(scope: Scope, asset_id: UUID) -> Asset:
    row = scope.session.get(Asset, (scope.tenant_id, asset_id))
    if row is None:
        raise NotFound("asset.unknown")
    return row


def asset_label(scope: Scope, asset_id: UUID) -> str:
    """Return the label of an asset or of its source, or "" for photographs and real AI output.

    Raises NotFound.
    """
    return _get_asset(scope, asset_id).label


def _inherit_depictions(scope: Scope, parents: Sequence[UUID], child: UUID) -> Sequence[Depiction]:
    """Return the people of the parents for a child, since faces in a blurred or cut picture may be
    missed.

    The most restrictive state of each person applies.
    """
    if not parents:
        return ()
    found = scope.session.exec(
        select(Depiction)
        .where(Depiction.tenant_id == scope.tenant_id, col(Depiction.asset_id).in_(list(parents)))
        .order_by(col(Depiction.id))
    ).all()
    worst = {
        (row.person_id, row.how): row
        for row in sorted(found, key=lambda row: _SURE.index(row.state))
    }
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
        for row in worst.values()
    ]


_RECORD = """
INSERT INTO renditions
  (tenant_id, id, asset_id, sha256, mime, size, width, height, profile, parent_sha256, phash, state)
VALUES (:tenant, :id, :asset, :sha256, :mime, :size, :width, :height, :profile, :parent, :phash,
'made')
ON CONFLICT (tenant_id, sha256) DO UPDATE SET erased_at = NULL WHERE renditions.erased_at IS NOT
NULL
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
    """Record final bytes by their SHA-256 (64 hexadecimal digits) and return the rendition's ID.

    Known bytes remain the rendition of their first asset, with its ratings, people and marks, and
    this asset becomes its child. `parent` is the SHA-256 of the source bytes; `phash` is 64 bits in
    hexadecimal. Raises NotFound for an unknown asset.
    """
    own = _get_asset(scope, asset_id)
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
        row = find_rendition_by_digest(scope, sha256)
        if row.asset_id != asset_id and own.parent_id is None:
            own.parent_id = row.asset_id
            scope.add(own)
    return row.id


def find_rendition_by_digest(scope: Scope, sha256: str) -> Rendition:
    """Return the rendition of bytes. Raises NotFound for unknown bytes."""
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
FROM line l JOIN renditions r ON r.tenant_id = :tenant AND r.asset_id = l.id AND r.profile =
:profile
ORDER BY l.wanted, l.depth, r.id DESC
"""


def newest_renditions(
    scope: Scope, assets: Collection[UUID], profile: str
) -> dict[UUID, StoredRendition]:
    """Return the newest rendition of each asset for a profile, or that of its nearest ancestor.

    Assets without a rendition are absent.
    """
    if not assets:
        return {}
    rows = scope.run(_RENDITIONS, tenant=scope.tenant_id, assets=list(assets), profile=profile)
    return {
        row.wanted: StoredRendition(row.sha256, row.mime, row.size, row.width, row.height, row.ai)
        for row in rows
    }


def newest_rendition(scope: Scope, asset_id: UUID, profile: str) -> StoredRendition | None:
    """Return the newest rendition of one asset as `newest_renditions` does, or None."""
    return newest_renditions(scope, [asset_id], profile).get(asset_id)


_BESIDE = """
SELECT sha256 FROM renditions WHERE tenant_id = :tenant AND asset_id = :asset AND profile =
:profile ORDER BY id
"""


_DERIVED = """
SELECT r.sha256 FROM renditions own
JOIN renditions r ON r.tenant_id = own.tenant_id AND r.asset_id = own.asset_id AND
r.parent_sha256 = own.sha256
WHERE own.tenant_id = :tenant AND own.sha256 = :sha256 AND r.profile = :profile AND r.state = 'made'
ORDER BY r.id LIMIT 1
"""


def derived_digest(scope: Scope, sha256: str, profile: str) -> str | None:
    """Return the digest of the rendition derived from these exact bytes for a profile, or None."""
    found: str | None = scope.run(
        _DERIVED, tenant=scope.tenant_id, sha256=sha256, profile=profile
    ).scalar()
    return found


def rendition_digests(scope: Scope, asset_id: UUID, profile: str) -> list[str]:
    """Return the digests of an asset's own renditions for a profile, in the order of recording."""
    return list(
        scope.run(_BESIDE, tenant=scope.tenant_id, asset=asset_id, profile=profile).scalars()
    )


def list_renditions(scope: Scope, asset_id: UUID) -> list[RenditionSummary]:
    """Return an asset's own renditions, in the order of recording."""
    rows = scope.run(
        "SELECT profile, mime, size, width, height FROM renditions"
        " WHERE tenant_id = :tenant AND asset_id = :asset ORDER BY id",
        tenant=scope.tenant_id,
        asset=asset_id,
    )
    return [RenditionSummary(*row) for row in rows]


def total_stored_bytes(scope: Scope, *, but: Collection[str] = ()) -> int:
    """Return the total size of a tenant's renditions, without those in `but`.

    Identical bytes are one rendition and count once.
    """
    found = scope.run(
        "SELECT coalesce(sum(size), 0) FROM renditions"
        " WHERE tenant_id = :tenant AND erased_at IS NULL AND sha256 <> ALL(:but)",
        tenant=scope.tenant_id,
        but=list(but),
    )
    return int(found.scalar_one())


_SAY = """
UPDATE assets SET ai = 'generated', engine = CASE WHEN engine = :camera THEN :unnamed ELSE engine
END,
  updated_at = house_now()
WHERE tenant_id = :tenant AND id = ANY(:assets) AND ai <> 'generated' RETURNING id
"""
_OF_A_CAMERA = (
    "SELECT id FROM assets WHERE tenant_id = :tenant AND id = ANY(:assets) AND engine = :camera"
)


def disclose_as_generated(scope: Scope, asset_id: UUID, *, camera: str, unnamed: str) -> list[UUID]:
    """Declare that an asset with the engine `camera` is AI-generated, and set its engine to
    `unnamed`.

    The originals that it is a copy or still of are declared as well, with all their derivatives.
    Return the assets that were not AI-generated before. A lock excludes decisions about these
    assets until the end of the transaction.
    """
    own = {"tenant": scope.tenant_id, "camera": camera}
    line = ancestors_by_asset(scope, [asset_id]).get(asset_id, frozenset())
    roots = scope.run(_OF_A_CAMERA, assets=sorted({asset_id, *line}), **own).scalars().all()
    found = sorted({one for line in descendants_by_asset(scope, roots).values() for one in line})
    if not found:
        return []
    epochs.lock_and_advance(scope, *(epochs.asset_key(scope, one) for one in found))
    with scope.acting_as("gate"):
        return list(scope.run(_SAY, assets=found, unnamed=unnamed, **own).scalars())


_SETTLE = """
UPDATE assets SET ai = :ai, engine = :engine, model = CASE WHEN :is_made THEN model ELSE '' END,
  updated_at = house_now()
WHERE tenant_id = :tenant AND id = ANY(:assets) AND engine = :unconfirmed RETURNING id
"""


def settle_origin(
    scope: Scope, asset_id: UUID, *, unconfirmed: str, engine: str, ai: str
) -> list[UUID]:
    """Record a member's answer about an asset whose engine is `unconfirmed`: its `engine` and AI
    level.

    It also applies to its originals and derivatives without another engine. Return the changed
    assets. A lock excludes decisions about them until the end of the transaction.
    """
    own = {"tenant": scope.tenant_id, "camera": unconfirmed}
    line = ancestors_by_asset(scope, [asset_id]).get(asset_id, frozenset())
    roots = scope.run(_OF_A_CAMERA, assets=sorted({asset_id, *line}), **own).scalars().all()
    found = sorted({one for line in descendants_by_asset(scope, roots).values() for one in line})
    if not found:
        return []
    epochs.lock_and_advance(scope, *(epochs.asset_key(scope, one) for one in found))
    with scope.acting_as("gate"):
        return list(
            scope.run(
                _SETTLE,
                tenant=scope.tenant_id,
                assets=found,
                unconfirmed=unconfirmed,
                engine=engine,
                ai=ai,
                is_made=ai != "none",
            ).scalars()
        )
