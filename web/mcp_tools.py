"""What an assistant may do here: read the calendar and what accounts take, write drafts and propose times.

Saying yes, sending, removing and settling a doubt are no tools: a person does these.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field

from connectors.contract import Connector
from foundation.database import Scope
from foundation.ids import derived
from schedules import listing, proposing
from tenants.keys import KeyScope
from web import api_accounts, api_deliveries
from web.api_call import LONGEST_NAME, Call, Done, Sight
from web.api_inputs import DeliveriesWanted, In, PostIn, Text, wall_of
from web.api_models import CreatorOut, CreatorsOut, DeliveryStory, PostWhole

ORIGIN = "mcp"


class Nothing(In):
    """No arguments."""


class ChannelsAsked(In):
    """Of one creator, or of all."""

    creator: UUID | None = None


class PostAsked(In):
    """Which post."""

    post_id: UUID


class DeliveryAsked(In):
    """Which delivery."""

    delivery_id: UUID


class DraftIn(PostIn):
    """A draft. With `channels` and `at` (a wall time with its zone, or an instant with its offset), a proposal."""

    key: Annotated[
        Text,
        Field(
            min_length=1, max_length=LONGEST_NAME, description="A name of yours: again under it, nothing is written."
        ),
    ]


@dataclass(frozen=True)
class Tool:
    """One tool: what it says of itself, what it takes, what a key must be made for, and what it does."""

    name: str
    says: str
    needs: KeyScope
    takes: type[In]
    do: Callable[[Call, Any], BaseModel | Mapping[str, Any]]

    @property
    def shown(self) -> dict[str, Any]:
        """As `tools/list` tells it."""
        reads = self.needs is KeyScope.POSTS_READ
        hints = {"readOnlyHint": reads, "destructiveHint": False, "idempotentHint": True, "openWorldHint": False}
        schema = self.takes.model_json_schema()
        return {"name": self.name, "description": self.says, "inputSchema": schema, "annotations": hints}


def tools(connectors: Mapping[str, Connector]) -> dict[str, Tool]:
    """Every tool by its name."""
    read, write = KeyScope.POSTS_READ, KeyScope.POSTS_WRITE

    def channels(call: Call, asked: ChannelsAsked) -> BaseModel:
        return api_accounts.listed(call, connectors, asked.creator)

    known = (
        Tool("list_creators", "The creators this key may see.", read, Nothing, _creators),
        Tool(
            "list_channels", "Accounts: their state, and the limits each sets to a post.", read, ChannelsAsked, channels
        ),
        Tool("read_calendar", "What goes where and when, by time, page by page.", read, DeliveriesWanted, _calendar),
        Tool("read_post", "One post, and where it goes.", read, PostAsked, _post),
        Tool("delivery_story", "Everything that happened to a post on one account.", read, DeliveryAsked, _story),
        Tool("write_draft", "Write a draft, or propose a time for it. A person decides.", write, DraftIn, _draft),
    )
    return {one.name: one for one in known}


def _creators(call: Call, _: Nothing) -> BaseModel:
    found = call.read(lambda _, sight: list(sight.creators.values()))
    return CreatorsOut(items=[CreatorOut.of(one) for one in found])


def _calendar(call: Call, asked: DeliveriesWanted) -> BaseModel:
    return api_deliveries.listed(call, asked)


def _post(call: Call, asked: PostAsked) -> BaseModel:
    return PostWhole.whole(call.read(lambda scope, sight: listing.whole(scope, sight.creators, asked.post_id)))


def _story(call: Call, asked: DeliveryAsked) -> BaseModel:
    return DeliveryStory.told(call.read(lambda scope, sight: listing.told(scope, sight.creators, asked.delivery_id)))


def _draft(call: Call, asked: DraftIn) -> Mapping[str, Any]:
    key = derived(call.asked.entered.key_id, ORIGIN, asked.key)

    def act(scope: Scope, sight: Sight) -> Done:
        creator = sight.creator(asked.creator_id)
        at = wall_of(asked.at, creator.zone) if asked.at is not None else None
        made = proposing.propose(scope, asked.draft, key=key, at=at, author=scope.actor, origin=ORIGIN)
        return Done(PostWhole.whole(listing.whole(scope, sight.creators, made)), "mcp.draft", f"post:{made}")

    found: Mapping[str, Any] = json.loads(bytes(call.change(act).body))
    return found
