"""Changed words of a copy: each change is a permit of its own that lies in no place but the copy's.

The copy stays the record of what is outside, and what a recall takes away; the last change that is
known to stand says which words it shows now. Between the request and its answer, and after an
answer nobody got, either words may stand: then the change has neither an instant since when it can
be seen nor one when it went.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from foundation.db.database import Scope
from foundation.errors import NotFound


@dataclass(frozen=True)
class CopyEdit:
    """One change of a copy's words, by its permit; `visible_at` is None while nobody knows whether
    it came through."""

    jti: UUID
    unit_digest: str
    minted_at: datetime
    visible_at: datetime | None


def record_copy_edit(scope: Scope, jti: UUID, copy: UUID) -> None:
    """Write down which copy a consumed permit changes, as its claim ends. Raises NotFound for a
    permit that is none."""
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
    """The words of a change stand: whatever was there of the changes before it does not any
    more."""
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
    """Nothing that nobody was sure of came through: the copy says what it said before. `proof` is
    who says so."""
    with scope.acting_as("gate"):
        scope.run(_DENIED, tenant=scope.tenant_id, copy=copy, proof=proof)


_CHANGES = """
SELECT id, unit_digest, minted_at, visible_at FROM permits
WHERE tenant_id = :tenant AND edits = :copy AND state = 'consumed' AND gone_at IS NULL ORDER BY
minted_at, id
"""


def list_copy_edits(scope: Scope, copy: UUID) -> list[CopyEdit]:
    """The changes whose words a copy shows, or may show, oldest first."""
    return [CopyEdit(*row) for row in scope.run(_CHANGES, tenant=scope.tenant_id, copy=copy)]
