"""Telegram notifications of a member: a private chat with a bot of the agency, linked by a
single-use token.

The dashboard shows the member a link that opens the bot with the token; the bot's listener calls
`confirm_link` with the chat from which the token was sent. Only the digest of a token is stored.
"""

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlmodel import col, select

from foundation.db.database import Scope
from tenants.agencies import queries
from tenants.notices import member_messages
from tenants.notices.member_messages import MessageTarget
from tenants.notices.models import TelegramLinkRow
from tenants.notices.preferences import Route

TOKEN_LIVES = timedelta(minutes=30)
START_PREFIX = "notify-"
"""Prefix of the token in the start parameter of the bot."""

_START = re.compile(rf"/start(?:@\w{{1,64}})?\s+{START_PREFIX}([A-Za-z0-9_-]{{22}})\s*", re.ASCII)


@dataclass(frozen=True)
class TelegramLink:
    """The Telegram chat of a member. `failed` describes the last message ("refused", "waiting" or
    "")."""

    channel_id: UUID | None
    confirmed: bool
    failed: str


def find_telegram_link(scope: Scope, member_id: UUID) -> TelegramLink:
    """Return the chat of a member, which is unconfirmed until the bot received the token."""
    row = _find_row(scope, member_id)
    if row is None:
        return TelegramLink(None, confirmed=False, failed="")
    failed = member_messages.delivery_failure(scope, member_id, Route.TELEGRAM)
    return TelegramLink(row.channel_id, row.confirmed_at is not None, failed)


def find_chat(scope: Scope, member_id: UUID) -> tuple[UUID, str] | None:
    """Return the account of the bot and the chat that a member has linked, or None."""
    row = _find_row(scope, member_id)
    if row is None or row.confirmed_at is None:
        return None
    return row.channel_id, row.chat


def request_telegram_link(scope: Scope, member_id: UUID, channel_id: UUID) -> str:
    """Return the start parameter with a new token, valid once for `TOKEN_LIVES` with the bot of
    this account. It replaces an earlier token; a linked chat stays linked until then."""
    queries.get_active_member(scope, member_id)
    scope.lock(f"telegram:{member_id}")
    token = secrets.token_urlsafe(16)
    row = _find_row(scope, member_id) or TelegramLinkRow(
        tenant_id=scope.tenant_id, member_id=member_id, channel_id=channel_id
    )
    if row.confirmed_at is None:
        row.channel_id = channel_id
    row.token_digest = _digest(token, channel_id)
    row.token_until = scope.now + TOKEN_LIVES
    scope.add(row)
    return f"{START_PREFIX}{token}"


def read_start_token(text: str) -> str:
    """Return the token of a message that starts the bot with one, or ""."""
    found = _START.fullmatch(text)
    return found[1] if found else ""


def confirm_link(scope: Scope, channel_id: UUID, chat: str, token: str) -> bool:
    """Link the chat that sent a valid token, confirm it there, and return True.

    A token of another bot, an expired or used one returns False.
    """
    row = scope.session.exec(
        select(TelegramLinkRow)
        .where(
            TelegramLinkRow.tenant_id == scope.tenant_id,
            TelegramLinkRow.token_digest == _digest(token, channel_id),
            col(TelegramLinkRow.token_until) > scope.now,
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()
    if row is None:
        return False
    row.channel_id = channel_id
    row.chat = chat
    row.confirmed_at = scope.now
    row.token_digest = ""
    row.token_until = None
    scope.add(row)
    scope.session.flush()
    member_messages.record_message(
        scope, MessageTarget(row.member_id, Route.TELEGRAM), "linked", ()
    )
    return True


def remove_telegram_link(scope: Scope, member_id: UUID) -> None:
    """Unlink the chat of a member and drop the messages that are waiting."""
    row = _find_row(scope, member_id)
    if row is not None:
        scope.session.delete(row)
        member_messages.drop_waiting_messages(scope, member_id, Route.TELEGRAM)


def _digest(token: str, channel_id: UUID) -> str:
    return hashlib.sha256(channel_id.bytes + token.encode()).hexdigest()


def _find_row(scope: Scope, member_id: UUID) -> TelegramLinkRow | None:
    return scope.session.exec(
        select(TelegramLinkRow)
        .where(TelegramLinkRow.tenant_id == scope.tenant_id, TelegramLinkRow.member_id == member_id)
        .execution_options(populate_existing=True)
    ).first()
