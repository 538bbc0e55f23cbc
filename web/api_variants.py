"""Tests of two versions of what a series says, in the API: listed with what may be said of them, begun, ended."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from foundation.database import OpenScope, Scope
from foundation.errors import NotFound
from foundation.ids import uuid7
from insights import experiments
from insights.experiments import Verdict
from schedules import series, variants
from schedules.variants import Listed
from tenants.keys import KeyScope
from web import api_cursor
from web.api_call import Call, Done, Sight, Where, doing, etag, reading, tag
from web.api_inputs import PageIn
from web.api_series import as_seen, where_stands
from web.api_variant_models import PostTestEnd, PostTestIn, PostTestOut, PostTestsPage


def router(tenant: OpenScope) -> APIRouter:
    """The routes under `/tests`, and the one that begins a test on a series."""
    routes = APIRouter(tags=["tests"])
    _reads(routes, tenant)
    _acts(routes, tenant)
    return routes


def _reads(routes: APIRouter, tenant: OpenScope) -> None:
    can_read = Depends(reading(tenant, KeyScope.POSTS_READ))

    @routes.get("/tests", response_model=PostTestsPage)
    def list_tests(call: Annotated[Call, can_read], which: Annotated[PageIn, Query()]) -> PostTestsPage:
        """Tests of two versions, the newest first. Needs `posts:read`."""
        question = ["tests", which.creator]
        before = api_cursor.read_dated(question, which.cursor)

        def ask(scope: Scope, sight: Sight) -> list[tuple[Listed, Verdict]]:
            seen = [one for one in sight.creators if which.creator in (None, one)]
            found = variants.listed(scope, seen, before=before, limit=which.limit)
            return [(one, experiments.verdict(scope, one)) for one in found]

        found = call.read(ask)
        last = found[-1][0] if len(found) == which.limit else None
        following = None if last is None else api_cursor.write(question, [last.begun_at.isoformat(), str(last.id)])
        return PostTestsPage(items=[PostTestOut.of(one, told) for one, told in found], next=following)

    @routes.get("/tests/{test_id}", response_model=PostTestOut)
    def get_test(test_id: UUID, call: Annotated[Call, can_read], response: Response) -> PostTestOut:
        """One test. Its `ETag` is what its end names in `If-Match`. Needs `posts:read`."""

        def ask(scope: Scope, sight: Sight) -> tuple[Listed, Verdict]:
            found = _test(scope, sight, test_id)
            return found, experiments.verdict(scope, found)

        found, told = call.read(ask)
        response.headers.update(etag(tag(*_stands(found))))
        return PostTestOut.of(found, told)


def _acts(routes: APIRouter, tenant: OpenScope) -> None:
    can_write = Depends(doing(tenant, KeyScope.POSTS_WRITE))

    @routes.post("/series/{series_id}/test", status_code=201, response_model=PostTestOut)
    def begin_test(series_id: UUID, body: PostTestIn, call: Annotated[Call, can_write]) -> Response:
        """Let a series on one account say A on some of its dates and B on the others, drawn by a hash. The series ends
        before `day`, and the test runs on the one that begins there. B waits for a yes of its own.
        Needs `posts:write`."""

        def act(scope: Scope, sight: Sight) -> Done:
            as_seen(scope, sight, series_id, call)
            made = experiments.begin(scope, series_id, body.wanted, key=uuid7(), author=scope.actor)
            return _whole(scope, sight, made, "test.begin", status=201)

        return call.once(act, where=where_stands(series_id))

    @routes.post("/tests/{test_id}/end", response_model=PostTestOut)
    def end_test(test_id: UUID, body: PostTestEnd, call: Annotated[Call, can_write]) -> Response:
        """Draw no more: from its next date on the series says the version `keep`. Needs `posts:write`."""

        def act(scope: Scope, sight: Sight) -> Done:
            series.alone(scope, _test(scope, sight, test_id).creator_id)
            call.saw(*_stands(_test(scope, sight, test_id)))
            variants.end(scope, test_id, keep=body.keep, author=scope.actor)
            return _whole(scope, sight, test_id, "test.end")

        return call.once(act, where=_where(test_id))


def _test(scope: Scope, sight: Sight, test_id: UUID) -> Listed:
    """Raises NotFound, in the same words for none, another agency's and another creator's."""
    found = variants.test(scope, test_id)
    if found.creator_id not in sight.creators:
        raise NotFound("variants.unknown")
    return found


def _stands(one: Listed) -> tuple[object, ...]:
    """What somebody may change about a test; that another unit left is no change."""
    return one.id, one.state, one.kept


def _whole(scope: Scope, sight: Sight, test_id: UUID, did: str, *, status: int = 200) -> Done:
    found = _test(scope, sight, test_id)
    headers = etag(tag(*_stands(found)))
    if status == 201:
        headers["location"] = f"/v1/tests/{test_id}"
    return Done(PostTestOut.of(found, experiments.verdict(scope, found)), did, f"test:{test_id}", status, headers)


def _where(test_id: UUID) -> Where:
    def ask(scope: Scope, sight: Sight) -> dict[str, str]:
        return {str(test_id): str(_test(scope, sight, test_id).state)}

    return ask
