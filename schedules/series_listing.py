"""Series as programs read them: of creators, the newest first, each with its post and its accounts."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import tuple_
from sqlmodel import col, select

from foundation.database import Scope
from foundation.errors import NotFound
from schedules.listing import MOST
from schedules.models import Series
from schedules.series_reads import Repeated, repeated
from schedules.series_rule import skipped


@dataclass(frozen=True)
class Listed:
    """A series with whose it is, of which post and on which accounts."""

    series: Repeated
    creator_id: UUID
    post_id: UUID
    channels: tuple[UUID, ...]
    skipped: tuple[date, ...]
    """Every date that was left out, those that have passed too."""
    made_at: datetime


def listed(
    scope: Scope, creators: Collection[UUID], *, before: tuple[datetime, UUID] | None, limit: int
) -> list[Listed]:
    """Series of these creators, the newest first; with `before` (when one was made, its id), those behind it."""
    query = (
        select(Series)
        .where(Series.tenant_id == scope.tenant_id, col(Series.creator_id).in_(list(creators)))
        .order_by(col(Series.created_at).desc(), col(Series.id).desc())
        .limit(min(limit, MOST))
        .execution_options(populate_existing=True)
    )
    query = query if before is None else query.where(tuple_(col(Series.created_at), col(Series.id)) < before)
    return [_listed(scope, row) for row in scope.session.exec(query)]


def one(scope: Scope, creators: Collection[UUID], series_id: UUID) -> Listed:
    """One series. Raises NotFound; another tenant's, and another creator's, look the same."""
    row = scope.session.get(Series, (scope.tenant_id, series_id), populate_existing=True)
    if row is None or row.creator_id not in creators:
        raise NotFound("series.unknown")
    return _listed(scope, row)


def _listed(scope: Scope, row: Series) -> Listed:
    channels, out = tuple(map(UUID, row.channels)), tuple(sorted(skipped(row)))
    return Listed(repeated(scope, row), row.creator_id, row.post_id, channels, out, row.created_at or scope.now)
