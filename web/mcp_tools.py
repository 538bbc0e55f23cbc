"""What an assistant may do here: read the calendar and what accounts take, write drafts, propose times, make pictures.

Saying yes, sending, removing and settling a doubt are no tools: a person does these.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field

from connectors.contract import Connector
from foundation.database import Scope
from foundation.ids import derived
from foundation.settings import GeneratorsSettings
from foundation.storage import ObjectStore
from schedules import listing, proposing, selling
from tenants.keys import KeyScope
from web import api_accounts, api_copies, api_deliveries, api_labels, api_making, api_recipes, api_word_lists
from web.api_call import LONGEST_NAME, Act, Call, Done, Sight
from web.api_copy_models import CopyIn
from web.api_inputs import DeliveriesWanted, In, PageIn, PostIn, Text, wall_of
from web.api_making_models import PreviewWanted, RecipesWanted, RunIn
from web.api_models import CreatorOut, CreatorsOut, PostWhole

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


class PreviewAsked(PreviewWanted):
    """A run of a recipe as it would be asked for."""

    recipe_id: UUID


class RunAsked(RunIn):
    """A run of a recipe, named so that it is started once."""

    key: Annotated[
        Text,
        Field(min_length=1, max_length=LONGEST_NAME, description="A name of yours: again under it, nothing is made."),
    ]


class RunWanted(In):
    """Which run."""

    run_id: UUID


class CopyWanted(In):
    """Which copy."""

    copy_id: UUID


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


def tools(
    connectors: Mapping[str, Connector], generators: GeneratorsSettings, store: ObjectStore | None = None
) -> dict[str, Tool]:
    """Every tool by its name; those of copies where there is a `store`."""
    read, write = KeyScope.POSTS_READ, KeyScope.POSTS_WRITE

    def channels(call: Call, asked: ChannelsAsked) -> BaseModel:
        return api_accounts.listed(call, connectors, asked.creator)

    def story(call: Call, asked: DeliveryAsked) -> BaseModel:
        return api_deliveries.story(call, connectors, asked.delivery_id)

    known = (
        Tool("list_creators", "The creators this key may see.", read, Nothing, _creators),
        Tool(
            "list_channels", "Accounts: their state, and the limits each sets to a post.", read, ChannelsAsked, channels
        ),
        Tool("read_calendar", "What goes where and when, by time, page by page.", read, DeliveriesWanted, _calendar),
        Tool("list_labels", "The labels posts may have.", read, Nothing, _labels),
        Tool("read_post", "One post, and where it goes.", read, PostAsked, _post),
        Tool(
            "delivery_story",
            "Everything that happened to a post on one account, and what comes next.",
            read,
            DeliveryAsked,
            story,
        ),
        Tool(
            "write_draft",
            "Write a draft, or propose a time for it. A person decides.",
            write,
            DraftIn,
            partial(_draft, connectors),
        ),
    )
    copies = _copies(generators, store) if store is not None else ()
    return {one.name: one for one in (*known, *_makes(generators), *copies)}


def _makes(generators: GeneratorsSettings) -> tuple[Tool, ...]:
    """What makes pictures; starting and stopping needs a key made for it."""
    read, make = KeyScope.POSTS_READ, KeyScope.GENERATE

    def preview(call: Call, asked: PreviewAsked) -> BaseModel:
        wanted = PreviewWanted.model_validate(asked.model_dump(exclude={"recipe_id"}))
        return api_making.previewed(call, generators, asked.recipe_id, wanted)

    def start(call: Call, asked: RunAsked) -> Mapping[str, Any]:
        body = RunIn.model_validate(asked.model_dump(exclude={"key"}))
        return _changed(
            call, lambda scope, sight: api_making.start(call, scope, sight, generators, body, key=f"mcp:{asked.key}")
        )

    return (
        Tool("list_recipes", "Recipes of pictures, and what each asks.", read, RecipesWanted, api_recipes.listed),
        Tool("list_word_lists", "Words that prompts draw from as `{@name}`.", read, PageIn, api_word_lists.listed),
        Tool("preview_run", "The prompts of a run, its cost and its time. Makes nothing.", read, PreviewAsked, preview),
        Tool("start_run", "Have pictures made; may cost money. People judge each of them.", make, RunAsked, start),
        Tool("read_run", "How far a run is.", read, RunWanted, _run),
        Tool("stop_run", "End a run; what is there stays.", make, RunWanted, _stop),
    )


def _copies(generators: GeneratorsSettings, store: ObjectStore) -> tuple[Tool, ...]:
    """What makes copies of pictures; the same copy is made once, so that it needs no name."""
    read, make = KeyScope.POSTS_READ, KeyScope.GENERATE

    def ask(call: Call, asked: CopyIn) -> Mapping[str, Any]:
        return _changed(
            call, lambda scope, sight: api_copies.ask(scope, sight, asked, generators=generators, store=store)
        )

    return (
        Tool("copy_picture", "A copy, cut, set right or made larger; people judge it.", make, CopyIn, ask),
        Tool("read_copy", "How far a copy is.", read, CopyWanted, _copy),
        Tool("stop_copy", "Want a copy no more.", make, CopyWanted, _stop_copy),
    )


def _copy(call: Call, asked: CopyWanted) -> BaseModel:
    return api_copies.followed(call, asked.copy_id)


def _stop_copy(call: Call, asked: CopyWanted) -> Mapping[str, Any]:
    return _changed(call, lambda scope, sight: api_copies.stop(scope, sight, asked.copy_id))


def _run(call: Call, asked: RunWanted) -> BaseModel:
    return api_making.followed(call, asked.run_id)


def _stop(call: Call, asked: RunWanted) -> Mapping[str, Any]:
    return _changed(call, lambda scope, sight: api_making.stop(scope, sight, asked.run_id))


def _changed(call: Call, act: Act) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(bytes(call.change(act).body))
    return found


def _creators(call: Call, _: Nothing) -> BaseModel:
    found = call.read(lambda _, sight: list(sight.creators.values()))
    return CreatorsOut(items=[CreatorOut.of(one) for one in found])


def _labels(call: Call, _: Nothing) -> BaseModel:
    return api_labels.listed(call)


def _calendar(call: Call, asked: DeliveriesWanted) -> BaseModel:
    return api_deliveries.listed(call, asked)


def _post(call: Call, asked: PostAsked) -> BaseModel:
    return PostWhole.whole(call.read(lambda scope, sight: listing.whole(scope, sight.creators, asked.post_id)))


def _draft(connectors: Mapping[str, Connector], call: Call, asked: DraftIn) -> Mapping[str, Any]:
    key = derived(call.asked.entered.key_id, ORIGIN, asked.key)

    def act(scope: Scope, sight: Sight) -> Done:
        creator = sight.creator(asked.creator_id)
        at = wall_of(asked.at, creator.zone) if asked.at is not None else None
        selling.check_places(scope, asked.draft, connectors=connectors)
        made = proposing.propose(scope, asked.draft, key=key, at=at, author=scope.actor, origin=ORIGIN)
        return Done(PostWhole.whole(listing.whole(scope, sight.creators, made)), "mcp.draft", f"post:{made}")

    return _changed(call, act)
