"""API routes of tests of bot scripts: list them with their results, start one, end the running
one."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from pydantic import BaseModel, Field

from foundation.db.database import OpenScope, Scope
from foundation.errors import NotFound
from foundation.i18n.translation import render_message
from foundation.ids import uuid7
from insights.analysis import script_test_verdicts
from insights.analysis.ab_test_verdicts import VerdictKind
from insights.analysis.script_test_verdicts import ScriptVerdict
from subscribers.replies import script_tests
from subscribers.replies.script_tests import (
    MAX_FANS,
    MIN_FANS,
    WINDOWS,
    ScriptTestRequest,
    ScriptTestSummary,
)
from tenants.api_keys.keys import ApiKeyScope
from web.api.common.calls import (
    ApiCall,
    Caller,
    ChangeResult,
    action_dependency,
    etag_header,
    read_dependency,
    state_tag,
)
from web.api.common.errors import ERROR_LANGUAGE
from web.api.common.schemas import EXAMPLE_POST_ID, RequestModel, StorableText, example_config
from web.api.planning.ab_test_schemas import EffectOut, Version


class ScriptTestIn(RequestModel):
    """A new test of bot scripts. `personas` are the IDs of one to three versions that are compared
    with the active persona. `planned` is the number of fans in total; `metric` counts sales within
    `window_days` after the first answer, `net` in `currency`."""

    model_config = example_config(
        {"personas": [EXAMPLE_POST_ID], "metric": "buyers", "planned": 2000, "window_days": 7}
    )

    personas: Annotated[list[UUID], Field(min_length=1, max_length=3)]
    metric: Literal["buyers", "net"]
    planned: Annotated[int, Field(ge=MIN_FANS, le=MAX_FANS)]
    window_days: Annotated[int, Field(json_schema_extra={"enum": list(WINDOWS)})]
    method: Literal["fixed", "sequential"] = "fixed"
    currency: Annotated[StorableText, Field(pattern=r"^[A-Z]{3}$")] | None = None


class ScriptTestEnd(RequestModel):
    """The version that becomes the active persona."""

    model_config = example_config({"keep": "a"})

    keep: Version


class ScriptVersionOut(BaseModel):
    """A version of the persona and its fans whose window has passed. `net_minor` is null for a test
    of buyers. `buyers`, `refunds`, `net_minor` and `effect` are null for a key without the
    `money:read` scope."""

    version: Version
    persona_id: UUID
    fans: int
    buyers: int | None
    refunds: int | None
    net_minor: int | None
    effect: EffectOut | None


class ScriptTestOut(BaseModel):
    """A test of bot scripts with its result. `more` is the number of fans still needed. `kind`,
    `text` and `better` follow from sales and are null for a key without the `money:read` scope."""

    id: UUID
    creator_id: UUID
    metric: Literal["buyers", "net"]
    method: Literal["fixed", "sequential"]
    planned: int
    window_days: int
    currency: str | None
    begun_at: datetime
    ended_at: datetime | None
    kept: Version | None
    kind: VerdictKind | None
    text: str | None
    more: int
    days: int
    better: Version | None
    versions: list[ScriptVersionOut]

    @classmethod
    def of(
        cls, one: ScriptTestSummary, told: ScriptVerdict, *, with_sales: bool
    ) -> "ScriptTestOut":
        """Build the response for a test, with or without what follows from sales."""
        values: dict[str, Any] = {
            name: getattr(one, name)
            for name in ("id", "creator_id", "metric", "method", "planned", "window_days")
        }
        message = script_test_verdicts.script_verdict_message(one, told)
        return cls(
            **values,
            currency=one.currency or None,
            begun_at=one.begun_at,
            ended_at=one.ended_at,
            kept=one.kept or None,
            kind=told.kind if with_sales else None,
            text=render_message(message, ERROR_LANGUAGE) if with_sales else None,
            more=told.more,
            days=told.days,
            better=(told.better or None) if with_sales else None,
            versions=[_version_out(one, told, name, with_sales) for name in one.personas],
        )


class ScriptTestsOut(BaseModel):
    """The tests of a creator, the running one first, then the newest."""

    items: list[ScriptTestOut]


def _version_out(
    one: ScriptTestSummary, told: ScriptVerdict, name: str, with_sales: bool
) -> ScriptVersionOut:
    result = told.versions[name]
    effect = told.effects.get(name) if with_sales else None
    values: dict[str, Any] = {"version": name, "persona_id": one.personas[name]}
    return ScriptVersionOut(
        **values,
        fans=result.fans,
        buyers=result.buyers if with_sales else None,
        refunds=result.refunds if with_sales else None,
        net_minor=result.net_minor if with_sales and one.currency else None,
        effect=effect and EffectOut(share=effect.share, low=effect.low, high=effect.high),
    )


def router(tenant: OpenScope) -> APIRouter:
    """Create the routes under `/creators/{creator_id}/script-tests`."""
    routes = APIRouter(prefix="/creators/{creator_id}/script-tests", tags=["personas"])
    can_read = Depends(read_dependency(tenant, ApiKeyScope.MONEY_READ))

    @routes.get("", response_model=ScriptTestsOut)
    def list_script_tests(
        creator_id: UUID, call: Annotated[ApiCall, can_read], response: Response
    ) -> ScriptTestsOut:
        """List a creator's tests of bot scripts. Send the `ETag` in `If-Match` to start or end
        one. Requires the `money:read` scope."""
        found = call.read(
            lambda scope, sight: script_test_verdicts.judge_script_tests(
                scope, [sight.get_creator(creator_id).id]
            )
        )
        response.headers.update(etag_header(_tag_of([one for one, _ in found])))
        return ScriptTestsOut(
            items=[ScriptTestOut.of(one, told, with_sales=True) for one, told in found]
        )

    _add_change_routes(routes, tenant)
    return routes


def _add_change_routes(routes: APIRouter, tenant: OpenScope) -> None:
    scope_needed = ApiKeyScope.PERSONA_WRITE

    @routes.post("", status_code=201, response_model=ScriptTestOut)
    def start_script_test(
        creator_id: UUID,
        body: ScriptTestIn,
        call: Annotated[ApiCall, Depends(action_dependency(tenant, scope_needed))],
    ) -> Response:
        """Start a test of bot scripts on the fans whom the bot answers from now on. A hash assigns
        a version to each fan. Requires the `persona:write` scope; the result contains no sales
        without `money:read`."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            creator = sight.get_creator(creator_id)
            scope.lock(f"persona:{creator.id}")
            call.check_state_tag(*_state_of(script_tests.list_script_tests(scope, [creator.id])))
            wanted = ScriptTestRequest(
                tuple(body.personas),
                body.metric,
                body.planned,
                body.window_days,
                body.method,
                body.currency or "",
            )
            made = script_tests.start_script_test(
                scope, creator.id, wanted, key=uuid7(), by=scope.actor
            )
            return _build_result(scope, call, sight, made, status=201)

        return call.apply_once(act)

    @routes.post("/end", response_model=ScriptTestOut)
    def end_script_test(
        creator_id: UUID,
        body: ScriptTestEnd,
        call: Annotated[ApiCall, Depends(action_dependency(tenant, scope_needed))],
    ) -> Response:
        """End the running test of bot scripts; the version in `keep` becomes the active persona.
        Requires the `persona:write` scope; the result contains no sales without `money:read`."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            creator = sight.get_creator(creator_id)
            scope.lock(f"persona:{creator.id}")
            found = script_tests.list_script_tests(scope, [creator.id])
            call.check_state_tag(*_state_of(found))
            running = next((one for one in found if one.ended_at is None), None)
            if running is None:
                raise NotFound("scripts.unknown")
            script_test_verdicts.end_script_test(scope, running.id, keep=body.keep)
            return _build_result(scope, call, sight, running.id)

        return call.apply_once(act)


def _state_of(found: list[ScriptTestSummary]) -> list[object]:
    return [f"{one.id} {one.kept}" for one in found]


def _tag_of(found: list[ScriptTestSummary]) -> str:
    return state_tag(*_state_of(found))


def _build_result(
    scope: Scope, call: ApiCall, sight: Caller, test_id: UUID, *, status: int = 200
) -> ChangeResult:
    one = script_tests.get_script_test(scope, test_id)
    told = script_test_verdicts.judge_script_test(scope, one)
    after = script_tests.list_script_tests(scope, [one.creator_id])
    headers = etag_header(_tag_of(after))
    if status == 201:
        headers["location"] = f"/v1/creators/{one.creator_id}/script-tests"
    body = ScriptTestOut.of(one, told, with_sales=call.allows(sight, ApiKeyScope.MONEY_READ))
    return ChangeResult(body, "persona.test", f"creator:{one.creator_id}", status, headers)
