"""API routes of downtimes: the posts missed during one, their new times, and the choice to accept
these times or to hold the posts."""

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
    """Create the routes under `/downtimes`."""
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
        """List downtimes with missed posts that are not published yet, oldest first. Requires the
        `posts:read` scope."""
        known = call.read(lambda scope, sight: queries.list_open_downtimes(scope, sight.creators))
        found, following = pagination.paginate(
            "downtimes", known, cursor=which.cursor, limit=which.limit
        )
        return DowntimesOut(items=[DowntimeOut.of(one) for one in found], next=following)

    @routes.get("/{downtime_id}", response_model=DowntimeWhole)
    def get_downtime(
        downtime_id: UUID, call: Annotated[ApiCall, can_read], response: Response
    ) -> DowntimeWhole:
        """Return a downtime by account, even if none of its posts are waiting. Its `ETag` does not
        change when a post is published. Requires the `posts:read` scope."""
        found = call.read(
            lambda scope, sight: queries.get_downtime(scope, sight.creators, downtime_id)
        )
        response.headers.update(etag_header(state_tag(*_downtime_tag_fields(found))))
        return DowntimeWhole.from_view(found)


class DowntimeAnswer(Protocol):
    """The type of `missed_posts.accept_catch_up` and `missed_posts.hold_missed_posts`."""

    def __call__(
        self, scope: Scope, downtime_id: UUID, /, *, creators: Collection[UUID]
    ) -> DowntimeProgress:
        """Apply the member's choice to the missed posts of these creators and return the progress
        of the downtime."""


def _add_downtime_answer_routes(routes: APIRouter, tenant: OpenScope) -> None:
    can_write = Depends(action_dependency(tenant, ApiKeyScope.CALENDAR_WRITE))

    @routes.post("/{downtime_id}/keep", response_model=DowntimeWhole)
    def keep_turns(downtime_id: UUID, call: Annotated[ApiCall, can_write]) -> Response:
        """Publish the missed posts at their new times without further confirmation. 403 if the
        downtime affects creators that the key may not access. Requires the `calendar:write` scope.
        """
        return _apply_downtime_answer(
            call, downtime_id, "downtime.keep", missed_posts.accept_catch_up
        )

    @routes.post("/{downtime_id}/hold", response_model=DowntimeWhole)
    def hold_all(downtime_id: UUID, call: Annotated[ApiCall, can_write]) -> Response:
        """Hold the missed posts that are not published yet, even after `keep`. Posts of creators
        that the key may not access are not affected. Requires the `calendar:write` scope."""
        return _apply_downtime_answer(
            call, downtime_id, "downtime.hold", missed_posts.hold_missed_posts
        )


def _apply_downtime_answer(
    call: ApiCall, downtime_id: UUID, did: str, answer: DowntimeAnswer
) -> Response:
    """Apply an answer to a downtime once, at the state its caller saw."""

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
    """Return the values of the state tag. A further affected account changes them, a published post
    does not."""
    return one.id, one.state, sorted(str(entry.delivery_id) for entry in one.entries)


def _downtime_conflict_states(downtime_id: UUID) -> ConflictStates:
    def ask(scope: Scope, sight: Caller) -> dict[str, str]:
        return {
            str(downtime_id): str(queries.get_downtime(scope, sight.creators, downtime_id).state)
        }

    return ask
