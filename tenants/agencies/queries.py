"""Read models of the room: frozen values, no tables."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlmodel import select

from foundation.db.database import Scope
from foundation.errors import NotFound, Refused
from foundation.i18n.name_forms import fold_name
from tenants.agencies import models
from tenants.agencies.rights import Right, Role, has_right


@dataclass(frozen=True)
class Agency:
    """An agency: its name, language ("fr" or "en"), IANA zone, whether it is a demonstration, and
    whether everybody is asked for a second factor."""

    name: str
    language: str
    zone: str
    demo: bool
    second_factor: bool = False


def agency_founded_at(scope: Scope) -> datetime:
    """When the agency of this scope was founded. Raises NotFound where there is none."""
    row = scope.session.get(models.Agency, (scope.tenant_id, scope.tenant_id))
    if row is None or row.created_at is None:
        raise NotFound("agency.unknown")
    return row.created_at


@dataclass(frozen=True)
class Creator:
    """A creator; `kind` human or virtual, `zone` IANA, `approval_tiers` 0 to 2, and whether the
    second of two is asked about hours too."""

    id: UUID
    slug: str
    name: str
    kind: str
    zone: str
    languages: tuple[str, ...]
    rating_ceiling: str
    approval_tiers: int
    approve_times: bool = False


@dataclass(frozen=True)
class AuthorSummary:
    """The human behind a member, and whether they may write adult words to readers by
    themselves."""

    principal_id: UUID
    adult_chat: bool


@dataclass(frozen=True)
class Member:
    """A member; `principal_id` is the human behind it."""

    id: UUID
    principal_id: UUID
    name: str
    email: str
    role: Role
    language: str
    zone: str
    creators: tuple[str, ...]
    adult_chat: bool = False
    """Adult words they type in a chat wait for nobody: the owner granted it, and they work here and
    may chat."""

    def works_for(self, slug: str) -> bool:
        """Whether they work for the creator of this slug: for all, where none is chosen."""
        return not self.creators or slug in self.creators


def get_agency(scope: Scope) -> Agency:
    """The agency of this scope. Raises NotFound."""
    row = scope.session.get(models.Agency, (scope.tenant_id, scope.tenant_id))
    if row is None:
        raise NotFound("agency.unknown")
    return Agency(row.name, row.language, row.zone, row.demo, row.second_factor)


def creator_from_row(row: models.Creator | Row[Any]) -> Creator:
    """Of a row with a creator's columns."""
    about = (
        row.id,
        row.slug,
        row.name,
        row.kind,
        row.zone,
        tuple(row.languages),
        row.rating_ceiling,
    )
    return Creator(*about, row.approval_tiers, row.approve_times)


def list_creators(scope: Scope) -> list[Creator]:
    """All creators of the agency by name."""
    rows = scope.session.exec(
        select(models.Creator)
        .where(models.Creator.tenant_id == scope.tenant_id)
        .order_by(models.Creator.name)
    )
    return [creator_from_row(row) for row in rows]


_CREATOR = """
SELECT id, slug, name, kind, zone, languages, rating_ceiling, approval_tiers, approve_times
FROM creators
WHERE tenant_id = :tenant AND id = :id
"""
"""Asked for each post: read plainly."""


def get_creator(scope: Scope, key: UUID | str) -> Creator:
    """A creator by id, or by slug or name, whatever the case and the normal form. Raises
    NotFound; another agency's looks the same."""
    if isinstance(key, UUID):
        row = scope.run(_CREATOR, tenant=scope.tenant_id, id=key).one_or_none()
        found = creator_from_row(row) if row is not None else None
    else:
        named = (
            each
            for each in list_creators(scope)
            if fold_name(key) in (each.slug, fold_name(each.name))
        )
        found = next(named, None)
    if found is None:
        raise NotFound("creator.unknown", creator=str(key))
    return found


def _member_from_row(row: models.Member) -> Member:
    about = (
        row.id,
        row.principal_id,
        row.name,
        row.email,
        Role(row.role),
        row.language,
        row.zone,
        tuple(row.creators),
    )
    return Member(*about, adult_chat=_may_write(row))


def _may_write(row: Any) -> bool:
    """Whether who was trusted with adult words still works there, in a role that writes to
    readers."""
    return bool(row.adult_chat and row.active and has_right(Role(row.role), Right.CHAT))


def list_members(scope: Scope) -> list[Member]:
    """The active members of the agency by name."""
    rows = scope.session.exec(
        select(models.Member)
        .where(models.Member.tenant_id == scope.tenant_id, models.Member.active)
        .order_by(models.Member.name)
    )
    return [_member_from_row(row) for row in rows]


def principals_by_address(scope: Scope, addresses: Collection[str]) -> dict[str, set[UUID]]:
    """Return the principals who sign in with each of these addresses, or did, by the address in
    lower case; others are absent."""
    rows = scope.run(
        "SELECT lower(email) AS email, principal_id FROM members WHERE tenant_id = :tenant"
        " AND lower(email) = ANY(:addresses)",
        tenant=scope.tenant_id,
        addresses=[one.lower() for one in addresses if one],
    )
    found: dict[str, set[UUID]] = {}
    for row in rows:
        found.setdefault(row.email, set()).add(row.principal_id)
    return found


def principals_by_creator(scope: Scope, creators: Collection[UUID]) -> dict[UUID, set[UUID]]:
    """Return the principals of the members whose role is creator, by the creators they are; others
    are absent."""
    rows = scope.run(
        "SELECT c.id, m.principal_id FROM creators c JOIN members m ON m.tenant_id = c.tenant_id"
        " AND m.role = 'creator' AND m.creators ? c.slug"
        " WHERE c.tenant_id = :tenant AND c.id = ANY(:creators)",
        tenant=scope.tenant_id,
        creators=list(creators),
    )
    found: dict[UUID, set[UUID]] = {}
    for row in rows:
        found.setdefault(row.id, set()).add(row.principal_id)
    return found


def get_member(scope: Scope, member_id: UUID) -> Member:
    """A member by id. Raises NotFound."""
    row = scope.session.get(models.Member, (scope.tenant_id, member_id))
    if row is None:
        raise NotFound("member.unknown")
    return _member_from_row(row)


def author_from_row(row: Row[Any]) -> AuthorSummary:
    """Of a row with a member's principal_id, role, active and adult_chat."""
    return AuthorSummary(row.principal_id, _may_write(row))


def get_acting_member(scope: Scope, refusal: str) -> Member:
    """The member a scope acts for. Raises Refused, saying `refusal`, for who is none; NotFound for
    one who is gone, or left: what they asked for before and nobody has done yet is not done for
    them."""
    kind, _, key = scope.actor.partition(":")
    if kind != "member":
        raise Refused(refusal)
    row = scope.session.get(models.Member, (scope.tenant_id, UUID(key)))
    if row is None or not row.active:
        raise NotFound("member.unknown")
    return _member_from_row(row)
