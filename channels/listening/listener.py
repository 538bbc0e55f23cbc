"""Hearing what fans do on a chat account. The listening process polls, keeps what it heard, then
acknowledges."""

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
    """Updates in order, the cursor to acknowledge once they are kept, and the answer they came in,
    or the last of them.

    `cursor` is None when the answer could not be used: `unheard` learns from it, and from `why`,
    what the connector made of it.
    """

    updates: tuple[ChatUpdate, ...]
    cursor: str | None
    answer: StepResult
    why: Outcome | None = None
    asked: int = 1
    """Requests it took."""
    charged: Mapping[RequestCostKind, int] = field(default_factory=dict)
    """What the platform asks money for in it."""


NOT_POLLED = ReceivedUpdates((), None, StepNotSent("updates", "held"))
"""Nothing was asked, or not to the end: the platform wants us to wait, or the listener stops."""


def is_polling_blocked(scope: Scope, channel: Channel, connector: ChatConnector) -> bool:
    """Whether an account may not be asked now: its platform counts what we ask, and refused.

    Where it holds the request itself, or has limits for each chat, a refusal of a message says
    nothing about listening.
    """
    return (
        connector.capabilities.poll_seconds > 0
        and send_limits.send_block(scope, channel.id, brake=False) is not None
    )


def is_over_cost_cap(scope: Scope, channel: Channel) -> bool:
    """Whether what people write is not read any more this month, for the agency's cap; told once
    until it is."""
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
    """How far the account was heard; "" at first."""
    found = scope.run(
        "SELECT cursor FROM listen_cursors WHERE tenant_id = :tenant AND channel_id = :channel",
        tenant=scope.tenant_id,
        channel=channel_id,
    ).scalar()
    return str(found or "")


def inbox_cursor(scope: Scope, channel: Channel, connector: ChatConnector) -> str:
    """How far an account's inbox was heard, by whichever of the accounts that share it listened
    last: the one that listens in another's place goes on there, neither from before nor from
    now."""
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
    """Ask the platform what happened after a cursor: a long poll, or some requests; no transaction
    is open.

    `rest` waits so many seconds between two of them, where the platform counts them; says it yes,
    the poll ends there. What has no end after `request_loop.MAX_REQUESTS` is not heard. Raises
    EgressForbidden.
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
    """Remember how far the account was heard; call it in the transaction that keeps the updates."""
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
    """The cause of the notice that somebody else listens on an account."""
    return f"channel:{channel.id}:two_listeners"


def _unreadable_notice_cause(channel: Channel) -> str:
    """The cause of the notice that an account's messages may not be read."""
    return f"channel:{channel.id}:no_messages"


def record_poll_failure(scope: Scope, channel: Channel, heard: ReceivedUpdates) -> None:
    """Learn from an answer without updates: a token that is dead, or lacks a right, is renewed, or
    the owner asked to connect again; a 429 waits.

    Where the right for messages alone is missing, the members are told what to connect again: it
    goes on posting. A 409 is somebody else who listens on the same account: the members are told,
    once.
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
