"""API routes of costs: a creator's month, and one post."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from channels.limits import request_costs
from foundation.db.database import OpenScope, Scope
from schedules.posts import post_costs
from schedules.posts.post_costs import MonthCost
from studio.costs import spending_caps
from tenants.api_keys.keys import ApiKeyScope
from web.api.common import pagination
from web.api.common.calls import ApiCall, Caller, read_dependency
from web.api.generation.cost_schemas import BillOut, CostsOut, CostsQuery, PostCostOut, RequestsOut


def router(tenant: OpenScope) -> APIRouter:
    """Create the routes of costs."""
    routes = APIRouter(tags=["costs"])
    can_read = Depends(read_dependency(tenant, ApiKeyScope.POSTS_READ))

    @routes.get("/costs", response_model=CostsOut)
    def list_costs(
        call: Annotated[ApiCall, can_read], which: Annotated[CostsQuery, Query()]
    ) -> CostsOut:
        """Return the costs of a creator in a month, by post, with the cost of platform API
        requests. Requires the `posts:read` scope."""

        def ask(scope: Scope, sight: Caller) -> tuple[MonthCost, list[RequestsOut]]:
            creator = sight.get_creator(which.creator)
            month = which.month or spending_caps.current_month(scope)
            asked = [
                RequestsOut.of(*one)
                for one in request_costs.creator_bills(scope, creator.id, month)
            ]
            return post_costs.load_month_cost(scope, creator.id, month), asked

        found, requests = call.read(ask)
        rows = [PostCostOut.of(one) for one in found.posts]
        question = ["costs", which.creator, found.month]
        items, following = pagination.paginate(
            question, rows, cursor=which.cursor, limit=which.limit
        )
        total = BillOut.of(found.total)
        rest = BillOut.of(found.unassigned)
        return CostsOut(
            creator_id=which.creator,
            month=found.month,
            total=total,
            unassigned=rest,
            items=items,
            requests=requests,
            next=following,
        )

    @routes.get("/posts/{post_id}/cost", response_model=PostCostOut)
    def get_post_cost(post_id: UUID, call: Annotated[ApiCall, can_read]) -> PostCostOut:
        """Return the total cost of a post: its pictures with everything they were made from, and
        its generated texts. Requires the `posts:read` scope."""
        return PostCostOut.of(
            call.read(
                lambda scope, sight: post_costs.load_post_cost(scope, sight.creators, post_id)
            )
        )

    return routes
