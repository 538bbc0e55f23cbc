"""Unsaved composer fields of members, stored for each post so that a reload does not lose them.

They are not drafts: only the member sees them.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import and_
from sqlmodel import col, select

from foundation.canonical_json import canonical_json
from foundation.db.database import Scope
from foundation.ids import uuid7
from schedules.drafts.models import UnsavedPost
from tenants.presence import presence
from tenants.presence.presence import PresenceSubject

MAX_FIELDS_LENGTH = 500_000
"""Maximum size in bytes of all fields of one post, as JSON."""


@dataclass(frozen=True)
class UnsavedFields:
    """Unsaved fields of a post; `seen` is the digest of the edited post when it was opened."""

    subject_id: UUID
    creator_id: UUID
    fields: Mapping[str, Any]
    seen: str


def store_fields(scope: Scope, member_id: UUID, of: UnsavedFields, *, is_new: bool) -> None:
    """Store the fields of a member for a new or an existing post, unless they are too large. Other
    members see that the member is editing an existing post."""
    kept = canonical_json(dict(of.fields))
    if len(kept) > MAX_FIELDS_LENGTH:
        return
    scope.run(
        "INSERT INTO unsaved_posts (tenant_id, id, creator_id, member_id, subject_id, is_new,"
        " fields, seen) VALUES (:tenant, :id, :creator, :member, :subject, :is_new,"
        " CAST(:fields AS jsonb), :seen)"
        " ON CONFLICT (tenant_id, member_id, subject_id) DO UPDATE SET fields = EXCLUDED.fields,"
        " creator_id = EXCLUDED.creator_id, seen = EXCLUDED.seen, updated_at = house_now()",
        tenant=scope.tenant_id,
        id=uuid7(),
        creator=of.creator_id,
        member=member_id,
        subject=of.subject_id,
        is_new=is_new,
        fields=kept.decode(),
        seen=of.seen,
    )
    if not is_new:
        edited = PresenceSubject("post", of.subject_id, of.creator_id)
        presence.record_presence(scope, member_id, edited, active=True)


def load_fields(scope: Scope, member_id: UUID, post_id: UUID) -> UnsavedFields | None:
    """Return the fields of a member for an existing post, or None if there are none."""
    return _find_fields(scope, member_id, UnsavedPost.subject_id == post_id)


def take_new_fields(
    scope: Scope, member_id: UUID, subject_id: UUID, *, creators: Collection[UUID]
) -> UnsavedFields | None:
    """Return the latest fields of a member for a new post of these creators, or None if there are
    none.

    The fields move to `subject_id`, so that another open window does not overwrite them.
    """
    where = and_(col(UnsavedPost.is_new), col(UnsavedPost.creator_id).in_(creators))
    found = _find_fields(scope, member_id, where)
    if found is not None:
        scope.run(
            "UPDATE unsaved_posts SET subject_id = :new WHERE tenant_id = :tenant"
            " AND member_id = :member AND subject_id = :old",
            tenant=scope.tenant_id,
            member=member_id,
            new=subject_id,
            old=found.subject_id,
        )
    return found


def delete_fields(scope: Scope, member_id: UUID, subject_id: UUID) -> None:
    """Delete the fields of a member after they were saved or discarded."""
    scope.run(
        "DELETE FROM unsaved_posts WHERE tenant_id = :tenant AND member_id = :member"
        " AND subject_id = :subject",
        tenant=scope.tenant_id,
        member=member_id,
        subject=subject_id,
    )
    presence.end_activity(scope, member_id, "post", subject_id)


def _find_fields(scope: Scope, member_id: UUID, where: Any) -> UnsavedFields | None:
    row = scope.session.exec(
        select(UnsavedPost)
        .where(UnsavedPost.tenant_id == scope.tenant_id, UnsavedPost.member_id == member_id, where)
        .order_by(col(UnsavedPost.updated_at).desc(), col(UnsavedPost.id).desc())
        .limit(1)
    ).first()
    if row is None:
        return None
    return UnsavedFields(row.subject_id, row.creator_id, row.fields, row.seen)
