"""Actions that schedule, publish or retry a post, and the messages that describe their results."""

from uuid import UUID

from dashboard.shell.page_context import PageContext
from dashboard.shell.platforms import platform_connectors
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from schedules.calendar import next_steps
from schedules.drafts import drafts
from schedules.posts.queries import DeliveryEntry
from schedules.posts.states import MISSING_APPROVAL_CODES, DeliveryState
from schedules.publishing import preflight

RETRYABLE_DELIVERY_STATES = frozenset(
    {DeliveryState.HELD, DeliveryState.FAILED, DeliveryState.BROKEN_OFF}
)
"""Delivery states that a user may retry."""


def can_retry(entry: DeliveryEntry, *, free: bool = False) -> bool:
    """Return True if a user may retry the delivery. A delivery that waits for an approval is
    published by that approval only, unless it is `free`: no approval is missing any more."""
    asked_no_more = (
        free and entry.reason is not None and entry.reason.code in MISSING_APPROVAL_CODES
    )
    return entry.state in RETRYABLE_DELIVERY_STATES and (
        asked_no_more or not next_steps.is_waiting_for_approval(entry)
    )


def retry_delivery_action(
    page: PageContext, scope: Scope, delivery_id: UUID, version: int
) -> Message:
    """Retry a delivery. Raise the errors of `drafts.retry_delivery`."""
    drafts.retry_delivery(scope, delivery_id, version=version)
    return _describe_publish_result(
        page, scope, delivery_id, "calendar.again_done", "calendar.again_done_not"
    )


def publish_now_action(page: PageContext, scope: Scope, delivery_id: UUID, version: int) -> Message:
    """Publish a delivery now. Raise the errors of `drafts.publish_now`."""
    drafts.publish_now(scope, delivery_id, version=version)
    return _describe_publish_result(
        page, scope, delivery_id, "calendar.now_done", "calendar.now_done_not"
    )


def schedule_draft_action(scope: Scope, post_id: UUID) -> Message:
    """Schedule a draft. Report the accounts that would not publish it as it is, or a missing
    approval. Raise the errors of `drafts.schedule_draft`."""
    if not drafts.schedule_draft(scope, post_id):
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
    """Return the result of the action, with the first reason because of which the delivery would
    immediately be on hold again."""
    trouble = next(
        iter(preflight.troubles_of_delivery(scope, delivery_id, platform_connectors())), None
    )
    return (
        Message(done)
        if trouble is None
        else Message(not_yet, {"why": page.localizer.message_text(trouble)})
    )
