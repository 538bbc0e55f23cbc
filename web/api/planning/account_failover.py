"""API routes of account failover: preview and move the queue of a lost account to a spare
account."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response
from pydantic import BaseModel

from foundation.db.database import OpenScope, Scope
from schedules.rescheduling import account_failover
from schedules.rescheduling.account_failover import FailoverPreview
from tenants.api_keys.keys import ApiKeyScope
from web.api.channels.router import find_channel
from web.api.common.calls import ApiCall, Caller, ChangeResult, create_dependency, read_dependency
from web.api.common.schemas import EXAMPLE_CHANNEL_ID, RequestModel, SeenVersions, example_config
from web.api.planning.response_schemas import LeftOut, MovingOut

EXAMPLE_SPARE_ID = "0198c0de-0000-7000-8000-000000000006"
"""A second account ID for the examples of the API reference."""


class SpareQuery(RequestModel):
    """The lost account and the spare account, both of one creator."""

    source_id: UUID
    target_id: UUID


class SpareIn(SpareQuery):
    """A move of the queue, with the versions that its preview returned."""

    model_config = example_config(
        {"source_id": EXAMPLE_CHANNEL_ID, "target_id": EXAMPLE_SPARE_ID, "seen": {}}
    )

    seen: SeenVersions


class SpareOut(BaseModel):
    """The deliveries that move to the spare account at the same times (`moving`), those that are
    already there (`doubled`, only the old one is cancelled), and those that do not move (`left`).
    `asks_again` is true if the content changes on the new account and needs approval. `tests`
    counts A/B tests that start again. Pass `seen` back to perform the move."""

    moving: list[MovingOut]
    doubled: list[MovingOut]
    left: list[LeftOut]
    asks_again: bool
    tests: int
    seen: dict[UUID, int]

    @classmethod
    def of(cls, one: FailoverPreview) -> "SpareOut":
        return cls(
            moving=[MovingOut.of(each) for each in one.moving],
            doubled=[MovingOut.of(each) for each in one.doubled],
            left=[LeftOut.of(each) for each in one.left],
            asks_again=one.asks_again,
            tests=one.tests,
            seen=one.seen_versions,
        )


def router(tenant: OpenScope) -> APIRouter:
    """Create the routes under `/spares`."""
    routes = APIRouter(prefix="/spares", tags=["accounts"])

    @routes.get("/preview", response_model=SpareOut)
    def preview_spare(
        call: Annotated[ApiCall, Depends(read_dependency(tenant, ApiKeyScope.POSTS_READ))],
        which: Annotated[SpareQuery, Query()],
    ) -> SpareOut:
        """Preview the move of an account's queue to another account. Requires the `posts:read`
        scope."""

        def ask(scope: Scope, sight: Caller) -> FailoverPreview:
            _check_both_channels(scope, sight, which)
            return account_failover.preview_failover(scope, which.source_id, which.target_id)

        return SpareOut.of(call.read(ask))

    @routes.post("", response_model=SpareOut)
    def move_queue(
        body: SpareIn,
        call: Annotated[ApiCall, Depends(create_dependency(tenant, ApiKeyScope.CALENDAR_WRITE))],
    ) -> Response:
        """Move the queue as it was previewed, with slots, series, the evergreen queue and feeds.
        Deliveries that have changed since the preview or are being published do not move and are
        listed in `left`. Requires the `calendar:write` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            _check_both_channels(scope, sight, body)
            done = account_failover.move_to_spare_account(
                scope, body.source_id, body.target_id, seen=body.seen
            )
            return ChangeResult(SpareOut.of(done), "queue.spare", f"channel:{body.source_id}")

        return call.apply_once(act)

    return routes


def _check_both_channels(scope: Scope, sight: Caller, which: SpareQuery) -> None:
    """Raise NotFound for an account that the key may not access."""
    for channel_id in (which.source_id, which.target_id):
        find_channel(scope, sight, channel_id)
