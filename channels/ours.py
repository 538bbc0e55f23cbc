"""What of ours stands outside, by what its attempts wrote down."""

from uuid import UUID

from channels import attempts, storing
from channels.attempts import Attempt
from foundation.database import Scope
from gate import copies
from gate.units import Unit


def published(scope: Scope, channel_id: UUID, native_id: str) -> Unit | None:
    """What stands under a native id of an account, as it was judged; None for what is not ours, or must go."""
    copy = copies.copy_of(scope, channel_id, native_id)
    if copy is None or copy.gone_at is not None or copy.recalled_at is not None:
        return None
    sent = attempts.of(scope, copy.subject, None, ("send",))
    ours = [row for row in sent if attempts.publish_permit(row) == copy.jti]
    said = [
        row for row in attempts.of(scope, copy.subject, None, ("edit",)) if row.native_key == native_id and _stood(row)
    ]
    return next((storing.unit_from_json(row.unit) for row in (*said[::-1], *ours)), None) if ours else None


def _stood(row: Attempt) -> bool:
    """Whether the words of a change stand, or stood until the next one."""
    return row.outcome == "published" or row.resolution.get("outcome") == "published"


def others_native_ids(scope: Scope, row: Attempt, *, most: int) -> frozenset[str]:
    """Native ids of what other subjects and parts left on the same account, the latest `most`."""
    found = scope.run(
        "SELECT coalesce(resolution ->> 'native_id', result ->> 'native_id') FROM attempts WHERE tenant_id = :tenant"
        " AND channel_id = :channel AND kind = 'send' AND (subject_kind, subject_id, part) <> (:kind, :subject, :part)"
        " AND (resolution ? 'native_id' OR result ? 'native_id') ORDER BY armed_at DESC LIMIT :most",
        tenant=scope.tenant_id,
        channel=row.channel_id,
        kind=row.subject_kind,
        subject=row.subject_id,
        part=row.part,
        most=most,
    )
    return frozenset(found.scalars())
