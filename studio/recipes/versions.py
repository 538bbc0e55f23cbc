"""Management of a creator's recipes: create, copy, change, archive and restore. Versions are never
deleted."""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from sqlmodel import select

from foundation.db.database import Scope
from foundation.errors import Conflict, NotFound
from studio.library import assets
from studio.recipes import run_inputs, specs, wildcards
from studio.recipes.models import RecipeRow
from studio.recipes.queries import RecipeSummary, list_recipes
from studio.recipes.specs import MAX_RECIPE_NAME, RecipeSpec


def create_recipe(scope: Scope, creator_id: UUID, spec: RecipeSpec) -> UUID:
    """Create a recipe from `spec` under a unique name and return its ID."""
    # Two concurrent copies would otherwise find the same name free.
    assets.lock_library(scope, "recipe names", creator_id)
    taken = set(
        scope.session.exec(
            select(RecipeRow.name).where(
                RecipeRow.tenant_id == scope.tenant_id, RecipeRow.creator_id == creator_id
            )
        )
    )
    return specs.save_recipe(
        scope, creator_id, spec.model_copy(update={"name": _unique_name(spec.name, taken)})
    )


def create_named_recipe(scope: Scope, creator_id: UUID, said: Mapping[str, Any]) -> UUID:
    """Create a recipe under the given name and return its ID. If the name belongs to an archived
    recipe, that recipe gets a new version.

    Raises Conflict for a name in use, and the errors of `change_recipe`.
    """
    spec = specs.parse_recipe(said)
    _lock_recipe(scope, creator_id, spec.name)
    if any(one.name == spec.name for one in list_recipes(scope, creator_id)):
        raise Conflict("recipe.taken", name=spec.name)
    return _save_version(scope, creator_id, spec, None)


def change_recipe(
    scope: Scope, creators: Collection[UUID], recipe_id: UUID, said: Mapping[str, Any]
) -> UUID:
    """Save the next version of a recipe with these changes; return its ID, or the current one if
    nothing changed.

    Raises NotFound, also for an archived recipe; BadInput for invalid values; and the errors of
    `run_inputs.recipe_picture_digests` if the input images change.
    """
    creator_id, card = lock_recipe(scope, creators, recipe_id)
    return _save_version(
        scope, creator_id, specs.parse_recipe({**card.spec.model_dump(), **said}), card.spec
    )


def lock_recipe(
    scope: Scope, creators: Collection[UUID], recipe_id: UUID
) -> tuple[UUID, RecipeSummary]:
    """Lock a recipe until the transaction ends; return its creator and its newest version.

    `recipe_id` may be any version. Raises NotFound.
    """
    row = scope.session.get(RecipeRow, (scope.tenant_id, recipe_id))
    if row is not None and row.creator_id in creators:
        _lock_recipe(scope, row.creator_id, row.name)
        for card in list_recipes(scope, row.creator_id):
            if card.name == row.name:
                return row.creator_id, card
    raise NotFound("recipe.unknown")


def _lock_recipe(scope: Scope, creator_id: UUID, name: str) -> None:
    """Lock a recipe, in the same order of locks as `specs.save_recipe`."""
    wildcards.lock_wildcards(scope)
    assets.lock_library(scope, "recipe", creator_id, name)


def _save_version(
    scope: Scope, creator_id: UUID, spec: RecipeSpec, before: RecipeSpec | None
) -> UUID:
    # Planning one image detects unknown placeholders before the recipe is saved.
    specs.plan_pictures(specs.resolve_wildcards(scope, creator_id, spec), seed=0, count=1)
    if before is None or (before.begin, before.posture) != (spec.begin, spec.posture):
        run_inputs.recipe_picture_digests(scope, creator_id, spec)
    return specs.save_recipe(scope, creator_id, spec)


def copy_recipe(scope: Scope, creator_id: UUID, recipe_id: UUID) -> UUID:
    """Copy a recipe under another name and return its ID.

    Raises NotFound, also for another creator's recipe.
    """
    return create_recipe(
        scope, creator_id, specs.parse_recipe(_get_recipe_row(scope, creator_id, recipe_id).spec)
    )


def archive_recipe(scope: Scope, creator_id: UUID, recipe_id: UUID) -> str:
    """Archive all versions of a recipe and return its name. Its images and active runs are not
    affected.

    Raises NotFound, also for another creator's recipe.
    """
    return _set_retired(scope, creator_id, recipe_id, retired=True)


def unarchive_recipe(scope: Scope, creator_id: UUID, recipe_id: UUID) -> str:
    """Restore an archived recipe and return its name. Raises as `archive_recipe`."""
    return _set_retired(scope, creator_id, recipe_id, retired=False)


def get_current_recipe(
    scope: Scope, creators: Collection[UUID], recipe_id: UUID
) -> tuple[UUID, RecipeSummary]:
    """Return the creator and the content of a recipe.

    Raises NotFound for an older version, an archived recipe and a recipe of another creator.
    """
    row = scope.session.get(RecipeRow, (scope.tenant_id, recipe_id))
    if row is not None and row.creator_id in creators:
        for card in list_recipes(scope, row.creator_id):
            if card.id == recipe_id:
                return row.creator_id, card
    raise NotFound("recipe.unknown")


def _set_retired(scope: Scope, creator_id: UUID, recipe_id: UUID, *, retired: bool) -> str:
    name = _get_recipe_row(scope, creator_id, recipe_id).name
    assets.lock_library(scope, "recipe", creator_id, name)  # same lock as saving the next version
    scope.run(
        "UPDATE recipes SET retired = :retired WHERE tenant_id = :tenant AND creator_id = "
        ":creator AND name = :name",
        retired=retired,
        tenant=scope.tenant_id,
        creator=creator_id,
        name=name,
    )
    scope.session.expire_all()
    return name


def _get_recipe_row(scope: Scope, creator_id: UUID, recipe_id: UUID) -> RecipeRow:
    row = scope.session.get(RecipeRow, (scope.tenant_id, recipe_id))
    if row is None or row.creator_id != creator_id:
        raise NotFound("recipe.unknown")
    return row


def _unique_name(name: str, taken: Collection[str]) -> str:
    """Return the name, or the first free one of `name (2)`, `name (3)` and so on."""
    found = name
    number = 1
    while found in taken:
        number += 1
        mark = f" ({number})"
        found = name[: MAX_RECIPE_NAME - len(mark)] + mark
    return found
