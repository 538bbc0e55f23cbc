"""Hearing what fans do on a chat account. The listening process polls, keeps what it heard, then acknowledges."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from channels import budgets, connecting, reads
from channels.reads import Channel
from connectors.contract import Answer, ChatConnector, Response, Update
from connectors.transport import Transport
from foundation.database import Scope
from foundation.ids import uuid7
from foundation.words import Message
from gate.permit import ControlOrder
from tenants import notices


@dataclass(frozen=True)
class Heard:
    """Updates in order, the cursor to acknowledge once they are kept, and the answer they came in.

    `cursor` is None when the answer could not be used: `unheard` learns from it.
    """

    updates: tuple[Update, ...]
    cursor: str | None
    answer: Answer


def cursor(scope: Scope, channel_id: UUID) -> str:
    """How far the account was heard; "" at first."""
    found = scope.run(
        "SELECT cursor FROM listen_cursors WHERE tenant_id = :tenant AND channel_id = :channel",
        tenant=scope.tenant_id,
        channel=channel_id,
    ).scalar()
    return str(found or "")


def poll(channel: Channel, after: str, *, transport: Transport, connectors: Mapping[str, ChatConnector]) -> Heard:
    """Ask the platform what happened after a cursor; a long poll, with no transaction open."""
    connector = connectors[channel.platform]
    step = connector.updates(after)
    order = ControlOrder(channel.tenant_id, channel.id, step.action)
    answer = transport.send(step, order, account=reads.account(channel))
    parsed = connector.parse_updates(answer)
    if parsed is None:
        return Heard((), None, answer)
    updates, cursor = parsed
    return Heard(updates, cursor or after, answer)


def acknowledge(scope: Scope, channel: Channel, heard: Heard) -> None:
    """Remember how far the account was heard; call it in the transaction that keeps the updates."""
    if heard.cursor is None:
        unheard(scope, channel, heard)
        return
    budgets.note(scope, channel.id, heard.answer, creates=False)
    notices.settle(scope, two_listeners(channel))
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


def unheard(scope: Scope, channel: Channel, heard: Heard) -> None:
    """Learn from an answer without updates: a dead token asks the owner to connect again, a 429 waits.

    A 409 is somebody else who listens on the same account: the members are told, once.
    """
    if isinstance(heard.answer, Response) and heard.answer.status == 401:
        connecting.reauthorize(scope, channel.id, Message("channel.token_refused"))
    if isinstance(heard.answer, Response) and heard.answer.status == 409:
        told = Message("channel.two_listeners", {"account": channel.name})
        notices.put(scope, told, cause=two_listeners(channel), urgent=True, creator_id=channel.creator_id)
    budgets.note(scope, channel.id, heard.answer, creates=False)
