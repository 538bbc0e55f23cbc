"""Tables of the room: accounts, their tokens and limits, every attempt to send, cursors, short links."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Date, ForeignKeyConstraint, Index, LargeBinary, UniqueConstraint, text
from sqlmodel import Field

from channels.accounts.states import (
    AccountSetupState,
    AgeCheckState,
    AgeProviderState,
    ChannelState,
    FileDownloadState,
    ManualTaskState,
)
from foundation.db.database import (
    CreatorOwnedRow,
    TenantRow,
    jsonb_column,
    message_column,
    table_arguments,
    timestamp_column,
)


def channel_foreign_key() -> ForeignKeyConstraint:
    """The key of a row that belongs to an account."""
    return ForeignKeyConstraint(["tenant_id", "channel_id"], ["channels.tenant_id", "channels.id"])


class ChannelRow(CreatorOwnedRow, table=True):
    """A creator's account on a platform."""

    __tablename__ = "channels"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "platform", "account", name="channels_account"),
        Index("channels_creator", "tenant_id", "creator_id"),
        Index("channels_application", "app_key", postgresql_where=text("app_key IS NOT NULL")),
        about="creator",
        keep="while the tenant is here",
    )
    platform: str
    surface: str
    chat_surface: str = ""
    """The surface of one-to-one messages; empty where the account has no chat."""
    account: str
    base_url: str
    name: str
    state: str = ChannelState.ACTIVE
    reason: dict[str, Any] | None = message_column()
    paused_until: datetime | None = timestamp_column(optional=True)
    rest: dict[str, Any] | None = message_column()  # `reason` and `until` of the pause it was lost in, and returns to
    min_gap_seconds: int = 0
    zone: str
    last_ok_at: datetime | None = timestamp_column(optional=True)
    options: dict[str, Any] = jsonb_column()
    app_key: UUID | None = None
    """Of the application whose limits it shares with other accounts; none where it has its own."""


class TokenRow(TenantRow, table=True):
    """The sealed credential of a channel. `generation` grows at each rotation; its renewal is `channels/accounts/credentials.py`."""

    __tablename__ = "tokens"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "channel_id", name="tokens_channel"),
        channel_foreign_key(),
        about="creator",
        keep="while the channel is connected",
    )
    channel_id: UUID
    box: bytes = Field(sa_type=LargeBinary)
    refresh_box: bytes | None = Field(default=None, sa_type=LargeBinary)
    generation: int = 1
    expires_at: datetime | None = timestamp_column(optional=True)
    since: datetime | None = timestamp_column(optional=True)
    """When this pair came."""
    refresh_state: str = "idle"
    """`asking` while a worker renews it, until `refresh_until`."""
    refresh_until: datetime | None = timestamp_column(optional=True)
    refused: int = 0
    """The generation the platform refused last."""
    doubts: int = 0
    """How often this refresh token was shown without a usable answer, first at `doubted_at`."""
    doubted_at: datetime | None = timestamp_column(optional=True)


class AccountSetupRow(CreatorOwnedRow, table=True):
    """A person's wish to connect an account; `letter` is the sealed form, emptied once there is an answer."""

    __tablename__ = "enrolments"
    __table_args__ = table_arguments(about="creator", keep="30 days")
    platform: str
    state: str = AccountSetupState.WAITING
    reason: dict[str, Any] | None = message_column()
    channel_id: UUID | None = None
    letter: bytes = Field(sa_type=LargeBinary)
    visit: dict[str, Any] | None = message_column()
    """Where a person goes on at the platform, and what is wanted back when they return."""
    answer: bytes = Field(default=b"", sa_type=LargeBinary)
    """What they came back with, sealed."""
    by: str = ""
    """Who asked; only they come back."""


class OAuthClientRow(TenantRow, table=True):
    """What the agency registered at a platform, by which its accounts there sign in; its id is their `app_key`."""

    __tablename__ = "oauth_clients"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "platform", "client_id", name="oauth_clients_once"),
        about="tenant",
        keep="while the tenant is here",
    )
    platform: str
    client_id: str
    box: bytes | None = Field(default=None, sa_type=LargeBinary)
    """Its secret, sealed; none of a client that has none."""
    call_letter: bytes | None = Field(default=None, sa_type=LargeBinary)
    """The secret that the platform's calls are signed with, as a page sealed it; none where calls are not taken."""
    called_at: datetime | None = timestamp_column(optional=True)


