"""The queue of a lost account to a spare one, in the API: what would move is asked first, then it
is done."""

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
"""Another account, of the examples."""


class SpareQuery(RequestModel):
    """From which account to which, both of one creator."""

    source_id: UUID
    target_id: UUID


class SpareIn(SpareQuery):
    """The move of a queue, as its preview was seen."""

    model_config = example_config(
        {"source_id": EXAMPLE_CHANNEL_ID, "target_id": EXAMPLE_SPARE_ID, "seen": {}}
    )

    seen: SeenVersions


class SpareOut(BaseModel):
    """What moves to the spare account at the same hours, what is there already (`doubled`, so that
    the old one alone goes), and what stays. `asks_again`: it looks another way there and waits for
    a yes. `tests` of two versions count anew. `seen` is handed back with the word to do it."""

    moving: list[MovingOut]
    doubled: list[MovingOut]
    left: list[LeftOut]
    asks_again: bool
    tests: int
    seen: dict[UUID, int]

    @classmethod
    def of(cls, one: FailoverPreview) -> "SpareOut":
        """Of the room's value."""
        return cls(
            moving=[MovingOut.of(each) for each in one.moving],
            doubled=[MovingOut.of(each) for each in one.doubled],
            left=[LeftOut.of(each) for each in one.left],
            asks_again=one.asks_again,
            tests=one.tests,
            seen=one.seen_versions,
        )


def router(tenant: OpenScope) -> APIRouter:
    """The routes under `/spares`."""
    routes = APIRouter(prefix="/spares", tags=["accounts"])

    @routes.get("/preview", response_model=SpareOut)
    def preview_spare(
        call: Annotated[ApiCall, Depends(read_dependency(tenant, ApiKeyScope.POSTS_READ))],
        which: Annotated[SpareQuery, Query()],
    ) -> SpareOut:
        """What moving the queue of an account to another one comes to; nothing is done. Needs
        `posts:read`."""

        def ask(scope: Scope, sight: Caller) -> FailoverPreview:
            _check_both_channels(scope, sight, which)
            return account_failover.preview_failover(scope, which.source_id, which.target_id)

        return SpareOut.of(call.read(ask))

    @routes.post("", response_model=SpareOut)
    def move_queue(
        body: SpareIn,
        call: Annotated[ApiCall, Depends(create_dependency(tenant, ApiKeyScope.CALENDAR_WRITE))],
    ) -> Response:
        """Move the queue as it was seen, with hours, series, the pool and feeds; what changed
        since, or is on its way, stays and is named in `left`. Needs `calendar:write`."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            _check_both_channels(scope, sight, body)
            done = account_failover.move_to_spare_account(
                scope, body.source_id, body.target_id, seen=body.seen
            )
            return ChangeResult(SpareOut.of(done), "queue.spare", f"channel:{body.source_id}")

        return call.apply_once(act)

    return routes


def _check_both_channels(scope: Scope, sight: Caller, which: SpareQuery) -> None:
    """Raises NotFound for an account that this key may not see."""
    for channel_id in (which.source_id, which.target_id):
        find_channel(scope, sight, channel_id)
