"""API routes of the costs that members enter: list, add and void."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from foundation.db.database import OpenScope, Scope
from foundation.ids import uuid7
from foundation.money import Money
from schedules.calendar.versioned_actions import StaleVersion
from subscribers.ledger import cost_entries
from subscribers.ledger.cost_entries import CostDraft
from tenants.agencies.rights import Right, require_right
from tenants.api_keys.keys import ApiKeyScope
from web.api.analytics.analytics import PREFIX, list_queried_creators
from web.api.analytics.schemas import CostIn, CostOut, CostsOut, CostsQuery
from web.api.common import pagination
from web.api.common.calls import (
    ApiCall,
    Caller,
    ChangeResult,
    action_dependency,
    create_dependency,
    etag_header,
    read_dependency,
)


def router(tenant: OpenScope) -> APIRouter:
    """Create the routes under `/analytics/costs`."""
    routes = APIRouter(prefix=f"{PREFIX}/costs", tags=["analytics"])
    _add_read_route(routes, tenant)
    _add_change_routes(routes, tenant)
    return routes


def _add_read_route(routes: APIRouter, tenant: OpenScope) -> None:
    @routes.get("", response_model=CostsOut)
    def list_costs(
        call: Annotated[ApiCall, Depends(read_dependency(tenant, ApiKeyScope.MONEY_READ))],
        which: Annotated[CostsQuery, Query()],
    ) -> CostsOut:
        """List the costs that members entered for a period, with the voided ones. Requires the
        `money:read` scope."""

        def ask(scope: Scope, sight: Caller) -> list[CostOut]:
            ids = [one.id for one in list_queried_creators(sight, which.creator, which)]
            found = cost_entries.list_cost_entries(scope, ids, which.first, which.last)
            return [CostOut.of(one) for one in found]

        question = ["costs", which.model_dump(mode="json", exclude={"cursor", "limit"})]
        items, following = pagination.paginate(
            question, call.read(ask), cursor=which.cursor, limit=which.limit
        )
        return CostsOut(items=items, next=following)


def _add_change_routes(routes: APIRouter, tenant: OpenScope) -> None:
    @routes.post("", status_code=201, response_model=CostOut)
    def add_cost(
        body: CostIn,
        call: Annotated[ApiCall, Depends(create_dependency(tenant, ApiKeyScope.MONEY_WRITE))],
    ) -> Response:
        """Enter a cost of a creator. Requires the `money:write` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            creator = sight.get_creator(body.creator_id)
            require_right(sight.member.role, Right.BOOKS)
            money = Money(body.minor, body.currency)
            draft = CostDraft(body.kind, money, body.spent_on, body.note)
            made = cost_entries.add_cost_entry(scope, creator.id, draft, entry_id=uuid7())
            found = cost_entries.get_cost_entry(scope, sight.creators, made)
            return _build_result(found, "cost.add", 201)

        return call.apply_once(act)

    @routes.post("/{cost_id}/void", response_model=CostOut)
    def void_cost(
        cost_id: UUID,
        call: Annotated[ApiCall, Depends(action_dependency(tenant, ApiKeyScope.MONEY_WRITE))],
    ) -> Response:
        """Void a cost, so that it no longer counts; it stays in the list. Requires the
        `money:write` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            require_right(sight.member.role, Right.BOOKS)
            known = cost_entries.get_cost_entry(scope, sight.creators, cost_id, lock=True)
            if call.expected_version != known.version:
                raise StaleVersion("api.other_version")
            cost_entries.void_cost_entry(scope, sight.creators, cost_id)
            found = cost_entries.get_cost_entry(scope, sight.creators, cost_id)
            return _build_result(found, "cost.void", 200)

        return call.apply_once(act)


def _build_result(found: cost_entries.CostEntryView, did: str, status: int) -> ChangeResult:
    return ChangeResult(
        CostOut.of(found), did, f"cost:{found.id}", status, etag_header(found.version)
    )
