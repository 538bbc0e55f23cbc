"""Results of moved posts: the posts that could not be moved with their reasons, and the effect of a
move on approvals, described before and after it."""

from collections.abc import Collection, Sequence
from uuid import UUID

from channels.accounts import queries
from dashboard.pages.posts.queries import PostView
from dashboard.shell import time_zones
from dashboard.shell.page_context import PageContext
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from foundation.ops.wall_time import WallTime
from schedules.approvals import time_changes
from schedules.approvals.release import needs_no_approval
from schedules.calendar.next_steps import is_waiting_for_approval
from schedules.posts.queries import DeliveryEntry
from schedules.posts.states import DeliveryState
from schedules.posts.transitions import get_delivery
from schedules.rescheduling.bulk_moves import UnmovedDelivery
from tenants.agencies.queries import Creator

FEW = 5
"""Number of unmoved posts that a message names. The others are counted."""
BEGINNING = 60
"""Maximum number of characters of a post's text that identify it in a message."""


def describe_unmoved_posts(
    page: PageContext, scope: Scope, done: Message, left: Sequence[UnmovedDelivery]
) -> Message:
    """Add the posts that were not moved and the reasons to `done`. Return `done` unchanged if there
    are none."""
    if not left:
        return done
    names = queries.channel_names(scope)
    which = []
    for one in left[:FEW]:
        words = " ".join(one.words.split())[:BEGINNING] or "…"
        account = names.get(one.channel_id, "?")
        why = page.localizer.message_text(one.why)
        which.append(page.text("shift.stayed_one", post=words, account=account, why=why))
    if len(left) > FEW:
        which.append(page.text("shift.more", count=len(left) - FEW))
    return Message(
        "shift.stayed", {"done": page.localizer.message_text(done), "which": " ".join(which)}
    )


def describe_approval_effect(
    page: PageContext, found: PostView, moving: Sequence[DeliveryEntry]
) -> str:
    """Describe the effect of moving these deliveries on their approvals. Return "" if no approval
    is required."""
    waits = all(one.state is DeliveryState.DRAFT or is_waiting_for_approval(one) for one in moving)
    if not found.creator.approval_tiers or (waits and found.free):
        return ""
    if time_changes.needs_time_approval(found.creator):
        return page.text("calendar.move_asks")
    return page.text("calendar.move_waits" if waits else "calendar.move_keeps")


def describe_move(
    page: PageContext,
    scope: Scope,
    creator: Creator,
    at: WallTime,
    moved: Collection[UUID],
    *,
    clock: str = "",
) -> Message:
    """Return the new time of moved deliveries and the approval that they require. `clock` is the
    formatted time if it is not in the creator's time zone."""
    when = {
        "day": f"{at.day:%d/%m/%Y}",
        "clock": clock or time_zones.format_wall_clock(page, at, creator.zone),
    }
    there = Message("calendar.moved_gap" if at.is_in_dst_gap else "calendar.moved", when)
    rows = [
        row
        for row in (get_delivery(scope, one) for one in moved)
        if row.state == DeliveryState.DRAFT
    ]
    if all(needs_no_approval(scope, row.post_id) for row in rows):
        return there
    waits = (
        "calendar.moved_asks"
        if time_changes.needs_time_approval(creator)
        else "calendar.moved_waits"
    )
    return Message(waits, {"moved": page.localizer.message_text(there)})
