"""How many people have to say yes to a creator's posts, and what becomes of what is planned when that changes."""

from uuid import UUID

from sqlmodel import col, select

from foundation.database import Scope
from foundation.words import Message
from schedules import approvals, drafting, reviewing
from schedules.models import Delivery
from schedules.moving import move
from schedules.planning import post, wake
from schedules.states import DeliveryState
from tenants import agencies, audit
from tenants import reads as tenant_reads
from tenants.roles import Right, require

S = DeliveryState
RULE_CHANGED = Message("approval.rule_changed")


def change(scope: Scope, creator_id: UUID, *, tiers: int, times: bool) -> int:
    """From here on so many people (0 to 2) have to say yes; with `times`, to the hours too. How many posts wait now
    that were planned.

    What lacks a yes by the new rule is draft again, its time a wish. What somebody did say yes to, and needs no other
    any more, is planned; what nobody has read stays a draft even where nobody need read it. Raises Refused for who may
    not, BadInput for another number, NotFound.
    """
    require(tenant_reads.acting(scope, "approval.link_members").role, Right.STAFF)
    agencies.set_approvals(scope, creator_id, tiers=tiers, times=times)
    audit.note(scope, "creator.approvals", f"creator:{creator_id}")
    for asked in reviewing.asked(scope, [creator_id], limit=1000):
        if any(word.verdict == "yes" for word in asked.words):
            drafting.settle(scope, asked.post_id)
    return _hold_back(scope, creator_id)


def _hold_back(scope: Scope, creator_id: UUID) -> int:
    rows = scope.session.exec(
        select(Delivery)
        .where(
            Delivery.tenant_id == scope.tenant_id,
            Delivery.creator_id == creator_id,
            col(Delivery.state).in_([str(S.APPROVED), str(S.SCHEDULED)]),
        )
        .order_by(col(Delivery.due_at), col(Delivery.id))
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    stands = {one: approvals.is_approved(scope, post(scope, one), scope.now) for one in {row.post_id for row in rows}}
    waits = [row for row in rows if not stands[row.post_id]]
    for row in waits:
        move(scope, row, S.DRAFT, reason=RULE_CHANGED)
        wake(scope, row)
    return len({row.post_id for row in waits})
