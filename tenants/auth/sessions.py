"""Logins: single-use links and sessions. Only SHA-256 digests are kept; the secret is shown once.

Both run on the people's clock (`people_now()`), which a demonstration that plays a day fast does
not move.
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
"""So long a session waits for its second factor."""

SESSION_IDLE_LIMIT = timedelta(minutes=30)
"""Without an open page for so long, a session is over; an open page is a sign of life."""


SESSION_COOKIES = ("__Host-greenroom", "greenroom")
"""Names of the session cookie: over TLS, and without it."""

DEVICE_SUFFIX = "-device"
"""What the name of the cookie that recognises a browser adds to that of the session."""


def _secret_digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def create_sign_in_link(scope: Scope, member_id: UUID) -> str:
    """A secret for a link that opens one session of this member within the hour; shown once, never
    stored."""
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
    """Where a link is opened: on the dashboard that members reach at `public_url`, with a slash at
    its end or none."""
    return f"{public_url.rstrip('/')}/auth/link/{secret}"


def redeem_sign_in_link(tenant: OpenScope, secret: str, *, browser: str = "") -> str:
    """Use a link once; returns the secret of a new session. Raises Refused when it is unknown, used
    or expired."""
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
    """Open a session of a member, in a scope of the door; returns its secret. `browser` is what it
    calls itself.

    A guest's, a custodian's, that of anybody who has a second factor, and anybody's where the
    agency asks for one, opens nothing until `pass_second`.
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
    """`(tenant_id, member_id)` of a session that waits for its second factor, else None."""
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
    """The second factor was right: the session that waited ends, a whole one begins; returns its
    secret.

    Call it in the transaction that used the code up, in the member's tenant. Raises Refused when it
    waits no longer.
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
    """Open a session that waits for nothing, in the member's tenant; returns its secret. Call it in
    the transaction that used a passkey, which is two factors in one."""
    now = scope.run("SELECT people_now()").scalar_one()
    return _create_session(scope, scope.tenant_id, member_id, now=now, browser=browser, waits=False)


def find_session(tenant: OpenScope, session: str) -> tuple[UUID, UUID] | None:
    """`(tenant_id, member_id)` of a living session, else None."""
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
        if row.stale:
            scope.run(
                "UPDATE login_sessions SET seen_at = people_now() WHERE tenant_id = :tenant AND "
                "id = :id",
                tenant=row.tenant_id,
                id=row.id,
            )
        return row.tenant_id, row.member_id


def switch_agency(tenant: OpenScope, session: str, other_tenant: UUID, *, browser: str = "") -> str:
    """A session of the same human in another agency of theirs; returns its secret. Raises Refused
    without a tie."""
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
    """The other agencies of the human behind a login, `(tenant, name)` by name."""
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
    """Say, in this member's agency, that the other login is the same human's; once. Call it in each
    agency."""
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
    """Forget, in this agency, that anybody here also has a login in one of those; returns how many
    did."""
    done = scope.run(
        "DELETE FROM login_ties WHERE tenant_id = :tenant AND other_tenant = ANY(:others)",
        tenant=scope.tenant_id,
        others=list(others),
    )
    return int(done.rowcount)


def close_session(tenant: OpenScope, session: str) -> None:
    """Close one session: its member signs out. Unknown or closed ones are left as they are."""
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
    """Close every session of a member, and every link that would open one; returns how many
    sessions were open. The session of the secret `but` stays."""
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
