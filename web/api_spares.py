"""The queue of a lost account to a spare one, in the API: what would move is asked first, then it is done."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response
from pydantic import BaseModel

from foundation.database import OpenScope, Scope
from schedules import spare
from schedules.spare import Spared
from tenants.keys import KeyScope
from web.api_accounts import account
from web.api_call import Call, Done, Sight, making, reading
from web.api_inputs import In
from web.api_plan_inputs import ACCOUNT, Seen, example
from web.api_plan_models import LeftOut, MovingOut

OTHER = "0198c0de-0000-7000-8000-000000000006"
"""Another account, of the examples."""


class SpareWanted(In):
    """From which account to which, both of one creator."""

    source_id: UUID
    target_id: UUID


class SpareIn(SpareWanted):
    """The move of a queue, as its preview was seen."""

    model_config = example({"source_id": ACCOUNT, "target_id": OTHER, "seen": {}})

    seen: Seen


class SpareOut(BaseModel):
    """What moves to the spare account at the same hours, what is there already (`doubled`, so that the old one alone
    goes), and what stays. `asks_again`: it looks another way there and waits for a yes. `tests` of two versions count
    anew. `seen` is handed back with the word to do it."""

    moving: list[MovingOut]
    doubled: list[MovingOut]
    left: list[LeftOut]
    asks_again: bool
    tests: int
    seen: dict[UUID, int]

    @classmethod
    def of(cls, one: Spared) -> "SpareOut":
        """Of the room's value."""
        return cls(
            moving=[MovingOut.of(each) for each in one.moving],
            doubled=[MovingOut.of(each) for each in one.doubled],
            left=[LeftOut.of(each) for each in one.left],
            asks_again=one.asks_again,
            tests=one.tests,
            seen=one.versions,
        )


def router(tenant: OpenScope) -> APIRouter:
    """The routes under `/spares`."""
    routes = APIRouter(prefix="/spares", tags=["accounts"])

    @routes.get("/preview", response_model=SpareOut)
    def preview_spare(
        call: Annotated[Call, Depends(reading(tenant, KeyScope.POSTS_READ))], which: Annotated[SpareWanted, Query()]
    ) -> SpareOut:
        """What moving the queue of an account to another one comes to; nothing is done. Needs `posts:read`."""

        def ask(scope: Scope, sight: Sight) -> Spared:
            _both(scope, sight, which)
            return spare.preview(scope, which.source_id, which.target_id)

        return SpareOut.of(call.read(ask))

    @routes.post("", response_model=SpareOut)
    def move_queue(body: SpareIn, call: Annotated[Call, Depends(making(tenant, KeyScope.CALENDAR_WRITE))]) -> Response:
        """Move the queue as it was seen, with hours, series, the pool and feeds; what changed since, or is on its way,
        stays and is named in `left`. Needs `calendar:write`."""

        def act(scope: Scope, sight: Sight) -> Done:
            _both(scope, sight, body)
            done = spare.move_queue(scope, body.source_id, body.target_id, seen=body.seen)
            return Done(SpareOut.of(done), "queue.spare", f"channel:{body.source_id}")

        return call.once(act)

    return routes


def _both(scope: Scope, sight: Sight, which: SpareWanted) -> None:
    """Raises NotFound for an account that this key may not see."""
    for channel_id in (which.source_id, which.target_id):
        account(scope, sight, channel_id)
