"""The MCP tools: read the calendar and account limits, write drafts, propose times, and generate
pictures.

Approving, publishing, removing and resolving uncertain deliveries are reserved for members.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field

from connectors.contract.connector import Connector
from foundation.db.database import Scope
from foundation.ids import derived_uuid
from foundation.ops.settings import GeneratorsSettings
from foundation.storage.object_store import ObjectStore
from schedules.calendar import listings
from schedules.drafts import channel_requirements, drafts
from tenants.api_keys.keys import ApiKeyScope
from web.api.channels import router
from web.api.channels.schemas import CreatorOut, CreatorsOut
from web.api.common.calls import MAX_IDEMPOTENCY_KEY, ApiCall, ApiChange, Caller, ChangeResult
from web.api.common.schemas import CreatorPageQuery, RequestModel, StorableText, wall_time_in
from web.api.generation import recipes, runs, wildcards
from web.api.generation.run_schemas import RecipesQuery, RunIn, RunPreviewQuery
from web.api.media import picture_copies
from web.api.media.picture_copy_schemas import CopyIn
from web.api.posts import deliveries, labels
from web.api.posts.delivery_schemas import DeliveriesQuery
from web.api.posts.schemas import PostIn, PostWhole

MCP_ORIGIN = "mcp"


class NoInput(RequestModel):
    """No arguments."""


class ChannelsInput(RequestModel):
    """The accounts of one creator, or of all creators."""

    creator: UUID | None = None


class PostInput(RequestModel):
    """The post to read."""

    post_id: UUID


class DeliveryInput(RequestModel):
    """The delivery to read."""

    delivery_id: UUID


class RunPreviewInput(RunPreviewQuery):
    """A run of a recipe to preview."""

    recipe_id: UUID


class StartRunInput(RunIn):
    """A run of a recipe. `key` identifies it, so that a repeated call starts no second run."""

    key: Annotated[
        StorableText,
        Field(
            min_length=1,
            max_length=MAX_IDEMPOTENCY_KEY,
            description="A unique key; a repeated call with the same key generates nothing.",
        ),
    ]


class RunInput(RequestModel):
    """The run to read or stop."""

    run_id: UUID


class CopyInput(RequestModel):
    """The picture copy to read or stop."""

    copy_id: UUID


class DraftInput(PostIn):
    """A draft. With `channels` and `at` it is a proposal. `at` is a local time with its time zone,
    or an instant with its UTC offset."""

    key: Annotated[
        StorableText,
        Field(
            min_length=1,
            max_length=MAX_IDEMPOTENCY_KEY,
            description="A unique key; a repeated call with the same key creates nothing.",
        ),
    ]


@dataclass(frozen=True)
class Tool:
    """An MCP tool: its description, input model, required API key scope and implementation."""

    name: str
    says: str
    needs: ApiKeyScope
    takes: type[RequestModel]
    do: Callable[[ApiCall, Any], BaseModel | Mapping[str, Any]]

    @property
    def describe(self) -> dict[str, Any]:
        """The tool's entry in the response to `tools/list`."""
        reads = self.needs is ApiKeyScope.POSTS_READ
        hints = {
            "readOnlyHint": reads,
            "destructiveHint": False,
            "idempotentHint": True,
            "openWorldHint": False,
        }
        schema = self.takes.model_json_schema()
        return {
            "name": self.name,
            "description": self.says,
            "inputSchema": schema,
            "annotations": hints,
        }


def build_tools(
    connectors: Mapping[str, Connector],
    generators: GeneratorsSettings,
    store: ObjectStore | None = None,
) -> dict[str, Tool]:
    """Return all tools, keyed by name. The tools that copy pictures need a `store`."""
    read = ApiKeyScope.POSTS_READ
    write = ApiKeyScope.POSTS_WRITE

    def channels(call: ApiCall, asked: ChannelsInput) -> BaseModel:
        return router.load_channels_out(call, connectors, asked.creator)

    def story(call: ApiCall, asked: DeliveryInput) -> BaseModel:
        return deliveries.get_delivery_story(call, connectors, asked.delivery_id)

    known = (
        Tool(
            "list_creators",
            "List the creators visible to this API key.",
            read,
            NoInput,
            _list_creators,
        ),
        Tool(
            "list_channels",
            "List the channels with their status and post limits.",
            read,
            ChannelsInput,
            channels,
        ),
        Tool(
            "read_calendar",
            "List the scheduled and published posts by time, in pages.",
            read,
            DeliveriesQuery,
            _list_deliveries,
        ),
        Tool("list_labels", "List the available labels.", read, NoInput, _list_labels),
        Tool("read_post", "Get a post with its deliveries.", read, PostInput, _load_post),
        Tool(
            "delivery_story",
            "Get the history of a post on one channel and its next step.",
            read,
            DeliveryInput,
            story,
        ),
        Tool(
            "write_draft",
            (
                "Create a draft, with a proposed time if you like. A member decides "
                "whether to publish it."
            ),
            write,
            DraftInput,
            partial(_create_draft, connectors),
        ),
    )
    copies = _build_copy_tools(generators, store) if store is not None else ()
    return {one.name: one for one in (*known, *_build_generation_tools(generators), *copies)}


