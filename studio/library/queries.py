"""Queries of the library: asset cards, stored bytes, pack membership and pending reviews."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlmodel import col, select

from foundation.db.database import Scope
from foundation.errors import NotFound
from gate.contract.units import Rating
from gate.evidence.answer_facts import doubted_digests
from gate.log import queries
from gate.ratings import ratings
from gate.ratings.depiction_answers import unanswered_digests
from gate.ratings.ratings import DisplayRating
from studio.library import models
from studio.library.assets import FRAMES_PARAMETER, SECONDS_PARAMETER
from studio.library.states import ShelfState
from studio.packs.states import PackState
from studio.recipes.models import RecipeRow
from studio.runs.models import JobRow


@dataclass(frozen=True)
class AssetBytes:
    """The digest of an asset's bytes, with the rating that a member sees."""

    creator_id: UUID
    sha256: str
    standing: DisplayRating


@dataclass(frozen=True)
class AssetCard:
    """An asset of the library with its origin. `origin` is upload or generated; `at` is the time of
    ingest."""

    asset_id: UUID
    creator_id: UUID
    sha256: str
    standing: DisplayRating
    origin: str
    engine: str
    model: str
    label: str
    seed: int | None
    prompt: str
    alt: str
    shelf: ShelfState
    job_id: UUID | None
    recipe: str
    version: int
    taken_at: datetime | None
    at: datetime
    seconds: int = 0
    """Duration of a video or audio, at least 1; 0 for an image."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """Tags as written, by folded form."""
    shows: str = ""
    file_name: str = ""

    @property
    def title(self) -> str:
        """The name of the asset for members: its alt text, else its file name, else its prompt."""
        return self.alt or self.file_name or self.prompt


def get_asset_bytes(scope: Scope, asset_id: UUID) -> AssetBytes:
    """Return the bytes of an asset. Raises NotFound, also for another tenant's asset."""
    row = scope.session.exec(
        select(models.CreationRow.creator_id, models.CreationRow.sha256).where(
            models.CreationRow.tenant_id == scope.tenant_id, models.CreationRow.asset_id == asset_id
        )
    ).first()
    found = ratings.display_ratings(scope, [row[1]]) if row is not None else {}
    if row is None or row[1] not in found:
        raise NotFound("library.asset_unknown", destination="-")
    return AssetBytes(row[0], row[1], found[row[1]])


def list_asset_cards(
    scope: Scope, creator_id: UUID, *, limit: int = 400, job_id: UUID | None = None
) -> list[AssetCard]:
    """Return the newest assets of a creator, or those of one run in order of creation."""
    query = (
        select(models.CreationRow, RecipeRow.name, RecipeRow.version)
        .join(JobRow, columns_equal(JobRow.id, models.CreationRow.job_id), isouter=True)
        .join(RecipeRow, columns_equal(RecipeRow.id, JobRow.recipe_id), isouter=True)
        .where(
            models.CreationRow.tenant_id == scope.tenant_id,
            models.CreationRow.creator_id == creator_id,
        )
    )
    if job_id is not None:
        query = query.where(models.CreationRow.job_id == job_id).order_by(
            col(models.CreationRow.created_at), col(models.CreationRow.id)
        )
    else:
        query = query.order_by(
            col(models.CreationRow.created_at).desc(), col(models.CreationRow.asset_id)
        )
    rows = scope.session.exec(query.limit(limit).execution_options(populate_existing=True)).all()
    standing = ratings.display_ratings(scope, [row.sha256 for row, *_ in rows])
    return [
        _build_asset_card(scope, row, standing[row.sha256], name, version)
        for row, name, version in rows
    ]


def get_asset_cards(scope: Scope, assets: Sequence[UUID]) -> list[AssetCard]:
    """Return these assets in the given order, without unknown ones."""
    if not assets:
        return []
    rows = scope.session.exec(
        select(models.CreationRow, RecipeRow.name, RecipeRow.version)
        .join(JobRow, columns_equal(JobRow.id, models.CreationRow.job_id), isouter=True)
        .join(RecipeRow, columns_equal(RecipeRow.id, JobRow.recipe_id), isouter=True)
        .where(
            models.CreationRow.tenant_id == scope.tenant_id,
            col(models.CreationRow.asset_id).in_(list(assets)),
        )
        .execution_options(populate_existing=True)
    ).all()
    standing = ratings.display_ratings(scope, [row.sha256 for row, *_ in rows])
    found = {
        row.asset_id: _build_asset_card(scope, row, standing[row.sha256], name, version)
        for row, name, version in rows
    }
    return [found[asset] for asset in assets if asset in found]


