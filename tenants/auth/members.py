"""Invitation, change and removal of members. An agency always has at least one owner."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from foundation.canonical_json import canonical_json
from foundation.db.database import Scope
from foundation.errors import BadInput, Conflict, NotFound, Refused
from foundation.outbox import outbox
from foundation.outbox.outbox import Queue
from tenants import audit
from tenants.agencies import agencies, queries
from tenants.agencies.names import normalize_email
from tenants.agencies.rights import OUTSIDE_ROLES, Right, Role, has_right, require_right
from tenants.auth import second_factor, sessions
from tenants.auth.sessions import LinkPurpose


@dataclass(frozen=True)
class CustodianLinkDue:
    """Send a sign-in link to the address of a custodian; the subject is the member. `tries` counts
    earlier attempts."""

    kind: ClassVar[str] = "member.custodian_link"
    queue: ClassVar[Queue] = "notify"
    tenant_id: UUID
    subject_id: UUID
    tries: int = 0
    by: str = ""
    """The actor who sends the link, if one does."""


@dataclass(frozen=True)
class MemberLinkDue:
    """Send a link to a member's own address; the subject is the member. `purpose` is a
    `LinkPurpose`, and `tries` counts earlier attempts."""

    kind: ClassVar[str] = "member.link"
    queue: ClassVar[Queue] = "notify"
    tenant_id: UUID
    subject_id: UUID
    purpose: str
    tries: int = 0
    by: str = ""
    """The actor who sends the link, if one does."""


@dataclass(frozen=True)
class MemberSession:
    """An open session of a member: user agent, start and last activity (UTC-aware)."""

    member_id: UUID
    browser: str
    since: datetime
    seen_at: datetime | None


def invite_member(
    scope: Scope,
    *,
    name: str,
    email: str,
    role: Role,
    language: str,
    zone: str,
    creators: Sequence[str] = (),
    by_email: bool = False,
) -> str:
    """Add a member and return the secret of the invitation.

    A former member with the same address is reactivated, without the old password, keys, links and
    factors. A member with another address of the same mailbox has the same principal. With
    `by_email`, and for a custodian always, the link is sent to the member's own address and the
    returned secret is empty.

    Raises BadInput for an empty name or an invalid address; Conflict for an address in use, and for
    a guest or a custodian who would share a mailbox with another login; and Refused for a change
    between member and custodian.
    """
    name = name.strip()[:80]
    if not name:
        raise BadInput("member.unfit").about("name")
    email = normalize_email(email)
    if any(one.email.casefold() == email.casefold() for one in queries.list_members(scope)):
        raise Conflict("member.address_taken", email=email).about("email")
    member_id = _find_former_member(scope, email)
    if member_id is None:
        member_id = agencies.add_member(
            scope,
            name=name,
            email=email,
            role=role,
            language=language,
            zone=zone,
            creators=creators,
        )
    else:
        _check_custodian_role(scope, member_id, role)
        agencies.reactivate_member(scope, member_id, name=name, role=role, creators=creators)
        _set_language(scope, member_id, language, chosen=False)
        _revoke_access(scope, member_id)
    audit.record(scope, "member.brought_in", f"member:{member_id}", role=str(role))
    if by_email and role is not Role.CUSTODIAN:
        mail_invitation(scope, member_id)
        return ""
    return create_member_link(scope, member_id, LinkPurpose.INVITATION)


def mail_invitation(scope: Scope, member_id: UUID) -> None:
    """Queue an email with an invitation to the member's own address. Raises NotFound."""
    queries.get_member(scope, member_id)
    due = MemberLinkDue(scope.tenant_id, member_id, str(LinkPurpose.INVITATION), by=scope.actor)
    outbox.put(scope, due, dedupe=f"{due.kind}:{due.purpose}:{member_id}")


def create_member_link(
    scope: Scope, member_id: UUID, purpose: LinkPurpose = LinkPurpose.SIGN_IN
) -> str:
    """Return the secret of a single-use link of a member.

    A custodian is outside the agency, so members must not see the link: it is sent to the
    custodian's address, and the returned secret is empty. Raises NotFound.
    """
    if queries.get_member(scope, member_id).role is not Role.CUSTODIAN:
        return sessions.create_sign_in_link(scope, member_id, purpose)
    outbox.put(
        scope,
        CustodianLinkDue(scope.tenant_id, member_id, by=scope.actor),
        dedupe=f"member.custodian_link:{member_id}",
    )
    return ""


