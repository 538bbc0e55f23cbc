"""Passkeys of members: list, removal, and signatures for single acts.

The WebAuthn exchange with the browser is in `tenants/auth/ceremonies.py`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from sqlmodel import col, select

from foundation.db.database import Scope
from foundation.errors import NotFound, Refused
from tenants import audit
from tenants.agencies import queries
from tenants.agencies.rights import OUTSIDE_ROLES
from tenants.auth import sessions
from tenants.auth.models import Passkey

SIGNATURE_LIFETIME = timedelta(minutes=5)
"""Time during which a signature is valid for its act."""

BRIDGE = timedelta(hours=24)
"""Time during which a member who removed the last passkey must still sign acts, so that removing
the passkey does not bypass the signature."""

MAX_PASSKEY_NAME = 60

PasskeyEndReason = Literal["removed", "forgotten", "copied"]


@dataclass(frozen=True)
class PasskeySummary:
    """An active passkey; `credential` is the authenticator's ID in base64url."""

    id: UUID
    member_id: UUID
    name: str
    credential: str
    since: datetime
    used_at: datetime | None


def list_passkeys(scope: Scope, member_id: UUID) -> list[PasskeySummary]:
    """Return the active passkeys of a member, oldest first."""
    rows = scope.session.exec(
        select(Passkey)
        .where(
            Passkey.tenant_id == scope.tenant_id,
            Passkey.member_id == member_id,
            col(Passkey.ended_at).is_(None),
        )
        .order_by(col(Passkey.created_at), col(Passkey.id))
        .execution_options(populate_existing=True)
    )
    return [
        PasskeySummary(
            row.id,
            row.member_id,
            row.name,
            row.credential,
            row.created_at or scope.now,
            row.used_at,
        )
        for row in rows
    ]


_BOUND = """
SELECT EXISTS (SELECT FROM passkeys WHERE tenant_id = :tenant AND member_id = :member
  AND (ended_at IS NULL OR ended_at > people_now() - CAST(:bridge AS interval)))
"""


def needs_signature(scope: Scope, member_id: UUID) -> bool:
    """Return True if the member must sign acts done alone: they have a passkey, or had one within
    `BRIDGE`."""
    return bool(
        scope.run(_BOUND, tenant=scope.tenant_id, member=member_id, bridge=BRIDGE).scalar_one()
    )


def members_with_passkeys(scope: Scope) -> frozenset[UUID]:
    """Return the IDs of the members with an active passkey."""
    rows = scope.session.exec(
        select(Passkey.member_id).where(
            Passkey.tenant_id == scope.tenant_id, col(Passkey.ended_at).is_(None)
        )
    )
    return frozenset(rows)


def remove_passkey(scope: Scope, member_id: UUID, key_id: UUID, *, session: str = "") -> str:
    """Remove a passkey of the acting member and return its name. All other sessions are revoked,
    because it is not known which of them the passkey opened.

    Raises NotFound, and Refused for the last factor of a guest or custodian.
    """
    scope.run(
        "SELECT id FROM members WHERE tenant_id = :t AND id = :m FOR UPDATE",
        t=scope.tenant_id,
        m=member_id,
    )
    living = list_passkeys(scope, member_id)
    found = next((one for one in living if one.id == key_id), None)
    if found is None:
        raise NotFound("passkey.unknown")
    if (
        queries.get_member(scope, member_id).role in OUTSIDE_ROLES
        and len(living) == 1
        and not has_authenticator_app(scope, member_id)
    ):
        raise Refused("passkey.last")
    _end_passkey(scope, found, "removed")
    sessions.revoke_sessions(scope, member_id, but=session)
    audit.record(scope, "passkey.removed", f"member:{member_id}", name=found.name)
    return found.name


def end_all_passkeys(scope: Scope, member_id: UUID) -> int:
    """Disable all passkeys of a member, for example after the loss of a device, and revoke all
    sessions. Return the number of passkeys."""
    living = list_passkeys(scope, member_id)
    for key in living:
        _end_passkey(scope, key, "forgotten")
    sessions.revoke_sessions(scope, member_id)
    return len(living)


def end_copied_passkey(scope: Scope, key: PasskeySummary) -> None:
    """Disable a cloned passkey permanently and revoke all sessions of its member."""
    _end_passkey(scope, key, "copied")
    sessions.revoke_sessions(scope, key.member_id)
    audit.record(scope, "passkey.copied", f"member:{key.member_id}", name=key.name)


def _end_passkey(scope: Scope, key: PasskeySummary, why: PasskeyEndReason) -> None:
    scope.run(
        "UPDATE passkeys SET ended_at = people_now(), ended = :why, updated_at = house_now()"
        " WHERE tenant_id = :tenant AND id = :id AND ended_at IS NULL",
        tenant=scope.tenant_id,
        id=key.id,
        why=why,
    )


def has_authenticator_app(scope: Scope, member_id: UUID) -> bool:
    """Return True if the member has confirmed an authenticator app with a code."""
    found = scope.run(
        "SELECT FROM second_factors WHERE tenant_id = :tenant AND member_id = :member AND "
        "confirmed_at IS NOT NULL",
        tenant=scope.tenant_id,
        member=member_id,
    )
    return found.first() is not None


def has_second_factor(scope: Scope, member_id: UUID) -> bool:
    """Return True if the member has a passkey or an authenticator app."""
    return bool(list_passkeys(scope, member_id)) or has_authenticator_app(scope, member_id)


_SPEND = """
UPDATE passkey_asks a SET spent_at = people_now(), updated_at = house_now()
FROM passkeys k
WHERE a.tenant_id = :tenant AND a.id = :id AND a.member_id = :member AND a.act = :act AND a.about
= :about
  AND a.spent_at IS NULL AND a.answered_at > people_now() - CAST(:fresh AS interval)
  AND k.tenant_id = a.tenant_id AND k.id = a.passkey_id AND k.member_id = a.member_id AND
  k.ended_at IS NULL
RETURNING k.id
"""


def consume_signature(scope: Scope, signed: UUID, *, act: str, about: str) -> UUID:
    """Use up a signature of the scope's member for this action. Return the ID of the passkey.

    Raises Refused if the signature belongs to another member or act, is older than five minutes,
    was used before, or if the passkey has been removed.
    """
    member = queries.get_acting_member(scope, "passkey.people_only")
    params = {
        "id": signed,
        "member": member.id,
        "act": act,
        "about": about,
        "fresh": SIGNATURE_LIFETIME,
    }
    found = scope.run(_SPEND, tenant=scope.tenant_id, **params).scalar()
    if found is None:
        raise Refused("passkey.not_fresh")
    key: UUID = found
    return key
