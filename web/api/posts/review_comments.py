"""API routes of review comments: list, write, reply, resolve and reopen, as the key's member."""

from collections.abc import Callable
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from foundation.db.database import OpenScope, Scope
from foundation.ids import uuid7
from schedules.approvals import client_links, review_comments
from schedules.approvals.review_comments import CommentAnchor, ReviewComment
from schedules.calendar import listings
from tenants.agencies import queries
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
from web.api.posts.review_comment_schemas import (
    AnswerIn,
    CommentIn,
    CommentOut,
    CommentsOut,
    CommentsQuery,
    PersonNames,
    ReaderOut,
)


def router(tenant: OpenScope) -> APIRouter:
    """Create the routes under `/comments`."""
    routes = APIRouter(prefix="/comments", tags=["comments"])
    _add_comment_read_routes(routes, tenant)
    _add_comment_create_route(routes, tenant)
    _add_comment_action_routes(routes, tenant)
    return routes


def load_person_names(scope: Scope, sight: Caller) -> PersonNames:
    """Return the names of members and of clients who answered a client link."""
    members = {one.principal_id: one.name for one in queries.list_members(scope)}
    return {**client_links.client_names(scope, list(sight.creators)), **members}


def _add_comment_read_routes(routes: APIRouter, tenant: OpenScope) -> None:
    can_read = Depends(read_dependency(tenant, ApiKeyScope.POSTS_READ))

    @routes.get("", response_model=CommentsOut)
    def list_comments(
        call: Annotated[ApiCall, can_read], which: Annotated[CommentsQuery, Query()]
    ) -> CommentsOut:
        """List the comments of a post and the people who can be mentioned. The member's notices
        remain unread. Requires the `posts:read` scope."""

        def ask(scope: Scope, sight: Caller) -> CommentsOut:
            post = listings.get_post_detail(scope, sight.creators, which.post).listed.post
            known = load_person_names(scope, sight)
            readers = [
                ReaderOut(
                    id=one.principal_id,
                    name=one.name,
                    internal=review_comments.can_read_internal(one),
                )
                for one in review_comments.list_mentionable_members(
                    scope, post.creator_id, internal=False
                )
                if one.principal_id != sight.member.principal_id
            ]
            said = [
                CommentOut.of(one, known) for one in review_comments.list_comments(scope, post.id)
            ]
            return CommentsOut(items=said, readers=readers)

        return call.read(ask)

    @routes.get("/{comment_id}", response_model=CommentOut)
    def get_comment(
        comment_id: UUID, call: Annotated[ApiCall, can_read], response: Response
    ) -> CommentOut:
        """Return a comment with its replies, by the ID of any of them. Requires the `posts:read`
        scope."""

        def ask(scope: Scope, sight: Caller) -> tuple[ReviewComment, PersonNames]:
            return review_comments.get_comment(
                scope, sight.creators, comment_id
            ), load_person_names(scope, sight)

        found, known = call.read(ask)
        response.headers.update(etag_header(state_tag(*_comment_tag_fields(found))))
        return CommentOut.of(found, known)


def _add_comment_create_route(routes: APIRouter, tenant: OpenScope) -> None:
    @routes.post("", status_code=201, response_model=CommentOut)
    def say_comment(
        body: CommentIn,
        call: Annotated[ApiCall, Depends(create_dependency(tenant, ApiKeyScope.COMMENTS_WRITE))],
    ) -> Response:
        """Comment on a post as the key's member. Mentioned people are notified. Requires the
        `comments:write` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            listings.get_post_detail(scope, sight.creators, body.post_id)
            spot = CommentAnchor(body.part, body.media_id)
            inside = body.internal
            named = body.named
            made = review_comments.add_comment(
                scope,
                body.post_id,
                body.words,
                key=uuid7(),
                spot=spot,
                named=named,
                internal=inside,
            )
            return _build_comment_result(scope, sight, made, "comment.say", status=201)

        return call.apply_once(act)


def _add_comment_action_routes(routes: APIRouter, tenant: OpenScope) -> None:
    can_write = Depends(action_dependency(tenant, ApiKeyScope.COMMENTS_WRITE))

    @routes.post("/{comment_id}/answer", response_model=CommentOut)
    def answer_comment(
        comment_id: UUID, body: AnswerIn, call: Annotated[ApiCall, can_write]
    ) -> Response:
        """Reply to a comment. A resolved comment is reopened. Requires the
        `comments:write` scope."""

        def act(scope: Scope, thread: UUID) -> None:
            review_comments.reply_to_comment(
                scope, thread, body.words, key=uuid7(), named=body.named
            )

        return _apply_comment_action(call, comment_id, "comment.answer", act)

    @routes.post("/{comment_id}/resolve", response_model=CommentOut)
    def resolve_comment(comment_id: UUID, call: Annotated[ApiCall, can_write]) -> Response:
        """Resolve a comment. Requires the `comments:write` scope."""
        return _apply_comment_action(
            call, comment_id, "comment.resolve", review_comments.resolve_comment
        )

    @routes.post("/{comment_id}/reopen", response_model=CommentOut)
    def reopen_comment(comment_id: UUID, call: Annotated[ApiCall, can_write]) -> Response:
        """Reopen a resolved comment. Requires the `comments:write` scope."""
        return _apply_comment_action(
            call, comment_id, "comment.reopen", review_comments.reopen_comment
        )


def _apply_comment_action(
    call: ApiCall, comment_id: UUID, did: str, act: Callable[[Scope, UUID], None]
) -> Response:
    """Run an action on a comment once, at the state its caller saw."""

    def done(scope: Scope, sight: Caller) -> ChangeResult:
        found = review_comments.get_comment(scope, sight.creators, comment_id, lock=True)
        call.check_state_tag(*_comment_tag_fields(found))
        act(scope, found.id)
        return _build_comment_result(scope, sight, found.id, did)

    return call.apply_once(done)


def _comment_tag_fields(one: ReviewComment) -> tuple[object, ...]:
    """Return the values of the state tag. A change of the post does not change them."""
    return one.id, one.resolved_at, [each.id for each in one.answers]


def _build_comment_result(
    scope: Scope, sight: Caller, comment_id: UUID, did: str, *, status: int = 200
) -> ChangeResult:
    scope.session.flush()
    found = review_comments.get_comment(scope, sight.creators, comment_id)
    headers = etag_header(state_tag(*_comment_tag_fields(found)))
    if status == 201:
        headers["location"] = f"/v1/comments/{comment_id}"
    return ChangeResult(
        CommentOut.of(found, load_person_names(scope, sight)),
        did,
        f"post:{found.post_id}",
        status,
        headers,
    )
