"""On the calendar, out now, or once more: what a press may try again, and what becomes of what was
pressed."""

from uuid import UUID

from dashboard.shell.page_context import PageContext
from dashboard.shell.platforms import platform_connectors
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from schedules.approvals.release import release_post
from schedules.calendar import next_steps
from schedules.drafts import drafts
from schedules.posts.queries import DeliveryEntry
from schedules.posts.states import MISSING_APPROVAL_CODES, DeliveryState
from schedules.publishing import preflight

RETRYABLE_DELIVERY_STATES = frozenset(
    {DeliveryState.HELD, DeliveryState.FAILED, DeliveryState.BROKEN_OFF}
)
"""States of what somebody tries again."""


def can_retry(entry: DeliveryEntry, *, free: bool = False) -> bool:
    """Whether a press tries it again. What is on hold for want of a yes leaves by that yes alone,
    unless it is `free`: nobody's is missing any more."""
    asked_no_more = (
        free and entry.reason is not None and entry.reason.code in MISSING_APPROVAL_CODES
    )
    return entry.state in RETRYABLE_DELIVERY_STATES and (
        asked_no_more or not next_steps.is_waiting_for_approval(entry)
    )


def retry_delivery_action(
    page: PageContext, scope: Scope, delivery_id: UUID, version: int
) -> Message:
    """Try it again. Raises as `drafts.retry_delivery`."""
    drafts.retry_delivery(scope, delivery_id, version=version)
    return _describe_publish_result(
        page, scope, delivery_id, "calendar.again_done", "calendar.again_done_not"
    )


def publish_now_action(page: PageContext, scope: Scope, delivery_id: UUID, version: int) -> Message:
    """Let it leave now. Raises as `drafts.publish_now`."""
    drafts.publish_now(scope, delivery_id, version=version)
    return _describe_publish_result(
        page, scope, delivery_id, "calendar.now_done", "calendar.now_done_not"
    )


def schedule_draft_action(scope: Scope, post_id: UUID) -> Message:
    """Put a draft on the calendar: that it leaves by itself, on which accounts it will not as it
    is, or that a yes is missing."""
    if not release_post(scope, post_id):
        return Message("calendar.planned_not")
    stays = next_steps.channels_not_publishing(scope, post_id, platform_connectors())
    accounts = ", ".join(stays.values())
    return (
        Message("calendar.planned_stays", {"accounts": accounts})
        if stays
        else Message("calendar.planned")
    )


def _describe_publish_result(
    page: PageContext, scope: Scope, delivery_id: UUID, done: str, not_yet: str
) -> Message:
    """That it leaves, or what keeps it back: it would be put on hold again in the second it was
    said to leave."""
    trouble = next(
        iter(preflight.troubles_of_delivery(scope, delivery_id, platform_connectors())), None
    )
    return (
        Message(done)
        if trouble is None
        else Message(not_yet, {"why": page.localizer.message_text(trouble)})
    )
