"""Reading comments under the posts of an account, and moderating them, without an open transaction
during requests.

Neither is recorded as an attempt, because no content of ours is published.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from channels.accounts import account_connectors, queries
from channels.accounts.queries import Channel
from channels.accounts.states import ChannelState
from channels.attempts import request_loop
from channels.connections import token_renewal
from channels.limits import send_limits
from connectors.contract.comments import (
    MODERATE_ACTION,
    CommentPage,
    CommentTarget,
    ModerationAction,
    SupportsComments,
)
from connectors.contract.connector import Connector, Send, StepResult
from connectors.contract.outcomes import Outcome, Retry
from connectors.transport.transport import Transport
from foundation.db.database import OpenScope, Scope
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from gate.contract.permit import ControlOrder

AGAIN = timedelta(seconds=30)


@dataclass(frozen=True)
class CommentReader:
    """The collaborators of comment requests."""

    tenant: OpenScope
    transport: Transport
    connectors: Mapping[str, Connector]


def read_comments(
    tenant_id: UUID, channel_id: UUID, *, ear: CommentReader
) -> tuple[Channel, CommentPage] | None:
    """Return the new comments on an account since the last time, or None if they cannot be read
    now. Raises NotFound."""
    with ear.tenant(tenant_id, request_loop.CHANNELS_ACTOR) as scope:
        channel = queries.get_channel(scope, channel_id)
        connector = account_connectors.connector_for(ear.connectors, channel)
        if (
            not isinstance(connector, SupportsComments)
            or send_limits.send_block(scope, channel_id, brake=False) is not None
        ):
            return None
        after = stored_comment_cursor(scope, channel_id)

    def question(answers: tuple[StepResult, ...]) -> Send | CommentPage | None:
        return connector.list_comments(channel.account, channel.destination_id, after, answers)

    end = question(_fetch_comment_answers(channel, question, ear))
    return (channel, end) if isinstance(end, CommentPage) else None


def moderate_comment(
    tenant_id: UUID,
    channel_id: UUID,
    native_id: str,
    author: str,
    act: ModerationAction,
    *,
    ear: CommentReader,
) -> Outcome:
    """Moderate a comment and return the outcome.

    Raises NotFound, and ValueError for an act that the account does not support.
    """
    with ear.tenant(tenant_id, request_loop.CHANNELS_ACTOR) as scope:
        channel = queries.get_channel(scope, channel_id)
        connector = account_connectors.connector_for(ear.connectors, channel)
        waits = send_limits.send_block(scope, channel_id, brake=False)
        now = scope.now
    if not isinstance(connector, SupportsComments) or act not in connector.capabilities.moderates:
        raise ValueError(f"{channel.platform} knows no {act}")
    if waits is not None:
        return Retry(max(waits.until - now, AGAIN), "account", waits.reason)
    spot = CommentTarget(native_id, author, channel.account, channel.destination_id)

    def question(answers: tuple[StepResult, ...]) -> Send | Outcome:
        return connector.moderate_comment(spot, act, answers)

    end = question(_fetch_comment_answers(channel, question, ear, act=act))
    if isinstance(end, Send):
        return Retry(AGAIN, "account", Message("attempt.not_proven"))
    with ear.tenant(tenant_id, request_loop.CHANNELS_ACTOR) as scope:
        return token_renewal.apply_outcome_to_account(
            scope, channel, end, shown=channel.generation, secondary=True
        )


def _fetch_comment_answers(
    channel: Channel,
    question: Callable[[tuple[StepResult, ...]], object],
    ear: CommentReader,
    *,
    act: str = "",
) -> tuple[StepResult, ...]:
    def order(action: str) -> ControlOrder:
        return ControlOrder(
            channel.tenant_id, channel.id, action, act if action == MODERATE_ACTION else ""
        )

    return request_loop.run_requests(
        channel, question, order, tenant=ear.tenant, transport=ear.transport
    )


def stored_comment_cursor(scope: Scope, channel_id: UUID) -> str:
    """Return the cursor of the last read comment, or "" before the first read."""
    found = scope.run(
        "SELECT cursor FROM remark_cursors WHERE tenant_id = :tenant AND channel_id = :channel",
        tenant=scope.tenant_id,
        channel=channel_id,
    ).scalar()
    return str(found or "")


def accounts_due_for_comments(scope: Scope) -> list[UUID]:
    """Return the active accounts whose comments are due to be read."""
    rows = scope.run(
        "SELECT c.id FROM channels c LEFT JOIN remark_cursors r ON r.tenant_id = c.tenant_id AND "
        "r.channel_id = c.id"
        " WHERE c.tenant_id = :tenant AND c.state = :active AND (r.due_at IS NULL OR r.due_at <= "
        ":now) ORDER BY c.id",
        tenant=scope.tenant_id,
        active=str(ChannelState.ACTIVE),
        now=scope.now,
    )
    return list(rows.scalars())


def acknowledge_comments(
    scope: Scope, channel_id: UUID, after: str | None, *, again: timedelta
) -> datetime:
    """Store the cursor after the comments were stored, and the delay before the next read; `after`
    is None if the read failed.

    Return the time of the last successful read, or of the first try.
    """
    heard_at: datetime = scope.run(
        "INSERT INTO remark_cursors AS r (tenant_id, id, channel_id, cursor, heard_at, due_at) "
        "VALUES (:tenant, :id,"
        " :channel, coalesce(:cursor, ''), :now, :due) ON CONFLICT (tenant_id, channel_id) DO "
        "UPDATE SET"
        " cursor = coalesce(:cursor, r.cursor), due_at = EXCLUDED.due_at, updated_at = house_now(),"
        " heard_at = CASE WHEN CAST(:cursor AS text) IS NULL THEN r.heard_at ELSE "
        "EXCLUDED.heard_at END"
        " RETURNING heard_at",
        tenant=scope.tenant_id,
        id=uuid7(),
        channel=channel_id,
        cursor=after,
        now=scope.now,
        due=scope.now + again,
    ).scalar_one()
    return heard_at
