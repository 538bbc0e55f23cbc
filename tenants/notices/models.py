"""Tables of mail to members: what each wants told, and what was written to whom."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, UniqueConstraint

from foundation.db.tables import (
    TenantRow,
    jsonb_column,
    message_column,
    table_arguments,
    timestamp_column,
)
from tenants.agencies import models


class NoticeRow(TenantRow, table=True):
    """Something a member should know; rendered in the reader's language when it is sent or
    shown."""

    __tablename__ = "notices"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "cause"),
        Index("notices_open", "tenant_id", "settled_at"),
        about="member",
        keep="1 year",
    )
    cause: str
    """One notice per cause: `delivery:<id>:uncertain`."""
    message: dict[str, Any] | None = message_column()
    urgent: bool
    creator_id: UUID | None = None
    principal_id: UUID | None = None
    """Whom it is for; nobody named: everybody who works for the creator."""
    settled_at: datetime | None = timestamp_column(optional=True)


MEMBERS = models.Member.__tablename__


def _of_a_member() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["tenant_id", "member_id"], [f"{MEMBERS}.tenant_id", f"{MEMBERS}.id"]
    )


class EmailPreferenceRow(TenantRow, table=True):
    """Whether a member is written to, at an address whose box they opened to read a code; off until
    they say so."""

    __tablename__ = "mail_wishes"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "member_id", name="mail_wishes_member"),
        _of_a_member(),
        about="member",
        keep="while the member is here",
    )
    member_id: UUID
    address: str
    confirmed_at: datetime | None = timestamp_column(optional=True)
    urgent: bool = True
    """Whether what cannot wait is written at once."""
    brief_hour: int | None = None
    """The hour of their own day at which everything open is written, once a day; None: never."""
    briefed_on: date | None = None
    """The last of their days of which that was done, or found to be nothing."""
    code: str = ""
    """What was sent to the address and is to be typed here; empty once it was, or can be no
    more."""
    code_until: datetime | None = timestamp_column(optional=True)
    code_tries: int = 0


class EmailRow(TenantRow, table=True):
    """One mail to one member: why it is written, about which notices, and how far it is. Its text
    is made when it leaves."""

    __tablename__ = "mails"
    __table_args__ = table_arguments(
        _of_a_member(),
        Index("mails_recent", "tenant_id", "member_id", "created_at"),
        about="member",
        keep="1 year",
    )
    member_id: UUID
    why: str
    """`urgent`, `brief` or `code`."""
    notices: list[str] = jsonb_column(list)
    state: str = "waiting"
    tries: int = 0
    status: int | None = None
    detail: str = ""
    """Why no answer came; a class, never a text."""
    tried_at: datetime | None = timestamp_column(optional=True)
