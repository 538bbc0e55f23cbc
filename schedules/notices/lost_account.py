"""Posts that wait for a lost account: one notice for each account, which says how many, and none for each post."""

from uuid import UUID

from sqlmodel import col, func, select

from channels.accounts import lifecycle
from channels.accounts import queries as channel_reads
from foundation.db.database import Scope
from schedules.posts.models import Delivery
from schedules.posts.states import DeliveryState

S = DeliveryState

ACCOUNT_LOST = "delivery.account_lost"
"""The reason of a hold that ends when the account is connected again."""


def count_pending_posts(scope: Scope, channel_id: UUID) -> int:
    """How many posts are still to leave by an account."""
    states = [S.DRAFT, S.APPROVED, S.SCHEDULED, S.HELD, S.PARTLY, S.BROKEN_OFF]
    planned = select(func.count()).where(
        Delivery.tenant_id == scope.tenant_id,
        Delivery.channel_id == channel_id,
        col(Delivery.state).in_([str(state) for state in states]),
    )
    return scope.session.exec(planned).one()


def update_lost_account_notice(scope: Scope, channel_id: UUID) -> None:
    """The account's notice says how many posts wait for it now. Raises NotFound."""
    waiting = select(func.count()).where(
        Delivery.tenant_id == scope.tenant_id,
        Delivery.channel_id == channel_id,
        col(Delivery.state).in_([str(S.HELD), str(S.BROKEN_OFF)]),
        col(Delivery.reason)["code"].astext == ACCOUNT_LOST,
    )
    lifecycle.report_waiting_posts(scope, channel_id, scope.session.exec(waiting).one())


def refresh_lost_account_notices(scope: Scope) -> None:
    """Count anew: what was moved to another account, or dropped, waits no more."""
    for channel in channel_reads.list_unusable_channels(scope):
        update_lost_account_notice(scope, channel.id)
