"""Dry runs of one post, one account or a whole agency: everything except sending.

During a dry run, deliveries that fall due are checked and their requests are built, but not sent. A
delivery that a member creates during a dry run keeps a dry-run mark and is never sent. Earlier
deliveries, and those that a series creates, are published as scheduled if they are not due before
the dry run ends.
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
"""The kind of object that a dry run covers."""

IsDryRun = Callable[[UUID, UUID], bool]
"""Function of post ID and channel ID that returns True if a dry run covers the post on the channel.
"""


IN_DRY_RUN_SQL: ColumnElement[bool] = literal_column(
    "EXISTS (SELECT FROM rehearsals r WHERE r.tenant_id = deliveries.tenant_id"
    " AND r.of_id IN (deliveries.tenant_id, deliveries.post_id, deliveries.channel_id))",
    Boolean,
).label("covered")
"""`is_in_dry_run` as a column, for statements that read deliveries anyway."""


def is_in_dry_run(scope: Scope, post_id: UUID, channel_id: UUID) -> bool:
    """Return True if a dry run covers a post on an account now."""
    found: bool = scope.run(
        "SELECT EXISTS (SELECT FROM rehearsals WHERE tenant_id = :tenant AND of_id IN (:tenant, "
        ":post, :channel))",
        tenant=scope.tenant_id,
        post=post_id,
        channel=channel_id,
    ).scalar_one()
    return found


def is_dry_run(scope: Scope, row: Delivery) -> bool:
    """Return True if a delivery has the dry-run mark or an active dry run covers it."""
    return row.dry_run or is_in_dry_run(scope, row.post_id, row.channel_id)


def list_dry_runs(scope: Scope) -> dict[UUID, DryRunTarget]:
    """Return the active dry runs by the ID of the object they cover, which is the tenant ID for the
    whole agency."""
    rows = scope.run(
        "SELECT of_id, what FROM rehearsals WHERE tenant_id = :tenant", tenant=scope.tenant_id
    )
    return {row.of_id: row.what for row in rows}


def load_dry_run_check(scope: Scope) -> IsDryRun:
    """Return `is_in_dry_run` for many posts, with one read."""
    known = list_dry_runs(scope)
    return lambda post_id, channel_id: bool({scope.tenant_id, post_id, channel_id} & known.keys())


def start_dry_run(scope: Scope, what: DryRunTarget, of_id: UUID) -> int:
    """Start a dry run and return how many deliveries it covers. A repeated call changes nothing.

    Raises NotFound if the object does not belong to this tenant.
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
    """Increase the version of due deliveries: a claim that read them before the dry run started
    fails."""
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
    """End a dry run. Deliveries that were created during it keep their dry-run mark."""
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
