"""Presence of members on conversations and posts, so that two of them do not do the same work."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal
from uuid import UUID

from foundation.db.database import Scope
from foundation.ids import uuid7

PRESENCE_LIFE = timedelta(minutes=1)
"""Time after the last sign until which a member counts as present."""

SIGN_INTERVAL = timedelta(seconds=20)
"""Interval at which an open page renews its sign."""

SubjectKind = Literal["conversation", "post"]


@dataclass(frozen=True)
class PresenceSubject:
    """A conversation or post of a creator."""

    kind: SubjectKind
    id: UUID
    creator_id: UUID


@dataclass(frozen=True)
class Presence:
    """A member on a subject. `active` is True while they type a reply or edit."""

    member_id: UUID
    active: bool


def record_presence(
    scope: Scope, member_id: UUID, subject: PresenceSubject, *, active: bool = False
) -> None:
    """Record that a member has a subject open, and with `active`, that they type or edit.

    A sign is written at most every `SIGN_INTERVAL`.
    """
    scope.run(
        "INSERT INTO member_presences AS p (tenant_id, id, creator_id, member_id, subject_id,"
        " kind, seen_at, active_at) VALUES (:tenant, :id, :creator, :member, :subject, :kind, :now,"
        " CASE WHEN :active THEN CAST(:now AS timestamptz) END)"
        " ON CONFLICT (tenant_id, kind, subject_id, member_id) DO UPDATE SET seen_at = :now,"
        " updated_at = :now, active_at = coalesce(EXCLUDED.active_at, p.active_at)"
        " WHERE p.seen_at < :renew"
        " OR :active AND coalesce(p.active_at, '-infinity') < CAST(:renew AS timestamptz)",
        tenant=scope.tenant_id,
        id=uuid7(),
        creator=subject.creator_id,
        member=member_id,
        subject=subject.id,
        kind=subject.kind,
        now=scope.now,
        active=active,
        renew=scope.now - SIGN_INTERVAL,
    )


def end_activity(scope: Scope, member_id: UUID, kind: SubjectKind, subject_id: UUID) -> None:
    """Record that a member no longer types or edits, for example after the message was sent."""
    scope.run(
        "UPDATE member_presences SET active_at = NULL, updated_at = house_now()"
        " WHERE tenant_id = :tenant AND kind = :kind AND subject_id = :subject"
        " AND member_id = :member AND active_at IS NOT NULL",
        tenant=scope.tenant_id,
        kind=kind,
        subject=subject_id,
        member=member_id,
    )


def list_presences(
    scope: Scope, member_id: UUID, kind: SubjectKind, creators: Collection[UUID]
) -> Mapping[UUID, tuple[Presence, ...]]:
    """Return the other members who are present on subjects of these creators, keyed by subject;
    active ones first."""
    found = scope.run(
        "SELECT subject_id, member_id, coalesce(active_at > :alive, false) AS active"
        " FROM member_presences WHERE tenant_id = :tenant AND kind = :kind AND seen_at > :alive"
        " AND creator_id = ANY(:creators) AND member_id <> :member"
        " ORDER BY active DESC, member_id",
        tenant=scope.tenant_id,
        kind=kind,
        creators=list(creators),
        member=member_id,
        alive=scope.now - PRESENCE_LIFE,
    )
    present = dict[UUID, tuple[Presence, ...]]()
    for row in found:
        one = Presence(row.member_id, row.active)
        present[row.subject_id] = (*present.get(row.subject_id, ()), one)
    return present
