"""Creators and their accounts in the API: read, with what each account takes; an account rests, and its pace."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from channels import abilities, connecting, enrolling
from channels import reads as channel_reads
from channels.reads import Channel
from connectors.contract import Connector
from foundation.database import OpenScope, Scope
from foundation.errors import NotFound
from foundation.words import Message
from schedules import waiting_apart
from tenants.keys import KeyScope
from web.api_account_models import PaceIn
from web.api_call import Call, Done, Sight, doing, etag, reading, rewriting, tag
from web.api_models import ChannelOut, ChannelsOut, CreatorOut, CreatorsOut


def router(tenant: OpenScope, connectors: Mapping[str, Connector]) -> APIRouter:
    """The routes under `/creators` and `/channels`."""
    routes = APIRouter(tags=["accounts"])
    can_read = Depends(reading(tenant, KeyScope.POSTS_READ))

    @routes.get("/creators", response_model=CreatorsOut)
    def list_creators(call: Annotated[Call, can_read]) -> CreatorsOut:
        """The creators this key may see. Needs `posts:read`."""
        found = call.read(lambda _, sight: list(sight.creators.values()))
        return CreatorsOut(items=[CreatorOut.of(one) for one in found])

    @routes.get("/creators/{creator_id}", response_model=CreatorOut)
    def get_creator(creator_id: UUID, call: Annotated[Call, can_read]) -> CreatorOut:
        """One creator. Needs `posts:read`."""
        return CreatorOut.of(call.read(lambda _, sight: sight.creator(creator_id)))

    @routes.get("/channels", response_model=ChannelsOut)
    def list_channels(call: Annotated[Call, can_read], creator: UUID | None = None) -> ChannelsOut:
        """Accounts by name, and what each takes. Needs `posts:read`."""
        return listed(call, connectors, creator)

    @routes.get("/channels/{channel_id}", response_model=ChannelOut)
    def get_channel(channel_id: UUID, call: Annotated[Call, can_read], response: Response) -> ChannelOut:
        """One account. Its `ETag` names what a change would change: its pause, and its pace. Needs `posts:read`."""
        found = call.read(lambda scope, sight: account(scope, sight, channel_id))
        response.headers.update(etag(tag(*_stands(found))))
        return _shown(connectors, found)

    _changes(routes, tenant, connectors)
    return routes


def _changes(routes: APIRouter, tenant: OpenScope, connectors: Mapping[str, Connector]) -> None:
    can_write = KeyScope.CALENDAR_WRITE

    @routes.patch("/channels/{channel_id}", response_model=ChannelOut)
    def pace_channel(
        channel_id: UUID, body: PaceIn, call: Annotated[Call, Depends(rewriting(tenant, can_write))]
    ) -> Response:
        """Say how far apart its posts are kept, whether that holds them back, and whether repeats are held.
        Needs `calendar:write`."""

        def act(scope: Scope, sight: Sight) -> None:
            if (body.apart_minutes, body.holds_distance) != (None, None):
                _keep_apart(scope, account(scope, sight, channel_id), body)
            if body.holds_repeats is not None:
                connecting.hold_repeats(scope, channel_id, body.holds_repeats)

        return call.change(_done(call, connectors, channel_id, "channel.pace", act))

    @routes.post("/channels/{channel_id}/pause", response_model=ChannelOut)
    def pause_channel(channel_id: UUID, call: Annotated[Call, Depends(doing(tenant, can_write))]) -> Response:
        """Let an account rest until it is resumed; what is due meanwhile waits. Needs `calendar:write`."""

        def act(scope: Scope, sight: Sight) -> None:
            connecting.pause(scope, channel_id, Message("channel.paused_by", {"name": sight.member.name}))

        return call.once(_done(call, connectors, channel_id, "channel.pause", act))

    @routes.post("/channels/{channel_id}/resume", response_model=ChannelOut)
    def resume_channel(channel_id: UUID, call: Annotated[Call, Depends(doing(tenant, can_write))]) -> Response:
        """End its pause. 409 for an account that must be connected again, which a person does.
        Needs `calendar:write`."""

        def act(scope: Scope, _: Sight) -> None:
            connecting.resume(scope, channel_id)

        return call.once(_done(call, connectors, channel_id, "channel.resume", act))

    @routes.post("/channels/{channel_id}/test", status_code=202, response_model=ChannelOut)
    def try_channel(channel_id: UUID, call: Annotated[Call, Depends(doing(tenant, can_write))]) -> Response:
        """Ask its platform something harmless: whether it still answers shows in `state` a moment later.
        Needs `calendar:write`."""

        def act(scope: Scope, _: Sight) -> None:
            enrolling.ask_test(scope, channel_id)

        return call.once(_done(call, connectors, channel_id, "channel.test", act, status=202))


def _keep_apart(scope: Scope, one: Channel, body: PaceIn) -> None:
    minutes = body.apart_minutes if body.apart_minutes is not None else -(-one.min_gap // timedelta(minutes=1))
    holds = body.holds_distance if body.holds_distance is not None else one.holds_distance
    waiting_apart.choose(scope, one.id, minutes=minutes, holds=holds)


def _done(
    call: Call,
    connectors: Mapping[str, Connector],
    channel_id: UUID,
    did: str,
    act: Callable[[Scope, Sight], None],
    *,
    status: int = 200,
) -> Callable[[Scope, Sight], Done]:
    """Do something to an account as its caller saw it; it answers with the account as it stands then."""

    def done(scope: Scope, sight: Sight) -> Done:
        account(scope, sight, channel_id)
        call.saw(*_stands(connecting.held(scope, channel_id)))
        act(scope, sight)
        found = account(scope, sight, channel_id)
        headers = etag(tag(*_stands(found)))
        return Done(_shown(connectors, found), did, f"channel:{channel_id}", status, headers)

    return done


def _stands(one: Channel) -> tuple[object, ...]:
    """What somebody may change about it here."""
    return one.id, one.state, one.paused_until, one.min_gap, one.holds_distance, one.holds_repeats


def listed(call: Call, connectors: Mapping[str, Connector], creator: UUID | None) -> ChannelsOut:
    """The accounts in sight, or those of one creator, by name."""

    def ask(scope: Scope, sight: Sight) -> list[Channel]:
        every = channel_reads.every_channel(scope)
        return [one for one in every if one.creator_id in sight.creators and creator in (None, one.creator_id)]

    return ChannelsOut(items=[_shown(connectors, one) for one in call.read(ask)])


def _shown(connectors: Mapping[str, Connector], one: Channel) -> ChannelOut:
    known = abilities.known(connectors, one)
    return ChannelOut.of(one, known.capabilities if known is not None else None)


def account(scope: Scope, sight: Sight, channel_id: UUID) -> Channel:
    """An account in sight. Raises NotFound, in the same words for none, another agency's and another creator's."""
    found = channel_reads.channel(scope, channel_id)
    if found.creator_id not in sight.creators:
        raise NotFound("channel.unknown")
    return found
