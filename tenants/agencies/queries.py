"""Read models of agencies, creators and members as frozen values."""

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
from tenants.agencies.names import mailbox_key
from tenants.agencies.rights import Right, Role, has_right
from tenants.agencies.states import CreatorState


@dataclass(frozen=True)
class Agency:
    """An agency: name, language ("fr" or "en"), IANA time zone, demo flag, and True in
    `second_factor` if all members need one.

    `currency` is an ISO 4217 code. `languages` begins with the main language. `named` is False
    until the owner has entered the name in the setup wizard.
    """

    name: str
    language: str
    zone: str
    demo: bool
    second_factor: bool = False
    currency: str = "EUR"
    languages: tuple[str, ...] = ()
    named: bool = True


def agency_founded_at(scope: Scope) -> datetime:
    """Return the creation time of the agency of this scope (UTC-aware). Raises NotFound."""
    row = scope.session.get(models.Agency, (scope.tenant_id, scope.tenant_id))
    if row is None or row.created_at is None:
        raise NotFound("agency.unknown")
    return row.created_at


@dataclass(frozen=True)
class Creator:
    """A creator. `kind` is "human" or "virtual", `zone` an IANA name, `approval_tiers` 0 to 2;
    `approve_times` is True if the second approval covers the publishing time. `posts_per_day` is
    the maximum number of posts on a day of the creator; None means unlimited. `avatar` is the
    digest of the picture, or ""."""

    id: UUID
    slug: str
    name: str
    kind: str
    zone: str
    languages: tuple[str, ...]
    rating_ceiling: str
    approval_tiers: int
    approve_times: bool = False
    state: CreatorState = CreatorState.ACTIVE
    posts_per_day: int | None = None
    avatar: str = ""

    @property
    def is_active(self) -> bool:
        """Return True unless the creator is deactivated or archived."""
        return self.state is CreatorState.ACTIVE


@dataclass(frozen=True)
class AuthorSummary:
    """The human behind a member, and the permission to send adult text to fans without review."""

    principal_id: UUID
    adult_chat: bool


@dataclass(frozen=True)
class Member:
    """A member; `principal_id` identifies the human."""

    id: UUID
    principal_id: UUID
    name: str
    email: str
    role: Role
    language: str
    zone: str
    creators: tuple[str, ...]
    adult_chat: bool = False
    """True if adult text typed by this active member in a chat needs no review: the owner allowed
    it and the role has the right to chat."""
    guide_hidden: bool = False
    """True if the member has hidden the list of first steps on Home."""

    def works_for(self, slug: str) -> bool:
        """Return True if the member has access to the creator with this slug. No listed creator
        means all."""
        return not self.creators or slug in self.creators


def get_agency(scope: Scope) -> Agency:
    """Return the agency of this scope. Raises NotFound."""
    row = scope.session.get(models.Agency, (scope.tenant_id, scope.tenant_id))
    if row is None:
        raise NotFound("agency.unknown")
    return Agency(
        row.name,
        row.language,
        row.zone,
        row.demo,
        row.second_factor,
        row.currency,
        tuple(row.languages) or (row.language,),
        row.named,
    )


def is_set_up(scope: Scope) -> bool:
    """Return True if the agency of this scope has a name and a creator, or is a demonstration.
    Otherwise the setup wizard continues. Raises NotFound."""
    agency = get_agency(scope)
    return agency.demo or (agency.named and bool(list_creators(scope)))


def creator_from_row(row: models.Creator | Row[Any]) -> Creator:
    """Return the creator of a row with the columns of `creators`."""
    about = (
        row.id,
        row.slug,
        row.name,
        row.kind,
        row.zone,
        tuple(row.languages),
        row.rating_ceiling,
    )
    return Creator(
        *about,
        row.approval_tiers,
        row.approve_times,
        CreatorState(row.state),
        row.posts_per_day,
        row.avatar or "",
    )


def list_creators(scope: Scope) -> list[Creator]:
    """Return all creators of the agency, including archived ones, sorted by name."""
    rows = scope.session.exec(
        select(models.Creator)
        .where(models.Creator.tenant_id == scope.tenant_id)
        .order_by(models.Creator.name)
    )
    return [creator_from_row(row) for row in rows]


def list_visible_creators(scope: Scope, member: Member) -> list[Creator]:
    """Return the creators that a member has access to, without archived ones, sorted by name."""
    return [
        one
        for one in list_creators(scope)
        if member.works_for(one.slug) and one.state is not CreatorState.ARCHIVED
    ]


_CREATOR = """
SELECT id, slug, name, kind, zone, languages, rating_ceiling, approval_tiers, approve_times,
  state, posts_per_day, avatar
FROM creators
WHERE tenant_id = :tenant AND id = :id
"""
"""Runs for each post, so it is plain SQL instead of an ORM query."""