def _check_custodian_role(scope: Scope, member_id: UUID, role: Role) -> None:
    """Raise Refused for a change between member and custodian: the evidence of a custodian must
    come from outside the agency."""
    row = scope.run(
        "SELECT role FROM members WHERE tenant_id = :tenant AND id = :id",
        tenant=scope.tenant_id,
        id=member_id,
    ).scalar()
    if Role.CUSTODIAN in (row, role) and row != role:
        raise Refused("member.custodian_role")


def _find_former_member(scope: Scope, email: str) -> UUID | None:
    """Return the inactive member with this address."""
    found: UUID | None = scope.run(
        "SELECT id FROM members WHERE tenant_id = :tenant AND lower(email) = lower(:email) AND "
        "NOT active ORDER BY id"
        " LIMIT 1 FOR UPDATE",
        tenant=scope.tenant_id,
        email=email,
    ).scalar()
    return found


_CLOSE = (
    "UPDATE api_keys SET revoked_at = people_now(), revoked_by = :by, updated_at = house_now()"
    " WHERE tenant_id = :tenant AND member_id = :member AND revoked_at IS NULL",
    "DELETE FROM login_links WHERE tenant_id = :tenant AND member_id = :member",
    "DELETE FROM mail_wishes WHERE tenant_id = :tenant AND member_id = :member",
    "DELETE FROM telegram_links WHERE tenant_id = :tenant AND member_id = :member",
    "DELETE FROM push_subscriptions WHERE tenant_id = :tenant AND member_id = :member",
)


def _revoke_access(scope: Scope, member_id: UUID) -> None:
    """Revoke earlier keys, links, factors and email settings, because another person may have them
    now."""
    for statement in _CLOSE:
        scope.run(statement, tenant=scope.tenant_id, member=member_id, by=scope.actor)
    second_factor.reset_second_factor(scope, member_id)


def change_member(scope: Scope, member_id: UUID, *, role: Role, creators: Sequence[str]) -> None:
    """Change the role and creators of a member. Open pages update or close.

    Raises NotFound, Conflict for the last owner and for a guest who would share a mailbox with
    another login, and Refused for a change between member and custodian.
    """
    _check_custodian_role(scope, member_id, role)
    member = _get_member(scope, member_id)
    if member.role is Role.OWNER and role is not Role.OWNER:
        _not_the_last_owner(scope, member_id)
    if role is not member.role and role in OUTSIDE_ROLES:
        agencies.find_mailbox_principal(scope, member.email, role, member_id=member_id)
    scope.run(
        "UPDATE members SET role = :role, creators = CAST(:creators AS jsonb), updated_at = "
        "house_now()"
        " WHERE tenant_id = :tenant AND id = :id",
        tenant=scope.tenant_id,
        id=member_id,
        role=str(role),
        creators=_encode_json(creators),
    )
    audit.record(scope, "member.changed", f"member:{member_id}", role=str(role))


def set_adult_chat_training(scope: Scope, member_id: UUID, *, adult_chat: bool) -> None:
    """Allow a member to write adult text in chats, or withdraw the permission. Only owners can do
    this.

    Raises Refused for other members, NotFound, and BadInput for a member without the right to chat.
    """
    require_right(queries.get_acting_member(scope, "member.owner_decides").role, Right.STAFF)
    if adult_chat and not has_right(_get_member(scope, member_id).role, Right.CHAT):
        raise BadInput("member.no_chat")
    scope.run(
        "UPDATE members SET adult_chat = :adult, updated_at = house_now() WHERE tenant_id = "
        ":tenant AND id = :id",
        tenant=scope.tenant_id,
        id=_get_member(scope, member_id).id,
        adult=adult_chat,
    )
    audit.record(
        scope,
        "member.adult_chat" if adult_chat else "member.adult_chat_ended",
        f"member:{member_id}",
    )


def set_member_language(scope: Scope, member_id: UUID, language: str) -> None:
    """Set the language that a member chose. Raises NotFound, and BadInput for an unsupported
    language."""
    _set_language(scope, member_id, language, chosen=True)


