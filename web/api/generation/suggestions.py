"""Texts and ideas by the model, in the API: asked for, written a moment later, offered. Nothing is
put into a post.

They take the path of the compose page: the creator's manner and the words she never uses come from
her persona.
"""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from foundation.db.database import OpenScope, Scope
from foundation.ids import uuid7
from insights.analysis import post_lessons
from schedules.suggestions.captions import proposals
from schedules.suggestions.captions.brief import CaptionSetBrief
from schedules.suggestions.ideas import proposals as ideas
from schedules.suggestions.ideas.proposals import IdeaBatch
from studio.library import assets
from subscribers.replies import persona
from tenants.api_keys.keys import ApiKeyScope
from web.api.common.calls import (
    ApiCall,
    Caller,
    ChangeResult,
    action_dependency,
    create_dependency,
    etag_header,
    read_dependency,
    state_tag,
)
from web.api.generation.suggestion_schemas import DismissIn, IdeasIn, IdeasOut, KitIn, KitOut


def router(tenant: OpenScope) -> APIRouter:
    """The routes under `/kits` and `/ideas`."""
    routes = APIRouter(tags=["words"])
    _add_caption_set_routes(routes, tenant)
    _add_idea_routes(routes, tenant)
    return routes


def _add_caption_set_routes(routes: APIRouter, tenant: OpenScope) -> None:
    @routes.post("/kits", status_code=202, response_model=KitOut)
    def ask_for_texts(
        body: KitIn,
        call: Annotated[ApiCall, Depends(create_dependency(tenant, ApiKeyScope.POSTS_WRITE))],
    ) -> Response:
        """Have the model write texts around one idea: a kit, a version for each account,
        translations. They are there a moment later. Needs `posts:write`."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            made = proposals.request_captions(
                scope, _build_caption_brief(scope, sight, body), draft=uuid7(), key=uuid7()
            )
            found = KitOut.of(proposals.get_captions(scope, sight.creators, made))
            return ChangeResult(
                found, "kit.ask", f"kit:{made}", 202, {"location": f"/v1/kits/{made}"}
            )

        return call.apply_once(act)

    @routes.get("/kits/{kit_id}", response_model=KitOut)
    def get_texts(
        kit_id: UUID,
        call: Annotated[ApiCall, Depends(read_dependency(tenant, ApiKeyScope.POSTS_READ))],
    ) -> KitOut:
        """What was written, and why the rest was not; while it is `waiting`, ask again. Needs
        `posts:read`."""
        return KitOut.of(
            call.read(lambda scope, sight: proposals.get_captions(scope, sight.creators, kit_id))
        )


def _add_idea_routes(routes: APIRouter, tenant: OpenScope) -> None:
    @routes.post("/ideas", status_code=202, response_model=IdeasOut)
    def ask_for_ideas(
        body: IdeasIn,
        call: Annotated[ApiCall, Depends(create_dependency(tenant, ApiKeyScope.POSTS_WRITE))],
    ) -> Response:
        """Have the model propose ideas from what a creator's posts came to. One round of each at a
        time. Needs `posts:write`."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            creator = sight.get_creator(body.creator_id)
            made = post_lessons.request_ideas_from_results(
                scope, creator, key=uuid7(), language=body.language
            )
            found = IdeasOut.of(ideas.get_ideas(scope, sight.creators, made))
            return ChangeResult(
                found, "ideas.ask", f"ideas:{made}", 202, {"location": f"/v1/ideas/{made}"}
            )

        return call.apply_once(act)

    @routes.get("/ideas/{ideas_id}", response_model=IdeasOut)
    def get_ideas(
        ideas_id: UUID,
        call: Annotated[ApiCall, Depends(read_dependency(tenant, ApiKeyScope.POSTS_READ))],
        response: Response,
    ) -> IdeasOut:
        """The ideas that nobody put away, each with the post it rests on; while it is `waiting`,
        ask again. Needs `posts:read`."""
        found = call.read(lambda scope, sight: ideas.get_ideas(scope, sight.creators, ideas_id))
        response.headers.update(etag_header(state_tag(*_idea_batch_tag_fields(found))))
        return IdeasOut.of(found)

    @routes.post("/ideas/{ideas_id}/dismiss", response_model=IdeasOut)
    def dismiss_idea(
        ideas_id: UUID,
        body: DismissIn,
        call: Annotated[ApiCall, Depends(action_dependency(tenant, ApiKeyScope.POSTS_WRITE))],
    ) -> Response:
        """Put an idea away, for everybody; once away, it stays. Needs `posts:write`."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            call.check_state_tag(
                *_idea_batch_tag_fields(ideas.get_ideas(scope, sight.creators, ideas_id))
            )
            ideas.dismiss_idea(scope, sight.creators, ideas_id, body.number)
            scope.session.flush()
            found = ideas.get_ideas(scope, sight.creators, ideas_id)
            return ChangeResult(
                IdeasOut.of(found),
                "ideas.dismiss",
                f"ideas:{ideas_id}",
                headers=etag_header(state_tag(*_idea_batch_tag_fields(found))),
            )

        return call.apply_once(act)


def _idea_batch_tag_fields(one: IdeaBatch) -> tuple[object, ...]:
    """What somebody may change about a round: what is put away of what was written."""
    return one.id, [number for number, _ in one.open_ideas]


def _build_caption_brief(scope: Scope, sight: Caller, body: KitIn) -> CaptionSetBrief:
    """What is asked for, in the creator's manner. Raises NotFound for another's creator or
    picture."""
    creator = sight.get_creator(body.creator_id)
    manner = persona.writing_style_of_creator(scope, creator.id)
    if body.media_id is not None:
        assets.check_assets_owned(scope, creator.id, [body.media_id])
    return CaptionSetBrief(
        creator_id=creator.id,
        idea=" ".join(body.idea.split()),
        language=body.language,
        tone=manner.tone,
        forbidden=manner.forbidden,
        asset=body.media_id,
        picture=assets.get_asset(scope, body.media_id).alt if body.media_id is not None else "",
        kit=body.kit,
        places=tuple(dict.fromkeys(body.channels)),
        source=body.source.strip(),
        into=tuple(dict.fromkeys(body.into)),
    )
