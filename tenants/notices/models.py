"""Tables of notices, email settings and emails to members."""

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


MEMBERS = models.Member.__tablename__


def _of_a_member() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["tenant_id", "member_id"], [f"{MEMBERS}.tenant_id", f"{MEMBERS}.id"]
    )


class EmailPreferenceRow(TenantRow, table=True):
    """Email settings of a member for a confirmed address. Without a row, emails are off."""

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
    """True if urgent notices are sent immediately."""
    brief_hour: int | None = None
    """Hour of the daily summary in the member's time zone, or None for no summary."""
    briefed_on: date | None = None
    """Last day, in the member's time zone, for which the summary was processed."""
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


class EmailRow(TenantRow, table=True):
    """An email to a member: reason, notices and delivery state. Its text is rendered when it is
    sent."""

    __tablename__ = "mails"
    __table_args__ = table_arguments(
        _of_a_member(),
        Index("mails_recent", "tenant_id", "member_id", "created_at"),
        about="member",
        keep="1 year",
    )
    member_id: UUID
    why: str
    """"urgent", "brief" or "code"."""
    notices: list[str] = jsonb_column(list)
    state: str = "waiting"
    tries: int = 0
    status: int | None = None
    detail: str = ""
    """Class of the error without a reply; never a text."""
    tried_at: datetime | None = timestamp_column(optional=True)
