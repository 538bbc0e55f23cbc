"""API routes of the read-only share links of Analytics: list, create and revoke them.

A key sees and revokes only the links whose creators it may all access.
"""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response
from pydantic import BaseModel, Field

from foundation.db.database import OpenScope, Scope
from foundation.errors import NotFound
from foundation.ids import uuid7
from insights.sharing import share_links
from insights.sharing.share_links import (
    LIFETIMES,
    MAX_NAME_LENGTH,
    SHARE_PATH,
    LinkStatus,
    SharedView,
    ShareLink,
    ShareLinkDraft,
)
from tenants.api_keys.keys import ApiKeyScope
from web.api.analytics.analytics import PREFIX
from web.api.common import pagination
from web.api.common.calls import (
    ApiCall,
    Caller,
    ChangeResult,
    action_dependency,
    create_dependency,
    etag_header,
    read_dependency,
    state_tag,
)
from web.api.common.schemas import (
    EXAMPLE_CREATOR_ID,
    Day,
    PageQuery,
    RequestModel,
    StorableText,
    example_config,
)

LINK = "/{share_link_id}"
MAX_CREATORS = 200


class ShareLinkIn(RequestModel):
    """A share link. With `rolling`, its period always ends today and keeps its length. `days` is 7,
    30 or 90."""

    model_config = example_config(
        {
            "name": "For Mia",
            "views": ["sales"],
            "creators": [EXAMPLE_CREATOR_ID],
            "first": "2026-01-01",
            "last": "2026-01-28",
        }
    )

    name: Annotated[StorableText, Field(min_length=1, max_length=MAX_NAME_LENGTH)]
    views: Annotated[list[SharedView], Field(min_length=1, max_length=len(SharedView))]
    creators: Annotated[list[UUID], Field(min_length=1, max_length=MAX_CREATORS)]
    first: Day
    last: Day
    rolling: bool = True
    days: Annotated[int, Field(ge=min(LIFETIMES), le=max(LIFETIMES), strict=True)] = 30

    def to_draft(self) -> ShareLinkDraft:
        """Return the value that `insights` expects."""
        return ShareLinkDraft(
            self.name,
            tuple(self.views),
            tuple(self.creators),
            self.first,
            self.last,
            self.rolling,
            self.days,
        )


class ShareLinkOut(BaseModel):
    """A share link. `opened_at` is the last visit."""

    id: UUID
    name: str
    views: list[SharedView]
    creators: list[UUID]
    first: date
    last: date
    rolling: bool
    status: LinkStatus
    expires_at: datetime
    revoked_at: datetime | None
    opened_at: datetime | None


class NewShareLinkOut(ShareLinkOut):
    """A new share link. Its `url` is only in this response; it is null in the response to a
    repeated request."""

    url: str | None


class ShareLinksOut(BaseModel):
    """Share links, by ID. `next` is the cursor of the next page, or null."""

    items: list[ShareLinkOut]
    next: str | None


def share_link_routes(tenant: OpenScope, *, public_url: str) -> APIRouter:
    """Create the routes under `/analytics/share-links`; `public_url` is the address of their
    pages."""
    routes = APIRouter(prefix=f"{PREFIX}/share-links", tags=["analytics"])
    _add_read_routes(routes, tenant)
    _add_change_routes(routes, tenant, public_url)
    return routes


