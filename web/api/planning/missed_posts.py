"""Posts that were missed together, in the API: what left, what leaves when, what is held; kept so,
or all held."""

from collections.abc import Collection
from typing import Annotated, Protocol
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from foundation.db.database import OpenScope, Scope
from schedules.downtime import missed_posts, queries
from schedules.downtime.missed_posts import DowntimeProgress
from schedules.downtime.queries import DowntimeView
from tenants.api_keys.keys import ApiKeyScope
from web.api.common import pagination
from web.api.common.calls import (
    ApiCall,
    Caller,
    ChangeResult,
    ConflictStates,
    action_dependency,
    etag_header,
    read_dependency,
    state_tag,
)
from web.api.common.schemas import PageQuery
from web.api.planning.response_schemas import DowntimeOut, DowntimesOut, DowntimeWhole


def router(tenant: OpenScope) -> APIRouter:
    """The routes under `/downtimes`."""
    routes = APIRouter(prefix="/downtimes", tags=["downtimes"])
    _add_downtime_read_routes(routes, tenant)
    _add_downtime_answer_routes(routes, tenant)
    return routes


def _add_downtime_read_routes(routes: APIRouter, tenant: OpenScope) -> None:
    can_read = Depends(read_dependency(tenant, ApiKeyScope.POSTS_READ))

    @routes.get("", response_model=DowntimesOut)
    def list_downtimes(
        call: Annotated[ApiCall, can_read], which: Annotated[PageQuery, Query()]
    ) -> DowntimesOut:
        """What was missed and still waits for its turn or for a person, the oldest first. Needs
        `posts:read`."""
        known = call.read(lambda scope, sight: queries.list_open_downtimes(scope, sight.creators))
        found, following = pagination.paginate(
            "downtimes", known, cursor=which.cursor, limit=which.limit
        )
        return DowntimesOut(items=[DowntimeOut.of(one) for one in found], next=following)

    @routes.get("/{downtime_id}", response_model=DowntimeWhole)
    def get_downtime(
        downtime_id: UUID, call: Annotated[ApiCall, can_read], response: Response
    ) -> DowntimeWhole:
        """One of them, account by account, also once nothing of it waits. Its `ETag` is what an
        answer names; that a post left at its turn is no change. Needs `posts:read`."""
        found = call.read(
            lambda scope, sight: queries.get_downtime(scope, sight.creators, downtime_id)
        )
        response.headers.update(etag_header(state_tag(*_downtime_tag_fields(found))))
        return DowntimeWhole.from_view(found)


class DowntimeAnswer(Protocol):
    """One of the two: `missed_posts.accept_catch_up`, `missed_posts.hold_missed_posts`."""

    def __call__(
        self, scope: Scope, downtime_id: UUID, /, *, creators: Collection[UUID]
    ) -> DowntimeProgress:
        """Give it for these creators; how far what was missed is by then."""


def _add_downtime_answer_routes(routes: APIRouter, tenant: OpenScope) -> None:
    can_write = Depends(action_dependency(tenant, ApiKeyScope.CALENDAR_WRITE))

    @routes.post("/{downtime_id}/keep", response_model=DowntimeWhole)
    def keep_turns(downtime_id: UUID, call: Annotated[ApiCall, can_write]) -> Response:
        """Let it leave as it is laid out: nobody is asked any more. Refused (403) where it also
        touches creators this key may not see. Needs `calendar:write`."""
        return _apply_downtime_answer(
            call, downtime_id, "downtime.keep", missed_posts.accept_catch_up
        )

    @routes.post("/{downtime_id}/hold", response_model=DowntimeWhole)
    def hold_all(downtime_id: UUID, call: Annotated[ApiCall, can_write]) -> Response:
        """Put on hold what has not left yet, also after `keep`; what is of creators this key may
        not see goes on. Needs `calendar:write`."""
        return _apply_downtime_answer(
            call, downtime_id, "downtime.hold", missed_posts.hold_missed_posts
        )


def _apply_downtime_answer(
    call: ApiCall, downtime_id: UUID, did: str, answer: DowntimeAnswer
) -> Response:
    """Give one of the answers to a downtime as its caller saw it, once."""

    def act(scope: Scope, sight: Caller) -> ChangeResult:
        missed_posts.lock_downtimes(scope)
        call.check_state_tag(
            *_downtime_tag_fields(queries.get_downtime(scope, sight.creators, downtime_id))
        )
        answer(scope, downtime_id, creators=sight.creators)
        found = queries.get_downtime(scope, sight.creators, downtime_id)
        return ChangeResult(
            DowntimeWhole.from_view(found),
            did,
            f"downtime:{downtime_id}",
            headers=etag_header(state_tag(*_downtime_tag_fields(found))),
        )

    return call.apply_once(act, where=_downtime_conflict_states(downtime_id))


def _downtime_tag_fields(one: DowntimeView) -> tuple[object, ...]:
    """What an answer is about: another account that comes to it is news, a post that left at its
    turn is not."""
    return one.id, one.state, sorted(str(entry.delivery_id) for entry in one.entries)


def _downtime_conflict_states(downtime_id: UUID) -> ConflictStates:
    def ask(scope: Scope, sight: Caller) -> dict[str, str]:
        return {
            str(downtime_id): str(queries.get_downtime(scope, sight.creators, downtime_id).state)
        }

    return ask
