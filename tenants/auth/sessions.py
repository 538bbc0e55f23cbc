"""Sign-in links and sessions. Only SHA-256 digests are stored; a secret is shown once.

Both use the real clock (`people_now()`), which the accelerated clock of a demonstration does not
affect.
"""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from foundation.db.database import OpenScope, Scope
from foundation.errors import Refused
from foundation.ids import INSTALLATION_ID, uuid7
from tenants import audit
from tenants.auth.models import LoginLink, LoginSession

LINK_LIFE = timedelta(hours=1)
"""Validity of a sign-in link."""


class LinkPurpose(StrEnum):
    """The reason for a single-use link; a link of one purpose is not accepted for another."""

    SIGN_IN = "sign_in"
    INVITATION = "invitation"
    """Signs a new member in and then asks for a password."""
    PASSWORD = "password"  # noqa: S105  a purpose, not a password
    """Sets a new password."""


LINK_LIFETIMES = {
    LinkPurpose.SIGN_IN: LINK_LIFE,
    LinkPurpose.INVITATION: timedelta(days=3),
    LinkPurpose.PASSWORD: timedelta(minutes=30),
}
"""Validity of a link by purpose. An invitation may wait in a mailbox over a weekend."""

SESSION_LIFETIME = timedelta(hours=12)
WAIT_LIFE = timedelta(minutes=10)
"""Time within which a pending session must complete its second factor."""

SESSION_IDLE_LIMIT = timedelta(minutes=30)
"""Idle time after which a session expires. An open page keeps the session active."""


SESSION_COOKIES = ("__Host-greenroom", "greenroom")
"""Names of the session cookie, with and without TLS."""

DEVICE_SUFFIX = "-device"
"""Suffix of the cookie that recognizes a browser, appended to the name of the session cookie."""


def secret_digest(secret: str) -> str:
    """Return the SHA-256 under which the secret of a link or session is stored."""
    return hashlib.sha256(secret.encode()).hexdigest()


def create_sign_in_link(
    scope: Scope, member_id: UUID, purpose: LinkPurpose = LinkPurpose.SIGN_IN
) -> str:
    """Create a single-use link of a member, valid for `LINK_LIFETIMES`, and return its secret. The
    secret itself is not stored."""
    secret = secrets.token_urlsafe(32)
    now = scope.run("SELECT people_now()").scalar_one()
    link = LoginLink(
        tenant_id=scope.tenant_id,
        member_id=member_id,
        digest=secret_digest(secret),
        expires_at=now + LINK_LIFETIMES[purpose],
        purpose=purpose,
    )
    scope.add(link)
    return secret


def sign_in_url(public_url: str, secret: str) -> str:
    """Return the address of a sign-in link on the dashboard at `public_url`, with or without a
    trailing slash."""
    return f"{public_url.rstrip('/')}/auth/link/{secret}"


def password_url(public_url: str, secret: str) -> str:
    """Return the address of a password link on the dashboard at `public_url`."""
    return f"{public_url.rstrip('/')}/auth/reset/{secret}"


def redeem_sign_in_link(tenant: OpenScope, secret: str, *, browser: str = "") -> str:
    """Use a sign-in link or an invitation and return the secret of a new session. Raises Refused if
    the link is unknown, used or expired."""
    with tenant(INSTALLATION_ID, "system:door", role="door") as scope:
        tenant_id, member_id = use_link(scope, secret, LinkPurpose.SIGN_IN, LinkPurpose.INVITATION)
        return open_session(scope, tenant_id, member_id, browser=browser)


def use_link(scope: Scope, secret: str, *purposes: LinkPurpose) -> tuple[UUID, UUID]:
    """Use a link of one of these purposes and return `(tenant_id, member_id)`. Call it in the
    member's tenant, or in a scope with the role `door`.

    Raises Refused if the link is unknown, used or expired.
    """
    row = scope.run(
        "UPDATE login_links SET used_at = house_now() WHERE digest = :digest AND used_at IS NULL"
        " AND purpose = ANY(:purposes) AND expires_at > people_now()"
        " RETURNING tenant_id, member_id",
        digest=secret_digest(secret),
        purposes=list(map(str, purposes)),
    ).first()
    if row is None:
        raise Refused("login.link_spent")
    return row.tenant_id, row.member_id


@dataclass(frozen=True)
class OpenLink:
    """An unused link: its member and purpose."""

    tenant_id: UUID
    member_id: UUID
    purpose: LinkPurpose


def find_link(tenant: OpenScope, secret: str) -> OpenLink | None:
    """Return an unused link that has not expired, or None. The link remains valid."""
    with tenant(INSTALLATION_ID, "system:door", role="door") as scope:
        row = scope.run(
            "SELECT tenant_id, member_id, purpose FROM login_links WHERE digest = :digest"
            " AND used_at IS NULL AND expires_at > people_now()",
            digest=secret_digest(secret),
        ).first()
    return OpenLink(row.tenant_id, row.member_id, LinkPurpose(row.purpose)) if row else None


