"""Lists of words that recipes share, in the API: read, written in a next version, put away; their history.

Like a recipe's, a version never changes and a changed list has another id, so the id is what somebody saw of it.
"""

from collections.abc import Mapping
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from foundation.database import OpenScope, Scope
from studio import list_names, word_lists
from studio.word_lists import Listed
from tenants.keys import KeyScope
from web import api_cursor
from web.api_call import Call, Done, Sight, Where, etag, making, reading, rewriting, tag
from web.api_inputs import PageIn
from web.api_word_list_models import WordListChange, WordListIn, WordListOut, WordListsOut, WordListVersionsOut


def router(tenant: OpenScope) -> APIRouter:
    """The routes under `/word-lists`."""
    routes = APIRouter(prefix="/word-lists", tags=["making"])
    _reads(routes, tenant)
    _writes(routes, tenant)
    return routes


def listed(call: Call, which: PageIn) -> WordListsOut:
    """A page of lists: the agency's, and those of creators that are seen."""

    def ask(scope: Scope, sight: Sight) -> list[WordListOut]:
        seen = [one for one in sight.creators if which.creator in (None, one)]
        return [WordListOut.of(one) for one in word_lists.known(scope, seen)]

    question = ["word-lists", which.creator]
    items, following = api_cursor.page(question, call.read(ask), cursor=which.cursor, limit=which.limit)
    return WordListsOut(items=items, next=following)


def _reads(routes: APIRouter, tenant: OpenScope) -> None:
    can_read = Depends(reading(tenant, KeyScope.POSTS_READ))

    @routes.get("", response_model=WordListsOut)
    def list_word_lists(call: Annotated[Call, can_read], which: Annotated[PageIn, Query()]) -> WordListsOut:
        """The lists of words that prompts name as `{@name}`, in their newest versions: the agency's, which have no
        `creator_id`, and those of creators. Needs `posts:read`."""
        return listed(call, which)

    @routes.get("/{list_id}", response_model=WordListOut)
    def get_word_list(list_id: UUID, call: Annotated[Call, can_read], answer: Response) -> WordListOut:
        """One of them; an older version, and one that was put away, is not found. Needs `posts:read`."""
        found = call.read(lambda scope, sight: word_lists.current(scope, sight.creators, list_id))
        answer.headers.update(_seen(found.id))
        return WordListOut.of(found)

    @routes.get("/{list_id}/versions", response_model=WordListVersionsOut)
    def list_word_list_versions(list_id: UUID, call: Annotated[Call, can_read]) -> WordListVersionsOut:
        """Its last ten versions, the newest first, by the id of any of them. Needs `posts:read`."""
        found = call.read(lambda scope, sight: word_lists.versions(scope, sight.creators, list_id))
        return WordListVersionsOut(items=[WordListOut.of(one) for one in found])


def _writes(routes: APIRouter, tenant: OpenScope) -> None:
    needs = KeyScope.POSTS_WRITE
    can_rewrite = Depends(rewriting(tenant, needs))

    @routes.post("", status_code=201, response_model=WordListOut)
    def make_word_list(body: WordListIn, call: Annotated[Call, Depends(making(tenant, needs))]) -> Response:
        """Write a list, of a creator or, without one, of the agency (403 unless the key sees all its creators). 409
        where one of that name is there; one that was put away goes on. Needs `posts:write`."""

        def act(scope: Scope, sight: Sight) -> Done:
            name, said = word_lists.read(body.name, {"words": body.words, "weights": body.weights})
            made = word_lists.make(scope, sight.creators, name, said, creator_id=body.creator_id)
            return _one(scope, sight, made, "word_list.make", status=201)

        return call.once(act)

    @routes.patch("/{list_id}", response_model=WordListOut)
    def change_word_list(list_id: UUID, body: WordListChange, call: Annotated[Call, can_rewrite]) -> Response:
        """Write its next version, which later runs draw from; it has an `id` of its own. With a `name` it is renamed,
        and each recipe that draws from it gets a next version; 409 where that name is, or was, another's. 412 where
        somebody else wrote one meanwhile. Needs `posts:write`."""

        def act(scope: Scope, sight: Sight) -> Done:
            before = word_lists.held(scope, sight.creators, list_id)
            call.saw(str(before.id))
            said = before.said
            weights = said.weights if body.words is None and not body.weights else body.weights
            name, wanted = word_lists.read(
                body.name or before.name, {"words": body.words or said.words, "weights": weights}
            )
            made, _ = list_names.rename(scope, sight.creators, list_id, name)
            made = word_lists.change(scope, sight.creators, made, wanted)
            return _one(scope, sight, made, "word_list.change")

        return call.change(act, where=_where(list_id))

    @routes.delete("/{list_id}", response_model=WordListOut)
    def put_word_list_away(list_id: UUID, call: Annotated[Call, can_rewrite]) -> Response:
        """Put it away; runs keep its words. 409 while a recipe names it. Needs `posts:write`."""

        def act(scope: Scope, sight: Sight) -> Done:
            found = word_lists.held(scope, sight.creators, list_id)
            call.saw(str(found.id))
            word_lists.retire(scope, sight.creators, list_id)
            return Done(WordListOut.of(found), "word_list.retire", f"word_list:{found.id}")

        return call.change(act, where=_where(list_id))


def _where(list_id: UUID) -> Where:
    def ask(scope: Scope, sight: Sight) -> Mapping[str, str]:
        newest = word_lists.versions(scope, sight.creators, list_id, limit=1)[0]
        return {str(newest.id): f"version {newest.version}"}

    return ask


def _one(scope: Scope, sight: Sight, list_id: UUID, did: str, *, status: int = 200) -> Done:
    found: Listed = word_lists.current(scope, sight.creators, list_id)
    headers = {**_seen(found.id), "location": f"/v1/word-lists/{found.id}"}
    return Done(WordListOut.of(found), did, f"word_list:{found.id}", status, headers)


def _seen(list_id: UUID) -> dict[str, str]:
    return etag(tag(str(list_id)))
