"""The recipes of a creator as a shelf: a new one, a copy, the next version, one put away and taken
out again; versions stay."""

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
    """A recipe that says what `spec` says, under a name of its own; returns its id."""
    assets.lock_library(
        scope, "recipe names", creator_id
    )  # two copies at once would both find the same name free
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
    """A new recipe under the name it says; its id. One of that name that was put away goes on in a
    next version.

    Raises Conflict for a name that is taken, and as `change`.
    """
    spec = specs.parse_recipe(said)
    _lock_recipe(scope, creator_id, spec.name)
    if any(one.name == spec.name for one in list_recipes(scope, creator_id)):
        raise Conflict("recipe.taken", name=spec.name)
    return _save_version(scope, creator_id, spec, None)


def change_recipe(
    scope: Scope, creators: Collection[UUID], recipe_id: UUID, said: Mapping[str, Any]
) -> UUID:
    """Write the next version of a recipe, which says this otherwise than the one that stands; its
    id, or that which stands where nothing changes.

    Raises NotFound, also for one that was put away; BadInput for what cannot be meant; and, for
    pictures that it works from otherwise than before, as `run_inputs.recipe_picture_digests`.
    """
    creator_id, card = lock_recipe(scope, creators, recipe_id)
    return _save_version(
        scope, creator_id, specs.parse_recipe({**card.spec.model_dump(), **said}), card.spec
    )


def lock_recipe(
    scope: Scope, creators: Collection[UUID], recipe_id: UUID
) -> tuple[UUID, RecipeSummary]:
    """Whose recipe it is, and the newest version of that which `recipe_id` is a version of; nobody
    else writes it until this ends. Raises NotFound."""
    row = scope.session.get(RecipeRow, (scope.tenant_id, recipe_id))
    if row is not None and row.creator_id in creators:
        _lock_recipe(scope, row.creator_id, row.name)
        for card in list_recipes(scope, row.creator_id):
            if card.name == row.name:
                return row.creator_id, card
    raise NotFound("recipe.unknown")


def _lock_recipe(scope: Scope, creator_id: UUID, name: str) -> None:
    """As `specs.save_recipe`, and in its order."""
    wildcards.lock_wildcards(scope)
    assets.lock_library(scope, "recipe", creator_id, name)


def _save_version(
    scope: Scope, creator_id: UUID, spec: RecipeSpec, before: RecipeSpec | None
) -> UUID:
    specs.plan_pictures(
        specs.resolve_wildcards(scope, creator_id, spec), seed=0, count=1
    )  # a word without a list is told now
    if before is None or (before.begin, before.posture) != (spec.begin, spec.posture):
        run_inputs.recipe_picture_digests(scope, creator_id, spec)
    return specs.save_recipe(scope, creator_id, spec)


def copy_recipe(scope: Scope, creator_id: UUID, recipe_id: UUID) -> UUID:
    """The same recipe under another name; returns its id. Raises NotFound, for another creator's
    too."""
    return create_recipe(
        scope, creator_id, specs.parse_recipe(_get_recipe_row(scope, creator_id, recipe_id).spec)
    )


def archive_recipe(scope: Scope, creator_id: UUID, recipe_id: UUID) -> str:
    """Offer a recipe no more, in any of its versions; its name. What was made by it, and runs under
    way, stay.

    Raises NotFound, for another creator's too.
    """
    return _set_retired(scope, creator_id, recipe_id, retired=True)


def unarchive_recipe(scope: Scope, creator_id: UUID, recipe_id: UUID) -> str:
    """Offer it again; its name. Raises as `retire`."""
    return _set_retired(scope, creator_id, recipe_id, retired=False)


def get_current_recipe(
    scope: Scope, creators: Collection[UUID], recipe_id: UUID
) -> tuple[UUID, RecipeSummary]:
    """Whose recipe it is, and what it says. Raises NotFound for an older version, for one that was
    put away, and for anybody else's, which all look the same."""
    row = scope.session.get(RecipeRow, (scope.tenant_id, recipe_id))
    if row is not None and row.creator_id in creators:
        for card in list_recipes(scope, row.creator_id):
            if card.id == recipe_id:
                return row.creator_id, card
    raise NotFound("recipe.unknown")


def _set_retired(scope: Scope, creator_id: UUID, recipe_id: UUID, *, retired: bool) -> str:
    name = _get_recipe_row(scope, creator_id, recipe_id).name
    assets.lock_library(scope, "recipe", creator_id, name)  # as whoever writes its next version
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
    """The name, or the first of `name (2)`, `name (3)` … that nobody has."""
    found = name
    number = 1
    while found in taken:
        number += 1
        mark = f" ({number})"
        found = name[: MAX_RECIPE_NAME - len(mark)] + mark
    return found