def get_creator(scope: Scope, key: UUID | str) -> Creator:
    """Return a creator by ID, slug or name; names ignore case and Unicode form.

    Raises NotFound, also for a creator of another agency.
    """
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


def is_inactive_creator(scope: Scope, creator_id: UUID) -> bool:
    """Return True if the agency has this creator and they are inactive or archived."""
    found = scope.run(
        "SELECT 1 FROM creators WHERE tenant_id = :tenant AND id = :id AND state <> 'active'",
        tenant=scope.tenant_id,
        id=creator_id,
    )
    return found.one_or_none() is not None


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
    return Member(*about, adult_chat=_may_write(row), guide_hidden=row.guide_hidden)


def _may_write(row: Any) -> bool:
    return bool(row.adult_chat and row.active and has_right(Role(row.role), Right.CHAT))


def list_members(scope: Scope) -> list[Member]:
    """Return the active members of the agency, sorted by name."""
    rows = scope.session.exec(
        select(models.Member)
        .where(models.Member.tenant_id == scope.tenant_id, models.Member.active)
        .order_by(models.Member.name)
    )
    return [_member_from_row(row) for row in rows]


def names_by_actor(scope: Scope) -> dict[str, str]:
    """Return the names of all members, former ones included, by actor (`member:<id>`), sorted by
    name."""
    rows = scope.run(
        "SELECT id, name FROM members WHERE tenant_id = :tenant ORDER BY name, id",
        tenant=scope.tenant_id,
    )
    return {f"member:{row.id}": row.name for row in rows}


def principals_by_address(scope: Scope, addresses: Collection[str]) -> dict[str, set[UUID]]:
    """Return the principals that sign in or signed in with the mailbox of each address, by address.
    Unknown addresses are absent."""
    mailboxes = {address: mailbox_key(address) for address in addresses if address}
    rows = scope.run(
        "SELECT mailbox, principal_id FROM members WHERE tenant_id = :tenant"
        " AND mailbox = ANY(:mailboxes)",
        tenant=scope.tenant_id,
        mailboxes=sorted(set(mailboxes.values())),
    )
    principals: dict[str, set[UUID]] = {}
    for row in rows:
        principals.setdefault(row.mailbox, set()).add(row.principal_id)
    return {
        address: principals[mailbox]
        for address, mailbox in mailboxes.items()
        if mailbox in principals
    }


def principals_by_actor(scope: Scope, actors: Collection[str]) -> dict[str, UUID]:
    """Return the principals of members, former ones included, by actor (`member:<id>`). Other
    actors are absent.

    Two actors with one principal are one person, so compare principals and never actors.
    """
    members = sorted({one for one in actors if one.startswith("member:")})
    if not members:
        return {}
    rows = scope.run(
        "SELECT 'member:' || id AS actor, principal_id FROM members WHERE tenant_id = :tenant"
        " AND 'member:' || id = ANY(:actors)",
        tenant=scope.tenant_id,
        actors=members,
    )
    return {row.actor: row.principal_id for row in rows}


def principal_of_actor(scope: Scope, actor: str) -> UUID | None:
    """Return the principal of the member, also a former one, who is this actor, or None for another
    actor."""
    kind, _, key = actor.partition(":")
    try:
        return get_member(scope, UUID(key)).principal_id if kind == "member" else None
    except (NotFound, ValueError):
        return None


def principals_by_creator(scope: Scope, creators: Collection[UUID]) -> dict[UUID, set[UUID]]:
    """Return the principals of members with the role `creator`, by the ID of the creator they are.
    Creators without one are absent."""
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
    """Return a member by ID. Raises NotFound."""
    row = scope.session.get(models.Member, (scope.tenant_id, member_id))
    if row is None:
        raise NotFound("member.unknown")
    return _member_from_row(row)


def get_active_member(scope: Scope, member_id: UUID) -> Member:
    """Return a member by ID. Raises NotFound, also for a removed member."""
    row = scope.session.get(models.Member, (scope.tenant_id, member_id))
    if row is None or not row.active:
        raise NotFound("member.unknown")
    return _member_from_row(row)


def author_from_row(row: Row[Any]) -> AuthorSummary:
    """Return the author of a row with the columns `principal_id`, `role`, `active` and `adult_chat`
    of a member."""
    return AuthorSummary(row.principal_id, _may_write(row))


def get_acting_member(scope: Scope, refusal: str) -> Member:
    """Return the member the scope acts for.

    Raises Refused with the message `refusal` if the actor is not a member, and NotFound for a
    removed or inactive member, so that jobs they requested earlier are not executed.
    """
    kind, _, key = scope.actor.partition(":")
    if kind != "member":
        raise Refused(refusal)
    return get_active_member(scope, UUID(key))
