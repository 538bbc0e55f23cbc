"""Posts that an account keeps waiting, while it rests or its platform gives no answer: one notice
for each account."""

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
"""Before the account's id in the cause of its notice."""

TOLD = frozenset(
    {
        BlockReason.PAUSED,
        BlockReason.LIMITED,
        BlockReason.KEPT,
        BlockReason.SHARED,
        BlockReason.DOWN,
    }
)
"""A lost account has a notice of its own, and whoever pressed an emergency stop knows."""


def warn_of_blocked_account(scope: Scope, channel: Channel) -> None:
    """A post comes near that an account will not let go: say so, once for all of its posts."""
    held = find_account_block(scope, channel)
    if held is not None and held.why in TOLD:
        _put_blocked_notice(scope, channel, held.why)


def refresh_blocked_account_notices(scope: Scope) -> None:
    """Tell of the accounts that keep posts waiting longer than their authors accept, and no longer
    than they do."""
    known = [UUID(one.removeprefix(CAUSE)) for one in notices.list_open_causes(scope, CAUSE)]
    stand = set()
    for channel_id in sorted({*known, *_list_overdue_accounts(scope)}):
        channel = queries.get_channel(scope, channel_id)
        held = find_account_block(scope, channel)
        if held is not None and held.why in TOLD and _put_blocked_notice(scope, channel, held.why):
            stand.add(f"{CAUSE}{channel_id}")
    notices.close_others(scope, CAUSE, stand)


def _put_blocked_notice(scope: Scope, channel: Channel, why: BlockReason) -> int:
    """Tell, where any post waits; how many do."""
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
    """Accounts with posts that should have left by now, and later than their authors accept."""
    found = scope.session.exec(
        select(Delivery.channel_id)
        .where(
            Delivery.tenant_id == scope.tenant_id,
            col(Delivery.state).in_(WAITS),
            col(Delivery.due_at)
            < scope.now,  # said again, for its index: of a year's plans these are few
            col(Delivery.late_until) < scope.now,
            ~col(Delivery.dry_run),
        )
        .distinct()
    )
    return list(found.all())
