"""Record of used permits, shared by all processes and written before the first byte of a request is
sent.

The claim consumes a permit in the database, once. The process still has the permit afterwards and
could present it again; this record refuses the second use.
"""

from connectors.transport.permit_record import PermitUse
from foundation.db.database import OpenScope
from gate.contract.permit import Permit

TRANSPORT_ACTOR = "system:transport"

_RECORD = """
WITH quick AS (SELECT set_config('synchronous_commit', 'off', true)),
first AS (
  INSERT INTO permit_uses (tenant_id, id) SELECT :tenant, :jti FROM quick
  WHERE CAST(:expires AS timestamptz) > house_now()
  ON CONFLICT DO NOTHING RETURNING id)
SELECT EXISTS (SELECT FROM first) AS is_first,
  EXISTS (SELECT FROM permit_uses WHERE tenant_id = :tenant AND id = :jti) AS is_known,
  CAST(:expires AS timestamptz) <= house_now() AS is_expired
"""
"""The commit does not wait for the disk: after a crash of the database, a permit of the last second
could be used again, at most until it expires after one minute."""


def record_permit_use(permit: Permit, *, tenant: OpenScope) -> PermitUse:
    """Record, in a separate transaction, that a permit is about to be used."""
    # Committed before the request is sent, so that other processes see the use.
    with tenant(permit.tenant_id, TRANSPORT_ACTOR) as scope:
        row = scope.run(
            _RECORD, tenant=permit.tenant_id, jti=permit.jti, expires=permit.expires_at
        ).one()
    if row.is_first:
        return PermitUse.FIRST
    return PermitUse.EXPIRED if row.is_expired and not row.is_known else PermitUse.REPLAYED
