"""API routes of revenue splits: the rules of a creator, and a new one. Shares are in basis points:
6000 is 60 %."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from pydantic import BaseModel, Field

from foundation.db.database import OpenScope, Scope
from foundation.ids import uuid7
from foundation.money import BASIS_POINTS
from subscribers.ledger import revenue_splits
from subscribers.ledger.revenue_splits import (
    MAX_PARTIES,
    MAX_PARTY_NAME,
    NamedShare,
    RevenueSplit,
    SplitDraft,
)
from tenants.agencies.rights import Right, require_right
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
from web.api.common.schemas import Day, RequestModel, StorableText

Share = Annotated[int, Field(ge=0, le=BASIS_POINTS, strict=True, examples=[6000])]


class PartyIn(RequestModel):
    """The share of another party."""

    name: Annotated[StorableText, Field(min_length=1, max_length=MAX_PARTY_NAME)]
    share: Share


class SplitIn(RequestModel):
    """A new revenue split. All shares sum to 10,000. `starts_on` is a day in the creator's time
    zone; a split that starts today applies from now on."""

    creator: Share
    agency: Share
    team: Share = 0
    others: Annotated[list[PartyIn], Field(max_length=MAX_PARTIES)] = Field(default_factory=list)
    starts_on: Day


class PartyOut(BaseModel):
    """The share of another party."""

    name: str
    share: int


class SplitOut(BaseModel):
    """A revenue split. A rule whose team share was stored as a part of the agency's share shows it
    as a share of the sale, rounded down."""

    id: UUID
    starts_on: date
    starts_at: datetime
    status: Literal["past", "current", "coming"]
    creator: int
    agency: int
    team: int
    others: list[PartyOut]


class SplitsOut(BaseModel):
    """The revenue splits of a creator, latest start first."""

    items: list[SplitOut]


def router(tenant: OpenScope) -> APIRouter:
    """Create the routes under `/creators/{creator_id}/splits`."""
    routes = APIRouter(prefix="/creators/{creator_id}/splits", tags=["accounting"])

    @routes.get("", response_model=SplitsOut)
    def list_splits(
        creator_id: UUID,
        call: Annotated[ApiCall, Depends(read_dependency(tenant, ApiKeyScope.MONEY_READ))],
        response: Response,
    ) -> SplitsOut:
        """List the revenue splits of a creator. Requires the `money:read` scope."""

        def ask(scope: Scope, sight: Caller) -> list[RevenueSplit]:
            creator = sight.get_creator(creator_id)
            return revenue_splits.list_revenue_splits(scope, creator.id)

        found = call.read(ask)
        response.headers.update(etag_header(_splits_tag(found)))
        return _build_splits_out(found)

    @routes.post("", status_code=201, response_model=SplitsOut)
    def add_split(
        creator_id: UUID,
        body: SplitIn,
        call: Annotated[ApiCall, Depends(action_dependency(tenant, ApiKeyScope.MONEY_WRITE))],
    ) -> Response:
        """Set the revenue split of a creator from a day on. Past sales do not change. A split for a
        coming day replaces an earlier one for the same day. Requires the `money:write` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            creator = sight.get_creator(creator_id)
            require_right(sight.member.role, Right.SPLIT)
            call.check_state_tag(
                *_tag_values(revenue_splits.list_revenue_splits(scope, creator.id))
            )
            others = tuple(NamedShare(one.name, one.share) for one in body.others)
            draft = SplitDraft(body.creator, body.agency, body.team, others, body.starts_on)
            revenue_splits.add_revenue_split(scope, creator.id, draft, split_id=uuid7())
            found = revenue_splits.list_revenue_splits(scope, creator.id)
            return ChangeResult(
                _build_splits_out(found),
                "split.set",
                f"creator:{creator.id}",
                201,
                etag_header(_splits_tag(found)),
            )

        return call.apply_once(act)

    return routes


def _tag_values(found: list[RevenueSplit]) -> list[str]:
    return [str(one.id) for one in found]


def _splits_tag(found: list[RevenueSplit]) -> str:
    return state_tag(*_tag_values(found))


def _build_splits_out(found: list[RevenueSplit]) -> SplitsOut:
    return SplitsOut(
        items=[
            SplitOut(
                id=one.id,
                starts_on=one.starts_on,
                starts_at=one.starts_at,
                status=one.status.value,
                creator=one.shares.creator,
                agency=one.agency_share,
                team=one.chatter_share,
                others=[PartyOut(name=each.name, share=each.share) for each in one.others],
            )
            for one in found
        ]
    )
