"""Texts and ideas by the model, in the API: asked for, written a moment later, offered. Nothing is put into a post.

They take the path of the compose page: the creator's manner and the words she never uses come from her persona.
"""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from foundation.database import OpenScope, Scope
from foundation.ids import uuid7
from insights import inspiring
from schedules import ideas, kits
from schedules.ideas import Round
from schedules.kits_brief import Wish
from studio import library
from subscribers import persona
from tenants.keys import KeyScope
from web.api_call import Call, Done, Sight, doing, etag, making, reading, tag
from web.api_words_models import DismissIn, IdeasIn, IdeasOut, KitIn, KitOut


def router(tenant: OpenScope) -> APIRouter:
    """The routes under `/kits` and `/ideas`."""
    routes = APIRouter(tags=["words"])
    _kits(routes, tenant)
    _ideas(routes, tenant)
    return routes


def _kits(routes: APIRouter, tenant: OpenScope) -> None:
    @routes.post("/kits", status_code=202, response_model=KitOut)
    def ask_for_texts(body: KitIn, call: Annotated[Call, Depends(making(tenant, KeyScope.POSTS_WRITE))]) -> Response:
        """Have the model write texts around one idea: a kit, a version for each account, translations. They are there
        a moment later. Needs `posts:write`."""

        def act(scope: Scope, sight: Sight) -> Done:
            made = kits.ask(scope, _wish(scope, sight, body), draft=uuid7(), key=uuid7())
            found = KitOut.of(kits.one(scope, sight.creators, made))
            return Done(found, "kit.ask", f"kit:{made}", 202, {"location": f"/v1/kits/{made}"})

        return call.once(act)

    @routes.get("/kits/{kit_id}", response_model=KitOut)
    def get_texts(kit_id: UUID, call: Annotated[Call, Depends(reading(tenant, KeyScope.POSTS_READ))]) -> KitOut:
        """What was written, and why the rest was not; while it is `waiting`, ask again. Needs `posts:read`."""
        return KitOut.of(call.read(lambda scope, sight: kits.one(scope, sight.creators, kit_id)))


def _ideas(routes: APIRouter, tenant: OpenScope) -> None:
    @routes.post("/ideas", status_code=202, response_model=IdeasOut)
    def ask_for_ideas(body: IdeasIn, call: Annotated[Call, Depends(making(tenant, KeyScope.POSTS_WRITE))]) -> Response:
        """Have the model propose ideas from what a creator's posts came to. One round of each at a time.
        Needs `posts:write`."""

        def act(scope: Scope, sight: Sight) -> Done:
            creator = sight.creator(body.creator_id)
            made = inspiring.ask(scope, creator, key=uuid7(), language=body.language)
            found = IdeasOut.of(ideas.one(scope, sight.creators, made))
            return Done(found, "ideas.ask", f"ideas:{made}", 202, {"location": f"/v1/ideas/{made}"})

        return call.once(act)

    @routes.get("/ideas/{ideas_id}", response_model=IdeasOut)
    def get_ideas(
        ideas_id: UUID, call: Annotated[Call, Depends(reading(tenant, KeyScope.POSTS_READ))], response: Response
    ) -> IdeasOut:
        """The ideas that nobody put away, each with the post it rests on; while it is `waiting`, ask again.
        Needs `posts:read`."""
        found = call.read(lambda scope, sight: ideas.one(scope, sight.creators, ideas_id))
        response.headers.update(etag(tag(*_stands(found))))
        return IdeasOut.of(found)

    @routes.post("/ideas/{ideas_id}/dismiss", response_model=IdeasOut)
    def dismiss_idea(
        ideas_id: UUID, body: DismissIn, call: Annotated[Call, Depends(doing(tenant, KeyScope.POSTS_WRITE))]
    ) -> Response:
        """Put an idea away, for everybody; once away, it stays. Needs `posts:write`."""

        def act(scope: Scope, sight: Sight) -> Done:
            call.saw(*_stands(ideas.one(scope, sight.creators, ideas_id)))
            ideas.dismiss(scope, sight.creators, ideas_id, body.number)
            scope.session.flush()
            found = ideas.one(scope, sight.creators, ideas_id)
            return Done(IdeasOut.of(found), "ideas.dismiss", f"ideas:{ideas_id}", headers=etag(tag(*_stands(found))))

        return call.once(act)


def _stands(one: Round) -> tuple[object, ...]:
    """What somebody may change about a round: what is put away of what was written."""
    return one.id, [number for number, _ in one.open]


def _wish(scope: Scope, sight: Sight, body: KitIn) -> Wish:
    """What is asked for, in the creator's manner. Raises NotFound for another's creator or picture."""
    creator = sight.creator(body.creator_id)
    manner = persona.manner(scope, creator.id)
    if body.media_id is not None:
        library.check_owner(scope, creator.id, [body.media_id])
    return Wish(
        creator_id=creator.id,
        idea=" ".join(body.idea.split()),
        language=body.language,
        tone=manner.tone,
        forbidden=manner.forbidden,
        asset=body.media_id,
        picture=library.item(scope, body.media_id).alt if body.media_id is not None else "",
        kit=body.kit,
        places=tuple(dict.fromkeys(body.channels)),
        source=body.source.strip(),
        into=tuple(dict.fromkeys(body.into)),
    )
