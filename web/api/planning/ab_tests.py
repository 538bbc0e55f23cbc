"""API routes of A/B tests of a series: list them with their results, start and end one."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from foundation.db.database import OpenScope, Scope
from foundation.errors import NotFound
from foundation.ids import uuid7
from insights.analysis import ab_test_verdicts
from insights.analysis.ab_test_verdicts import AbTestVerdict
from schedules.recurrence import ab_tests, series
from schedules.recurrence.ab_tests import VariantTest
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
from web.api.common.schemas import CreatorPageQuery
from web.api.planning.ab_test_schemas import PostTestEnd, PostTestIn, PostTestOut, PostTestsPage
from web.api.planning.series import lock_seen_series, series_states


def router(tenant: OpenScope) -> APIRouter:
    """Create the routes under `/tests`, and the route that starts a test on a series."""
    routes = APIRouter(tags=["tests"])
    _add_test_read_routes(routes, tenant)
    _add_test_action_routes(routes, tenant)
    return routes


def _add_test_read_routes(routes: APIRouter, tenant: OpenScope) -> None:
    can_read = Depends(read_dependency(tenant, ApiKeyScope.POSTS_READ))

    @routes.get("/tests", response_model=PostTestsPage)
    def list_tests(
        call: Annotated[ApiCall, can_read], which: Annotated[CreatorPageQuery, Query()]
    ) -> PostTestsPage:
        """List A/B tests, newest first. Requires the `posts:read` scope."""
        question = ["tests", which.creator]
        before = pagination.decode_dated_cursor(question, which.cursor)

        def ask(scope: Scope, sight: Caller) -> list[tuple[VariantTest, AbTestVerdict]]:
            seen = [one for one in sight.creators if which.creator in (None, one)]
            found = ab_tests.list_tests(scope, seen, before=before, limit=which.limit)
            return [(one, ab_test_verdicts.judge_test(scope, one)) for one in found]

        found = call.read(ask)
        last = found[-1][0] if len(found) == which.limit else None
        following = (
            None
            if last is None
            else pagination.encode_cursor(question, [last.begun_at.isoformat(), str(last.id)])
        )
        return PostTestsPage(
            items=[PostTestOut.of(one, told) for one, told in found], next=following
        )

    @routes.get("/tests/{test_id}", response_model=PostTestOut)
    def get_test(
        test_id: UUID, call: Annotated[ApiCall, can_read], response: Response
    ) -> PostTestOut:
        """Return one A/B test. Send its `ETag` in `If-Match` to end it. Requires the `posts:read`
        scope."""

        def ask(scope: Scope, sight: Caller) -> tuple[VariantTest, AbTestVerdict]:
            found = _get_visible_test(scope, sight, test_id)
            return found, ab_test_verdicts.judge_test(scope, found)

        found, told = call.read(ask)
        response.headers.update(etag_header(state_tag(*_test_tag_fields(found))))
        return PostTestOut.of(found, told)


def _add_test_action_routes(routes: APIRouter, tenant: OpenScope) -> None:
    can_write = Depends(action_dependency(tenant, ApiKeyScope.POSTS_WRITE))

    @routes.post("/series/{series_id}/test", status_code=201, response_model=PostTestOut)
    def begin_test(
        series_id: UUID, body: PostTestIn, call: Annotated[ApiCall, can_write]
    ) -> Response:
        """Start an A/B test of two to four versions on a series. A hash assigns a version to each
        date on each account. The series is split: its first part ends before `day`, and the test
        runs on a new series from then on. Each version needs a separate approval. Requires the
        `posts:write` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            lock_seen_series(scope, sight, series_id, call)
            made = ab_test_verdicts.start_measured_test(
                scope, series_id, body.to_request, key=uuid7(), author=scope.actor
            )
            return _build_test_result(scope, sight, made, "test.begin", status=201)

        return call.apply_once(act, where=series_states(series_id))

    @routes.post("/tests/{test_id}/end", response_model=PostTestOut)
    def end_test(test_id: UUID, body: PostTestEnd, call: Annotated[ApiCall, can_write]) -> Response:
        """End an A/B test. The series continues with the version in `keep`. Requires the
        `posts:write` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            series.lock_series_planning(scope, _get_visible_test(scope, sight, test_id).creator_id)
            call.check_state_tag(*_test_tag_fields(_get_visible_test(scope, sight, test_id)))
            ab_tests.end_test(scope, test_id, keep=body.keep, author=scope.actor)
            return _build_test_result(scope, sight, test_id, "test.end")

        return call.apply_once(act, where=_test_conflict_states(test_id))


def _get_visible_test(scope: Scope, sight: Caller, test_id: UUID) -> VariantTest:
    """Return a test. Raises the same NotFound for an unknown test and for one of another creator or
    tenant."""
    found = ab_tests.get_test(scope, test_id)
    if found.creator_id not in sight.creators:
        raise NotFound("variants.unknown")
    return found


def _test_tag_fields(one: VariantTest) -> tuple[object, ...]:
    """Return the values of the state tag. A further published post does not change them."""
    return one.id, one.state, one.kept


def _build_test_result(
    scope: Scope, sight: Caller, test_id: UUID, did: str, *, status: int = 200
) -> ChangeResult:
    found = _get_visible_test(scope, sight, test_id)
    headers = etag_header(state_tag(*_test_tag_fields(found)))
    if status == 201:
        headers["location"] = f"/v1/tests/{test_id}"
    return ChangeResult(
        PostTestOut.of(found, ab_test_verdicts.judge_test(scope, found)),
        did,
        f"test:{test_id}",
        status,
        headers,
    )


def _test_conflict_states(test_id: UUID) -> ConflictStates:
    def ask(scope: Scope, sight: Caller) -> dict[str, str]:
        return {str(test_id): str(_get_visible_test(scope, sight, test_id).state)}

    return ask