class RateBucketRow(TenantRow, table=True):
    """What holds a channel back: the platform's 429, and our own brake while the platform is down."""

    __tablename__ = "rate_buckets"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "channel_id", name="rate_buckets_channel"),
        channel_foreign_key(),
        about="nobody",
        keep="30 days",
    )
    channel_id: UUID
    blocked_until: datetime | None = timestamp_column(optional=True)
    refusals: int = 0
    """429 in a row that did not say how long to wait."""
    braked_until: datetime | None = timestamp_column(optional=True)
    failures: int = 0
    """5xx and time-outs in a row on requests that create; above 0 the brake is on."""
    kept_until: datetime | None = timestamp_column(optional=True)  # till then only replies and removals leave


class AppLimitRow(TenantRow, table=True):
    """What holds back every account of an application, whoever's it is; a row of the house, its id the key."""

    __tablename__ = "app_limits"
    __table_args__ = table_arguments(about="nobody", keep="while the tenant is here")
    blocked_until: datetime | None = timestamp_column(optional=True)
    refusals: int = 0
    """In a row that did not say how long to wait."""
    braked_until: datetime | None = timestamp_column(optional=True)
    failed_by: UUID | None = None
    """The account whose request came to nothing last, at `failed_at`: another one soon after closes the brake."""
    failed_at: datetime | None = timestamp_column(optional=True)


class AppQuotaRow(TenantRow, table=True):
    """Units an agency took of an application's in a window (`agency` the house: all together); posts leave `kept`."""

    __tablename__ = "app_days"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "app_key", "name", "agency", "begins", name="app_days_once"),
        Index("app_days_ends", "tenant_id", "ends"),
        about="nobody",
        keep="2 days",
    )
    app_key: UUID
    name: str
    agency: UUID
    begins: datetime = timestamp_column()
    ends: datetime = timestamp_column()
    used: int = 0
    most: int = 0
    kept: int = 0
    post: int = 0


class AttemptRow(TenantRow, table=True):
    """One try to carry a subject out, look for it, take it away or give money back: the only record of sending.

    Steps are added one by one, each answer once, the outcome once, its resolution once; nothing else changes.
    """

    __tablename__ = "attempts"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "subject_kind", "subject_id", "part", "kind", "n", name="attempts_once"),
        Index("attempts_channel", "tenant_id", "channel_id", "armed_at"),
        channel_foreign_key(),
        about="fan",
        keep="18 months",
    )
    channel_id: UUID
    subject_kind: str
    subject_id: UUID
    part: int = 0
    n: int
    kind: str
    native_key: str
    armed_at: datetime = timestamp_column()
    deadline_at: datetime = timestamp_column()
    publish_armed_at: datetime | None = timestamp_column(optional=True)
    """When the single-shot step was armed: from then on only an answer, a look or a person ends the doubt."""
    unit: dict[str, Any] = jsonb_column()
    unit_digest: str = ""
    steps: list[dict[str, Any]] = jsonb_column(list)
    """name, kind, wire_digest, permit_jti, armed_at, answer, answered_at of each request, in order."""
    http_status: int | None = None
    outcome: str | None = None
    result: dict[str, Any] = jsonb_column()
    """The outcome with its fields (native id, address, wait); of a look, what was seen."""
    detail: dict[str, Any] | None = message_column()
    closed_at: datetime | None = timestamp_column(optional=True)
    resolution: dict[str, Any] = jsonb_column()
    """What ended a doubt later: the outcome that was found or said, or `absent`; empty while nothing did."""
    resolved_by: str | None = None


class ListenCursorRow(TenantRow, table=True):
    """How far the updates of a chat account have been heard."""

    __tablename__ = "listen_cursors"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "channel_id", name="listen_cursors_channel"),
        channel_foreign_key(),
        about="nobody",
        keep="while the channel is connected",
    )
    channel_id: UUID
    cursor: str


class CommentCursorRow(TenantRow, table=True):
    """How far what people say under an account's posts has been heard, when it was, and when to ask again."""

    __tablename__ = "remark_cursors"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "channel_id", name="remark_cursors_channel"),
        channel_foreign_key(),
        about="nobody",
        keep="while the channel is connected",
    )
    channel_id: UUID
    cursor: str
    heard_at: datetime = timestamp_column()
    due_at: datetime = timestamp_column()


class LinkRow(TenantRow, table=True):
    """A short address that leads to a longer one."""

    __tablename__ = "links"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "slug", name="links_slug"),
        Index("links_found", "slug"),
        Index("links_subject", "tenant_id", "subject_id"),
        channel_foreign_key(),
        about="nobody",
        keep="forever",
    )
    slug: str
    target: str
    channel_id: UUID
    subject_kind: str = ""
    subject_id: UUID | None = None
    closed_at: datetime | None = timestamp_column(optional=True)
    """Since when it leads nowhere any more: what it stood in was taken away."""


