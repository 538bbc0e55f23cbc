"""Exceptions for labeled pictures, such as placeholders, that must not pass as AI output or
photographs.

A member with the right to run the agency may permit the publication of a single picture, with a
reason, and withdraw it. The exception concerns only the rule against labeled pictures and only this
asset: derivatives keep the label and need an exception of their own.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, text

from foundation.db.database import OpenScope, Scope
from foundation.db.tables import FOREVER, TenantRow, table_arguments
from foundation.errors import BadInput, GreenroomError, NotFound
from foundation.ids import uuid7
from foundation.outbox import outbox
from foundation.outbox.outbox import Queue
from gate import epochs
from gate.assets.models import Asset
from tenants import audit
from tenants.agencies import queries
from tenants.agencies.rights import Right, require_right
from tenants.notices import notices

MAX_LIFT_REASON = 300
"""Maximum number of characters in a reason."""

LABEL_LIFTED_SQL = """
EXISTS (SELECT FROM label_lifts f WHERE f.tenant_id = assets.tenant_id AND f.asset_id = assets.id
AND f.open)
"""
"""SQL condition on a row of `assets`: True if its publication with the label is permitted."""


class LabelLift(TenantRow, table=True):
    """An exception for a labeled picture, in effect while `open`.

    `by` and `ended_by` are members, as actors.
    """

    __tablename__ = "label_lifts"
    __table_args__ = table_arguments(
        Index(
            "label_lifts_once", "tenant_id", "asset_id", unique=True, postgresql_where=text("open")
        ),
        ForeignKeyConstraint(["tenant_id", "asset_id"], ["assets.tenant_id", "assets.id"]),
        about="creator",
        keep=FOREVER,
    )
    asset_id: UUID
    by: str
    why: str
    open: bool = True
    ended_by: str = ""


@dataclass(frozen=True)
class LabelLiftRequested:
    """A member permits the publication of a labeled picture, the subject; without `lift`, withdraws
    it."""

    kind: ClassVar[str] = "label.say"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    lift: bool
    why: str
    by: str


@dataclass(frozen=True)
class LabelLiftSummary:
    """The member who permitted a labeled picture, as an actor, and the reason."""

    by: str
    why: str


def lift_label(scope: Scope, asset_id: UUID, *, why: str) -> None:
    """Permit the publication of a labeled picture as the acting member; a worker records it.

    Raises Refused if the member lacks the right, NotFound for an unknown asset, and BadInput for an
    asset without a label or an invalid reason.
    """
    # One member suffices, because the rule protects only the agency itself.
    _validate_lift(scope, asset_id, lift=True, why=why)
    outbox.put(
        scope,
        LabelLiftRequested(scope.tenant_id, asset_id, True, why.strip(), scope.actor),
        priority=1,
    )


def end_label_lift(scope: Scope, asset_id: UUID) -> None:
    """Withdraw an exception; what is not yet published is blocked again.

    Raises Refused if the member lacks the right, and NotFound if there is no exception.
    """
    _validate_lift(scope, asset_id, lift=False, why="")
    outbox.put(
        scope, LabelLiftRequested(scope.tenant_id, asset_id, False, "", scope.actor), priority=0
    )


def _validate_lift(scope: Scope, asset_id: UUID, *, lift: bool, why: str) -> None:
    require_right(queries.get_acting_member(scope, "review.people_only").role, Right.RUN)
    asset = scope.session.get(Asset, (scope.tenant_id, asset_id))
    if asset is None:
        raise NotFound("asset.unknown")
    if not lift:
        if asset_id not in lifted_labels(scope, [asset_id]):
            raise NotFound("label.not_lifted")
    elif not asset.label:
        raise BadInput("label.none")
    elif not 0 < len(why.strip()) <= MAX_LIFT_REASON:
        raise BadInput("label.why", most=MAX_LIFT_REASON).about("reason")


def handle_label_lift(event: LabelLiftRequested, *, tenant: OpenScope) -> None:
    """Record an exception or its withdrawal as the member who made it.

    A member who may no longer do so gets a notice.
    """
    try:
        with tenant(event.tenant_id, event.by) as scope:
            epochs.lock_and_advance(
                scope, epochs.asset_key(scope, event.subject_id)
            )  # A claim in progress finishes first or must be repeated.
            if event.lift == (event.subject_id in lifted_labels(scope, [event.subject_id])):
                return  # a repeated request
            _validate_lift(scope, event.subject_id, lift=event.lift, why=event.why)
            _record_lift(scope, event)
            what = "label.lifted" if event.lift else "label.kept"
            audit.record(scope, what, f"asset:{event.subject_id}")
    except GreenroomError as refused:
        with tenant(event.tenant_id, event.by) as scope:
            notices.put(scope, refused.message, cause=f"{event.kind}:{event.subject_id}")


_LIFT = """
INSERT INTO label_lifts (tenant_id, id, asset_id, by, why, open, ended_by)
VALUES (:tenant, :id, :asset, :by, :why, true, '')
"""
_END = """
UPDATE label_lifts SET open = false, ended_by = :by, updated_at = house_now()
WHERE tenant_id = :tenant AND asset_id = :asset AND open
"""


def _record_lift(scope: Scope, event: LabelLiftRequested) -> None:
    asked = {"tenant": scope.tenant_id, "asset": event.subject_id, "by": scope.actor}
    with scope.acting_as("gate"):
        if event.lift:
            scope.run(_LIFT, id=uuid7(), why=event.why, **asked)
        else:
            scope.run(_END, **asked)


_OPEN = (
    "SELECT asset_id, by, why FROM label_lifts WHERE tenant_id = :tenant AND open AND asset_id = "
    "ANY(:assets)"
)


def lifted_labels(scope: Scope, assets: Collection[UUID]) -> dict[UUID, LabelLiftSummary]:
    """Return the exceptions in effect for these pictures."""
    rows = scope.run(_OPEN, tenant=scope.tenant_id, assets=list(assets))
    return {row.asset_id: LabelLiftSummary(row.by, row.why) for row in rows}
