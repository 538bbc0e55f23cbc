"""Changes to a creator's approval policy and their effects on scheduled posts."""

from uuid import UUID

from sqlmodel import col, select

from foundation.db.database import Scope
from foundation.i18n.translation import Message
from schedules.approvals import decisions, review_queue
from schedules.approvals.release import release_post
from schedules.posts.deliveries import get_post, reopened_deadline, schedule_wakeups
from schedules.posts.models import Delivery
from schedules.posts.states import DeliveryState
from schedules.posts.transitions import transition_delivery
from tenants import audit
from tenants.agencies import agencies, queries
from tenants.agencies.rights import Right, require_right

RULE_CHANGED = Message("approval.rule_changed")


def change_approval_policy(scope: Scope, creator_id: UUID, *, tiers: int, times: bool) -> int:
    """Set the number of approvals (0 to 2) for a creator's posts; return how many posts are pending
    approval after the change.

    With `times`, the second approval covers the publish time too. Scheduled posts without enough
    approvals become drafts and keep their times. Posts that now have enough are scheduled; posts
    without any approval stay drafts, even if none is needed now. Raises Refused for a member
    without the right, BadInput for any other number, and NotFound.
    """
    require_right(queries.get_acting_member(scope, "approval.link_members").role, Right.STAFF)
    agencies.set_approval_policy(scope, creator_id, tiers=tiers, times=times)
    audit.record(scope, "creator.approvals", f"creator:{creator_id}")
    for asked in review_queue.list_review_queue(scope, [creator_id], limit=1000):
        if any(word.verdict == "yes" for word in asked.words):
            release_post(scope, asked.post_id)
    return hold_unapproved_posts(scope, creator_id)


def hold_unapproved_posts(scope: Scope, creator_id: UUID) -> int:
    """Turn the scheduled posts of a creator that lack an approval under the current policy into
    drafts, which keep their times. Return their number."""
    rows = scope.session.exec(
        select(Delivery)
        .where(
            Delivery.tenant_id == scope.tenant_id,
            Delivery.creator_id == creator_id,
            col(Delivery.state).in_([str(DeliveryState.APPROVED), str(DeliveryState.SCHEDULED)]),
        )
        .order_by(col(Delivery.due_at), col(Delivery.id))
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    stands = {
        one: decisions.is_approved(scope, get_post(scope, one), scope.now)
        for one in {row.post_id for row in rows}
    }
    waits = [row for row in rows if not stands[row.post_id]]
    for row in waits:
        late = reopened_deadline(scope, row)
        transition_delivery(scope, row, DeliveryState.DRAFT, reason=RULE_CHANGED, late_until=late)
        schedule_wakeups(scope, row)
    return len({row.post_id for row in waits})