class ManualTaskRow(CreatorOwnedRow, table=True):
    """A task of a person: post this there, or take that away. One row per post on an account, and per copy to remove.

    `content` is what the permit `permit_jti` was for, word for word.
    """

    __tablename__ = "handovers"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "key", name="handovers_key"),
        Index("handovers_open", "tenant_id", "state", "due_at"),
        Index("handovers_channel", "tenant_id", "channel_id", "native_id"),
        channel_foreign_key(),
        about="creator",
        keep="while the tenant is here",
    )
    channel_id: UUID
    kind: str
    """post or removal."""
    key: str
    state: str = ManualTaskState.WAITING
    subject_kind: str
    subject_id: UUID
    permit_jti: UUID
    content: dict[str, Any] = jsonb_column()
    handed_at: datetime = timestamp_column()
    due_at: datetime | None = timestamp_column(optional=True)
    """Its time; nobody is shown the task before the room above said which."""
    late_until: datetime | None = timestamp_column(optional=True)
    opened_at: datetime | None = timestamp_column(optional=True)
    opened_by: UUID | None = None
    snoozed_until: datetime | None = timestamp_column(optional=True)
    reminders: int = 0
    closed_at: datetime | None = timestamp_column(optional=True)
    closed_by: UUID | None = None
    native_id: str = ""
    url: str = ""
    reason: dict[str, Any] | None = message_column()


class FileDownloadRow(CreatorOwnedRow, table=True):
    """A member's wish to save one file of a task: decided again, with a permit of its own, and served once."""

    __tablename__ = "handover_saves"
    __table_args__ = table_arguments(
        Index("handover_saves_task", "tenant_id", "handover_id"),
        ForeignKeyConstraint(["tenant_id", "handover_id"], ["handovers.tenant_id", "handovers.id"]),
        about="creator",
        keep="18 months",
    )
    handover_id: UUID
    sha256: str
    state: str = FileDownloadState.ASKED
    asked_by: str
    permit_jti: UUID | None = None
    until: datetime | None = timestamp_column(optional=True)
    reason: dict[str, Any] | None = message_column()


class PhoneRow(TenantRow, table=True):
    """A member's paired phone; `seen_at` is when its pages were last opened."""

    __tablename__ = "phones"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "member_id", name="phones_member"), about="member", keep="1 year"
    )
    member_id: UUID
    name: str = ""
    seen_at: datetime = timestamp_column()


class AgeProviderRow(TenantRow, table=True):
    """A provider that checks ages for this tenant. `letter` is the sealed form, emptied once there is an answer."""

    __tablename__ = "age_providers"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "provider", name="age_providers_once"),
        about="tenant",
        keep="while the tenant is here",
    )
    provider: str
    account: str = ""
    """The provider's name of us; no secret."""
    base_url: str = ""
    state: str = AgeProviderState.WAITING
    reason: dict[str, Any] | None = message_column()
    box: bytes | None = Field(default=None, sa_type=LargeBinary)
    letter: bytes = Field(default=b"", sa_type=LargeBinary)
    tested_at: datetime | None = timestamp_column(optional=True)


class AgeCheckRow(TenantRow, table=True):
    """One viewer's check at a provider: whose it is, never what it saw. Its link is known by the digest alone."""

    __tablename__ = "age_checks"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "digest", name="age_checks_link"),
        Index(
            "age_checks_session",
            "tenant_id",
            "provider_id",
            "native_id",
            unique=True,
            postgresql_where=text("native_id <> ''"),
        ),
        Index("age_checks_viewer", "tenant_id", "platform", "user_id"),
        Index("age_checks_digest", "digest"),
        Index("age_checks_source", "tenant_id", "source", "created_at"),
        ForeignKeyConstraint(["tenant_id", "provider_id"], ["age_providers.tenant_id", "age_providers.id"]),
        channel_foreign_key(),
        about="fan",
        keep="30 days, a passed one as long as the proof",
    )
    provider_id: UUID
    platform: str
    user_id: str
    channel_id: UUID | None = None
    """The chat it was asked for in; none for a visitor of a page."""
    digest: str
    language: str
    source: str = ""  # where a visitor of a page came from, as a keyed digest; empty in chats
    state: str = AgeCheckState.INVITED
    native_id: str = ""
    address: str = ""
    """Where the viewer goes; forgotten with the end of the check."""
    until: datetime | None = timestamp_column(optional=True)
    reason: dict[str, Any] | None = message_column()


class LinkClicksRow(TenantRow, table=True):
    """How often a short address was followed on a day: two sums, nothing about who did."""

    __tablename__ = "link_clicks"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "link_id", "day", name="link_clicks_day"),
        ForeignKeyConstraint(["tenant_id", "link_id"], ["links.tenant_id", "links.id"]),
        about="nobody",
        keep="3 years",
    )
    link_id: UUID
    day: date = Field(sa_type=Date)
    people: int = 0
    machines: int = 0