def adopt_browser_language(scope: Scope, member_id: UUID, language: str) -> None:
    """Set the language of a member who has not chosen one to that of the browser. Raises
    BadInput for an unsupported language."""
    agencies.check_language(language)
    scope.run(
        "UPDATE members SET language = :language, updated_at = house_now() WHERE tenant_id = "
        ":tenant AND id = :id AND NOT language_chosen",
        tenant=scope.tenant_id,
        id=member_id,
        language=language,
    )


def _set_language(scope: Scope, member_id: UUID, language: str, *, chosen: bool) -> None:
    agencies.check_language(language)
    _get_member(scope, member_id)
    scope.run(
        "UPDATE members SET language = :language, language_chosen = :chosen,"
        " updated_at = house_now() WHERE tenant_id = :tenant AND id = :id",
        tenant=scope.tenant_id,
        id=member_id,
        language=language,
        chosen=chosen,
    )


def hide_guide(scope: Scope, member_id: UUID) -> None:
    """Hide the list of first steps of a member on Home. Raises NotFound."""
    _get_member(scope, member_id)
    scope.run(
        "UPDATE members SET guide_hidden = true, updated_at = house_now()"
        " WHERE tenant_id = :tenant AND id = :id",
        tenant=scope.tenant_id,
        id=member_id,
    )


def set_member_zone(scope: Scope, member_id: UUID, zone: str) -> None:
    """Set the time zone (IANA name) of a member. Raises NotFound, and BadInput for an unknown
    zone."""
    agencies.check_zone(zone)
    _get_member(scope, member_id)
    scope.run(
        "UPDATE members SET zone = :zone, updated_at = house_now() WHERE tenant_id = :tenant"
        " AND id = :id",
        tenant=scope.tenant_id,
        id=member_id,
        zone=zone,
    )


def require_second_factor(scope: Scope, wanted: bool) -> None:
    """Require a second factor after a password or sign-in link from all members, or make it
    optional. Open sessions are not affected."""
    scope.run(
        "UPDATE agencies SET second_factor = :wanted, updated_at = house_now() WHERE tenant_id = "
        ":tenant",
        tenant=scope.tenant_id,
        wanted=wanted,
    )
    audit.record(
        scope,
        "agency.second_factor" if wanted else "agency.no_second_factor",
        f"agency:{scope.tenant_id}",
    )


def remove_member(scope: Scope, member_id: UUID) -> None:
    """Deactivate a member, remove the password and revoke the sessions. Raises NotFound, and
    Conflict for the last owner."""
    if _get_member(scope, member_id).role is Role.OWNER:
        _not_the_last_owner(scope, member_id)
    scope.run(
        "UPDATE members SET active = false, password_hash = NULL, updated_at = house_now()"
        " WHERE tenant_id = :tenant AND id = :id",
        tenant=scope.tenant_id,
        id=member_id,
    )
    sessions.revoke_sessions(scope, member_id)
    audit.record(scope, "member.let_go", f"member:{member_id}")


def list_member_sessions(scope: Scope) -> list[MemberSession]:
    """Return the open sessions of the agency, most recent activity first."""
    rows = scope.run(
        "SELECT member_id, browser, created_at, seen_at FROM login_sessions WHERE tenant_id = "
        ":tenant"
        " AND NOT waits AND revoked_at IS NULL AND expires_at > people_now()"
        " AND (seen_at IS NULL OR seen_at > people_now() - CAST(:idle AS interval)) ORDER BY "
        "seen_at DESC NULLS LAST",
        tenant=scope.tenant_id,
        idle=sessions.SESSION_IDLE_LIMIT,
    )
    return [MemberSession(row.member_id, row.browser, row.created_at, row.seen_at) for row in rows]


def _get_member(scope: Scope, member_id: UUID) -> queries.Member:
    found = next((one for one in queries.list_members(scope) if one.id == member_id), None)
    if found is None:
        raise NotFound("member.unknown")
    return found


def _not_the_last_owner(scope: Scope, member_id: UUID) -> None:
    """Lock the rows of the owners in order, so that two owners cannot remove each other
    concurrently."""
    owners = scope.run(
        "SELECT id FROM members WHERE tenant_id = :tenant AND role = :owner AND active ORDER BY "
        "id FOR UPDATE",
        tenant=scope.tenant_id,
        owner=str(Role.OWNER),
    ).scalars()
    if set(owners) <= {member_id}:
        raise Conflict("member.last_owner")


def _encode_json(values: Sequence[str]) -> str:
    return canonical_json(list(values)).decode()
