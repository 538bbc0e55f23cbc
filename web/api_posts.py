"""Posts in the API: written, read, rewritten, planned, approved, taken off the calendar."""

from collections.abc import Mapping
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from channels.editing import offered
from connectors.contract import Connector
from foundation.database import OpenScope, Scope
from foundation.ids import uuid7
from schedules import aside, drafting, editing, importance, labels, listing, scheduling, selling
from tenants.keys import KeyScope
from web import api_cursor, api_reviews
from web.api_call import Call, Done, Sight, doing, etag, making, reading, rewriting
from web.api_inputs import ApproveIn, PostChange, PostIn, PostsWanted, RewordIn, ScheduleIn, wall_of
from web.api_models import PostOut, PostsOut, PostWhole

ORIGIN = "api"


def router(tenant: OpenScope, connectors: Mapping[str, Connector]) -> APIRouter:
    """The routes under `/posts`."""
    routes = APIRouter(prefix="/posts", tags=["posts"])
    _reads(routes, tenant)
    _writes(routes, tenant, connectors)
    _rewords(routes, tenant, connectors)
    _acts(routes, tenant, connectors)
    return routes


def _reads(routes: APIRouter, tenant: OpenScope) -> None:
    can_read = Depends(reading(tenant, KeyScope.POSTS_READ))

    @routes.get("", response_model=PostsOut)
    def list_posts(call: Annotated[Call, can_read], which: Annotated[PostsWanted, Query()]) -> PostsOut:
        """Posts, the newest first. Needs `posts:read`."""
        question = ["posts", which.creator, which.label]
        before = api_cursor.read_dated(question, which.cursor)

        def ask(scope: Scope, sight: Sight) -> list[listing.Listed]:
            seen = [one for one in sight.creators if which.creator in (None, one)]
            return listing.posts(scope, seen, before=before, limit=which.limit, label_id=which.label)

        found = call.read(ask)
        place = [found[-1].made_at.isoformat(), str(found[-1].post.id)] if len(found) == which.limit else None
        following = api_cursor.write(question, place) if place is not None else None
        return PostsOut(items=[PostOut.of(one) for one in found], next=following)

    @routes.get("/{post_id}", response_model=PostWhole)
    def get_post(post_id: UUID, call: Annotated[Call, can_read], response: Response) -> PostWhole:
        """One post, and where it goes. Its `ETag` is what a change names in `If-Match`. Needs `posts:read`."""
        found = call.read(lambda scope, sight: listing.whole(scope, sight.creators, post_id))
        response.headers.update(etag(found.listed.version))
        return PostWhole.whole(found)


def _writes(routes: APIRouter, tenant: OpenScope, connectors: Mapping[str, Connector]) -> None:
    @routes.post("", status_code=201, response_model=PostWhole)
    def write_post(body: PostIn, call: Annotated[Call, Depends(making(tenant, KeyScope.POSTS_WRITE))]) -> Response:
        """Write a post; with `channels` and `at`, plan it. Where somebody has to approve it, the time is a wish until
        then. Needs `posts:write`."""

        def act(scope: Scope, sight: Sight) -> Done:
            creator = sight.creator(body.creator_id)
            selling.check_places(scope, body.draft, connectors=connectors)
            at = wall_of(body.at, creator.zone) if body.at is not None else None
            post_id = scheduling.write(scope, body.draft, key=uuid7(), at=at, author=scope.actor, origin=ORIGIN)
            selling.check(scope, post_id, connectors=connectors)
            return answered(scope, sight, post_id, "post.write", status=201)

        return call.once(act)

    @routes.patch("/{post_id}", response_model=PostWhole)
    def rewrite_post(
        post_id: UUID, body: PostChange, call: Annotated[Call, Depends(rewriting(tenant, KeyScope.POSTS_WRITE))]
    ) -> Response:
        """Change the words or pictures of a post of which nothing is outside, how late it may leave,
        or its labels. Needs `posts:write`."""

        def act(scope: Scope, sight: Sight) -> Done:
            _seen(scope, sight, post_id, call)
            old = listing.whole(scope, sight.creators, post_id).listed.post
            if body.late_ok is not None:
                importance.set_lateness(scope, post_id, body.late_ok, version=old.version)
            if body.labels is not None:  # no part of what is approved: alone, it asks for no yes again
                labels.put(scope, post_id, body.labels)
            if body.rewrites:
                new = body.draft(old)
                if body.otherwise is not None:
                    selling.check_places(scope, new, connectors=connectors)
                drafting.rewrite(scope, post_id, new, author=scope.actor)
            selling.check(scope, post_id, connectors=connectors)
            return answered(scope, sight, post_id, "post.rewrite")

        return call.change(act, post=post_id)

    @routes.delete("/{post_id}", response_model=PostWhole)
    def throw_away_post(
        post_id: UUID, call: Annotated[Call, Depends(rewriting(tenant, KeyScope.POSTS_WRITE))]
    ) -> Response:
        """Delete a post that goes nowhere yet, with what was said of it; it answers with what it was. 409 for one that
        is planned, or was, and where somebody said yes or no. Needs `posts:write`."""

        def act(scope: Scope, sight: Sight) -> Done:
            _seen(scope, sight, post_id, call)
            gone = PostWhole.whole(listing.whole(scope, sight.creators, post_id))
            aside.throw_away(scope, post_id)
            return Done(gone, "post.throw_away", f"post:{post_id}")

        return call.change(act, post=post_id)


