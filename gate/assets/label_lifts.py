"""Pictures that must not be mistaken for a model's or a camera's work: one who runs the agency may
let a single one leave all the same, saying why, and takes that back.

It lifts this one rule (`rules.nothing_stands_in`) and no other, for this very asset: what is made
from it keeps the label and asks anew.
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
"""Characters of a reason."""

LABEL_LIFTED_SQL = """
EXISTS (SELECT FROM label_lifts f WHERE f.tenant_id = assets.tenant_id AND f.asset_id = assets.id
AND f.open)
"""
"""Of a row of `assets`: somebody lets it leave with its label."""


class LabelLift(TenantRow, table=True):
    """A picture with a label that may leave all the same, while `open`. `by` and `ended_by` are
    members, as actors."""

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
    """A member lets a picture, the subject, leave with its label and says `why`; without `lift`, no
    more."""

    kind: ClassVar[str] = "label.say"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    lift: bool
    why: str
    by: str


@dataclass(frozen=True)
class LabelLiftSummary:
    """Who lets a picture leave with its label, as an actor, and why."""

    by: str
    why: str


def lift_label(scope: Scope, asset_id: UUID, *, why: str) -> None:
    """Let a picture leave with its label, as the acting member; the workers write it down. Raises
    Refused for who may not, NotFound for another tenant's, BadInput for one without a label, no
    reason or too long a one."""
    _validate_lift(scope, asset_id, lift=True, why=why)
    outbox.put(
        scope,
        LabelLiftRequested(scope.tenant_id, asset_id, True, why.strip(), scope.actor),
        priority=1,
    )


def end_label_lift(scope: Scope, asset_id: UUID) -> None:
    """Take that back: what has not left stays. Raises Refused for who may not, NotFound where
    nobody let it leave."""
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
        raise BadInput("label.why", most=MAX_LIFT_REASON)


def handle_label_lift(event: LabelLiftRequested, *, tenant: OpenScope) -> None:
    """Write it down, as the member who said so, if they still may; who may not is told at Home why
    nothing came."""
    try:
        with tenant(event.tenant_id, event.by) as scope:
            epochs.lock_and_advance(
                scope, epochs.asset_key(scope, event.subject_id)
            )  # a claim under way ends before, or asks anew
            if event.lift == (event.subject_id in lifted_labels(scope, [event.subject_id])):
                return  # said twice
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
    """Those of these pictures that may leave with their label, with who lets them."""
    rows = scope.run(_OPEN, tenant=scope.tenant_id, assets=list(assets))
    return {row.asset_id: LabelLiftSummary(row.by, row.why) for row in rows}
