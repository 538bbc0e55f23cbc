"""The recipes of a creator as a shelf: a new one, a copy, the next version, one put away and taken out again; versions
stay."""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from sqlmodel import select

from foundation.database import Scope
from foundation.errors import Conflict, NotFound
from studio import library, materials, models, reads, recipes, word_lists
from studio.reads import RecipeCard
from studio.recipes import LONGEST_NAME, Spec


def begin(scope: Scope, creator_id: UUID, spec: Spec) -> UUID:
    """A recipe that says what `spec` says, under a name of its own; returns its id."""
    library.alone(scope, "recipe names", creator_id)  # two copies at once would both find the same name free
    taken = set(
        scope.session.exec(
            select(models.Recipe.name).where(
                models.Recipe.tenant_id == scope.tenant_id, models.Recipe.creator_id == creator_id
            )
        )
    )
    return recipes.save(scope, creator_id, spec.model_copy(update={"name": _free(spec.name, taken)}))


def make(scope: Scope, creator_id: UUID, said: Mapping[str, Any]) -> UUID:
    """A new recipe under the name it says; its id. One of that name that was put away goes on in a next version.

    Raises Conflict for a name that is taken, and as `change`.
    """
    spec = recipes.read(said)
    _alone(scope, creator_id, spec.name)
    if any(one.name == spec.name for one in reads.recipes_of(scope, creator_id)):
        raise Conflict("recipe.taken", name=spec.name)
    return _written(scope, creator_id, spec, None)


def change(scope: Scope, creators: Collection[UUID], recipe_id: UUID, said: Mapping[str, Any]) -> UUID:
    """Write the next version of a recipe, which says this otherwise than the one that stands; its id, or that which
    stands where nothing changes.

    Raises NotFound, also for one that was put away; BadInput for what cannot be meant; and, for pictures that it works
    from otherwise than before, as `materials.usable`.
    """
    creator_id, card = held(scope, creators, recipe_id)
    return _written(scope, creator_id, recipes.read({**card.spec.model_dump(), **said}), card.spec)


def held(scope: Scope, creators: Collection[UUID], recipe_id: UUID) -> tuple[UUID, RecipeCard]:
    """Whose recipe it is, and the newest version of that which `recipe_id` is a version of; nobody else writes it until
    this ends. Raises NotFound."""
    row = scope.session.get(models.Recipe, (scope.tenant_id, recipe_id))
    if row is not None and row.creator_id in creators:
        _alone(scope, row.creator_id, row.name)
        for card in reads.recipes_of(scope, row.creator_id):
            if card.name == row.name:
                return row.creator_id, card
    raise NotFound("recipe.unknown")


def _alone(scope: Scope, creator_id: UUID, name: str) -> None:
    """As `recipes.save`, and in its order."""
    word_lists.alone(scope)
    library.alone(scope, "recipe", creator_id, name)


def _written(scope: Scope, creator_id: UUID, spec: Spec, before: Spec | None) -> UUID:
    recipes.resolve(recipes.in_force(scope, creator_id, spec), seed=0, count=1)  # a word without a list is told now
    if before is None or (before.begin, before.posture) != (spec.begin, spec.posture):
        materials.usable(scope, creator_id, spec)
    return recipes.save(scope, creator_id, spec)


def copy(scope: Scope, creator_id: UUID, recipe_id: UUID) -> UUID:
    """The same recipe under another name; returns its id. Raises NotFound, for another creator's too."""
    return begin(scope, creator_id, recipes.read(_row(scope, creator_id, recipe_id).spec))


def retire(scope: Scope, creator_id: UUID, recipe_id: UUID) -> str:
    """Offer a recipe no more, in any of its versions; its name. What was made by it, and runs under way, stay.

    Raises NotFound, for another creator's too.
    """
    return _mark(scope, creator_id, recipe_id, retired=True)


def bring_back(scope: Scope, creator_id: UUID, recipe_id: UUID) -> str:
    """Offer it again; its name. Raises as `retire`."""
    return _mark(scope, creator_id, recipe_id, retired=False)


def current(scope: Scope, creators: Collection[UUID], recipe_id: UUID) -> tuple[UUID, RecipeCard]:
    """Whose recipe it is, and what it says. Raises NotFound for an older version, for one that was put away, and for
    anybody else's, which all look the same."""
    row = scope.session.get(models.Recipe, (scope.tenant_id, recipe_id))
    if row is not None and row.creator_id in creators:
        for card in reads.recipes_of(scope, row.creator_id):
            if card.id == recipe_id:
                return row.creator_id, card
    raise NotFound("recipe.unknown")


def _mark(scope: Scope, creator_id: UUID, recipe_id: UUID, *, retired: bool) -> str:
    name = _row(scope, creator_id, recipe_id).name
    library.alone(scope, "recipe", creator_id, name)  # as whoever writes its next version
    scope.run(
        "UPDATE recipes SET retired = :retired WHERE tenant_id = :tenant AND creator_id = :creator AND name = :name",
        retired=retired,
        tenant=scope.tenant_id,
        creator=creator_id,
        name=name,
    )
    scope.session.expire_all()
    return name


def _row(scope: Scope, creator_id: UUID, recipe_id: UUID) -> models.Recipe:
    row = scope.session.get(models.Recipe, (scope.tenant_id, recipe_id))
    if row is None or row.creator_id != creator_id:
        raise NotFound("recipe.unknown")
    return row


def _free(name: str, taken: Collection[str]) -> str:
    """The name, or the first of `name (2)`, `name (3)` … that nobody has."""
    found, number = name, 1
    while found in taken:
        number += 1
        mark = f" ({number})"
        found = name[: LONGEST_NAME - len(mark)] + mark
    return found
