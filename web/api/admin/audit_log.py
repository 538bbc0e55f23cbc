"""API routes of the audit log: the actions of members with the changed rows, newest first."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from foundation.db.database import OpenScope, Scope
from tenants import audit
from tenants.api_keys.keys import ApiKeyScope
from tenants.audit import AuditFilter, AuditRecord
from tenants.audit_areas import AUDIT_AREAS
from web.api.common import pagination
from web.api.common.calls import ApiCall, Caller, read_dependency
from web.api.common.schemas import Instant, PageQuery

AreaName = Literal[
    "posts",
    "approvals",
    "members",
    "creators",
    "channels",
    "studio",
    "subscribers",
    "money",
    "safety",
]


class AuditQuery(PageQuery):
    """Filters of the audit log. `since` is included, `until` is not."""

    creator: UUID | None = None
    member: UUID | None = None
    area: AreaName | None = None
    since: Instant | None = None
    until: Instant | None = None


class RowChangeOut(BaseModel):
    """A changed row: its table, and the recorded values before and after. `others` counts changed
    fields whose values are not recorded."""

    item: str
    item_id: UUID
    change: Literal["insert", "update", "delete"]
    before: dict[str, Any]
    after: dict[str, Any]
    others: int


class AuditEntryOut(BaseModel):
    """An action. `actor` is `member:<id>`, `guest:<id>` or `system:<process>`; `about` is the kind
    and ID of its subject."""

    id: UUID
    at: datetime
    actor: str
    act: str
    about: str
    creator_id: UUID | None
    details: dict[str, Any]
    changes: list[RowChangeOut]


class AuditOut(BaseModel):
    """Actions, newest first. `next` is the cursor of the next page, or null."""

    items: list[AuditEntryOut]
    next: str | None


def router(tenant: OpenScope) -> APIRouter:
    """Create the routes under `/audit`."""
    routes = APIRouter(tags=["audit"])

    @routes.get("/audit", response_model=AuditOut)
    def list_audit_log(
        call: Annotated[ApiCall, Depends(read_dependency(tenant, ApiKeyScope.AUDIT_READ))],
        which: Annotated[AuditQuery, Query()],
    ) -> AuditOut:
        """List the actions of members with values before and after, newest first. A key for some
        creators gets the actions on these creators. Requires the `audit:read` scope."""
        asked = ["audit", which.model_dump(mode="json", exclude={"cursor", "limit"})]
        after = pagination.decode_dated_cursor(asked, which.cursor)

        def ask(scope: Scope, sight: Caller) -> list[AuditRecord]:
            wanted = _build_filter(sight, which)
            return audit.list_audit_records(scope, wanted, after=after, limit=which.limit)

        found = call.read(ask)
        place = [found[-1].at.isoformat(), str(found[-1].id)] if found else []
        is_full = len(found) == which.limit
        return AuditOut(
            items=[_build_entry_out(one) for one in found],
            next=pagination.encode_cursor(asked, place) if is_full else None,
        )

    return routes


def _build_filter(sight: Caller, which: AuditQuery) -> AuditFilter:
    area = AUDIT_AREAS[which.area] if which.area is not None else None
    return AuditFilter(
        creators=frozenset(sight.creators) if sight.narrowed else None,
        creator_id=sight.get_creator(which.creator).id if which.creator is not None else None,
        actor=f"member:{which.member}" if which.member is not None else "",
        acts=area.acts if area is not None else (),
        item_kinds=area.item_kinds if area is not None else (),
        since=which.since,
        until=which.until,
    )


def _build_entry_out(one: AuditRecord) -> AuditEntryOut:
    return AuditEntryOut(
        id=one.id,
        at=one.at,
        actor=one.actor,
        act=one.act,
        about=one.about,
        creator_id=one.creator_id,
        details=dict(one.details),
        changes=[
            RowChangeOut(
                item=each.item_kind,
                item_id=each.item_id,
                change=each.change,
                before=dict(each.before),
                after=dict(each.after),
                others=each.others,
            )
            for each in one.changes
        ],
    )
