"""Requests and responses about the cost of content."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from channels.accounts.queries import Channel
from channels.limits import request_costs
from foundation.money import Price
from schedules.posts.post_costs import PostCost
from studio.costs.cost_report import SpendingTotal
from web.api.common.schemas import PageQuery

Amounts = Annotated[
    list[str],
    Field(description="Exact amounts by currency (`0.0123 USD`); parts add up to the total."),
]


class CostsQuery(PageQuery):
    """The creator and month of a cost report. The default is the current month."""

    creator: UUID
    month: Annotated[
        str | None,
        Field(pattern=r"^20\d\d-(0[1-9]|1[0-2])$", description="A month, such as `2026-11`."),
    ] = None


class BillOut(BaseModel):
    """Spending: the number of `things` (pictures, videos, text model requests), their `cost`, the
    part of it that was `lost` (possibly billed, without a result), and the engines' `seconds`."""

    things: int
    cost: Amounts
    lost: Amounts
    seconds: float

    @classmethod
    def of(cls, one: SpendingTotal) -> "BillOut":
        return cls(
            things=one.things,
            cost=_format_exact_prices(one.exact),
            lost=_format_exact_prices(one.lost),
            seconds=round(one.seconds, 3),
        )


class PostCostOut(BaseModel):
    """The cost of a post: content made for it (`own`), and reused content that was charged to an
    earlier post (`shared`)."""

    id: UUID
    own: BillOut
    shared: BillOut

    @classmethod
    def of(cls, one: PostCost) -> "PostCostOut":
        return cls(id=one.post_id, own=BillOut.of(one.own), shared=BillOut.of(one.shared))


class RequestsOut(BaseModel):
    """The API requests of an account, by kind (`many`), and their `cost` at the platform's list
    prices. The platform's invoice is authoritative."""

    channel_id: UUID
    platform: str
    many: dict[str, int]
    cost: str

    @classmethod
    def of(cls, channel: Channel, one: request_costs.AccountBill) -> "RequestsOut":
        return cls(
            channel_id=channel.id,
            platform=channel.platform,
            many=dict(one.many),
            cost=str(one.price),
        )


class CostsOut(BaseModel):
    """The costs of a creator in a month, in the agency's time zone. The `own` costs of all posts
    (one page of them in `items`) and the `unassigned` costs add up to `total`. `requests` are not
    part of it. `next` is the cursor of the next page, or null."""

    creator_id: UUID
    month: str
    total: BillOut
    unassigned: BillOut
    items: list[PostCostOut]
    requests: list[RequestsOut]
    next: str | None


def _format_exact_prices(sums: Mapping[str, Decimal]) -> list[str]:
    return [str(Price(minor, currency)) for currency, minor in sorted(sums.items())]
