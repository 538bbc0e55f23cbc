"""Posts that were missed together, in the API: what left, what leaves when, what is held; kept so, or all held."""

from collections.abc import Collection
from typing import Annotated, Protocol
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from foundation.database import OpenScope, Scope
from schedules import downtime_reads, downtimes
from schedules.downtime_reads import Downtime
from schedules.downtimes import Count
from tenants.keys import KeyScope
from web import api_cursor
from web.api_call import Call, Done, Sight, Where, doing, etag, reading, tag
from web.api_inputs import RowsIn
from web.api_models import DowntimeOut, DowntimesOut, DowntimeWhole


def router(tenant: OpenScope) -> APIRouter:
    """The routes under `/downtimes`."""
    routes = APIRouter(prefix="/downtimes", tags=["downtimes"])
    _reads(routes, tenant)
    _answers(routes, tenant)
    return routes


def _reads(routes: APIRouter, tenant: OpenScope) -> None:
    can_read = Depends(reading(tenant, KeyScope.POSTS_READ))

    @routes.get("", response_model=DowntimesOut)
    def list_downtimes(call: Annotated[Call, can_read], which: Annotated[RowsIn, Query()]) -> DowntimesOut:
        """What was missed and still waits for its turn or for a person, the oldest first. Needs `posts:read`."""
        known = call.read(lambda scope, sight: downtime_reads.standing(scope, sight.creators))
        found, following = api_cursor.page("downtimes", known, cursor=which.cursor, limit=which.limit)
        return DowntimesOut(items=[DowntimeOut.of(one) for one in found], next=following)

    @routes.get("/{downtime_id}", response_model=DowntimeWhole)
    def get_downtime(downtime_id: UUID, call: Annotated[Call, can_read], response: Response) -> DowntimeWhole:
        """One of them, account by account, also once nothing of it waits. Its `ETag` is what an answer names; that a
        post left at its turn is no change. Needs `posts:read`."""
        found = call.read(lambda scope, sight: downtime_reads.one(scope, sight.creators, downtime_id))
        response.headers.update(etag(tag(*_stands(found))))
        return DowntimeWhole.whole(found)


class Answer(Protocol):
    """One of the two: `downtimes.keep`, `downtimes.hold_all`."""

    def __call__(self, scope: Scope, downtime_id: UUID, /, *, creators: Collection[UUID]) -> Count:
        """Give it for these creators; how far what was missed is by then."""


def _answers(routes: APIRouter, tenant: OpenScope) -> None:
    can_write = Depends(doing(tenant, KeyScope.CALENDAR_WRITE))

    @routes.post("/{downtime_id}/keep", response_model=DowntimeWhole)
    def keep_turns(downtime_id: UUID, call: Annotated[Call, can_write]) -> Response:
        """Let it leave as it is laid out: nobody is asked any more. Refused (403) where it also touches creators this
        key may not see. Needs `calendar:write`."""
        return _answered(call, downtime_id, "downtime.keep", downtimes.keep)

    @routes.post("/{downtime_id}/hold", response_model=DowntimeWhole)
    def hold_all(downtime_id: UUID, call: Annotated[Call, can_write]) -> Response:
        """Put on hold what has not left yet, also after `keep`; what is of creators this key may not see goes on.
        Needs `calendar:write`."""
        return _answered(call, downtime_id, "downtime.hold", downtimes.hold_all)


def _answered(call: Call, downtime_id: UUID, did: str, answer: Answer) -> Response:
    """Give one of the answers to a downtime as its caller saw it, once."""

    def act(scope: Scope, sight: Sight) -> Done:
        downtimes.alone(scope)
        call.saw(*_stands(downtime_reads.one(scope, sight.creators, downtime_id)))
        answer(scope, downtime_id, creators=sight.creators)
        found = downtime_reads.one(scope, sight.creators, downtime_id)
        return Done(DowntimeWhole.whole(found), did, f"downtime:{downtime_id}", headers=etag(tag(*_stands(found))))

    return call.once(act, where=_where(downtime_id))


def _stands(one: Downtime) -> tuple[object, ...]:
    """What an answer is about: another account that comes to it is news, a post that left at its turn is not."""
    return one.id, one.state, sorted(str(entry.delivery_id) for entry in one.entries)


def _where(downtime_id: UUID) -> Where:
    def ask(scope: Scope, sight: Sight) -> dict[str, str]:
        return {str(downtime_id): str(downtime_reads.one(scope, sight.creators, downtime_id).state)}

    return ask
