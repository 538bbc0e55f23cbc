"""Notices of accounts that cannot send posts, because of a pause, a limit or an outage."""

from uuid import UUID

from sqlmodel import col, func, select

from channels.accounts import queries
from channels.accounts.queries import Channel
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from schedules.downtime.account_blocks import BlockReason, find_account_block
from schedules.posts.deliveries import FINAL_PREFLIGHT_LEAD
from schedules.posts.models import Delivery
from schedules.posts.states import DeliveryState
from tenants.notices import notices

WAITS = [str(DeliveryState.APPROVED), str(DeliveryState.SCHEDULED), str(DeliveryState.PARTLY)]

CAUSE = "waits:"
"""Prefix of the notice cause, before the account ID."""

TOLD = frozenset(
    {
        BlockReason.PAUSED,
        BlockReason.LIMITED,
        BlockReason.KEPT,
        BlockReason.SHARED,
        BlockReason.DOWN,
    }
)
"""Reasons for which this module notifies members. Disconnected accounts have another notice, and
members know of emergency stops, because one of them started the stop."""


def warn_of_blocked_account(scope: Scope, channel: Channel) -> None:
    """Notify members once of a blocked account whose posts are due soon."""
    held = find_account_block(scope, channel)
    if held is not None and held.why in TOLD:
        _put_blocked_notice(scope, channel, held.why)


def refresh_blocked_account_notices(scope: Scope) -> None:
    """Update the notices of blocked accounts whose posts are too late."""
    known = [UUID(one.removeprefix(CAUSE)) for one in notices.list_open_causes(scope, CAUSE)]
    stand = set()
    for channel_id in sorted({*known, *_list_overdue_accounts(scope)}):
        channel = queries.get_channel(scope, channel_id)
        held = find_account_block(scope, channel)
        if held is not None and held.why in TOLD and _put_blocked_notice(scope, channel, held.why):
            stand.add(f"{CAUSE}{channel_id}")
    notices.close_others(scope, CAUSE, stand)


def _put_blocked_notice(scope: Scope, channel: Channel, why: BlockReason) -> int:
    """Notify members if posts wait for the account, and return their number."""
    count = scope.session.exec(
        select(func.count()).where(
            Delivery.tenant_id == scope.tenant_id,
            Delivery.channel_id == channel.id,
            col(Delivery.state).in_(WAITS),
            col(Delivery.due_at) <= scope.now + FINAL_PREFLIGHT_LEAD,
            ~col(Delivery.dry_run),
        )
    ).one()
    if count:
        told = Message(f"waiting.{why}", {"account": channel.name, "posts": count})
        cause = f"{CAUSE}{channel.id}"
        if not notices.put(scope, told, cause=cause, urgent=True, creator_id=channel.creator_id):
            notices.update_message(scope, told, cause=cause)
    return count


def _list_overdue_accounts(scope: Scope) -> list[UUID]:
    """Return the accounts with posts that are later than their limits allow."""
    found = scope.session.exec(
        select(Delivery.channel_id)
        .where(
            Delivery.tenant_id == scope.tenant_id,
            col(Delivery.state).in_(WAITS),
            col(Delivery.due_at)
            # implied by late_until, repeated for its index: few rows of a year's schedule match
            < scope.now,
            col(Delivery.late_until) < scope.now,
            ~col(Delivery.dry_run),
        )
        .distinct()
    )
    return list(found.all())