def open_session(scope: Scope, tenant_id: UUID, member_id: UUID, *, browser: str = "") -> str:
    """Open a session of a member and return its secret. Call it in a scope with the role `door`;
    `browser` is the user agent.

    The session is pending until `complete_pending_session` for guests, custodians, members with a
    second factor, and all members of an agency that requires one.
    """
    found = scope.run(_OPENS, tenant=tenant_id, member=member_id).one()
    return _create_session(
        scope, tenant_id, member_id, now=found.now, browser=browser, waits=found.waits
    )


_OPENS = """
SELECT people_now() AS now, EXISTS (SELECT FROM members m WHERE m.tenant_id = :tenant
    AND m.id = :member AND m.role IN ('guest', 'custodian'))
  OR EXISTS (SELECT FROM second_factors f WHERE f.tenant_id = :tenant AND f.member_id = :member
    AND f.confirmed_at IS NOT NULL)
  OR EXISTS (SELECT FROM agencies a WHERE a.tenant_id = :tenant AND a.second_factor) AS waits
"""


def _create_session(
    scope: Scope, tenant_id: UUID, member_id: UUID, *, now: datetime, browser: str, waits: bool
) -> str:
    session = secrets.token_urlsafe(32)
    row = LoginSession(
        tenant_id=tenant_id,
        member_id=member_id,
        digest=secret_digest(session),
        expires_at=now + (WAIT_LIFE if waits else SESSION_LIFETIME),
        browser=browser[:120],
        seen_at=now,
        waits=waits,
    )
    scope.add(row)
    return session


def find_pending_session(tenant: OpenScope, session: str) -> tuple[UUID, UUID] | None:
    """Return `(tenant_id, member_id)` of a session that awaits its second factor, or None."""
    with tenant(INSTALLATION_ID, "system:door", role="door") as scope:
        row = scope.run(
            "SELECT tenant_id, member_id FROM login_sessions WHERE digest = :digest AND waits"
            " AND revoked_at IS NULL AND expires_at > people_now()",
            digest=secret_digest(session),
        ).first()
    return (row.tenant_id, row.member_id) if row is not None else None


def complete_pending_session(
    scope: Scope, member_id: UUID, session: str, *, browser: str = ""
) -> str:
    """Replace a pending session with a complete one after a correct second factor. Return the new
    secret.

    Call it in the transaction that uses up the code, in the member's tenant. Raises Refused if the
    session is no longer pending.
    """
    done = scope.run(
        "UPDATE login_sessions SET revoked_at = house_now() WHERE tenant_id = :tenant AND digest "
        "= :digest"
        " AND member_id = :member AND waits AND revoked_at IS NULL AND expires_at > people_now()"
        " RETURNING people_now()",
        tenant=scope.tenant_id,
        digest=secret_digest(session),
        member=member_id,
    ).scalar()
    if done is None:
        raise Refused("login.link_spent")
    return _create_session(
        scope, scope.tenant_id, member_id, now=done, browser=browser, waits=False
    )


def open_complete_session(scope: Scope, member_id: UUID, *, browser: str = "") -> str:
    """Open a complete session in the member's tenant and return its secret.

    Call it in the transaction that verifies a passkey, which counts as two factors.
    """
    now = scope.run("SELECT people_now()").scalar_one()
    return _create_session(scope, scope.tenant_id, member_id, now=now, browser=browser, waits=False)


def find_session(tenant: OpenScope, session: str) -> tuple[UUID, UUID] | None:
    """Return `(tenant_id, member_id)` of an active session, or None. Updates its last activity at
    most once a minute."""
    with tenant(INSTALLATION_ID, "system:door", role="door") as scope:
        row = scope.run(
            "SELECT tenant_id, id, member_id, seen_at IS NULL OR seen_at < people_now() - "
            "interval '1 minute' AS stale"
            " FROM login_sessions WHERE digest = :digest"
            " AND NOT waits AND revoked_at IS NULL AND expires_at > people_now()"
            " AND (seen_at IS NULL OR seen_at > people_now() - CAST(:idle AS interval))",
            digest=secret_digest(session),
            idle=SESSION_IDLE_LIMIT,
        ).first()
        if row is None:
            return None
        # At most one write a minute per session; the idle limit needs no more.
        if row.stale:
            scope.run(
                "UPDATE login_sessions SET seen_at = people_now() WHERE tenant_id = :tenant AND "
                "id = :id",
                tenant=row.tenant_id,
                id=row.id,
            )
        return row.tenant_id, row.member_id


def switch_agency(tenant: OpenScope, session: str, other_tenant: UUID, *, browser: str = "") -> str:
    """Open a session of the same human in another of their agencies and return its secret. Raises
    Refused if the logins are not linked."""
    here = find_session(tenant, session)
    with tenant(INSTALLATION_ID, "system:door", role="door") as scope:
        tie = (
            None
            if here is None
            else scope.run(_TIE, tenant=here[0], member=here[1], other=other_tenant).first()
        )
        if tie is None:
            raise Refused("login.not_tied")
        return open_session(scope, other_tenant, tie.other_member, browser=browser)


