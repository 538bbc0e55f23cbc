"""Live posts and messages of an account, by its attempts."""

from uuid import UUID

from channels.attempts import attempts, serialization
from channels.attempts.attempts import Attempt
from foundation.db.database import Scope
from gate.contract.units import Unit
from gate.copies import live_copies


def published_unit(scope: Scope, channel_id: UUID, native_id: str) -> Unit | None:
    """Return the unit published under a native ID of an account, as it was judged. Return None for
    content that is not ours or was recalled."""
    copy = live_copies.find_copy_by_native_id(scope, channel_id, native_id)
    if copy is None or copy.removed_at is not None or copy.recalled_at is not None:
        return None
    sent = attempts.list_attempts(scope, copy.subject, None, ("send",))
    ours = [row for row in sent if attempts.publish_permit(row) == copy.jti]
    said = [
        row
        for row in attempts.list_attempts(scope, copy.subject, None, ("edit",))
        if row.native_key == native_id and _is_edit_published(row)
    ]
    return (
        # The latest published edit replaces the content of the send.
        next((serialization.unit_from_json(row.unit) for row in (*said[::-1], *ours)), None)
        if ours
        else None
    )


def _is_edit_published(row: Attempt) -> bool:
    """Return True if the edit took effect, even if a later one replaced it."""
    return row.outcome == "published" or row.resolution.get("outcome") == "published"


def other_native_ids(scope: Scope, row: Attempt, *, most: int) -> frozenset[str]:
    """Return native IDs of other subjects and parts published on the same account, the latest
    `most`."""
    found = scope.run(
        "SELECT coalesce(resolution ->> 'native_id', result ->> 'native_id') FROM attempts WHERE "
        "tenant_id = :tenant"
        " AND channel_id = :channel AND kind = 'send' AND (subject_kind, subject_id, part) <> "
        "(:kind, :subject, :part)"
        " AND (resolution ? 'native_id' OR result ? 'native_id') ORDER BY armed_at DESC LIMIT "
        ":most",
        tenant=scope.tenant_id,
        channel=row.channel_id,
        kind=row.subject_kind,
        subject=row.subject_id,
        part=row.part,
        most=most,
    )
    return frozenset(found.scalars())
