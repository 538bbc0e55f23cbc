"""API routes of generated texts and ideas. Results are ready shortly after the request and are
never added to a post automatically.

They are generated as on the compose page: the creator's persona defines the tone and the forbidden
words.
"""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from foundation.db.database import OpenScope, Scope
from foundation.ids import uuid7
from insights.analysis import post_lessons
from schedules.suggestions.captions import proposals, styles
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
    replace_dependency,
    state_tag,
)
from web.api.generation.suggestion_schemas import DismissIn, IdeasIn, IdeasOut, KitIn, KitOut
from web.api.generation.writing_style_schemas import StylesIn, StylesOut


def router(tenant: OpenScope) -> APIRouter:
    """Create the routes under `/kits` and `/ideas`."""
    routes = APIRouter(tags=["words"])
    _add_caption_set_routes(routes, tenant)
    _add_idea_routes(routes, tenant)
    _add_style_routes(routes, tenant)
    return routes


def _add_caption_set_routes(routes: APIRouter, tenant: OpenScope) -> None:
    @routes.post("/kits", status_code=202, response_model=KitOut)
    def ask_for_texts(
        body: KitIn,
        call: Annotated[ApiCall, Depends(create_dependency(tenant, ApiKeyScope.POSTS_WRITE))],
    ) -> Response:
        """Request generated texts for one idea: captions, versions for accounts and translations.
        Poll `GET /kits/{kit_id}` for the result. Requires the `posts:write` scope."""

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
        """Return generated texts, and the reasons for those that are missing. Poll this route while
        the state is `waiting`. Requires the `posts:read` scope."""
        return KitOut.of(
            call.read(lambda scope, sight: proposals.get_captions(scope, sight.creators, kit_id))
        )


def _add_style_routes(routes: APIRouter, tenant: OpenScope) -> None:
    @routes.get("/writing-styles/{creator_id}", response_model=StylesOut)
    def get_writing_styles(
        creator_id: UUID,
        call: Annotated[ApiCall, Depends(read_dependency(tenant, ApiKeyScope.POSTS_READ))],
        response: Response,
    ) -> StylesOut:
        """Return the tone, length and hashtags of a creator's texts by network. Requires the
        `posts:read` scope."""
        found = call.read(lambda scope, sight: _load_styles(scope, sight, creator_id))
        response.headers.update(etag_header(found.tag))
        return found

    @routes.put("/writing-styles/{creator_id}", response_model=StylesOut)
    def set_writing_styles(
        creator_id: UUID,
        body: StylesIn,
        call: Annotated[ApiCall, Depends(replace_dependency(tenant, ApiKeyScope.POSTS_WRITE))],
    ) -> Response:
        """Replace the styles of all networks; networks that are not listed use their habits. 412 if
        the styles were changed since. Requires the `posts:write` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            scope.lock(f"writing styles:{creator_id}")
            before = _load_styles(scope, sight, creator_id)
            call.check_state_tag(*before.tagged)
            wanted = body.to_styles()
            for network in {one.network for one in before.styles} | set(wanted):
                styles.save_style(
                    scope, creator_id, network, wanted.get(network, styles.WritingStyle())
                )
            found = _load_styles(scope, sight, creator_id)
            return ChangeResult(
                found, "style.api_set", f"creator:{creator_id}", headers=etag_header(found.tag)
            )

        return call.apply(act)


def _load_styles(scope: Scope, sight: Caller, creator_id: UUID) -> StylesOut:
    """Return the styles of a creator. Raises NotFound for a creator that the caller does not
    see."""
    creator = sight.get_creator(creator_id)
    return StylesOut.of(creator.id, styles.list_styles(scope, creator.id))


def _add_idea_routes(routes: APIRouter, tenant: OpenScope) -> None:
    @routes.post("/ideas", status_code=202, response_model=IdeasOut)
    def ask_for_ideas(
        body: IdeasIn,
        call: Annotated[ApiCall, Depends(create_dependency(tenant, ApiKeyScope.POSTS_WRITE))],
    ) -> Response:
        """Request ideas based on the results of a creator's posts. Each creator can have one
        request in progress. Requires the `posts:write` scope."""

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
        """Return the ideas that were not dismissed, each with the post it is based on. Poll this
        route while the state is `waiting`. Requires the `posts:read` scope."""
        found = call.read(lambda scope, sight: ideas.get_ideas(scope, sight.creators, ideas_id))
        response.headers.update(etag_header(state_tag(*_idea_batch_tag_fields(found))))
        return IdeasOut.of(found)

    @routes.post("/ideas/{ideas_id}/dismiss", response_model=IdeasOut)
    def dismiss_idea(
        ideas_id: UUID,
        body: DismissIn,
        call: Annotated[ApiCall, Depends(action_dependency(tenant, ApiKeyScope.POSTS_WRITE))],
    ) -> Response:
        """Dismiss an idea for all members. This cannot be undone. Requires the
        `posts:write` scope."""

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
    """Return the values of the state tag: the ideas that are not dismissed."""
    return one.id, [number for number, _ in one.open_ideas]


def _build_caption_brief(scope: Scope, sight: Caller, body: KitIn) -> CaptionSetBrief:
    """Return the brief in the creator's writing style. Raises NotFound for a creator the key may
    not access, or for another creator's picture."""
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
