"""Tables of notices, the notifications of members, and messages to members."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, LargeBinary, UniqueConstraint
from sqlmodel import Field

from foundation.db.tables import (
    TenantRow,
    jsonb_column,
    message_column,
    table_arguments,
    timestamp_column,
)
from tenants.agencies import models


class NoticeRow(TenantRow, table=True):
    """A notice to members; rendered in the reader's language when it is sent or shown."""

    __tablename__ = "notices"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "cause"),
        Index("notices_open", "tenant_id", "settled_at"),
        about="member",
        keep="1 year",
    )
    cause: str
    """Cause with at most one open notice, for example `delivery:<id>:uncertain`."""
    message: dict[str, Any] | None = message_column()
    urgent: bool
    creator_id: UUID | None = None
    principal_id: UUID | None = None
    """Recipient, or None for all members with access to the creator."""
    settled_at: datetime | None = timestamp_column(optional=True)
    times: int = 1
    """Number of times the notice was opened, so that a repeated failure is one item with a count.
    """
    informs: bool = False
    """True for an event that needs no decision, such as a refund. It ends when it is old."""


MEMBERS = models.Member.__tablename__


def _of_a_member() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["tenant_id", "member_id"], [f"{MEMBERS}.tenant_id", f"{MEMBERS}.id"]
    )


class NotificationRow(TenantRow, table=True):
    """A notice in the list of a member. Without a row, the member has not read it."""

    __tablename__ = "notifications"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "member_id", "notice_id", name="notifications_item"),
        _of_a_member(),
        about="member",
        keep="1 year",
    )
    member_id: UUID
    notice_id: UUID
    read_at: datetime = timestamp_column()
    """A notice that was opened again after this time is unread."""


class NotificationSettingsRow(TenantRow, table=True):
    """Choices of a member. Without a row, the defaults of `preferences` apply."""

    __tablename__ = "notification_settings"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "member_id", name="notification_settings_member"),
        _of_a_member(),
        about="member",
        keep="while the member exists",
    )
    member_id: UUID
    routes: dict[str, list[str]] = jsonb_column(dict)
    """Routes by kind; a kind without an entry uses all routes."""
    muted_creators: list[str] = jsonb_column(list)
    immediate: str = "urgent"
    digest_hour: int | None = None
    digested_on: date | None = None
    """Last day, in the member's time zone, for which the digest was processed."""
    quiet_from: int | None = None
    quiet_until: int | None = None
    """Quiet hours, in minutes after midnight in the member's time zone."""
    safety_passes: bool = True


class TelegramLinkRow(TenantRow, table=True):
    """The Telegram chat of a member with a bot of the agency, linked by a single-use token."""

    __tablename__ = "telegram_links"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "member_id", name="telegram_links_member"),
        _of_a_member(),
        about="member",
        keep="while the member exists",
    )
    member_id: UUID
    channel_id: UUID
    chat: str = ""
    confirmed_at: datetime | None = timestamp_column(optional=True)
    token_digest: str = ""
    token_until: datetime | None = timestamp_column(optional=True)


class PushSubscriptionRow(TenantRow, table=True):
    """A browser of a member that receives Web Push messages (RFC 8030)."""

    __tablename__ = "push_subscriptions"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "endpoint_digest", name="push_subscriptions_endpoint"),
        _of_a_member(),
        about="member",
        keep="while the member exists",
    )
    member_id: UUID
    endpoint: str
    endpoint_digest: str
    key: str
    """Public key of the browser (P-256, base64url)."""
    auth: str
    """Authentication secret of the browser (RFC 8291, base64url)."""
    label: str = ""
    """Browser and system, for the member's list."""


class EmailPreferenceRow(TenantRow, table=True):
    """The confirmed email address of a member. Without a row, emails are off."""

    __tablename__ = "mail_wishes"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "member_id", name="mail_wishes_member"),
        _of_a_member(),
        about="member",
        keep="while the member exists",
    )
    member_id: UUID
    address: str
    confirmed_at: datetime | None = timestamp_column(optional=True)
    urgent: bool = True
    brief_hour: int | None = None
    briefed_on: date | None = None
    """Replaced by `notification_settings` and unused, as are `urgent` and `brief_hour`."""
    code: str = ""
    """Confirmation code sent to the address; empty once used or exhausted."""
    code_until: datetime | None = timestamp_column(optional=True)
    code_tries: int = 0


class MailServerRow(TenantRow, table=True):
    """The mail server of an agency; `id` equals `tenant_id`. Without a row, the installation's is
    used."""

    __tablename__ = "mail_servers"
    __table_args__ = table_arguments(about="tenant", keep="while the tenant exists")
    host: str = ""
    port: int = 587
    security: str = "starttls"
    user_name: str = ""
    sender: str = ""
    letter: bytes | None = Field(default=None, sa_type=LargeBinary)
    """The password, sealed for the workers."""
    test_state: str = ""
    test_reason: dict[str, Any] | None = message_column()
    tested_at: datetime | None = timestamp_column(optional=True)


class MessageRow(TenantRow, table=True):
    """A message to a member: route, reason, notices and delivery state. Its text is rendered when
    it is sent."""

    __tablename__ = "mails"
    __table_args__ = table_arguments(
        _of_a_member(),
        Index("mails_recent", "tenant_id", "member_id", "created_at"),
        about="member",
        keep="1 year",
    )
    member_id: UUID
    why: str
    """"urgent", "new", "brief", "code" or "linked"."""
    route: str = "email"
    target_id: UUID | None = None
    """The push subscription; None for other routes."""
    notices: list[str] = jsonb_column(list)
    state: str = "waiting"
    tries: int = 0
    status: int | None = None
    detail: str = ""
    """Class of the error without a reply; never a text."""
    tried_at: datetime | None = timestamp_column(optional=True)
