"""API routes of recipes: list, create, change and archive.

A version never changes, and a changed recipe gets a new ID, so the ID also serves as the state tag.
Writing a recipe requires the `generate` scope because the recipe sets the engine and the maximum
cost of a run.
"""

from collections.abc import Mapping
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from foundation.db.database import OpenScope, Scope
from studio.recipes import queries, versions
from tenants.api_keys.keys import ApiKeyScope
from web.api.common import pagination
from web.api.common.calls import (
    ApiCall,
    Caller,
    ChangeResult,
    ConflictStates,
    create_dependency,
    etag_header,
    read_dependency,
    replace_dependency,
    state_tag,
)
from web.api.generation.recipe_schemas import RecipeChange, RecipeIn, RecipeOut, RecipesPage
from web.api.generation.run_schemas import RecipesQuery


def router(tenant: OpenScope) -> APIRouter:
    """Create the routes under `/recipes`, except the preview of a run."""
    routes = APIRouter(prefix="/recipes", tags=["making"])
    _add_recipe_read_routes(routes, tenant)
    _add_recipe_write_routes(routes, tenant)
    return routes


def load_recipes_page(call: ApiCall, which: RecipesQuery) -> RecipesPage:
    """Return a page of recipes."""

    def ask(scope: Scope, sight: Caller) -> list[RecipeOut]:
        seen = [one for one in sight.creators if which.creator in (None, one)]
        return [
            RecipeOut.of(one, card) for one in seen for card in queries.list_recipes(scope, one)
        ]

    question = ["recipes", which.creator]
    items, following = pagination.paginate(
        question, call.read(ask), cursor=which.cursor, limit=which.limit
    )
    return RecipesPage(items=items, next=following)


def _add_recipe_read_routes(routes: APIRouter, tenant: OpenScope) -> None:
    can_read = Depends(read_dependency(tenant, ApiKeyScope.POSTS_READ))

    @routes.get("", response_model=RecipesPage)
    def list_recipes(
        call: Annotated[ApiCall, can_read], which: Annotated[RecipesQuery, Query()]
    ) -> RecipesPage:
        """List the current versions of recipes, without archived ones. Requires the `posts:read`
        scope."""
        return load_recipes_page(call, which)

    @routes.get("/{recipe_id}", response_model=RecipeOut)
    def get_recipe(
        recipe_id: UUID, call: Annotated[ApiCall, can_read], answer: Response
    ) -> RecipeOut:
        """Return the current version of a recipe. 404 for the ID of an older version. Requires the
        `posts:read` scope."""
        found = call.read(
            lambda scope, sight: RecipeOut.of(
                *versions.get_current_recipe(scope, sight.creators, recipe_id)
            )
        )
        answer.headers.update(_recipe_etag_header(found.id))
        return found


def _add_recipe_write_routes(routes: APIRouter, tenant: OpenScope) -> None:
    needs = ApiKeyScope.GENERATE
    can_rewrite = Depends(replace_dependency(tenant, needs))

    @routes.post("", status_code=201, response_model=RecipeOut)
    def make_recipe(
        body: RecipeIn, call: Annotated[ApiCall, Depends(create_dependency(tenant, needs))]
    ) -> Response:
        """Create a recipe. 409 if the name is in use; the name of an archived recipe continues its
        versions. Requires the `generate` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            creator_id = sight.get_creator(body.creator_id).id
            made = versions.create_named_recipe(scope, creator_id, body.to_changes)
            return _build_recipe_result(scope, sight, made, "recipe.make", status=201)

        return call.apply_once(act)

    @routes.patch("/{recipe_id}", response_model=RecipeOut)
    def change_recipe(
        recipe_id: UUID, body: RecipeChange, call: Annotated[ApiCall, can_rewrite]
    ) -> Response:
        """Create the next version of a recipe, with a new `id` and the same name. Runs of older
        versions do not change. 412 if another version was created since. Requires the `generate`
        scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            call.check_state_tag(str(_lock_recipe(scope, sight, recipe_id).id))
            made = versions.change_recipe(scope, sight.creators, recipe_id, body.to_changes)
            return _build_recipe_result(scope, sight, made, "recipe.change")

        return call.apply(act, where=_recipe_conflict_states(recipe_id))

    @routes.delete("/{recipe_id}", response_model=RecipeOut)
    def put_recipe_away(recipe_id: UUID, call: Annotated[ApiCall, can_rewrite]) -> Response:
        """Archive a recipe with all its versions. Its pictures and its current runs are not
        affected. Requires the `generate` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            found = _lock_recipe(scope, sight, recipe_id)
            call.check_state_tag(str(found.id))
            versions.archive_recipe(scope, found.creator_id, found.id)
            return ChangeResult(found, "recipe.retire", f"recipe:{found.id}")

        return call.apply(act, where=_recipe_conflict_states(recipe_id))


def _lock_recipe(scope: Scope, sight: Caller, recipe_id: UUID) -> RecipeOut:
    return RecipeOut.of(*versions.lock_recipe(scope, sight.creators, recipe_id))


def _recipe_conflict_states(recipe_id: UUID) -> ConflictStates:
    def ask(scope: Scope, sight: Caller) -> Mapping[str, str]:
        found = _lock_recipe(scope, sight, recipe_id)
        return {str(found.id): f"version {found.version}"}

    return ask


def _build_recipe_result(
    scope: Scope, sight: Caller, recipe_id: UUID, did: str, *, status: int = 200
) -> ChangeResult:
    scope.session.flush()
    found = RecipeOut.of(*versions.get_current_recipe(scope, sight.creators, recipe_id))
    headers = {**_recipe_etag_header(found.id), "location": f"/v1/recipes/{found.id}"}
    return ChangeResult(found, did, f"recipe:{found.id}", status, headers)


def _recipe_etag_header(recipe_id: UUID) -> dict[str, str]:
    return etag_header(state_tag(str(recipe_id)))
