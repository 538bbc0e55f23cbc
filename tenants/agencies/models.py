"""Tables of the room: agencies, creators, people, logins, keys, notices, audit."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKeyConstraint, Index, LargeBinary, UniqueConstraint
from sqlmodel import Field

from foundation.db.database import (
    TenantRow,
    jsonb_column,
    message_column,
    table_arguments,
    timestamp_column,
)


def _tenant_foreign_key(column: str, name: str) -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["tenant_id", column], [f"{name}.tenant_id", f"{name}.id"])


class Agency(TenantRow, table=True):
    """A tenant's own row; `id` equals `tenant_id`."""

    __tablename__ = "agencies"
    __table_args__ = table_arguments(about="tenant", keep="while the tenant is here")
    name: str
    language: str
    zone: str
    demo: bool = False
    second_factor: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    """Whether everybody who comes in by a password or a link is asked for a second factor, not guests alone."""


class Creator(TenantRow, table=True):
    """A creator of the agency, human or virtual."""

    __tablename__ = "creators"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "slug"), about="creator", keep="while the tenant is here"
    )
    slug: str
    name: str
    kind: str
    zone: str
    languages: list[str] = jsonb_column(list)
    rating_ceiling: str = "G"
    approval_tiers: int = 1
    approve_times: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    """Whether the yes of the second of two holds for the hours too: another hour asks them again."""


class Principal(TenantRow, table=True):
    """A real human behind logins; two logins of one human are one principal."""

    __tablename__ = "principals"
    __table_args__ = table_arguments(about="member", keep="while the tenant is here")
    name: str


class Member(TenantRow, table=True):
    """A login of a principal with its role."""

    __tablename__ = "members"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "email"),
        _tenant_foreign_key("principal_id", "principals"),
        about="member",
        keep="while the tenant is here",
    )
    principal_id: UUID
    role: str
    name: str
    email: str
    language: str
    zone: str
    creators: list[str] = jsonb_column(list)
    """Slugs of the creators this member works for; empty means all."""
    password_hash: str | None = None
    active: bool = True
    adult_chat: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    """Trained for adult words in chats: the owner says so, whatever the role."""


class LoginLink(TenantRow, table=True):
    """A single-use link that opens a session; only its SHA-256 is kept."""

    __tablename__ = "login_links"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "digest"),
        _tenant_foreign_key("member_id", "members"),
        about="member",
        keep="30 days",
    )
    member_id: UUID
    digest: str
    expires_at: datetime = timestamp_column()
    used_at: datetime | None = timestamp_column(optional=True)


class LoginSession(TenantRow, table=True):
    """An open session of a member; only the SHA-256 of its cookie is kept."""

    __tablename__ = "login_sessions"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "digest"),
        _tenant_foreign_key("member_id", "members"),
        about="member",
        keep="30 days",
    )
    member_id: UUID
    digest: str
    expires_at: datetime = timestamp_column()
    revoked_at: datetime | None = timestamp_column(optional=True)
    browser: str = Field(default="", sa_column_kwargs={"server_default": ""})
    seen_at: datetime | None = timestamp_column(optional=True)
    waits: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    """For a second factor: until then it opens nothing."""


class SecondFactor(TenantRow, table=True):
    """What a member's authenticator app shares with us, sealed for the door; `last_step` is the last code used."""

    __tablename__ = "second_factors"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "member_id", name="second_factors_member"),
        _tenant_foreign_key("member_id", "members"),
        about="member",
        keep="while the member is here",
    )
    member_id: UUID
    box: bytes = Field(sa_type=LargeBinary)
    last_step: int = Field(default=0, sa_type=BigInteger)
    confirmed_at: datetime | None = timestamp_column(optional=True)


class Passkey(TenantRow, table=True):
    """A passkey of a member (WebAuthn): public key and counter; `ended` is removed, forgotten or copied, and final."""

    __tablename__ = "passkeys"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "credential", name="passkeys_credential"),
        _tenant_foreign_key("member_id", "members"),
        Index("passkeys_member", "tenant_id", "member_id"),
        Index("passkeys_found", "credential"),
        about="member",
        keep="while the tenant is here",
    )
    member_id: UUID
    credential: str
    """The authenticator's id of it, in base64url."""
    public_key: bytes = Field(sa_type=LargeBinary)
    """COSE; no secret."""
    count: int = Field(default=0, sa_type=BigInteger)
    """How often it signed, as it says; 0 for ever where it does not count."""
    name: str
    used_at: datetime | None = timestamp_column(optional=True)
    ended_at: datetime | None = timestamp_column(optional=True)
    ended: str = ""


class PasskeyChallenge(TenantRow, table=True):
    """What a passkey was asked to sign, for which very act; answered once, used once. Times are the people's clock.

    A row of the house where nobody is known yet: somebody signs in. Answers that never came are counted as failures.
    """

    __tablename__ = "passkey_asks"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "challenge", name="passkey_asks_challenge"),
        _tenant_foreign_key("member_id", "members"),
        _tenant_foreign_key("passkey_id", "passkeys"),
        Index("passkey_asks_who", "tenant_id", "who", "asked_at"),
        about="member",
        keep="1 day, for ever where something was published by it",
    )
    member_id: UUID | None = None
    who: str
    """A digest of who asks: the member, or the address of a stranger."""
    challenge: str
    act: str
    about: str
    asked_at: datetime = timestamp_column()
    expires_at: datetime = timestamp_column()
    taken_at: datetime | None = timestamp_column(optional=True)
    answered_at: datetime | None = timestamp_column(optional=True)
    spent_at: datetime | None = timestamp_column(optional=True)
    passkey_id: UUID | None = None


