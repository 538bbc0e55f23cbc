"""Queries of recipes: the newest version of each, and version histories."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import distinct_on
from sqlmodel import col, select

from foundation.db.database import Scope
from studio.recipes.models import RecipeRow
from studio.recipes.specs import RecipeSpec


@dataclass(frozen=True)
class RecipeSummary:
    """The newest version of a recipe."""

    id: UUID
    name: str
    version: int
    spec: RecipeSpec


@dataclass(frozen=True)
class RecipeVersion:
    """A version of a recipe; `changed` lists the fields that differ from the previous version."""

    id: UUID
    version: int
    at: datetime
    changed: tuple[str, ...]


def list_recipes(scope: Scope, creator_id: UUID, *, retired: bool = False) -> list[RecipeSummary]:
    """Return a creator's recipes by name, each in its newest version; archived recipes if
    `retired`."""
    rows = scope.session.exec(
        select(RecipeRow)
        .where(RecipeRow.tenant_id == scope.tenant_id, RecipeRow.creator_id == creator_id)
        .ext(distinct_on(col(RecipeRow.name)))
        .order_by(col(RecipeRow.name), col(RecipeRow.version).desc())
        .execution_options(populate_existing=True)
    )
    found = [row for row in rows if row.retired == retired]
    return [
        RecipeSummary(row.id, row.name, row.version, RecipeSpec.model_validate(row.spec))
        for row in found
    ]


def list_recipe_versions(
    scope: Scope, creator_id: UUID, name: str, *, limit: int = 10
) -> list[RecipeVersion]:
    """Return the last versions of a creator's recipe, newest first."""
    rows = scope.session.exec(
        select(RecipeRow)
        .where(
            RecipeRow.tenant_id == scope.tenant_id,
            RecipeRow.creator_id == creator_id,
            RecipeRow.name == name,
        )
        .order_by(col(RecipeRow.version).desc())
        .limit(limit + 1)
    ).all()
    specs = [RecipeSpec.model_validate(row.spec).model_dump() for row in rows]
    return [
        RecipeVersion(
            row.id, row.version, row.created_at or scope.now, _changed_fields(spec, before)
        )
        for row, spec, before in zip(rows, specs, [*specs[1:], None], strict=True)
    ][:limit]


def _changed_fields(spec: dict[str, Any], before: dict[str, Any] | None) -> tuple[str, ...]:
    return tuple(
        name for name, value in spec.items() if before is not None and value != before[name]
    )
