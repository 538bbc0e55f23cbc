"""API routes of channels: list them with their limits, pause an account, set its
minimum interval."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from channels.accounts import account_connectors, lifecycle, queries
from channels.accounts.queries import Channel
from channels.connections import account_setup
from connectors.contract.connector import Connector
from foundation.db.database import OpenScope, Scope
from foundation.errors import NotFound
from foundation.i18n.translation import Message
from schedules.notices import interval_waits
from tenants.api_keys.keys import ApiKeyScope
from web.api.channels.schemas import ChannelOut, ChannelsOut, PaceIn
from web.api.common.calls import (
    ApiCall,
    Caller,
    ChangeResult,
    action_dependency,
    etag_header,
    read_dependency,
    replace_dependency,
    state_tag,
)


def router(tenant: OpenScope, connectors: Mapping[str, Connector]) -> APIRouter:
    """Create the routes under `/channels`."""
    routes = APIRouter(tags=["accounts"])
    can_read = Depends(read_dependency(tenant, ApiKeyScope.POSTS_READ))

    @routes.get("/channels", response_model=ChannelsOut)
    def list_channels(
        call: Annotated[ApiCall, can_read], creator: UUID | None = None
    ) -> ChannelsOut:
        """List channels, sorted by name, with the limits of their platforms. Requires the
        `posts:read` scope."""
        return load_channels_out(call, connectors, creator)

    @routes.get("/channels/{channel_id}", response_model=ChannelOut)
    def get_channel(
        channel_id: UUID, call: Annotated[ApiCall, can_read], response: Response
    ) -> ChannelOut:
        """Return one channel. Its `ETag` covers the pause, the minimum interval and the handling of
        repeats. Requires the `posts:read` scope."""
        found = call.read(lambda scope, sight: find_channel(scope, sight, channel_id))
        response.headers.update(etag_header(state_tag(*_channel_tag_fields(found))))
        return _build_channel_out(connectors, found)

    _add_channel_change_routes(routes, tenant, connectors)
    _add_channel_pause_routes(routes, tenant, connectors)
    return routes


def _add_channel_change_routes(
    routes: APIRouter, tenant: OpenScope, connectors: Mapping[str, Connector]
) -> None:
    can_write = ApiKeyScope.CALENDAR_WRITE

    @routes.patch("/channels/{channel_id}", response_model=ChannelOut)
    def pace_channel(
        channel_id: UUID,
        body: PaceIn,
        call: Annotated[ApiCall, Depends(replace_dependency(tenant, can_write))],
    ) -> Response:
        """Set the minimum interval of a channel, whether it is enforced, and whether repeated posts
        are held. Requires the `calendar:write` scope."""

        def act(scope: Scope, sight: Caller) -> None:
            if (body.apart_minutes, body.holds_distance) != (None, None):
                _set_minimum_interval(scope, find_channel(scope, sight, channel_id), body)
            if body.holds_repeats is not None:
                lifecycle.hold_repeats(scope, channel_id, body.holds_repeats)

        return call.apply(_build_channel_change(call, connectors, channel_id, "channel.pace", act))


def _add_channel_pause_routes(
    routes: APIRouter, tenant: OpenScope, connectors: Mapping[str, Connector]
) -> None:
    can_write = ApiKeyScope.CALENDAR_WRITE

    @routes.post("/channels/{channel_id}/pause", response_model=ChannelOut)
    def pause_channel(
        channel_id: UUID, call: Annotated[ApiCall, Depends(action_dependency(tenant, can_write))]
    ) -> Response:
        """Pause a channel until it is resumed. Posts that become due during the pause wait.
        Requires the `calendar:write` scope."""

        def act(scope: Scope, sight: Caller) -> None:
            lifecycle.pause_account(
                scope, channel_id, Message("channel.paused_by", {"name": sight.member.name})
            )

        return call.apply_once(
            _build_channel_change(call, connectors, channel_id, "channel.pause", act)
        )

    @routes.post("/channels/{channel_id}/resume", response_model=ChannelOut)
    def resume_channel(
        channel_id: UUID, call: Annotated[ApiCall, Depends(action_dependency(tenant, can_write))]
    ) -> Response:
        """Resume a channel. 409 if a member must connect the account again. Requires the
        `calendar:write` scope."""

        def act(scope: Scope, _: Caller) -> None:
            lifecycle.resume_account(scope, channel_id)

        return call.apply_once(
            _build_channel_change(call, connectors, channel_id, "channel.resume", act)
        )

    @routes.post("/channels/{channel_id}/test", status_code=202, response_model=ChannelOut)
    def try_channel(
        channel_id: UUID, call: Annotated[ApiCall, Depends(action_dependency(tenant, can_write))]
    ) -> Response:
        """Test the connection to the platform with a harmless request. The `state` shows the result
        shortly after. Requires the `calendar:write` scope."""

        def act(scope: Scope, _: Caller) -> None:
            account_setup.request_test(scope, channel_id)

        return call.apply_once(
            _build_channel_change(call, connectors, channel_id, "channel.test", act, status=202)
        )


def _set_minimum_interval(scope: Scope, one: Channel, body: PaceIn) -> None:
    minutes = (
        body.apart_minutes
        if body.apart_minutes is not None
        # Rounds up to whole minutes.
        else -(-one.min_interval // timedelta(minutes=1))
    )
    holds = body.holds_distance if body.holds_distance is not None else one.holds_min_interval
    interval_waits.set_minimum_interval(scope, one.id, minutes=minutes, holds=holds)


def _build_channel_change(
    call: ApiCall,
    connectors: Mapping[str, Connector],
    channel_id: UUID,
    did: str,
    act: Callable[[Scope, Caller], None],
    *,
    status: int = 200,
) -> Callable[[Scope, Caller], ChangeResult]:
    """Return a change that acts on a channel at the state its caller saw, and responds with the new
    state."""

    def done(scope: Scope, sight: Caller) -> ChangeResult:
        find_channel(scope, sight, channel_id)
        call.check_state_tag(*_channel_tag_fields(lifecycle.lock_channel(scope, channel_id)))
        act(scope, sight)
        found = find_channel(scope, sight, channel_id)
        headers = etag_header(state_tag(*_channel_tag_fields(found)))
        return ChangeResult(
            _build_channel_out(connectors, found), did, f"channel:{channel_id}", status, headers
        )

    return done


def _channel_tag_fields(one: Channel) -> tuple[object, ...]:
    """Return the values of the state tag: those that the API can change."""
    return (
        one.id,
        one.state,
        one.paused_until,
        one.min_interval,
        one.holds_min_interval,
        one.holds_repeats,
    )


def load_channels_out(
    call: ApiCall, connectors: Mapping[str, Connector], creator: UUID | None
) -> ChannelsOut:
    """Return the channels that the key may access, or those of one creator, sorted by name."""

    def ask(scope: Scope, sight: Caller) -> list[Channel]:
        every = queries.list_channels(scope)
        return [
            one
            for one in every
            if one.creator_id in sight.creators and creator in (None, one.creator_id)
        ]

    return ChannelsOut(items=[_build_channel_out(connectors, one) for one in call.read(ask)])


def _build_channel_out(connectors: Mapping[str, Connector], one: Channel) -> ChannelOut:
    known = account_connectors.find_connector_for(connectors, one)
    return ChannelOut.of(one, known.capabilities if known is not None else None)


def find_channel(scope: Scope, sight: Caller, channel_id: UUID) -> Channel:
    """Return a channel. Raises the same NotFound for an unknown channel and for one of another
    creator or tenant."""
    found = queries.get_channel(scope, channel_id)
    if found.creator_id not in sight.creators:
        raise NotFound("channel.unknown")
    return found
