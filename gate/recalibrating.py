"""Comparing reviewers once a month: those who can are told when nobody has done it yet."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID
from zoneinfo import ZoneInfo

from foundation.database import OpenScope, Scope
from foundation.outbox import Queue
from foundation.words import Message
from gate import calibrating
from tenants import notices, sightings
from tenants import reads as tenants
from tenants.roles import Right, may
from tenants.scope import all_tenants

CAUSE = "calibration.month"


@dataclass(frozen=True)
class ComparisonsDue:
    """Look which agencies have not compared their reviewers this month; `tenant_id` and `subject_id` are the house."""

    kind: ClassVar[str] = "calibration.remind"
    queue: ClassVar[Queue] = "make"
    tenant_id: UUID
    subject_id: UUID


def remind(event: ComparisonsDue, *, tenant: OpenScope) -> None:
    """Tell every agency that could compare its reviewers and has not this month."""
    for tenant_id in all_tenants(tenant):
        with tenant(tenant_id, calibrating.ACTOR) as scope:
            if not tenants.agency(scope).demo:  # a demonstration shows its own day
                tell(scope)


def tell(scope: Scope) -> None:
    """One notice a month while nobody has compared; it closes once two have, or where there is nothing to compare."""
    month = begins(scope)
    cause = f"{CAUSE}:{month:%Y-%m}"
    wanted = due(scope, month)
    for notice in tenants.open_notices(scope, limit=1000):
        if notice.cause.startswith(f"{CAUSE}:") and not (wanted and notice.cause == cause):
            notices.settle(scope, notice.cause)
    if wanted and not notices.known(scope, cause):  # what somebody put away stays away until the next month
        notices.put(scope, Message("calibration.month"), cause=cause)


def begins(scope: Scope) -> datetime:
    """When this month began where the agency is."""
    here = scope.now.astimezone(ZoneInfo(tenants.agency(scope).zone))
    return here.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def due(scope: Scope, since: datetime) -> bool:
    """Whether two could compare how they rate, more than General is published, and nobody did since then."""
    last = calibrating.result(scope)
    return (last is None or last.at < since) and _two(scope) and calibrating.enough(scope)


def _two(scope: Scope) -> bool:
    """Whether two different humans may review."""
    humans = {one.principal_id for one in tenants.members(scope) if may(one.role, Right.REVIEW)}
    same = sightings.same(scope)
    return any(b not in same.get(a, ()) for a in humans for b in humans if a < b)
