"""Posts that wait for the minimum interval of their account: hold, recheck and notify."""

from uuid import UUID

from sqlalchemy import ColumnElement
from sqlmodel import col, func, select

from channels.accounts import lifecycle, queries
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from schedules.availability import enforced_interval
from schedules.availability.enforced_interval import WAITS_FOR_INTERVAL, IntervalTurn, format_hour
from schedules.posts.deliveries import schedule_wakeups
from schedules.posts.models import Delivery
from schedules.posts.states import DeliveryState
from schedules.posts.transitions import transition_delivery, update_delivery
from tenants.notices import notices

CAUSE = "apart:"
"""Prefix of the notice cause, before the account ID."""


def set_minimum_interval(scope: Scope, channel_id: UUID, *, minutes: int, holds: bool) -> None:
    """Set the minimum interval of an account; `holds` enforces it, otherwise the interval only
    causes a warning.

    Posts that wait for the old interval are rechecked immediately. Raises NotFound, and BadInput
    for an invalid interval.
    """
    lifecycle.set_min_interval(scope, channel_id, minutes)
    lifecycle.hold_min_interval(scope, channel_id, holds)
    recheck_interval_holds(scope, channel_id)


def hold_for_interval(scope: Scope, row: Delivery, turn: IntervalTurn) -> None:
    """Store the turn of a delivery with its reason, and notify members."""
    if (
        turn.at is None
        or turn.said is None
        or row.state not in (DeliveryState.APPROVED, DeliveryState.SCHEDULED)
    ):
        return
    if row.not_before != turn.at or row.reason != turn.said.to_json():
        transition_delivery(
            scope, row, DeliveryState.SCHEDULED, reason=turn.said, not_before=turn.at
        )
    _put_interval_notice(scope, row.channel_id)


def recheck_interval_holds(scope: Scope, channel_id: UUID) -> None:
    """Check all posts that wait for an account's interval again."""
    rows = scope.session.exec(
        select(Delivery)
        .where(*_interval_hold_conditions(scope), Delivery.channel_id == channel_id)
        .order_by(col(Delivery.id))
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).all()
    for row in rows:
        update_delivery(scope, row, not_before=None)
        schedule_wakeups(scope, row, at=max(row.due_at, scope.now))


def refresh_interval_notices(scope: Scope) -> None:
    """Update the notices of accounts whose posts wait for the minimum interval.

    Posts that waited for a post that was moved or cancelled are checked again.
    """
    waiting = scope.session.exec(
        select(Delivery.channel_id)
        .where(*_interval_hold_conditions(scope), _is_still_waiting_condition(scope))
        .distinct()
    ).all()
    for channel_id in sorted(waiting):
        if enforced_interval.has_earlier_turn(scope, queries.get_channel(scope, channel_id)):
            recheck_interval_holds(scope, channel_id)
        _put_interval_notice(scope, channel_id)
    notices.close_others(scope, CAUSE, {f"{CAUSE}{one}" for one in waiting})


def _interval_hold_conditions(scope: Scope) -> tuple[ColumnElement[bool], ...]:
    return (
        col(Delivery.tenant_id) == scope.tenant_id,
        col(Delivery.state) == str(DeliveryState.SCHEDULED),
        col(Delivery.reason)["code"].astext == WAITS_FOR_INTERVAL,
    )


def _is_still_waiting_condition(scope: Scope) -> ColumnElement[bool]:
    """Return the condition that the turn of a delivery is in the future."""
    return col(Delivery.not_before) > scope.now


def _put_interval_notice(scope: Scope, channel_id: UUID) -> None:
    channel = queries.get_channel(scope, channel_id)
    here = (
        *_interval_hold_conditions(scope),
        _is_still_waiting_condition(scope),
        col(Delivery.channel_id) == channel_id,
    )
    count, first = scope.session.exec(
        select(func.count(), func.min(Delivery.not_before)).where(*here)
    ).one()
    if first is None:
        return
    said = Message(
        "waiting.distance",
        {"account": channel.name, "posts": count, "at": format_hour(first, channel.zone)},
    )
    if not notices.put(scope, said, cause=f"{CAUSE}{channel_id}", creator_id=channel.creator_id):
        notices.update_message(scope, said, cause=f"{CAUSE}{channel_id}")
