"""Hearing what fans do on a chat account. The listening process polls, keeps what it heard, then acknowledges."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from channels import abilities, asking, budgets, charging, connecting, reads, refreshing
from channels.reads import Channel
from connectors import charges, windows
from connectors.charges import Metered, What
from connectors.contract import Answer, ChatConnector, News, Response, Send, StepNotSent, Update
from connectors.inboxes import SharedInbox
from connectors.outcomes import Outcome, Reauthorize, Rejected
from connectors.transport import Transport
from foundation.clock import pause
from foundation.database import Scope
from foundation.ids import uuid7
from foundation.words import Message
from gate.permit import ControlOrder
from tenants import notices


@dataclass(frozen=True)
class Heard:
    """Updates in order, the cursor to acknowledge once they are kept, and the answer they came in, or the last of them.

    `cursor` is None when the answer could not be used: `unheard` learns from it, and from `why`, what the connector
    made of it.
    """

    updates: tuple[Update, ...]
    cursor: str | None
    answer: Answer
    why: Outcome | None = None
    asked: int = 1
    """Requests it took."""
    charged: Mapping[What, int] = field(default_factory=dict)
    """What the platform asks money for in it."""


UNASKED = Heard((), None, StepNotSent("updates", "held"))
"""Nothing was asked, or not to the end: the platform wants us to wait, or the listener stops."""


def is_held(scope: Scope, channel: Channel, connector: ChatConnector) -> bool:
    """Whether an account may not be asked now: its platform counts what we ask, and refused.

    Where it holds the request itself, or has limits for each chat, a refusal of a message says nothing about listening.
    """
    return connector.capabilities.poll_seconds > 0 and budgets.limit(scope, channel.id, brake=False) is not None


def is_too_dear(scope: Scope, channel: Channel) -> bool:
    """Whether what people write is not read any more this month, for the agency's cap; told once until it is."""
    if charges.of(channel.platform) is None:
        return False
    found, cause = charging.deaf(scope, channel.platform), f"channel:{channel.id}:unread"
    if found is None:
        notices.settle(scope, cause)
        return False
    told = Message("channel.cap_unread", {"account": channel.name, **charging.capped(found).params})
    notices.put(scope, told, cause=cause, urgent=True, creator_id=channel.creator_id)
    return True


def cursor(scope: Scope, channel_id: UUID) -> str:
    """How far the account was heard; "" at first."""
    found = scope.run(
        "SELECT cursor FROM listen_cursors WHERE tenant_id = :tenant AND channel_id = :channel",
        tenant=scope.tenant_id,
        channel=channel_id,
    ).scalar()
    return str(found or "")


def heard_to(scope: Scope, channel: Channel, connector: ChatConnector) -> str:
    """How far an account's inbox was heard, by whichever of the accounts that share it listened last: the one that
    listens in another's place goes on there, neither from before nor from now."""
    if not isinstance(connector, SharedInbox):
        return cursor(scope, channel.id)
    found = scope.run(
        "SELECT channels.account, listen_cursors.cursor FROM listen_cursors"
        " JOIN channels ON channels.tenant_id = listen_cursors.tenant_id AND channels.id = listen_cursors.channel_id"
        " WHERE listen_cursors.tenant_id = :tenant AND channels.platform = :platform"
        " ORDER BY listen_cursors.updated_at DESC, listen_cursors.id DESC",
        tenant=scope.tenant_id,
        platform=channel.platform,
    )
    inbox = connector.hears(channel.account)
    return next((str(row.cursor) for row in found if connector.hears(row.account) == inbox), "")


def poll(
    channel: Channel,
    after: str,
    *,
    transport: Transport,
    connectors: Mapping[str, ChatConnector],
    rest: Callable[[float], object] = pause,
) -> Heard:
    """Ask the platform what happened after a cursor: a long poll, or some requests; no transaction is open.

    `rest` waits so many seconds between two of them, where the platform counts them; says it yes, the poll ends there.
    What has no end after `asking.MOST_REQUESTS` is not heard. Raises EgressForbidden.
    """
    connector = abilities.of(connectors, channel)
    gap = connector.capabilities.poll_gap
    answers: tuple[Answer, ...] = ()
    while isinstance(turn := connector.listen(after, answers), Send) and len(answers) < asking.MOST_REQUESTS:
        if gap and answers and rest(gap):
            return UNASKED
        order = ControlOrder(channel.tenant_id, channel.id, turn.step.action)
        answers = (*answers, transport.send(turn.step, order, account=reads.account(channel)))
    charged = connector.charged(after, answers) if isinstance(connector, Metered) else {}
    if isinstance(turn, News):
        return Heard(turn.updates, turn.cursor or after, answers[-1], asked=len(answers), charged=charged)
    return Heard((), None, answers[-1], None if isinstance(turn, Send) else turn, len(answers), charged)


def acknowledge(scope: Scope, channel: Channel, heard: Heard) -> None:
    """Remember how far the account was heard; call it in the transaction that keeps the updates."""
    if heard.cursor is None:
        unheard(scope, channel, heard)
        return
    _note(scope, channel, heard)
    notices.settle(scope, two_listeners(channel))
    notices.settle(scope, _unreadable(channel))
    scope.run(
        "INSERT INTO listen_cursors (tenant_id, id, channel_id, cursor) VALUES (:tenant, :id, :channel, :cursor)"
        " ON CONFLICT (tenant_id, channel_id) DO UPDATE SET cursor = EXCLUDED.cursor, updated_at = house_now()"
        " WHERE listen_cursors.cursor <> EXCLUDED.cursor",
        tenant=scope.tenant_id,
        id=uuid7(),
        channel=channel.id,
        cursor=heard.cursor,
    )


def two_listeners(channel: Channel) -> str:
    """The cause of the notice that somebody else listens on an account."""
    return f"channel:{channel.id}:two_listeners"


def _unreadable(channel: Channel) -> str:
    """The cause of the notice that an account's messages may not be read."""
    return f"channel:{channel.id}:no_messages"


def unheard(scope: Scope, channel: Channel, heard: Heard) -> None:
    """Learn from an answer without updates: a token that is dead, or lacks a right, is renewed, or the owner asked to
    connect again; a 429 waits.

    Where the right for messages alone is missing, the members are told what to connect again: it goes on posting.
    A 409 is somebody else who listens on the same account: the members are told, once.
    """
    if isinstance(heard.answer, Response) and heard.answer.status == 401:
        connecting.wait_no_more(scope, channel.id, Message("connectors.token_refused"))
        refreshing.weigh(scope, channel, Reauthorize(Message("channel.token_refused")), shown=channel.generation)
    elif heard.why is not None:
        refreshing.weigh(scope, channel, heard.why, shown=channel.generation)
    if isinstance(heard.answer, Response) and heard.answer.status == 409:
        told = Message("channel.two_listeners", {"account": channel.name})
        notices.put(scope, told, cause=two_listeners(channel), urgent=True, creator_id=channel.creator_id)
    if isinstance(heard.why, Rejected) and heard.why.reason.code == windows.NO_MESSAGES:
        notices.put(scope, heard.why.reason, cause=_unreadable(channel), creator_id=channel.creator_id)
    _note(scope, channel, heard)


def _note(scope: Scope, channel: Channel, heard: Heard) -> None:
    budgets.note(scope, channel.id, heard.answer, creates=False)
    charging.count(scope, channel.id, channel.platform, heard.charged)