def _add_read_routes(routes: APIRouter, tenant: OpenScope) -> None:
    can_read = Depends(read_dependency(tenant, ApiKeyScope.MONEY_READ))

    @routes.get("", response_model=ShareLinksOut)
    def list_share_links(
        call: Annotated[ApiCall, can_read], which: Annotated[PageQuery, Query()]
    ) -> ShareLinksOut:
        """List the share links, with expired and revoked ones, without their addresses. Requires
        the `money:read` scope."""

        def ask(scope: Scope, sight: Caller) -> list[ShareLinkOut]:
            found = share_links.list_share_links(scope)
            return [
                ShareLinkOut(**_fields(one, scope.now)) for one in found if _is_in_sight(one, sight)
            ]

        items, following = pagination.paginate(
            ["share-links"], call.read(ask), cursor=which.cursor, limit=which.limit
        )
        return ShareLinksOut(items=items, next=following)

    @routes.get(LINK, response_model=ShareLinkOut)
    def get_share_link(
        share_link_id: UUID, call: Annotated[ApiCall, can_read], response: Response
    ) -> ShareLinkOut:
        """Return a share link without its address. Requires the `money:read` scope."""

        def ask(scope: Scope, sight: Caller) -> ShareLinkOut:
            found = _get_visible_link(scope, sight, share_link_id)
            response.headers.update(etag_header(state_tag(*_state_of(found))))
            return ShareLinkOut(**_fields(found, scope.now))

        return call.read(ask)


def _add_change_routes(routes: APIRouter, tenant: OpenScope, public_url: str) -> None:
    can_write = ApiKeyScope.REPORTS_WRITE

    @routes.post("", status_code=201, response_model=NewShareLinkOut)
    def create_share_link(
        body: ShareLinkIn, call: Annotated[ApiCall, Depends(create_dependency(tenant, can_write))]
    ) -> Response:
        """Create a share link as a member who runs the agency. Only this response contains its
        address. Requires the `reports:write` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            draft = body.to_draft()
            for creator in draft.creators:
                sight.get_creator(creator)
            made = uuid7()
            token = share_links.create_share_link(scope, draft, link_id=made)
            found = share_links.get_share_link(scope, made)
            fields = _fields(found, scope.now)
            headers = {
                **etag_header(state_tag(*_state_of(found))),
                "location": f"/v1{PREFIX}/share-links/{made}",
            }
            return ChangeResult(
                NewShareLinkOut(**fields, url=f"{public_url}{SHARE_PATH}{token}"),
                "share_link.create",
                f"analytics_link:{made}",
                201,
                headers,
                remembered=NewShareLinkOut(**fields, url=None),
            )

        return call.apply_once(act)

    @routes.post(LINK + "/revoke", response_model=ShareLinkOut)
    def revoke_share_link(
        share_link_id: UUID,
        call: Annotated[ApiCall, Depends(action_dependency(tenant, can_write))],
    ) -> Response:
        """Revoke a share link at once. Requires the `reports:write` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            call.check_state_tag(*_state_of(_get_visible_link(scope, sight, share_link_id)))
            share_links.revoke_share_link(scope, share_link_id)
            found = share_links.get_share_link(scope, share_link_id)
            return ChangeResult(
                ShareLinkOut(**_fields(found, scope.now)),
                "share_link.revoke",
                f"analytics_link:{found.id}",
                headers=etag_header(state_tag(*_state_of(found))),
            )

        return call.apply_once(act)


def _get_visible_link(scope: Scope, sight: Caller, link_id: UUID) -> ShareLink:
    """Return a link whose creators the key may access. Raises NotFound and Refused."""
    found = share_links.get_share_link(scope, link_id)
    if not _is_in_sight(found, sight):
        raise NotFound("share.unknown")
    return found


def _is_in_sight(one: ShareLink, sight: Caller) -> bool:
    return sight.creators.keys() >= set(one.creators)


def _state_of(one: ShareLink) -> tuple[str, ...]:
    """Return what members change of a link."""
    return str(one.id), str(one.revoked_at)


def _fields(one: ShareLink, now: datetime) -> dict[str, object]:
    return {
        "id": one.id,
        "name": one.name,
        "views": list(one.views),
        "creators": list(one.creators),
        "first": one.first,
        "last": one.last,
        "rolling": one.rolling,
        "status": one.status(now),
        "expires_at": one.expires_at,
        "revoked_at": one.revoked_at,
        "opened_at": one.opened_at,
    }