def _rewords(routes: APIRouter, tenant: OpenScope, connectors: Mapping[str, Connector]) -> None:
    able = frozenset(name for name, one in connectors.items() if offered(one))

    @routes.post("/{post_id}/reword", status_code=202, response_model=PostWhole)
    def reword_post(
        post_id: UUID, body: RewordIn, call: Annotated[Call, Depends(doing(tenant, KeyScope.POSTS_WRITE))]
    ) -> Response:
        """Change the words of a post that stands outside, wherever the platform lets them be changed; they are approved
        and checked like those of a new post. What became of it stands in each delivery's `edits`. 409 while something
        of it is on its way, and where no platform of it changes words. Needs `posts:write`."""

        def act(scope: Scope, sight: Sight) -> Done:
            _seen(scope, sight, post_id, call)
            old = listing.whole(scope, sight.creators, post_id).listed.post
            title = old.title if body.title is None else body.title
            said = old.body if body.body is None else body.body
            editing.ask(scope, post_id, title=title, body=said, able=able, author=scope.actor)
            return answered(scope, sight, post_id, "post.reword", status=202)

        return call.once(act, post=post_id)


def _acts(routes: APIRouter, tenant: OpenScope, connectors: Mapping[str, Connector]) -> None:
    can_write = Depends(doing(tenant, KeyScope.POSTS_WRITE))

    @routes.post("/{post_id}/schedule", response_model=PostWhole)
    def schedule_post(post_id: UUID, body: ScheduleIn, call: Annotated[Call, can_write]) -> Response:
        """Put a post on accounts at a time, or move it there; without `channels`, everywhere it goes already. What was
        published is never published again by a date: 409. Needs `posts:write`."""

        def act(scope: Scope, sight: Sight) -> Done:
            _seen(scope, sight, post_id, call)
            post = listing.whole(scope, sight.creators, post_id).listed.post
            at = wall_of(body.at, sight.creator(post.creator_id).zone)
            scheduling.schedule(scope, post_id, channels=body.channels, at=at)
            selling.check(scope, post_id, connectors=connectors)
            return answered(scope, sight, post_id, "post.schedule")

        return call.once(act, post=post_id)

    @routes.post("/{post_id}/cancel", response_model=PostWhole)
    def cancel_post(post_id: UUID, call: Annotated[Call, can_write]) -> Response:
        """Take a post off the calendar wherever nothing of it is outside; where it repeats or comes back, it does so no
        more. 409 for the other version of a test that runs. Needs `posts:write`."""

        def act(scope: Scope, sight: Sight) -> Done:
            _seen(scope, sight, post_id, call)
            scheduling.cancel(scope, post_id)
            return answered(scope, sight, post_id, "post.cancel")

        return call.once(act, post=post_id)

    @routes.post("/{post_id}/approve", response_model=PostWhole)
    def approve_post(
        post_id: UUID, body: ApproveIn, call: Annotated[Call, Depends(doing(tenant, KeyScope.APPROVE))]
    ) -> Response:
        """Say yes to a post as the key's member, as it stands at that version. Nobody approves what they wrote, and a
        key has no eyes: 403 where pictures come blurred, which people look at on the page. Needs `approve`."""

        def act(scope: Scope, sight: Sight) -> Done:
            _seen(scope, sight, post_id, call)
            api_reviews.look_first(scope, sight, post_id)
            scheduling.approve(scope, post_id, member_id=sight.member.id, note=body.note, tier=body.tier)
            return answered(scope, sight, post_id, "post.approve")

        return call.once(act, post=post_id)


def _seen(scope: Scope, sight: Sight, post_id: UUID, call: Call) -> None:
    """Hold the post at the version its caller saw. Raises NotFound for whose creator the key may not see."""
    listing.whole(scope, sight.creators, post_id)
    scheduling.seen(scope, post_id, call.version)


def answered(scope: Scope, sight: Sight, post_id: UUID, did: str, *, status: int = 200) -> Done:
    """Answer with a post as it stands."""
    found = listing.whole(scope, sight.creators, post_id)
    headers = etag(found.listed.version)
    if status == 201:
        headers["location"] = f"/v1/posts/{post_id}"
    return Done(PostWhole.whole(found), did, f"post:{post_id}", status, headers)
