"""Approvals in the API: what waits for a yes, whose, and the words a key may say for its member.

A key has no eyes: what people must look at is approved on the page. Nor does it give anybody else's yes.
"""

from collections.abc import Collection
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from foundation.database import OpenScope, Scope
from foundation.errors import Conflict, NotFound, Refused
from schedules import approvals, drafting, listing, overrides, planning, reviewing, scheduling, talking
from schedules.reads import Written
from studio import reads as studio_reads
from studio.listing import OPENLY
from tenants.keys import KeyScope
from web.api_call import Call, Done, Sight, doing, etag, reading
from web.api_models import PostWhole
from web.api_talk import names
from web.api_talk_models import (
    AskChangeIn,
    AwaitedOut,
    AwaitedPage,
    AwaitedWanted,
    NeededOut,
    PersonOut,
    RejectIn,
    WantedOut,
)


def router(tenant: OpenScope) -> APIRouter:
    """The routes under `/approvals`, and the words beside a yes under `/posts`."""
    routes = APIRouter(tags=["approvals"])
    _waiting(routes, tenant)
    _needed(routes, tenant)
    _words(routes, tenant)
    return routes


def look_first(scope: Scope, sight: Sight, post_id: UUID) -> None:
    """Raise Refused for a post with pictures that come blurred: whoever approves it has looked at them."""
    if _unseen(scope, listing.whole(scope, sight.creators, post_id).listed.post):
        raise Refused("api.look_first")


def _unseen(scope: Scope, post: Written) -> list[UUID]:
    return [one for one in overrides.every_asset(post.media, post.parts, post.others) if _blurred(scope, one)]


def _blurred(scope: Scope, asset_id: UUID) -> bool:
    try:
        return studio_reads.shown(scope, asset_id).standing.rating not in OPENLY
    except NotFound:  # it was erased since: nobody can say what it showed
        return True


def _waiting(routes: APIRouter, tenant: OpenScope) -> None:
    @routes.get("/approvals", response_model=AwaitedPage)
    def list_awaited(
        call: Annotated[Call, Depends(reading(tenant, KeyScope.POSTS_READ))],
        which: Annotated[AwaitedWanted, Query()],
    ) -> AwaitedPage:
        """Posts that wait for a yes, the first due first; what was refused waits for its author instead.
        Needs `posts:read`."""

        def ask(scope: Scope, sight: Sight) -> AwaitedPage:
            seen = [one for one in sight.creators if which.creator in (None, one)]
            known, me = names(scope, sight), sight.member.principal_id
            found = reviewing.asked(scope, seen, limit=which.limit)
            return AwaitedPage(items=[AwaitedOut.of(one, known, to=me) for one in found])

        return call.read(ask)


def _needed(routes: APIRouter, tenant: OpenScope) -> None:
    @routes.get("/posts/{post_id}/needed", response_model=NeededOut)
    def get_needed(post_id: UUID, call: Annotated[Call, Depends(reading(tenant, KeyScope.POSTS_READ))]) -> NeededOut:
        """Who is needed before a post may leave: whose yes is missing, and what somebody wants changed.
        Needs `posts:read`."""
        return call.read(lambda scope, sight: _of_post(scope, sight, post_id))


def _of_post(scope: Scope, sight: Sight, post_id: UUID) -> NeededOut:
    found = listing.whole(scope, sight.creators, post_id)
    row, known, said = planning.post(scope, post_id), names(scope, sight), talking.said(scope, post_id)
    tiers = range(1, said.creator.approval_tiers + 1)
    return NeededOut(
        post_id=post_id,
        approved=found.approved,
        tiers=said.creator.approval_tiers,
        missing=[tier for tier in tiers if not approvals.has_yes(scope, row, scope.now, tier=tier)],
        who=[PersonOut(id=one.principal_id, name=one.name) for one in drafting.able(scope, post_id)],
        to_look_at=_unseen(scope, found.listed.post),
        wanted=[WantedOut.of(one, known) for one in said.wanted],
        open_comments=sum(one.open for one in said.comments),
    )


def _words(routes: APIRouter, tenant: OpenScope) -> None:
    can_write = Depends(doing(tenant, KeyScope.APPROVE))

    @routes.post("/posts/{post_id}/ask-change", response_model=PostWhole)
    def ask_change(post_id: UUID, body: AskChangeIn, call: Annotated[Call, can_write]) -> Response:
        """Ask for another version of a post that waits for a yes, with words: it is not approved as it stands, whoever
        said yes, and the members are told. 409 where it does not wait any more. Needs `approve`."""

        def act(scope: Scope, sight: Sight) -> Done:
            _waits(scope, sight, post_id, call)
            member_id = sight.member.id
            approvals.ask_change(scope, post_id, member_id=member_id, why=body.why, note=body.note, tier=body.tier)
            return _whole(scope, sight.creators, post_id, "post.ask_change")

        return call.once(act, post=post_id)

    @routes.post("/posts/{post_id}/reject", response_model=PostWhole)
    def reject_post(post_id: UUID, body: RejectIn, call: Annotated[Call, can_write]) -> Response:
        """Say no for good to a post that waits for a yes: it leaves the calendar. 409 where it does not wait any more.
        Needs `approve`."""

        def act(scope: Scope, sight: Sight) -> Done:
            _waits(scope, sight, post_id, call)
            approvals.turn_down(scope, post_id, member_id=sight.member.id, why=body.why, note=body.note)
            return _whole(scope, sight.creators, post_id, "post.reject")

        return call.once(act, post=post_id)

    @routes.post("/posts/{post_id}/withdraw", response_model=PostWhole)
    def withdraw_word(post_id: UUID, call: Annotated[Call, can_write]) -> Response:
        """Take back what the key's member said of a post within the last fifteen seconds. 403 later.
        Needs `approve`."""

        def act(scope: Scope, sight: Sight) -> Done:
            _seen(scope, sight, post_id, call)
            approvals.withdraw(scope, post_id, member_id=sight.member.id)
            return _whole(scope, sight.creators, post_id, "post.withdraw")

        return call.once(act, post=post_id)


def _seen(scope: Scope, sight: Sight, post_id: UUID, call: Call) -> None:
    listing.whole(scope, sight.creators, post_id)
    scheduling.seen(scope, post_id, call.version)


def _waits(scope: Scope, sight: Sight, post_id: UUID, call: Call) -> None:
    """Hold a post that waits for a yes, at the version its caller saw. Raises NotFound, Stale, Conflict."""
    _seen(scope, sight, post_id, call)
    if not reviewing.asked(scope, list(sight.creators), post_id=post_id):
        raise Conflict("api.not_awaited")


def _whole(scope: Scope, creators: Collection[UUID], post_id: UUID, did: str) -> Done:
    scope.session.expire_all()
    found = listing.whole(scope, creators, post_id)
    return Done(PostWhole.whole(found), did, f"post:{post_id}", headers=etag(found.listed.version))
