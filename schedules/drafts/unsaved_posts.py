"""Unsaved composer fields of members, stored for each post so that a reload does not lose them.

They are not drafts: only the member sees them. Several windows of a member show the same fields.
Each change has a number, so that a window never overwrites a change that it has not shown.
"""

import secrets
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

_FIRST_VERSIONS = 2**52

NOT_STORED = 0
"""The version of fields that are not stored."""


@dataclass(frozen=True)
class UnsavedFields:
    """Unsaved fields of a post; `seen` is the digest of the edited post when it was opened."""

    subject_id: UUID
    creator_id: UUID
    fields: Mapping[str, Any]
    seen: str
    version: int = NOT_STORED


def store_fields(scope: Scope, member_id: UUID, of: UnsavedFields, *, is_new: bool) -> int | None:
    """Store the fields of a member for a new or an existing post, and return their new version.

    `of.version` is the version that the window has shown. Return None, and store nothing, if
    another window has stored a later one or removed the fields. Fields that are too large are not
    stored, and the version stays the same. Other members see that the member is editing an existing
    post.
    """
    kept = canonical_json(dict(of.fields))
    if len(kept) > MAX_FIELDS_LENGTH:
        return of.version
    values = {
        "tenant": scope.tenant_id,
        "creator": of.creator_id,
        "member": member_id,
        "subject": of.subject_id,
        "fields": kept.decode(),
        "seen": of.seen,
    }
    if of.version == NOT_STORED:
        stored = _insert_fields(scope, values, is_new=is_new)
    else:
        stored = _update_fields(scope, values, of.version)
    if stored is not None and not is_new:
        edited = PresenceSubject("post", of.subject_id, of.creator_id)
        presence.record_presence(scope, member_id, edited, active=True)
    return stored


def _insert_fields(scope: Scope, values: Mapping[str, Any], *, is_new: bool) -> int | None:
    stored: int | None = scope.run(
        "INSERT INTO unsaved_posts (tenant_id, id, creator_id, member_id, subject_id, is_new,"
        " fields, seen, version) VALUES (:tenant, :id, :creator, :member, :subject, :is_new,"
        " CAST(:fields AS jsonb), :seen, :first)"
        " ON CONFLICT (tenant_id, member_id, subject_id) DO NOTHING RETURNING version",
        id=uuid7(),
        is_new=is_new,
        # Random, so that fields stored after a deletion are not mistaken for the deleted ones.
        first=1 + secrets.randbelow(_FIRST_VERSIONS),
        **values,
    ).scalar()
    return stored


def _update_fields(scope: Scope, values: Mapping[str, Any], version: int) -> int | None:
    changed: int | None = scope.run(
        "UPDATE unsaved_posts SET fields = CAST(:fields AS jsonb), creator_id = :creator,"
        " seen = :seen, version = version + 1, updated_at = house_now()"
        " WHERE tenant_id = :tenant AND member_id = :member AND subject_id = :subject"
        " AND version = :version RETURNING version",
        version=version,
        **values,
    ).scalar()
    return changed


def load_fields(scope: Scope, member_id: UUID, subject_id: UUID) -> UnsavedFields | None:
    """Return the fields of a member for a post, or None if there are none."""
    return _find_fields(scope, member_id, UnsavedPost.subject_id == subject_id)


def load_version(scope: Scope, member_id: UUID, subject_id: UUID) -> int:
    """Return the version of the stored fields of a member for a post, or `NOT_STORED`."""
    found: int | None = scope.run(
        "SELECT version FROM unsaved_posts WHERE tenant_id = :tenant AND member_id = :member"
        " AND subject_id = :subject",
        tenant=scope.tenant_id,
        member=member_id,
        subject=subject_id,
    ).scalar()
    return NOT_STORED if found is None else found


def find_new_fields(
    scope: Scope, member_id: UUID, *, creators: Collection[UUID]
) -> UnsavedFields | None:
    """Return the latest fields of a member for a new post of these creators, or None if there are
    none."""
    where = and_(col(UnsavedPost.is_new), col(UnsavedPost.creator_id).in_(creators))
    return _find_fields(scope, member_id, where)


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
    return UnsavedFields(row.subject_id, row.creator_id, row.fields, row.seen, row.version)
