"""Polling updates of chat accounts.

The listener process polls, stores the updates, then acknowledges them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from channels.accounts import account_connectors, lifecycle, queries
from channels.accounts.queries import Channel
from channels.attempts import request_loop
from channels.connections import token_renewal
from channels.limits import request_costs, send_limits
from connectors.contract.chats import ChatConnector, ChatUpdate, ChatUpdates, SupportsSharedInbox
from connectors.contract.connector import Response, Send, StepNotSent, StepResult
from connectors.contract.outcomes import Outcome, Reauthorize, Rejected
from connectors.shared import reply_windows
from connectors.shared.request_costs import RequestCostKind, SupportsRequestCosts, price_list_of
from connectors.transport.transport import Transport
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from foundation.ops.clock import sleep
from gate.contract.permit import ControlOrder
from tenants.notices import notices


@dataclass(frozen=True)
class ReceivedUpdates:
    """Updates in order, the cursor to store with them, and the last response.

    `cursor` is None if the response could not be used: `record_poll_failure` evaluates it, and the
    outcome `why` of the connector.
    """

    updates: tuple[ChatUpdate, ...]
    cursor: str | None
    answer: StepResult
    why: Outcome | None = None
    asked: int = 1
    """Number of requests."""
    charged: Mapping[RequestCostKind, int] = field(default_factory=dict)
    """Billed items by kind."""


NOT_POLLED = ReceivedUpdates((), None, StepNotSent("updates", "held"))
"""Result of a poll that made no request, or not all of them, because the account is blocked or the
listener stops."""


def is_polling_blocked(scope: Scope, channel: Channel, connector: ChatConnector) -> bool:
    """Return True if an account must not be polled now because its platform refused requests.

    On platforms with long polling or limits per chat, a refused message does not affect polling.
    """
    return (
        connector.capabilities.poll_seconds > 0
        and send_limits.send_block(scope, channel.id, brake=False) is not None
    )


def is_over_cost_cap(scope: Scope, channel: Channel) -> bool:
    """Return True if messages are not read this month because of the agency's cap. The members are
    notified once."""
    if price_list_of(channel.platform) is None:
        return False
    found = request_costs.listening_stopped_by_cap(scope, channel.platform)
    cause = f"channel:{channel.id}:unread"
    if found is None:
        notices.close(scope, cause)
        return False
    told = Message(
        "channel.cap_unread",
        {"account": channel.name, **request_costs.cap_reached_message(found).params},
    )
    notices.put(scope, told, cause=cause, urgent=True, creator_id=channel.creator_id)
    return True


def stored_cursor(scope: Scope, channel_id: UUID) -> str:
    """Return the cursor of an account, or "" before the first poll."""
    found = scope.run(
        "SELECT cursor FROM listen_cursors WHERE tenant_id = :tenant AND channel_id = :channel",
        tenant=scope.tenant_id,
        channel=channel_id,
    ).scalar()
    return str(found or "")


def inbox_cursor(scope: Scope, channel: Channel, connector: ChatConnector) -> str:
    """Return the latest cursor of an account's inbox, by any of the accounts that share it. An
    account that takes over listening continues there."""
    if not isinstance(connector, SupportsSharedInbox):
        return stored_cursor(scope, channel.id)
    found = scope.run(
        "SELECT channels.account, listen_cursors.cursor FROM listen_cursors"
        " JOIN channels ON channels.tenant_id = listen_cursors.tenant_id AND channels.id = "
        "listen_cursors.channel_id"
        " WHERE listen_cursors.tenant_id = :tenant AND channels.platform = :platform"
        " ORDER BY listen_cursors.updated_at DESC, listen_cursors.id DESC",
        tenant=scope.tenant_id,
        platform=channel.platform,
    )
    inbox = connector.inbox_id(channel.account)
    return next((str(row.cursor) for row in found if connector.inbox_id(row.account) == inbox), "")


def poll_updates(
    channel: Channel,
    after: str,
    *,
    transport: Transport,
    connectors: Mapping[str, ChatConnector],
    rest: Callable[[float], object] = sleep,
) -> ReceivedUpdates:
    """Request the updates after a cursor, by long polling or several requests. No transaction is
    open.

    `rest` waits the given seconds between two requests on platforms that count them; if it returns
    True, the poll ends. A poll without an end after `request_loop.MAX_REQUESTS` returns no updates.
    Raises EgressForbidden.
    """
    connector = account_connectors.connector_for(connectors, channel)
    gap = connector.capabilities.poll_gap
    answers: tuple[StepResult, ...] = ()
    while (
        isinstance(turn := connector.listen(after, answers), Send)
        and len(answers) < request_loop.MAX_REQUESTS
    ):
        if gap and answers and rest(gap):
            return NOT_POLLED
        order = ControlOrder(channel.tenant_id, channel.id, turn.step.action)
        answers = (
            *answers,
            transport.send(turn.step, order, account=queries.transport_account(channel)),
        )
    charged = (
        connector.count_poll_charges(after, answers)
        if isinstance(connector, SupportsRequestCosts)
        else {}
    )
    if isinstance(turn, ChatUpdates):
        return ReceivedUpdates(
            turn.updates, turn.cursor or after, answers[-1], asked=len(answers), charged=charged
        )
    return ReceivedUpdates(
        (), None, answers[-1], None if isinstance(turn, Send) else turn, len(answers), charged
    )


def acknowledge_updates(scope: Scope, channel: Channel, heard: ReceivedUpdates) -> None:
    """Store the cursor of an account. Call it in the transaction that stores the updates."""
    if heard.cursor is None:
        record_poll_failure(scope, channel, heard)
        return
    _record_poll(scope, channel, heard)
    notices.close(scope, second_listener_cause(channel))
    notices.close(scope, _unreadable_notice_cause(channel))
    scope.run(
        "INSERT INTO listen_cursors (tenant_id, id, channel_id, cursor) VALUES (:tenant, :id, "
        ":channel, :cursor)"
        " ON CONFLICT (tenant_id, channel_id) DO UPDATE SET cursor = EXCLUDED.cursor, updated_at "
        "= house_now()"
        " WHERE listen_cursors.cursor <> EXCLUDED.cursor",
        tenant=scope.tenant_id,
        id=uuid7(),
        channel=channel.id,
        cursor=heard.cursor,
    )


def second_listener_cause(channel: Channel) -> str:
    """Return the cause of the notice of a second listener on an account."""
    return f"channel:{channel.id}:two_listeners"


def _unreadable_notice_cause(channel: Channel) -> str:
    """Return the cause of the notice of messages that may not be read."""
    return f"channel:{channel.id}:no_messages"


def record_poll_failure(scope: Scope, channel: Channel, heard: ReceivedUpdates) -> None:
    """Evaluate a response without updates: a token that is invalid or lacks a right is renewed, or
    must be reauthorized; a 429 blocks the account.

    If only the right to read messages is missing, the members are notified and the account
    continues to post. A 409 means that another program listens on the same account: the members are
    notified once.
    """
    if isinstance(heard.answer, Response) and heard.answer.status == 401:
        lifecycle.end_wait_for_return(scope, channel.id, Message("connectors.token_refused"))
        token_renewal.apply_outcome_to_account(
            scope,
            channel,
            Reauthorize(Message("channel.token_refused")),
            shown=channel.generation,
            secondary=True,
        )
    elif heard.why is not None:
        token_renewal.apply_outcome_to_account(
            scope, channel, heard.why, shown=channel.generation, secondary=True
        )
    if isinstance(heard.answer, Response) and heard.answer.status == 409:
        told = Message("channel.two_listeners", {"account": channel.name})
        notices.put(
            scope,
            told,
            cause=second_listener_cause(channel),
            urgent=True,
            creator_id=channel.creator_id,
        )
    if (
        isinstance(heard.why, Rejected)
        and heard.why.reason.code == reply_windows.MESSAGES_NOT_ALLOWED
    ):
        notices.put(
            scope,
            heard.why.reason,
            cause=_unreadable_notice_cause(channel),
            creator_id=channel.creator_id,
        )
    _record_poll(scope, channel, heard)


def _record_poll(scope: Scope, channel: Channel, heard: ReceivedUpdates) -> None:
    send_limits.record_answer(scope, channel.id, heard.answer, creates=False)
    request_costs.record_poll_costs(scope, channel.id, channel.platform, heard.charged)
