"""Recipes in the API: what they say, a new one, the next version of one, and one put away.

Like a shared list's, a version never changes and a changed recipe has another id, so the id is what somebody saw of it.
Who writes one needs the key of those who have pictures made: it says the engine, and what a run may cost.
"""

from collections.abc import Mapping
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from foundation.database import OpenScope, Scope
from studio import reads, recipe_shelf
from tenants.keys import KeyScope
from web import api_cursor
from web.api_call import Call, Done, Sight, Where, etag, making, reading, rewriting, tag
from web.api_making_models import RecipesWanted
from web.api_recipe_models import RecipeChange, RecipeIn, RecipeOut, RecipesPage


def router(tenant: OpenScope) -> APIRouter:
    """The routes under `/recipes`, but that of what a run would be."""
    routes = APIRouter(prefix="/recipes", tags=["making"])
    _reads(routes, tenant)
    _writes(routes, tenant)
    return routes


def listed(call: Call, which: RecipesWanted) -> RecipesPage:
    """A page of recipes."""

    def ask(scope: Scope, sight: Sight) -> list[RecipeOut]:
        seen = [one for one in sight.creators if which.creator in (None, one)]
        return [RecipeOut.of(one, card) for one in seen for card in reads.recipes_of(scope, one)]

    question = ["recipes", which.creator]
    items, following = api_cursor.page(question, call.read(ask), cursor=which.cursor, limit=which.limit)
    return RecipesPage(items=items, next=following)


def _reads(routes: APIRouter, tenant: OpenScope) -> None:
    can_read = Depends(reading(tenant, KeyScope.POSTS_READ))

    @routes.get("", response_model=RecipesPage)
    def list_recipes(call: Annotated[Call, can_read], which: Annotated[RecipesWanted, Query()]) -> RecipesPage:
        """The recipes of pictures, each in its newest version; those put away are left out.
        Needs `posts:read`."""
        return listed(call, which)

    @routes.get("/{recipe_id}", response_model=RecipeOut)
    def get_recipe(recipe_id: UUID, call: Annotated[Call, can_read], answer: Response) -> RecipeOut:
        """One of them; an older version is not found. Needs `posts:read`."""
        found = call.read(lambda scope, sight: RecipeOut.of(*recipe_shelf.current(scope, sight.creators, recipe_id)))
        answer.headers.update(_seen(found.id))
        return found


def _writes(routes: APIRouter, tenant: OpenScope) -> None:
    needs = KeyScope.GENERATE
    can_rewrite = Depends(rewriting(tenant, needs))

    @routes.post("", status_code=201, response_model=RecipeOut)
    def make_recipe(body: RecipeIn, call: Annotated[Call, Depends(making(tenant, needs))]) -> Response:
        """Write a recipe. 409 where one of that name is there; one that was put away goes on. Needs `generate`."""

        def act(scope: Scope, sight: Sight) -> Done:
            creator_id = sight.creator(body.creator_id).id
            made = recipe_shelf.make(scope, creator_id, body.said)
            return _one(scope, sight, made, "recipe.make", status=201)

        return call.once(act)

    @routes.patch("/{recipe_id}", response_model=RecipeOut)
    def change_recipe(recipe_id: UUID, body: RecipeChange, call: Annotated[Call, can_rewrite]) -> Response:
        """Write its next version, of an `id` of its own; runs of this one stay as they are. It keeps its name. 412
        where somebody else wrote one meanwhile. Needs `generate`."""

        def act(scope: Scope, sight: Sight) -> Done:
            call.saw(str(_held(scope, sight, recipe_id).id))
            made = recipe_shelf.change(scope, sight.creators, recipe_id, body.said)
            return _one(scope, sight, made, "recipe.change")

        return call.change(act, where=_where(recipe_id))

    @routes.delete("/{recipe_id}", response_model=RecipeOut)
    def put_recipe_away(recipe_id: UUID, call: Annotated[Call, can_rewrite]) -> Response:
        """Offer it no more, in any version; what was made by it, and runs under way, stay. Needs `generate`."""

        def act(scope: Scope, sight: Sight) -> Done:
            found = _held(scope, sight, recipe_id)
            call.saw(str(found.id))
            recipe_shelf.retire(scope, found.creator_id, found.id)
            return Done(found, "recipe.retire", f"recipe:{found.id}")

        return call.change(act, where=_where(recipe_id))


def _held(scope: Scope, sight: Sight, recipe_id: UUID) -> RecipeOut:
    return RecipeOut.of(*recipe_shelf.held(scope, sight.creators, recipe_id))


def _where(recipe_id: UUID) -> Where:
    def ask(scope: Scope, sight: Sight) -> Mapping[str, str]:
        found = _held(scope, sight, recipe_id)
        return {str(found.id): f"version {found.version}"}

    return ask


def _one(scope: Scope, sight: Sight, recipe_id: UUID, did: str, *, status: int = 200) -> Done:
    scope.session.flush()
    found = RecipeOut.of(*recipe_shelf.current(scope, sight.creators, recipe_id))
    headers = {**_seen(found.id), "location": f"/v1/recipes/{found.id}"}
    return Done(found, did, f"recipe:{found.id}", status, headers)


def _seen(recipe_id: UUID) -> dict[str, str]:
    return etag(tag(str(recipe_id)))