class DeviceFingerprint(TenantRow, table=True):
    """A human seen at an address or with a browser on a day, by keyed digests alone. Append-only."""

    __tablename__ = "sightings"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "principal_id", "digest", "seen_on", "guest", name="sightings_once"),
        _tenant_foreign_key("principal_id", "principals"),
        Index("sightings_digest", "tenant_id", "digest", "seen_on"),
        about="member",
        keep="90 days",
    )
    principal_id: UUID
    guest: bool
    """Whether they came as a guest reviewer; a later change of role does not undo it."""
    digest: str
    seen_on: date


class LoginFailure(TenantRow, table=True):
    """A sign-in that failed, by the SHA-256 of the address it came from or the e-mail it named; rows of the house."""

    __tablename__ = "login_failures"
    __table_args__ = table_arguments(
        Index("login_failures_who", "tenant_id", "who", "failed_at"), about="nobody", keep="1 day"
    )
    who: str
    failed_at: datetime = timestamp_column()


class LinkedLogin(TenantRow, table=True):
    """Two logins of one human in two agencies: either may go over to the other without a password."""

    __tablename__ = "login_ties"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "member_id", "other_tenant", "other_member", name="login_ties_once"),
        _tenant_foreign_key("member_id", "members"),
        about="member",
        keep="while the member is here",
    )
    member_id: UUID
    other_tenant: UUID
    other_member: UUID


class VaultKey(TenantRow, table=True):
    """The tenant's data key, wrapped by the master key."""

    __tablename__ = "vault_keys"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "generation"), about="tenant", keep="while the tenant is here"
    )
    generation: int
    wrapped: bytes = Field(sa_type=LargeBinary)


class NoticeRow(TenantRow, table=True):
    """Something a member should know; rendered in the reader's language when it is sent or shown."""

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


class AuditEntry(TenantRow, table=True):
    """Who did what, append-only."""

    __tablename__ = "audit_entries"
    __table_args__ = table_arguments(
        Index("audit_entries_actor", "tenant_id", "actor", "created_at"), about="member", keep="5 years"
    )
    actor: str
    act: str
    about: str
    details: dict[str, Any] = jsonb_column()


class ApiKey(TenantRow, table=True):
    """A key a program asks with, as the member who made it; only its SHA-256 is kept. Times are the people's clock."""

    __tablename__ = "api_keys"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "digest", name="api_keys_digest"),
        _tenant_foreign_key("member_id", "members"),
        Index("api_keys_found", "digest"),
        about="member",
        keep="while the tenant is here",
    )
    member_id: UUID
    name: str
    digest: str
    scopes: list[str] = jsonb_column(list)
    creators: list[str] = jsonb_column(list)
    """Slugs of the creators it may see; empty means all that its member works for."""
    expires_at: datetime = timestamp_column()
    used_at: datetime | None = timestamp_column(optional=True)
    revoked_at: datetime | None = timestamp_column(optional=True)
    revoked_by: str = ""


class RemoteWorkerRow(TenantRow, table=True):
    """A machine of the agency's own that makes its pictures; only the SHA-256 of its key is kept. Times are the
    people's clock."""

    __tablename__ = "machines"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "digest", name="machines_digest"),
        Index("machines_found", "digest"),
        about="nobody",
        keep="while the tenant is here",
    )
    name: str
    digest: str
    by: str
    """The actor who made it."""
    able: dict[str, Any] = jsonb_column()
    """What it said it has, as `generators.remote_protocol.RemoteWorkerCapabilities`; empty until it came."""
    seen_at: datetime | None = timestamp_column(optional=True)
    revoked_at: datetime | None = timestamp_column(optional=True)
    revoked_by: str = ""


class WebhookRow(TenantRow, table=True):
    """An address of the agency's own systems that is called when something happened; one that ended stays ended."""

    __tablename__ = "hooks"
    __table_args__ = table_arguments(
        _tenant_foreign_key("member_id", "members"), about="member", keep="while the tenant is here"
    )
    name: str
    url: str
    events: list[str] = jsonb_column(list)
    creators: list[str] = jsonb_column(list)
    """Ids of the creators whose events it hears; empty means all."""
    member_id: UUID
    """Who made it."""
    state: str = "active"
    secret: bytes = Field(sa_type=LargeBinary)
    """A letter to the workers: the doors that made it cannot open it again."""
    secret_before: bytes | None = Field(default=None, sa_type=LargeBinary)
    before_until: datetime | None = timestamp_column(optional=True)
    """So long calls are signed with the secret before, too."""
    failing_since: datetime | None = timestamp_column(optional=True)
    told: bool = False
    """Whether the members were told that it fails, since it last worked."""


class WebhookCallRow(TenantRow, table=True):
    """One event told to one hook: what is sent, how often it was tried, and the last answer's status."""

    __tablename__ = "hook_calls"
    __table_args__ = table_arguments(
        _tenant_foreign_key("hook_id", "hooks"),
        Index("hook_calls_recent", "tenant_id", "hook_id", "created_at"),
        about="nobody",
        keep="30 days",
    )
    hook_id: UUID
    event: str
    payload: dict[str, Any] = jsonb_column()
    state: str = "waiting"
    tries: int = 0
    status: int | None = None
    detail: str = ""
    """Why no answer came; a class, never a text."""
    tried_at: datetime | None = timestamp_column(optional=True)
