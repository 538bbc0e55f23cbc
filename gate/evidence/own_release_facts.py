"""Facts of own-picture releases. Without a release, no statement runs."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from foundation.db.database import Scope
from gate.contract.facts import AccountHolderFacts, OwnReleaseFacts
from gate.contract.units import Unit
from tenants.agencies import queries
from tenants.agencies.rights import Right, has_right
from tenants.auth import passkeys

_HOLDERS = """
SELECT person_id, principal_id, verified_at, valid_until FROM account_holders
WHERE tenant_id = :tenant AND channel_id = :channel AND account = :account AND ended_at IS NULL
ORDER BY verified_at, id
"""


def account_holders(scope: Scope, unit: Unit) -> tuple[AccountHolderFacts, ...]:
    """Return the holders of the unit's account, as confirmed by custodians."""
    rows = scope.run(
        _HOLDERS, tenant=scope.tenant_id, channel=unit.channel_id, account=unit.account
    )
    return tuple(
        AccountHolderFacts(row.person_id, row.principal_id, row.verified_at, row.valid_until)
        for row in rows
    )


def own_release_facts(
    scope: Scope, unit: Unit, stored: Mapping[str, Any] | None
) -> OwnReleaseFacts | None:
    """Return the facts of a row of `own_releases`, given as JSON, with the current state of its
    signer and their passkey."""
    if stored is None:
        return None
    member_id = UUID(stored["member_id"])
    key_id = UUID(stored["passkey_id"])
    member = _find_member(scope, member_id)
    return OwnReleaseFacts(
        unit_digest=stored["unit_digest"],
        principal=member.principal_id if member is not None else member_id,
        at=datetime.fromisoformat(stored["created_at"]).astimezone(UTC),
        seen_percent=stored["seen_percent"],
        stands=stored["ended_at"] is None
        and member is not None
        and has_right(member.role, Right.RUN)
        and any(key.id == key_id for key in passkeys.list_passkeys(scope, member_id)),
        holders=account_holders(scope, unit),
    )


def _find_member(scope: Scope, member_id: UUID) -> queries.Member | None:
    """Return the signer if they are still a member."""
    return next((one for one in queries.list_members(scope) if one.id == member_id), None)
