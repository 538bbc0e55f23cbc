"""Sign-in links and sessions. Only SHA-256 digests are stored; a secret is shown once.

Both use the real clock (`people_now()`), which the accelerated clock of a demonstration does not
affect.
"""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from foundation.db.database import OpenScope, Scope
from foundation.errors import Refused
from foundation.ids import INSTALLATION_ID, uuid7
from tenants.auth.models import LoginLink, LoginSession

LINK_LIFE = timedelta(hours=1)
SESSION_LIFETIME = timedelta(hours=12)
WAIT_LIFE = timedelta(minutes=10)
"""Time within which a pending session must complete its second factor."""

SESSION_IDLE_LIMIT = timedelta(minutes=30)
"""Idle time after which a session expires. An open page keeps the session active."""


SESSION_COOKIES = ("__Host-greenroom", "greenroom")
"""Names of the session cookie, with and without TLS."""

DEVICE_SUFFIX = "-device"
"""Suffix of the cookie that recognizes a browser, appended to the name of the session cookie."""


def _secret_digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def create_sign_in_link(scope: Scope, member_id: UUID) -> str:
    """Create a single-use sign-in link of a member, valid for an hour, and return its secret. The
    secret itself is not stored."""
    secret = secrets.token_urlsafe(32)
    now = scope.run("SELECT people_now()").scalar_one()
    link = LoginLink(
        tenant_id=scope.tenant_id,
        member_id=member_id,
        digest=_secret_digest(secret),
        expires_at=now + LINK_LIFE,
    )
    scope.add(link)
    return secret


def sign_in_url(public_url: str, secret: str) -> str:
    """Return the address of a sign-in link on the dashboard at `public_url`, with or without a
    trailing slash."""
    return f"{public_url.rstrip('/')}/auth/link/{secret}"


def redeem_sign_in_link(tenant: OpenScope, secret: str, *, browser: str = "") -> str:
    """Use a sign-in link and return the secret of a new session. Raises Refused if the link is
    unknown, used or expired."""
    with tenant(INSTALLATION_ID, "system:door", role="door") as scope:
        row = scope.run(
            "UPDATE login_links SET used_at = house_now() WHERE digest = :digest AND used_at IS "
            "NULL"
            " AND expires_at > people_now() RETURNING tenant_id, member_id",
            digest=_secret_digest(secret),
        ).first()
        if row is None:
            raise Refused("login.link_spent")
        return open_session(scope, row.tenant_id, row.member_id, browser=browser)


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
        digest=_secret_digest(session),
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
            digest=_secret_digest(session),
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
        digest=_secret_digest(session),
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
            digest=_secret_digest(session),
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
            digest=_secret_digest(session),
        )


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
        but=_secret_digest(but),
    )
    return int(done.rowcount)
