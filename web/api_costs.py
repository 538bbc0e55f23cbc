"""What content cost, in the API: a creator's month, and one post."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from channels import charging
from foundation.database import OpenScope, Scope
from schedules import costs
from schedules.costs import MonthCost
from studio import spending
from tenants.keys import KeyScope
from web import api_cursor
from web.api_call import Call, Sight, reading
from web.api_costs_models import BillOut, CostsOut, CostsWanted, PostCostOut, RequestsOut


def router(tenant: OpenScope) -> APIRouter:
    """The routes of costs."""
    routes = APIRouter(tags=["costs"])
    can_read = Depends(reading(tenant, KeyScope.POSTS_READ))

    @routes.get("/costs", response_model=CostsOut)
    def list_costs(call: Annotated[Call, can_read], which: Annotated[CostsWanted, Query()]) -> CostsOut:
        """What was spent for a creator in a month, on which posts, and what platforms asked for requests.
        Needs `posts:read`."""

        def ask(scope: Scope, sight: Sight) -> tuple[MonthCost, list[RequestsOut]]:
            creator, month = sight.creator(which.creator), which.month or spending.month(scope)
            asked = [RequestsOut.of(*one) for one in charging.of_creator(scope, creator.id, month)]
            return costs.of_month(scope, creator.id, month), asked

        found, requests = call.read(ask)
        rows = [PostCostOut.of(one) for one in found.posts]
        question = ["costs", which.creator, found.month]
        items, following = api_cursor.page(question, rows, cursor=which.cursor, limit=which.limit)
        total, rest = BillOut.of(found.total), BillOut.of(found.unassigned)
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
    def get_post_cost(post_id: UUID, call: Annotated[Call, can_read]) -> PostCostOut:
        """What a post cost, whenever that was spent: its pictures with all these were made from, and the texts a model
        wrote for it. Needs `posts:read`."""
        return PostCostOut.of(call.read(lambda scope, sight: costs.of_post(scope, sight.creators, post_id)))

    return routes
