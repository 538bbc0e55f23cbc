"""Warnings about the time of a post, with actions that move it to a suggested time or to the next
open slot."""

from functools import partial
from uuid import UUID

from dashboard.pages.posts import move_results
from dashboard.pages.posts.queries import PostChannel
from dashboard.pages.posts.timing_queries import find_timing_warning
from dashboard.shell import actions
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from foundation.ops.wall_time import WallTime
from schedules.approvals.time_changes import reschedule_delivery
from schedules.availability.minimum_interval import IntervalWarning
from schedules.posts.queries import DeliveryEntry
from schedules.rescheduling import queue
from schedules.rescheduling.drag_and_drop import to_zone
from tenants.agencies.rights import Right


def describe_timing_warning(page: PageContext, near: IntervalWarning) -> str:
    """Describe the conflict with another post or a quiet period, and the nearest time without a
    conflict."""
    at = near.instead
    instead = ""
    if at is not None:
        instead = page.text(
            "near.instead", instead=f"{page.localizer.format_short_day(at.day)} {at.clock:%H:%M}"
        )
    if near.at is not None:
        close = page.text(
            "near.close",
            account=near.account,
            clock=page.localizer.format_clock(near.at),
            words=" ".join(near.words.split())[:60],
            gap=page.localizer.format_duration(near.gap),
        )
        return _join_sentences(close, instead, _describe_interval_outcome(page, near))
    if near.quiet is None:
        return _join_sentences(_describe_interval_outcome(page, near), instead)
    return _join_sentences(
        page.text("near.quiet", label=near.quiet.display_name(page.localizer.language)), instead
    )


def _join_sentences(*sentences: str) -> str:
    return " ".join(filter(None, sentences))


def _describe_interval_outcome(page: PageContext, near: IntervalWarning) -> str:
    """Describe the effect of an enforced minimum interval. Return "" if the account does not
    enforce one."""
    if near.held:
        return page.text("near.held", account=near.account)
    if near.leaves is None:
        return ""
    if not near.waits:
        return page.text("near.other_waits", account=near.account)
    at = f"{page.localizer.format_short_day(near.leaves.day)} {near.leaves.clock:%H:%M}"
    return page.text("near.waits", account=near.account, at=at)


def render_timing_warning(page: PageContext, creator_id: UUID, place: PostChannel) -> None:
    """Render the warning of one account and the two actions that resolve it."""
    entry = place.entry
    if not place.is_movable:
        return
    near, slot = page.read(
        lambda scope: find_timing_warning(scope, entry.channel_id, entry.delivery_id, entry.due_at)
    )
    if near is not None:
        draw_template("shell/templates/note.html", note=describe_timing_warning(page, near))
    if not page.has_right(Right.RUN):
        return
    about = (page, creator_id, entry)
    key = f"{entry.delivery_id}:{entry.version}"
    if near is not None and near.instead is not None:
        at = near.instead
        when = {"at": f"{page.localizer.format_short_day(at.day)} {at.clock:%H:%M}"}
        act = partial(_reschedule_delivery, *about, at)
        actions.action_button(
            page, "near.move", act, right=Right.RUN, key=f"near:{key}:{at}", params=dict(when)
        )
    if slot is not None:
        when = {"at": f"{page.localizer.format_short_day(slot.day)} {slot.clock:%H:%M}"}
        act = partial(_queue_delivery, *about)
        actions.action_button(
            page,
            "near.queue",
            act,
            right=Right.RUN,
            key=f"slot:{key}",
            params=dict(when),
            kind="tertiary",
        )


def _reschedule_delivery(
    page: PageContext, creator_id: UUID, entry: DeliveryEntry, at: WallTime, scope: Scope, _: UUID
) -> Message:
    creator = page.get_creator(scope, creator_id)
    at = to_zone(at, entry.zone)
    reschedule_delivery(scope, entry.delivery_id, at=at, version=entry.version)
    return move_results.describe_move(page, scope, creator, at, [entry.delivery_id])


def _queue_delivery(
    page: PageContext, creator_id: UUID, entry: DeliveryEntry, scope: Scope, _: UUID
) -> Message:
    creator = page.get_creator(scope, creator_id)
    at = queue.queue_delivery(scope, entry.delivery_id, version=entry.version)
    return move_results.describe_move(
        page, scope, creator, at, [entry.delivery_id], clock=f"{at.clock:%H:%M}"
    )
