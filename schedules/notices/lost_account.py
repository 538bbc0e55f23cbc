"""Notices of disconnected accounts: one for each account, with the number of waiting posts."""

from uuid import UUID

from sqlmodel import col, func, select

from channels.accounts import queries
from foundation.db.database import Scope
from schedules.posts.models import Delivery
from schedules.posts.states import DeliveryState
from schedules.posts.transitions import update_lost_account_notice


def count_pending_posts(scope: Scope, channel_id: UUID) -> int:
    """Return the number of unpublished posts of an account."""
    states = [
        DeliveryState.DRAFT,
        DeliveryState.APPROVED,
        DeliveryState.SCHEDULED,
        DeliveryState.HELD,
        DeliveryState.PARTLY,
        DeliveryState.BROKEN_OFF,
    ]
    planned = select(func.count()).where(
        Delivery.tenant_id == scope.tenant_id,
        Delivery.channel_id == channel_id,
        col(Delivery.state).in_([str(state) for state in states]),
    )
    return scope.session.exec(planned).one()


def refresh_lost_account_notices(scope: Scope) -> None:
    """Update the number of waiting posts in the notices of disconnected accounts."""
    for channel in queries.list_unusable_channels(scope):
        update_lost_account_notice(scope, channel.id)