def _build_generation_tools(generators: GeneratorsSettings) -> tuple[Tool, ...]:
    """Return the tools that generate pictures. Starting and stopping a run requires the `generate`
    scope."""
    read = ApiKeyScope.POSTS_READ
    make = ApiKeyScope.GENERATE

    def preview(call: ApiCall, asked: RunPreviewInput) -> BaseModel:
        wanted = RunPreviewQuery.model_validate(asked.model_dump(exclude={"recipe_id"}))
        return runs.build_run_preview(call, generators, asked.recipe_id, wanted)

    def start(call: ApiCall, asked: StartRunInput) -> Mapping[str, Any]:
        body = RunIn.model_validate(asked.model_dump(exclude={"key"}))
        return _apply_change(
            call,
            lambda scope, sight: runs.start_run(
                call, scope, sight, generators, body, key=f"mcp:{asked.key}"
            ),
        )

    return (
        Tool(
            "list_recipes",
            "List the prompt templates and their questions.",
            read,
            RecipesQuery,
            recipes.load_recipes_page,
        ),
        Tool(
            "list_word_lists",
            "List the wildcards that prompts use as `{@name}`.",
            read,
            CreatorPageQuery,
            wildcards.list_wildcards,
        ),
        Tool(
            "preview_run",
            "Preview the prompts, cost and duration of a run without generating anything.",
            read,
            RunPreviewInput,
            preview,
        ),
        Tool(
            "start_run",
            "Start a run that generates images. It may cost money. Members review each image.",
            make,
            StartRunInput,
            start,
        ),
        Tool("read_run", "Get the progress of a run.", read, RunInput, _load_run),
        Tool("stop_run", "Stop a run. Generated images are kept.", make, RunInput, _stop_run),
    )


def _build_copy_tools(generators: GeneratorsSettings, store: ObjectStore) -> tuple[Tool, ...]:
    """Return the tools that copy pictures. They need no idempotency key, because equal copies are
    made once."""
    read = ApiKeyScope.POSTS_READ
    make = ApiKeyScope.GENERATE

    def ask(call: ApiCall, asked: CopyIn) -> Mapping[str, Any]:
        return _apply_change(
            call,
            lambda scope, sight: picture_copies.create_picture_copy(
                scope, sight, asked, generators=generators, store=store
            ),
        )

    return (
        Tool(
            "copy_picture",
            "Create a cropped, corrected or enlarged copy of an image. Members review it.",
            make,
            CopyIn,
            ask,
        ),
        Tool("read_copy", "Get the progress of a copy.", read, CopyInput, _load_copy),
        Tool("stop_copy", "Cancel a copy.", make, CopyInput, _stop_copy),
    )


def _load_copy(call: ApiCall, asked: CopyInput) -> BaseModel:
    return picture_copies.get_picture_copy(call, asked.copy_id)


def _stop_copy(call: ApiCall, asked: CopyInput) -> Mapping[str, Any]:
    return _apply_change(
        call, lambda scope, sight: picture_copies.stop_picture_copy(scope, sight, asked.copy_id)
    )


def _load_run(call: ApiCall, asked: RunInput) -> BaseModel:
    return runs.load_run_out(call, asked.run_id)


def _stop_run(call: ApiCall, asked: RunInput) -> Mapping[str, Any]:
    return _apply_change(call, lambda scope, sight: runs.stop_run(scope, sight, asked.run_id))


def _apply_change(call: ApiCall, act: ApiChange) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(bytes(call.apply(act).body))
    return found


def _list_creators(call: ApiCall, _: NoInput) -> BaseModel:
    found = call.read(lambda _, sight: list(sight.creators.values()))
    return CreatorsOut(items=[CreatorOut.of(one) for one in found])


def _list_labels(call: ApiCall, _: NoInput) -> BaseModel:
    return labels.load_labels_out(call)


def _list_deliveries(call: ApiCall, asked: DeliveriesQuery) -> BaseModel:
    return deliveries.load_deliveries_page(call, asked)


def _load_post(call: ApiCall, asked: PostInput) -> BaseModel:
    return PostWhole.from_view(
        call.read(
            lambda scope, sight: listings.get_post_detail(scope, sight.creators, asked.post_id)
        )
    )


def _create_draft(
    connectors: Mapping[str, Connector], call: ApiCall, asked: DraftInput
) -> Mapping[str, Any]:
    key = derived_uuid(call.asked.entered.key_id, MCP_ORIGIN, asked.key)

    def act(scope: Scope, sight: Caller) -> ChangeResult:
        creator = sight.get_creator(asked.creator_id)
        at = wall_time_in(asked.at, creator.zone) if asked.at is not None else None
        channel_requirements.check_override_places(scope, asked.to_draft, connectors=connectors)
        made = drafts.propose_draft(
            scope, asked.to_draft, key=key, at=at, author=scope.actor, origin=MCP_ORIGIN
        )
        return ChangeResult(
            PostWhole.from_view(listings.get_post_detail(scope, sight.creators, made)),
            "mcp.draft",
            f"post:{made}",
        )

    return _apply_change(call, act)