def list_linked_agencies(
    tenant: OpenScope, tenant_id: UUID, member_id: UUID
) -> list[tuple[UUID, str]]:
    """Return the other agencies of the human behind a login as `(tenant_id, name)`, by name."""
    with tenant(INSTALLATION_ID, "system:door", role="door") as scope:
        rows = scope.run(
            "SELECT agencies.tenant_id, agencies.name FROM login_ties JOIN agencies"
            " ON agencies.tenant_id = login_ties.other_tenant"
            " WHERE login_ties.tenant_id = :tenant AND login_ties.member_id = :member ORDER BY "
            "agencies.name",
            tenant=tenant_id,
            member=member_id,
        )
        return [(row.tenant_id, row.name) for row in rows]


_TIE = (
    "SELECT login_ties.other_member FROM login_ties JOIN members ON members.tenant_id = "
    "login_ties.other_tenant"
    " AND members.id = login_ties.other_member AND members.active"
    " WHERE login_ties.tenant_id = :tenant AND login_ties.member_id = :member AND "
    "login_ties.other_tenant = :other"
)


def link_logins(scope: Scope, member_id: UUID, other_tenant: UUID, other_member: UUID) -> None:
    """Record in this agency that a login of another agency belongs to the same human. Call it in
    both agencies; a repeated call has no effect."""
    scope.run(
        "INSERT INTO login_ties (tenant_id, id, member_id, other_tenant, other_member)"
        " VALUES (:tenant, :id, :member, :other, :there) ON CONFLICT DO NOTHING",
        tenant=scope.tenant_id,
        id=uuid7(),
        member=member_id,
        other=other_tenant,
        there=other_member,
    )


def unlink_logins(scope: Scope, others: Sequence[UUID]) -> int:
    """Delete the links of this agency's logins to the given agencies. Return the number deleted."""
    done = scope.run(
        "DELETE FROM login_ties WHERE tenant_id = :tenant AND other_tenant = ANY(:others)",
        tenant=scope.tenant_id,
        others=list(others),
    )
    return int(done.rowcount)


def close_session(tenant: OpenScope, session: str) -> None:
    """Close a session when its member signs out. Unknown or closed sessions are ignored."""
    found = find_session(tenant, session)
    if found is None:
        return
    tenant_id, member_id = found
    with tenant(tenant_id, f"member:{member_id}") as scope:
        scope.run(
            "UPDATE login_sessions SET revoked_at = house_now() WHERE tenant_id = :tenant AND "
            "digest = :digest"
            " AND revoked_at IS NULL",
            tenant=tenant_id,
            digest=secret_digest(session),
        )


@dataclass(frozen=True)
class OwnSession:
    """An open session of a member: user agent, start and last activity (UTC-aware). `here` is True
    for the session that asks."""

    id: UUID
    browser: str
    since: datetime
    seen_at: datetime | None
    here: bool


def list_own_sessions(scope: Scope, member_id: UUID, session: str) -> list[OwnSession]:
    """Return the open sessions of a member, most recent activity first; `session` is the secret of
    the session that asks."""
    rows = scope.run(
        "SELECT id, browser, created_at, seen_at, digest = :digest AS here FROM login_sessions"
        " WHERE tenant_id = :tenant AND member_id = :member AND NOT waits AND revoked_at IS NULL"
        " AND expires_at > people_now()"
        " AND (seen_at IS NULL OR seen_at > people_now() - CAST(:idle AS interval))"
        " ORDER BY seen_at DESC NULLS LAST, id",
        tenant=scope.tenant_id,
        member=member_id,
        digest=secret_digest(session),
        idle=SESSION_IDLE_LIMIT,
    )
    return [OwnSession(row.id, row.browser, row.created_at, row.seen_at, row.here) for row in rows]


def revoke_session(scope: Scope, member_id: UUID, session_id: UUID) -> bool:
    """Revoke one session of a member. Return False if it has ended or belongs to another member."""
    done = scope.run(
        "UPDATE login_sessions SET revoked_at = house_now() WHERE tenant_id = :tenant"
        " AND member_id = :member AND id = :id AND revoked_at IS NULL",
        tenant=scope.tenant_id,
        member=member_id,
        id=session_id,
    )
    if done.rowcount:
        audit.record(scope, "member.session_ended", f"member:{member_id}")
    return bool(done.rowcount)


def revoke_sessions(scope: Scope, member_id: UUID, *, but: str = "") -> int:
    """Revoke all sessions and sign-in links of a member, except the session with the secret `but`.
    Return the number of revoked sessions."""
    scope.run(
        "UPDATE login_links SET used_at = house_now() WHERE tenant_id = :tenant AND member_id = "
        ":member"
        " AND used_at IS NULL",
        tenant=scope.tenant_id,
        member=member_id,
    )
    done = scope.run(
        "UPDATE login_sessions SET revoked_at = house_now() WHERE tenant_id = :tenant AND "
        "member_id = :member"
        " AND revoked_at IS NULL AND digest <> :but",
        tenant=scope.tenant_id,
        member=member_id,
        but=secret_digest(but),
    )
    return int(done.rowcount)
