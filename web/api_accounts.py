"""Creators and their accounts in the API: read alone, with what each account takes."""

from collections.abc import Mapping
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends

from channels import abilities
from channels import reads as channel_reads
from channels.reads import Channel
from connectors.contract import Connector
from foundation.database import OpenScope, Scope
from foundation.errors import NotFound
from tenants.keys import KeyScope
from web.api_call import Call, Sight, reading
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
    def get_channel(channel_id: UUID, call: Annotated[Call, can_read]) -> ChannelOut:
        """One account. Needs `posts:read`."""
        return _shown(connectors, call.read(lambda scope, sight: account(scope, sight, channel_id)))

    return routes


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
