"""Edits of a copy's text: each edit is a permit without a platform ID of its own.

The copy remains the record of the live post and the target of a recall. The last confirmed edit
determines the visible text. Between a request and its response, or without a response, either text
may be visible: the edit then has neither `visible_at` nor `gone_at`.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from foundation.db.database import Scope
from foundation.errors import NotFound


@dataclass(frozen=True)
class CopyEdit:
    """An edit of a copy's text, by its permit; `visible_at` is None while it is unconfirmed."""

    jti: UUID
    unit_digest: str
    minted_at: datetime
    visible_at: datetime | None


def record_copy_edit(scope: Scope, jti: UUID, copy: UUID) -> None:
    """Record the copy that a consumed permit edits, at the end of its claim.

    Raises NotFound if there is no such permit.
    """
    with scope.acting_as("gate"):
        done = scope.run(
            "UPDATE permits SET edits = :copy, updated_at = house_now() WHERE tenant_id = :tenant "
            "AND id = :jti"
            " AND state = 'consumed' AND native_ids = '[]'",
            tenant=scope.tenant_id,
            jti=jti,
            copy=copy,
        )
    if done.rowcount != 1:
        raise NotFound("copy.unknown")


_STANDS = """
UPDATE permits SET visible_at = coalesce(visible_at, house_now()), updated_at = house_now()
WHERE tenant_id = :tenant AND id = :jti AND state = 'consumed' RETURNING edits
"""
_OVERWRITTEN = """
UPDATE permits SET gone_at = house_now(), gone_proof = :proof, updated_at = house_now()
WHERE tenant_id = :tenant AND edits = :copy AND id <> :jti AND state = 'consumed' AND gone_at IS
NULL
"""


def confirm_copy_edit(scope: Scope, jti: UUID) -> None:
    """Confirm that the text of an edit is visible and end all other edits of the copy."""
    with scope.acting_as("gate"):
        copy = scope.run(_STANDS, tenant=scope.tenant_id, jti=jti).scalar()
        scope.run(_OVERWRITTEN, tenant=scope.tenant_id, jti=jti, copy=copy, proof=f"edited:{jti}")


_DENIED = """
UPDATE permits SET state = 'void', gone_at = house_now(), gone_proof = :proof, updated_at =
house_now()
WHERE tenant_id = :tenant AND edits = :copy AND state = 'consumed' AND gone_at IS NULL AND
visible_at IS NULL
"""


def reject_unconfirmed_edits(scope: Scope, copy: UUID, proof: str) -> None:
    """Mark all unconfirmed edits of a copy as not carried out; `proof` is the evidence."""
    with scope.acting_as("gate"):
        scope.run(_DENIED, tenant=scope.tenant_id, copy=copy, proof=proof)


_CHANGES = """
SELECT id, unit_digest, minted_at, visible_at FROM permits
WHERE tenant_id = :tenant AND edits = :copy AND state = 'consumed' AND gone_at IS NULL ORDER BY
minted_at, id
"""


def list_copy_edits(scope: Scope, copy: UUID) -> list[CopyEdit]:
    """Return the edits whose text a copy shows or may show, oldest first."""
    return [CopyEdit(*row) for row in scope.run(_CHANGES, tenant=scope.tenant_id, copy=copy)]
