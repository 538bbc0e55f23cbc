"""Tables of sign-in: links, sessions, second factors, passkeys and failed attempts."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, Index, LargeBinary, UniqueConstraint
from sqlmodel import Field

import tenants.agencies.models  # noqa: F401  foreign keys refer to its tables
from foundation.db.tables import TenantRow, table_arguments, tenant_foreign_key, timestamp_column


class LoginLink(TenantRow, table=True):
    """A single-use sign-in link; only its SHA-256 is stored."""

    __tablename__ = "login_links"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "digest"),
        tenant_foreign_key("member_id", "members"),
        about="member",
        keep="30 days",
    )
    member_id: UUID
    digest: str
    expires_at: datetime = timestamp_column()
    used_at: datetime | None = timestamp_column(optional=True)
    purpose: str = Field(default="sign_in", sa_column_kwargs={"server_default": "sign_in"})
    """A `LinkPurpose`."""


class SetupLink(TenantRow, table=True):
    """A single-use link with which the first owner sets up an agency; only its SHA-256 is stored.
    Rows belong to the installation."""

    __tablename__ = "setup_links"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "digest", name="setup_links_digest"),
        about="member",
        keep="1 day",
    )
    digest: str
    email: str
    """Address of the invited owner, or "" if the owner enters it."""
    agency_id: UUID
    """Tenant of the agency. All links that exist at the same time have the same one."""
    expires_at: datetime = timestamp_column()


class LoginSession(TenantRow, table=True):
    """A session of a member; only the SHA-256 of its cookie is stored."""

    __tablename__ = "login_sessions"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "digest"),
        tenant_foreign_key("member_id", "members"),
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
    """True until the second factor is verified; a pending session gives no access."""


class SecondFactor(TenantRow, table=True):
    """The encrypted shared secret of a member's authenticator app; `last_step` is the time step of
    the last accepted code."""

    __tablename__ = "second_factors"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "member_id", name="second_factors_member"),
        tenant_foreign_key("member_id", "members"),
        about="member",
        keep="while the member exists",
    )
    member_id: UUID
    box: bytes = Field(sa_type=LargeBinary)
    last_step: int = Field(default=0, sa_type=BigInteger)
    confirmed_at: datetime | None = timestamp_column(optional=True)


class Passkey(TenantRow, table=True):
    """A passkey of a member (WebAuthn) with its public key and counter. `ended` is "removed",
    "forgotten" or "copied", and final."""

    __tablename__ = "passkeys"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "credential", name="passkeys_credential"),
        tenant_foreign_key("member_id", "members"),
        Index("passkeys_member", "tenant_id", "member_id"),
        Index("passkeys_found", "credential"),
        about="member",
        keep="while the tenant exists",
    )
    member_id: UUID
    credential: str
    """ID assigned by the authenticator, in base64url."""
    public_key: bytes = Field(sa_type=LargeBinary)
    """COSE key; not a secret."""
    count: int = Field(default=0, sa_type=BigInteger)
    """Signature counter reported by the authenticator; always 0 if it does not count."""
    name: str
    used_at: datetime | None = timestamp_column(optional=True)
    ended_at: datetime | None = timestamp_column(optional=True)
    ended: str = ""


class PasskeyChallenge(TenantRow, table=True):
    """A WebAuthn challenge for one act. It is answered and used once; times use the real clock.

    Sign-in challenges belong to the installation, because the member is not known yet. Unanswered
    challenges count as failures.
    """

    __tablename__ = "passkey_asks"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "challenge", name="passkey_asks_challenge"),
        tenant_foreign_key("member_id", "members"),
        tenant_foreign_key("passkey_id", "passkeys"),
        Index("passkey_asks_who", "tenant_id", "who", "asked_at"),
        about="member",
        keep="1 day, forever if a post was published with it",
    )
    member_id: UUID | None = None
    who: str
    """Digest of the requester: the member, or the network address of an unknown visitor."""
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
    """A human seen at a network or with a browser on a day, as a keyed digest. Append-only."""

    __tablename__ = "sightings"
    __table_args__ = table_arguments(
        UniqueConstraint(
            "tenant_id", "principal_id", "digest", "seen_on", "guest", name="sightings_once"
        ),
        tenant_foreign_key("principal_id", "principals"),
        Index("sightings_digest", "tenant_id", "digest", "seen_on"),
        about="member",
        keep="90 days",
    )
    principal_id: UUID
    guest: bool
    """True if the principal was a guest reviewer or custodian then; a later change of role does not
    change it."""
    digest: str
    seen_on: date


class LoginFailure(TenantRow, table=True):
    """A failed sign-in, by the SHA-256 of the network address or email address. Rows belong to the
    installation."""

    __tablename__ = "login_failures"
    __table_args__ = table_arguments(
        Index("login_failures_who", "tenant_id", "who", "failed_at"), about="none", keep="1 day"
    )
    who: str
    failed_at: datetime = timestamp_column()


class LinkedLogin(TenantRow, table=True):
    """Two logins of one human in two agencies; each can switch to the other without a password."""

    __tablename__ = "login_ties"
    __table_args__ = table_arguments(
        UniqueConstraint(
            "tenant_id", "member_id", "other_tenant", "other_member", name="login_ties_once"
        ),
        tenant_foreign_key("member_id", "members"),
        about="member",
        keep="while the member exists",
    )
    member_id: UUID
    other_tenant: UUID
    other_member: UUID
