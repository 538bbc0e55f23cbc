"""What the API gives out about money and time that were spent to make content."""

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
    """Whose costs, and of which month; the current one without."""

    creator: UUID
    month: Annotated[
        str | None,
        Field(pattern=r"^20\d\d-(0[1-9]|1[0-2])$", description="A month, such as `2026-11`."),
    ] = None


class BillOut(BaseModel):
    """What was spent: on so many `things` (pictures, films, questions to a text model), the `cost`,
    of which `lost` (billed, perhaps, and nothing came of it), and the engines' `seconds`."""

    things: int
    cost: Amounts
    lost: Amounts
    seconds: float

    @classmethod
    def of(cls, one: SpendingTotal) -> "BillOut":
        """Of the room's value."""
        return cls(
            things=one.things,
            cost=_format_exact_prices(one.exact),
            lost=_format_exact_prices(one.lost),
            seconds=round(one.seconds, 3),
        )


class PostCostOut(BaseModel):
    """A post: what counts for it (`own`), and what it uses that counts for an earlier one
    (`shared`)."""

    id: UUID
    own: BillOut
    shared: BillOut

    @classmethod
    def of(cls, one: PostCost) -> "PostCostOut":
        """Of the room's value."""
        return cls(id=one.post_id, own=BillOut.of(one.own), shared=BillOut.of(one.shared))


class RequestsOut(BaseModel):
    """What a platform asked for the requests of an account: how `many` of each kind, and their
    `cost`, by its prices; the platform's own bill counts."""

    channel_id: UUID
    platform: str
    many: dict[str, int]
    cost: str

    @classmethod
    def of(cls, channel: Channel, one: request_costs.AccountBill) -> "RequestsOut":
        """Of the room's value."""
        return cls(
            channel_id=channel.id,
            platform=channel.platform,
            many=dict(one.many),
            cost=str(one.price),
        )


class CostsOut(BaseModel):
    """A month of a creator, by the clocks of the agency's zone: what its posts cost (a page of them
    in `items`, their `own`) and what is `unassigned` add up to the `total`. `requests` stand beside
    it. `next` is the cursor of the page after, null at the end."""

    creator_id: UUID
    month: str
    total: BillOut
    unassigned: BillOut
    items: list[PostCostOut]
    requests: list[RequestsOut]
    next: str | None


def _format_exact_prices(sums: Mapping[str, Decimal]) -> list[str]:
    return [str(Price(minor, currency)) for currency, minor in sorted(sums.items())]
