"""Queries of runs: lists of runs, one run, and the progress of active ones."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import true, tuple_
from sqlmodel import col, select
from sqlmodel.sql.expression import Select

from foundation.db.database import Scope
from foundation.errors import NotFound
from foundation.i18n.translation import Message
from studio.library.queries import columns_equal
from studio.recipes.models import RecipeRow
from studio.runs.models import JobRow
from studio.runs.states import JobState


@dataclass(frozen=True)
class RunSummary:
    """A run of a recipe. `by` is the actor who requested it, or "" for the system."""

    id: UUID
    creator_id: UUID
    recipe: str
    version: int
    state: JobState
    done: int
    total: int
    seed: int
    reason: Message | None
    by: str
    at: datetime
    step: int = 0
    """Last reported step of the current image; `steps` is 0 between two images."""
    steps: int = 0
    waits_until: datetime | None = None
    waits_for: str = ""
    """The limit for which the run waits, window or quota; empty if it waits for neither."""
    refused: int = 0
    """Number of images that a provider rejected, which count as done; `why_refused` is the last
    reason."""
    why_refused: Message | None = None


def list_runs(scope: Scope, creator_id: UUID, *, limit: int = 6) -> list[RunSummary]:
    """Return a creator's last runs, newest first."""
    return list_runs_before(scope, [creator_id], None, limit=limit)


def list_runs_before(
    scope: Scope, creators: Collection[UUID], before: tuple[datetime, UUID] | None, *, limit: int
) -> list[RunSummary]:
    """Return the last runs of these creators, newest first.

    `before` is the creation time and ID of the last run of the previous page.
    """
    place = tuple_(col(JobRow.created_at), col(JobRow.id))
    rows = scope.session.exec(
        _runs_query(scope)
        .where(
            col(JobRow.creator_id).in_(list(creators)), true() if before is None else place < before
        )
        .order_by(col(JobRow.created_at).desc(), col(JobRow.id).desc())
        .limit(limit)
        .execution_options(populate_existing=True)
    )
    return [_run_summary(scope, row, name, version) for row, name, version in rows]


def get_run(scope: Scope, job_id: UUID) -> RunSummary:
    """Return a run. Raises NotFound, also for another tenant's run."""
    row = scope.session.exec(_runs_query(scope).where(JobRow.id == job_id)).first()
    if row is None:
        raise NotFound("job.unknown")
    return _run_summary(scope, *row)


def _runs_query(scope: Scope) -> Select[JobRow, str, int]:
    return (
        select(JobRow, RecipeRow.name, RecipeRow.version)
        .join(RecipeRow, columns_equal(RecipeRow.id, JobRow.recipe_id))
        .where(JobRow.tenant_id == scope.tenant_id, RecipeRow.tenant_id == scope.tenant_id)
    )


def _run_summary(scope: Scope, row: JobRow, name: str, version: int) -> RunSummary:
    return RunSummary(
        row.id,
        row.creator_id,
        name,
        version,
        JobState(row.state),
        row.done,
        row.total,
        row.seed,
        Message.from_json(row.reason) if row.reason else None,
        row.by,
        row.created_at or scope.now,
        row.step,
        row.steps,
        row.waits_until,
        row.waits_for,
        len(row.skipped),
        Message.from_json(row.skipped[-1]["reason"]) if row.skipped else None,
    )


@dataclass(frozen=True)
class RunProgress:
    """The progress of a run.

    `assets` are the images generated so far; `scores` their technical quality, 0 to 100, or None
    for images made before scores existed.
    """

    job_id: UUID
    creator_id: UUID
    recipe: str
    state: JobState
    done: int
    total: int
    assets: tuple[UUID, ...]
    scores: tuple[int | None, ...]


_RUNNING = """
SELECT j.id, j.creator_id, r.name, j.state, j.done, j.total,
  (SELECT jsonb_agg(jsonb_build_array(c.asset_id, (c.parameters->>'score')::int) ORDER BY
  c.created_at, c.id)
    FROM creations c WHERE c.tenant_id = j.tenant_id AND c.job_id = j.id) AS made
FROM jobs j JOIN recipes r ON r.tenant_id = j.tenant_id AND r.id = j.recipe_id
WHERE j.tenant_id = :tenant AND j.creator_id = ANY(:creators)
  AND (j.state IN ('queued', 'running') OR j.updated_at >= :since)
ORDER BY j.created_at DESC, j.id DESC LIMIT :most
"""


def list_active_runs(
    scope: Scope, creators: Collection[UUID], *, since: datetime, most: int = 4
) -> list[RunProgress]:
    """Return the queued and running runs of these creators, and those that ended since an instant,
    newest first."""
    rows = scope.run(
        _RUNNING, tenant=scope.tenant_id, creators=list(creators), since=since, most=most
    ).all()
    return [
        RunProgress(
            row.id,
            row.creator_id,
            row.name,
            JobState(row.state),
            row.done,
            row.total,
            tuple(UUID(asset) for asset, _ in row.made or ()),
            tuple(score for _, score in row.made or ()),
        )
        for row in rows
    ]
