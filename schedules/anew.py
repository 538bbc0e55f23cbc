"""A post that stands already, once more on the same account: a delivery of its own, never the first one again."""

from collections.abc import Mapping
from uuid import UUID

from sqlmodel import col, select

from channels import reads as channel_reads
from connectors.contract import Connector
from foundation.database import Scope
from foundation.errors import BadInput, Conflict, Refused
from schedules import approvals, planning, repeats, retiming
from schedules.calendar import WallTime
from schedules.models import Delivery
from schedules.moving import delivery, move
from schedules.passing import first_key
from schedules.states import DeliveryState
from tenants import audit

S = DeliveryState
POSTED = frozenset({S.PUBLISHED, S.REMOVED})
"""States of what was seen outside, and is not on its way there."""

WAITING = frozenset({S.DRAFT, S.APPROVED, S.SCHEDULED, S.HELD, S.PUBLISHING, S.PROCESSING, S.UNCERTAIN})
"""States of one that was asked for already, and did not come out yet."""


def once_more(scope: Scope, delivery_id: UUID, *, at: WallTime, connectors: Mapping[str, Connector]) -> UUID:
    """Post it once more at a wall time, as approved as it has to be; the new delivery, which says which one was first.

    Raises Conflict for what was not posted, or where one more waits already; BadInput for a time that has passed;
    Refused where the platform never takes the same words twice.
    """
    row = delivery(scope, delivery_id)
    if row.state not in POSTED:
        raise Conflict("delivery.not_posted")
    owner = planning.post(scope, row.post_id)
    late = planning.late_until(owner, at.instant(), at.zone)
    if late is not None and late < scope.now:
        raise BadInput("delivery.time_passed")
    first = first_key(row.occurrence_key)
    if _waits(scope, row, first):
        raise Conflict("delivery.again_waits")
    retiming.asks_again(scope, row, at.instant())
    key = further_key(scope, row.post_id, row.channel_id, first)
    made = planning.add_delivery(scope, row.post_id, row.channel_id, at=at, occurrence_key=key, variant=row.variant)
    if any(one.refused for one in repeats.of_delivery(scope, made, connectors=connectors)):
        raise Refused("delivery.never_twice", account=channel_reads.channel(scope, row.channel_id).name)
    audit.note(scope, "delivery.once_more", f"delivery:{made}", first=str(delivery_id))
    if approvals.is_approved(scope, owner, scope.now):
        new = delivery(scope, made)
        move(scope, new, S.APPROVED)
        move(scope, new, S.SCHEDULED)
    return made


def further_key(scope: Scope, post_id: UUID, channel_id: UUID, key: str) -> str:
    """A key for one more of an occurrence that was never used on the account: `again-1`, `again-2` …"""
    used = set(
        scope.session.exec(
            select(Delivery.occurrence_key).where(
                Delivery.tenant_id == scope.tenant_id, Delivery.post_id == post_id, Delivery.channel_id == channel_id
            )
        )
    )
    further = (f"{key}{'.' * bool(key)}again-{number}" for number in range(1, len(used) + 2))
    return next(one for one in further if one not in used)


def _waits(scope: Scope, row: Delivery, first: str) -> bool:
    rows = scope.session.exec(
        select(Delivery.occurrence_key).where(
            Delivery.tenant_id == scope.tenant_id,
            Delivery.post_id == row.post_id,
            Delivery.channel_id == row.channel_id,
            Delivery.id != row.id,
            col(Delivery.state).in_(sorted(map(str, WAITING))),
        )
    )
    return any(key != first and first_key(key) == first for key in rows)
