"""Comments in the API: what members say of a post, read, written, answered and settled, as the key's member."""

from collections.abc import Callable
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from foundation.database import OpenScope, Scope
from foundation.ids import uuid7
from schedules import clients, comments, listing
from schedules.comments import Comment, Spot
from tenants import reads as tenant_reads
from tenants.keys import KeyScope
from web.api_call import Call, Done, Sight, doing, etag, making, reading, tag
from web.api_talk_models import AnswerIn, CommentIn, CommentOut, CommentsOut, CommentsWanted, Names, ReaderOut


def router(tenant: OpenScope) -> APIRouter:
    """The routes under `/comments`."""
    routes = APIRouter(prefix="/comments", tags=["comments"])
    _reads(routes, tenant)
    _says(routes, tenant)
    _acts(routes, tenant)
    return routes


def names(scope: Scope, sight: Sight) -> Names:
    """What people are called who speak of posts: members, and who answered by a link."""
    members = {one.principal_id: one.name for one in tenant_reads.members(scope)}
    return {**clients.names(scope, list(sight.creators)), **members}


def _reads(routes: APIRouter, tenant: OpenScope) -> None:
    can_read = Depends(reading(tenant, KeyScope.POSTS_READ))

    @routes.get("", response_model=CommentsOut)
    def list_comments(call: Annotated[Call, can_read], which: Annotated[CommentsWanted, Query()]) -> CommentsOut:
        """What was said of a post, and whom one may name. Reading it here settles no notice of the member's.
        Needs `posts:read`."""

        def ask(scope: Scope, sight: Sight) -> CommentsOut:
            post = listing.whole(scope, sight.creators, which.post).listed.post
            known = names(scope, sight)
            readers = [
                ReaderOut(id=one.principal_id, name=one.name, internal=comments.works_here(one))
                for one in comments.listeners(scope, post.creator_id, internal=False)
                if one.principal_id != sight.member.principal_id
            ]
            said = [CommentOut.of(one, known) for one in comments.of_post(scope, post.id)]
            return CommentsOut(items=said, readers=readers)

        return call.read(ask)

    @routes.get("/{comment_id}", response_model=CommentOut)
    def get_comment(comment_id: UUID, call: Annotated[Call, can_read], response: Response) -> CommentOut:
        """What was said, with its answers, by the id of any of them. Needs `posts:read`."""

        def ask(scope: Scope, sight: Sight) -> tuple[Comment, Names]:
            return comments.one(scope, sight.creators, comment_id), names(scope, sight)

        found, known = call.read(ask)
        response.headers.update(etag(tag(*_stands(found))))
        return CommentOut.of(found, known)


def _says(routes: APIRouter, tenant: OpenScope) -> None:
    @routes.post("", status_code=201, response_model=CommentOut)
    def say_comment(
        body: CommentIn, call: Annotated[Call, Depends(making(tenant, KeyScope.COMMENTS_WRITE))]
    ) -> Response:
        """Say something of a post, as the key's member; who is named is told. Needs `comments:write`."""

        def act(scope: Scope, sight: Sight) -> Done:
            listing.whole(scope, sight.creators, body.post_id)
            spot = Spot(body.part, body.media_id)
            inside, named = body.internal, body.named
            made = comments.say(scope, body.post_id, body.words, key=uuid7(), spot=spot, named=named, internal=inside)
            return _one(scope, sight, made, "comment.say", status=201)

        return call.once(act)


def _acts(routes: APIRouter, tenant: OpenScope) -> None:
    can_write = Depends(doing(tenant, KeyScope.COMMENTS_WRITE))

    @routes.post("/{comment_id}/answer", response_model=CommentOut)
    def answer_comment(comment_id: UUID, body: AnswerIn, call: Annotated[Call, can_write]) -> Response:
        """Answer what was said; what was settled is open again. Needs `comments:write`."""

        def act(scope: Scope, thread: UUID) -> None:
            comments.answer(scope, thread, body.words, key=uuid7(), named=body.named)

        return _on(call, comment_id, "comment.answer", act)

    @routes.post("/{comment_id}/resolve", response_model=CommentOut)
    def resolve_comment(comment_id: UUID, call: Annotated[Call, can_write]) -> Response:
        """Call it settled. Needs `comments:write`."""
        return _on(call, comment_id, "comment.resolve", comments.resolve)

    @routes.post("/{comment_id}/reopen", response_model=CommentOut)
    def reopen_comment(comment_id: UUID, call: Annotated[Call, can_write]) -> Response:
        """It is not settled after all. Needs `comments:write`."""
        return _on(call, comment_id, "comment.reopen", comments.reopen)


def _on(call: Call, comment_id: UUID, did: str, act: Callable[[Scope, UUID], None]) -> Response:
    """Do something to what was said as its caller saw it, once."""

    def done(scope: Scope, sight: Sight) -> Done:
        found = comments.one(scope, sight.creators, comment_id, lock=True)
        call.saw(*_stands(found))
        act(scope, found.id)
        return _one(scope, sight, found.id, did)

    return call.once(done)


def _stands(one: Comment) -> tuple[object, ...]:
    """What somebody may change about it: that the post became another is no change of what was said."""
    return one.id, one.resolved_at, [each.id for each in one.answers]


def _one(scope: Scope, sight: Sight, comment_id: UUID, did: str, *, status: int = 200) -> Done:
    scope.session.flush()
    found = comments.one(scope, sight.creators, comment_id)
    headers = etag(tag(*_stands(found)))
    if status == 201:
        headers["location"] = f"/v1/comments/{comment_id}"
    return Done(CommentOut.of(found, names(scope, sight)), did, f"post:{found.post_id}", status, headers)