def recipes_of_assets(scope: Scope, assets: Collection[UUID]) -> dict[UUID, str]:
    """Return the name of the recipe that made each of these assets; others are absent."""
    rows = scope.run(
        "SELECT c.asset_id, r.name FROM creations c"
        " JOIN jobs j ON j.tenant_id = c.tenant_id AND j.id = c.job_id"
        " JOIN recipes r ON r.tenant_id = j.tenant_id AND r.id = j.recipe_id"
        " WHERE c.tenant_id = :tenant AND c.asset_id = ANY(CAST(:assets AS uuid[]))",
        tenant=scope.tenant_id,
        assets=list(assets),
    )
    return {row.asset_id: row.name for row in rows}


def _build_asset_card(
    scope: Scope,
    row: models.CreationRow,
    standing: DisplayRating,
    recipe: str | None,
    version: int | None,
) -> AssetCard:
    return AssetCard(
        row.asset_id,
        row.creator_id,
        row.sha256,
        standing,
        "generated" if row.job_id is not None or row.seed is not None else "upload",
        row.engine,
        row.model,
        row.label,
        row.seed,
        row.prompt,
        row.alt,
        ShelfState(row.shelf),
        row.job_id,
        recipe or "",
        version or 0,
        row.taken_at,
        row.created_at or scope.now,
        max(1, int(row.parameters[SECONDS_PARAMETER])) if FRAMES_PARAMETER in row.parameters else 0,
        row.tags,
        row.shows,
        row.file_name,
    )


def packed_assets(scope: Scope, creator_id: UUID) -> dict[UUID, bool]:
    """Return the assets that are in a pack of a creator, each with True if such a pack was sold."""
    rows = scope.run(
        "SELECT i.asset_id, bool_or(p.frozen) AS sold FROM pack_items i"
        " JOIN packs p ON p.tenant_id = i.tenant_id AND p.id = i.pack_id"
        " WHERE p.tenant_id = :tenant AND p.creator_id = :creator AND p.state <> :retired GROUP "
        "BY i.asset_id",
        tenant=scope.tenant_id,
        creator=creator_id,
        retired=str(PackState.RETIRED),
    )
    return {row.asset_id: row.sold for row in rows}


def list_unreviewed(
    scope: Scope, creators: Collection[UUID], *, limit: int, only: Collection[UUID] | None = None
) -> list[AssetCard]:
    """Return kept images that are unrated, or rated as nudity or higher without a review, newest
    first.

    The search covers the `limit * 2` images that were kept most recently; `only` restricts it to
    these assets.
    """
    rows = scope.session.exec(
        select(models.CreationRow)
        .where(
            models.CreationRow.tenant_id == scope.tenant_id,
            col(models.CreationRow.creator_id).in_(list(creators)),
            models.CreationRow.shelf == str(ShelfState.KEPT),
            col(models.CreationRow.asset_id).in_(list(only)) if only is not None else True,
        )
        .order_by(col(models.CreationRow.updated_at).desc(), col(models.CreationRow.id))
        .limit(limit * 2)
    ).all()
    waiting = unreviewed_digests(scope, [row.sha256 for row in rows])
    waiting_rows = [row for row in rows if row.sha256 in waiting]
    return [
        _build_asset_card(scope, row, waiting[row.sha256], None, None)
        for row in waiting_rows[:limit]
    ]


def unreviewed_digests(scope: Scope, digests: Collection[str]) -> dict[str, DisplayRating]:
    """Return the digests that still need a rating, an answer to who is shown, a second member or,
    for nudity and above, a review, with their ratings."""
    looked = queries.review_verdicts(scope, digests)
    # rated and reviewed: settled, regardless of related renditions
    rated = ratings.directly_rated(scope, looked)
    standing = ratings.display_ratings(scope, digests)
    known = {one: how.rating for one, how in standing.items() if not how.is_withheld}
    open_ = unanswered_digests(scope, digests) | doubted_digests(scope, known)
    return {
        sha256: how
        for sha256, how in standing.items()
        if (sha256 not in rated and _needs_review(how, looked=sha256 in looked))
        or (sha256 in open_ and not how.is_withheld)
    }


def assets_by_digest(
    scope: Scope, digests: Collection[str], *, creators: Collection[UUID] | None = None
) -> dict[str, UUID]:
    """Return assets by digest, limited to these creators if given, without unknown digests."""
    if not digests:
        return {}
    asked = select(models.CreationRow.sha256, models.CreationRow.asset_id).where(
        models.CreationRow.tenant_id == scope.tenant_id,
        col(models.CreationRow.sha256).in_(list(digests)),
    )
    if creators is not None:
        asked = asked.where(col(models.CreationRow.creator_id).in_(list(creators)))
    return dict(scope.session.exec(asked).all())


def _needs_review(standing: DisplayRating, *, looked: bool) -> bool:
    if standing.is_withheld or standing.rating is None:
        return not standing.is_withheld
    return standing.rating.rank >= Rating.N.rank and not looked


def columns_equal(one: UUID, other: UUID | None) -> ColumnElement[bool]:
    """Return a join condition on two columns. It is needed because SQLModel types columns as their
    values."""
    return col(one) == col(other)
