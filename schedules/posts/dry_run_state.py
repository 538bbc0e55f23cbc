"""Rehearsal: everything but the sending, of one post, one account or a whole agency.

What is due while one runs is judged and its request is built, and it ends there. What somebody
plans meanwhile bears a mark that is never taken away: who ends a rehearsal sends nothing of it.
What was planned before, or is made by a series, and is not due yet leaves as it was meant to.
"""

from collections.abc import Callable
from typing import Literal
from uuid import UUID

from sqlalchemy import Boolean, ColumnElement, literal_column

from channels.accounts import queries
from foundation.db.database import Scope
from foundation.errors import NotFound
from foundation.ids import uuid7
from schedules.posts.models import Delivery
from schedules.posts.states import CANCELLABLE, DeliveryState
from tenants import audit

DryRunTarget = Literal["tenant", "channel", "post"]
"""States of what is still to leave."""

IsDryRun = Callable[[UUID, UUID], bool]
"""Whether a post on an account is only rehearsed."""


IN_DRY_RUN_SQL: ColumnElement[bool] = literal_column(
    "EXISTS (SELECT FROM rehearsals r WHERE r.tenant_id = deliveries.tenant_id"
    " AND r.of_id IN (deliveries.tenant_id, deliveries.post_id, deliveries.channel_id))",
    Boolean,
).label("covered")
"""`covers` of a delivery, for who reads it anyway."""


def is_in_dry_run(scope: Scope, post_id: UUID, channel_id: UUID) -> bool:
    """Whether a post on an account is only rehearsed for now."""
    found: bool = scope.run(
        "SELECT EXISTS (SELECT FROM rehearsals WHERE tenant_id = :tenant AND of_id IN (:tenant, "
        ":post, :channel))",
        tenant=scope.tenant_id,
        post=post_id,
        channel=channel_id,
    ).scalar_one()
    return found


def is_dry_run(scope: Scope, row: Delivery) -> bool:
    """Whether a delivery is only rehearsed: it bears the mark, or what it belongs to does for
    now."""
    return row.dry_run or is_in_dry_run(scope, row.post_id, row.channel_id)


def list_dry_runs(scope: Scope) -> dict[UUID, DryRunTarget]:
    """What is only rehearsed for now; the agency itself by its id."""
    rows = scope.run(
        "SELECT of_id, what FROM rehearsals WHERE tenant_id = :tenant", tenant=scope.tenant_id
    )
    return {row.of_id: row.what for row in rows}


def load_dry_run_check(scope: Scope) -> IsDryRun:
    """`covers` for many, asked once."""
    known = list_dry_runs(scope)
    return lambda post_id, channel_id: bool({scope.tenant_id, post_id, channel_id} & known.keys())


def start_dry_run(scope: Scope, what: DryRunTarget, of_id: UUID) -> int:
    """From now on nothing of it is sent; how many of its deliveries are ahead. Again is the same.

    Raises NotFound for what is not this agency's.
    """
    _check_target_exists(scope, what, of_id)
    scope.run(
        "INSERT INTO rehearsals (tenant_id, id, what, of_id, by) VALUES (:tenant, :id, :what, "
        ":of, :by)"
        " ON CONFLICT (tenant_id, of_id) DO NOTHING",
        tenant=scope.tenant_id,
        id=uuid7(),
        what=what,
        of=of_id,
        by=scope.actor,
    )
    audit.record(scope, "rehearsal.begun", f"{what}:{of_id}")
    _invalidate_open_claims(scope, of_id)
    ahead: int = scope.run(
        "SELECT count(*) FROM deliveries WHERE tenant_id = :tenant AND state = ANY(:ahead)"
        " AND :of IN (tenant_id, channel_id, post_id)",
        tenant=scope.tenant_id,
        ahead=[str(one) for one in CANCELLABLE],
        of=of_id,
    ).scalar_one()
    return ahead


def _invalidate_open_claims(scope: Scope, of_id: UUID) -> None:
    """A claim that looked before this one is written finds another version: none is sent once it
    stands."""
    scope.run(
        "UPDATE deliveries SET version = version + 1, updated_at = house_now() WHERE tenant_id = "
        ":tenant"
        " AND state = ANY(:due) AND due_at <= :now AND :of IN (tenant_id, channel_id, post_id)",
        tenant=scope.tenant_id,
        due=[
            str(one)
            for one in (DeliveryState.APPROVED, DeliveryState.SCHEDULED, DeliveryState.PARTLY)
        ],
        now=scope.now,
        of=of_id,
    )


def end_dry_run(scope: Scope, of_id: UUID) -> None:
    """What is planned from now on is sent; what was planned before stays a rehearsal."""
    scope.run(
        "DELETE FROM rehearsals WHERE tenant_id = :tenant AND of_id = :of",
        tenant=scope.tenant_id,
        of=of_id,
    )
    audit.record(scope, "rehearsal.ended", str(of_id))


def _check_target_exists(scope: Scope, what: DryRunTarget, of_id: UUID) -> None:
    if what == "channel":
        queries.get_channel(scope, of_id)
    elif what == "tenant" and of_id != scope.tenant_id:
        raise NotFound("rehearsal.unknown")
    elif what == "post":
        known = scope.run(
            "SELECT FROM posts WHERE tenant_id = :tenant AND id = :of",
            tenant=scope.tenant_id,
            of=of_id,
        )
        if known.first() is None:
            raise NotFound("post.unknown")
