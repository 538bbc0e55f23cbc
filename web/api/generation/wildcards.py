"""API routes of wildcards, the word lists that recipes share: list, create, change and archive.

A version never changes, and a changed list gets a new ID, so the ID also serves as the state tag.
"""

from collections.abc import Mapping
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from foundation.db.database import OpenScope, Scope
from studio.recipes import wildcard_renames, wildcards
from studio.recipes.wildcards import WildcardVersion
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
from web.api.common.schemas import CreatorPageQuery
from web.api.generation.wildcard_schemas import (
    WordListChange,
    WordListIn,
    WordListOut,
    WordListsOut,
    WordListVersionsOut,
)


def router(tenant: OpenScope) -> APIRouter:
    """Create the routes under `/word-lists`."""
    routes = APIRouter(prefix="/word-lists", tags=["making"])
    _add_wildcard_read_routes(routes, tenant)
    _add_wildcard_write_routes(routes, tenant)
    return routes


def list_wildcards(call: ApiCall, which: CreatorPageQuery) -> WordListsOut:
    """Return a page of lists: those of the agency and of the creators that the key may access."""

    def ask(scope: Scope, sight: Caller) -> list[WordListOut]:
        seen = [one for one in sight.creators if which.creator in (None, one)]
        return [WordListOut.of(one) for one in wildcards.list_wildcards(scope, seen)]

    question = ["word-lists", which.creator]
    items, following = pagination.paginate(
        question, call.read(ask), cursor=which.cursor, limit=which.limit
    )
    return WordListsOut(items=items, next=following)


def _add_wildcard_read_routes(routes: APIRouter, tenant: OpenScope) -> None:
    can_read = Depends(read_dependency(tenant, ApiKeyScope.POSTS_READ))

    @routes.get("", response_model=WordListsOut)
    def list_word_lists(
        call: Annotated[ApiCall, can_read], which: Annotated[CreatorPageQuery, Query()]
    ) -> WordListsOut:
        """List the current versions of the word lists that prompts use as `{@name}`. Lists of the
        agency have no `creator_id`. Requires the `posts:read` scope."""
        return list_wildcards(call, which)

    @routes.get("/{list_id}", response_model=WordListOut)
    def get_word_list(
        list_id: UUID, call: Annotated[ApiCall, can_read], answer: Response
    ) -> WordListOut:
        """Return the current version of a word list. 404 for an archived list and for the ID of an
        older version. Requires the `posts:read` scope."""
        found = call.read(
            lambda scope, sight: wildcards.get_current_wildcard(scope, sight.creators, list_id)
        )
        answer.headers.update(_wildcard_etag_header(found.id))
        return WordListOut.of(found)

    @routes.get("/{list_id}/versions", response_model=WordListVersionsOut)
    def list_word_list_versions(
        list_id: UUID, call: Annotated[ApiCall, can_read]
    ) -> WordListVersionsOut:
        """List the last ten versions of a word list, newest first, by the ID of any of them.
        Requires the `posts:read` scope."""
        found = call.read(
            lambda scope, sight: wildcards.list_wildcard_versions(scope, sight.creators, list_id)
        )
        return WordListVersionsOut(items=[WordListOut.of(one) for one in found])


def _add_wildcard_write_routes(routes: APIRouter, tenant: OpenScope) -> None:
    needs = ApiKeyScope.POSTS_WRITE
    can_rewrite = Depends(replace_dependency(tenant, needs))

    @routes.post("", status_code=201, response_model=WordListOut)
    def make_word_list(
        body: WordListIn, call: Annotated[ApiCall, Depends(create_dependency(tenant, needs))]
    ) -> Response:
        """Create a word list for a creator, or for the agency if `creator_id` is missing (403
        unless the key may access all creators). 409 if the name is in use; the name of an archived
        list continues its versions. Requires the `posts:write` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            name, said = wildcards.parse_wildcard(
                body.name, {"words": body.words, "weights": body.weights}
            )
            made = wildcards.create_wildcard(
                scope, sight.creators, name, said, creator_id=body.creator_id
            )
            return _build_wildcard_result(scope, sight, made, "word_list.make", status=201)

        return call.apply_once(act)

    @routes.patch("/{list_id}", response_model=WordListOut)
    def change_word_list(
        list_id: UUID, body: WordListChange, call: Annotated[ApiCall, can_rewrite]
    ) -> Response:
        """Create the next version of a word list, with a new `id`. Later runs use it. A new `name`
        renames the list and creates a next version of each recipe that uses it; 409 if another list
        has or had that name. 412 if another version was created since. Requires the `posts:write`
        scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            before = wildcards.lock_wildcard(scope, sight.creators, list_id)
            call.check_state_tag(str(before.id))
            said = before.said
            weights = said.weights if body.words is None and not body.weights else body.weights
            name, wanted = wildcards.parse_wildcard(
                body.name or before.name, {"words": body.words or said.words, "weights": weights}
            )
            made, _ = wildcard_renames.rename_wildcard_and_recipes(
                scope, sight.creators, list_id, name
            )
            made = wildcards.change_wildcard(scope, sight.creators, made, wanted)
            return _build_wildcard_result(scope, sight, made, "word_list.change")

        return call.apply(act, where=_wildcard_conflict_states(list_id))

    @routes.delete("/{list_id}", response_model=WordListOut)
    def put_word_list_away(list_id: UUID, call: Annotated[ApiCall, can_rewrite]) -> Response:
        """Archive a word list. Existing runs keep its words. 409 while a recipe uses it. Requires
        the `posts:write` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            found = wildcards.lock_wildcard(scope, sight.creators, list_id)
            call.check_state_tag(str(found.id))
            wildcards.archive_wildcard(scope, sight.creators, list_id)
            return ChangeResult(WordListOut.of(found), "word_list.retire", f"word_list:{found.id}")

        return call.apply(act, where=_wildcard_conflict_states(list_id))


def _wildcard_conflict_states(list_id: UUID) -> ConflictStates:
    def ask(scope: Scope, sight: Caller) -> Mapping[str, str]:
        newest = wildcards.list_wildcard_versions(scope, sight.creators, list_id, limit=1)[0]
        return {str(newest.id): f"version {newest.version}"}

    return ask


def _build_wildcard_result(
    scope: Scope, sight: Caller, list_id: UUID, did: str, *, status: int = 200
) -> ChangeResult:
    found: WildcardVersion = wildcards.get_current_wildcard(scope, sight.creators, list_id)
    headers = {**_wildcard_etag_header(found.id), "location": f"/v1/word-lists/{found.id}"}
    return ChangeResult(WordListOut.of(found), did, f"word_list:{found.id}", status, headers)


def _wildcard_etag_header(list_id: UUID) -> dict[str, str]:
    return etag_header(state_tag(str(list_id)))
