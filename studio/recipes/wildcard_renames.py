"""Renames of wildcards, together with the recipes that use them."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from foundation.db.database import Scope
from foundation.errors import BadInput
from studio.library import assets
from studio.recipes import specs, versions, wildcards
from studio.recipes.specs import RecipeSpec

_NEWEST = """
SELECT DISTINCT ON (r.creator_id, r.name) r.creator_id, r.name, r.id, r.spec, r.retired FROM
recipes r
WHERE r.tenant_id = :tenant AND (r.creator_id = :creator OR CAST(:creator AS uuid) IS NULL
  AND NOT EXISTS (SELECT FROM word_lists w
    WHERE w.tenant_id = r.tenant_id AND w.creator_id = r.creator_id AND w.name = :name AND NOT
    w.retired))
ORDER BY r.creator_id, r.name, r.version DESC
"""


def rename_wildcard_and_recipes(
    scope: Scope, creators: Collection[UUID], list_id: UUID, name: str
) -> tuple[UUID, list[str]]:
    """Rename a wildcard; return the ID of its next version and the names of the changed recipes.

    Each recipe that uses it, archived or not, gets a new version with the new name; runs retain
    their words. Older versions of recipes retain the old name and report an error when they are
    run. Raises the errors of `wildcards.rename_wildcard`, and BadInput for a prompt that becomes
    too long.
    """
    made, before, owner = wildcards.rename_wildcard(scope, creators, list_id, name)
    if before == name:
        return made, []
    for row in _list_recipes_using(scope, before, owner):
        assets.lock_library(scope, "recipe", row.creator_id, row.name)
    # Read again under the locks.
    changed = _list_recipes_using(scope, before, owner)
    for row in changed:
        specs.save_recipe(
            scope,
            row.creator_id,
            _rename_in_spec(RecipeSpec.model_validate(row.spec), before, name),
        )
        if row.retired:
            versions.archive_recipe(scope, row.creator_id, row.id)
    return made, sorted({row.name for row in changed})


def _list_recipes_using(scope: Scope, name: str, owner: UUID | None) -> Sequence[Any]:
    """Return the newest versions of the recipes that use a wildcard of a creator or of the
    agency."""
    rows = scope.run(_NEWEST, tenant=scope.tenant_id, creator=owner, name=name).all()
    return [row for row in rows if name in wildcards.wildcard_names_in(row.spec["prompt"])]


def _rename_in_spec(spec: RecipeSpec, before: str, name: str) -> RecipeSpec:
    prompt = spec.prompt.replace(f"{{@{before}}}", f"{{@{name}}}")
    try:
        return specs.parse_recipe({**spec.model_dump(), "prompt": prompt})
    except BadInput as error:
        raise BadInput("list.name_too_long", recipe=spec.name) from error
