"""Founding an agency: its own row, its creators, its people."""

from collections.abc import Sequence
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from foundation.db.database import Scope
from foundation.errors import BadInput, NotFound
from foundation.i18n.translation import LANGUAGES
from foundation.ids import uuid7
from tenants.agencies.models import Agency, Creator, Member, Principal
from tenants.agencies.names import normalize_name
from tenants.agencies.rights import Role

KINDS = ("human", "virtual")
TIERS = (0, 1, 2)


def _check_zone(zone: str) -> None:
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise BadInput("agency.zone", zone=zone[:60]) from error


def check_language(language: str) -> None:
    """Raise BadInput for a language nobody knows."""
    if language not in LANGUAGES:
        raise BadInput("agency.language", language=language[:20])


def create_agency(scope: Scope, *, name: str, language: str, zone: str, demo: bool = False) -> None:
    """Write the agency of this scope's tenant. Raises BadInput for a language or a zone nobody
    knows."""
    check_language(language)
    _check_zone(zone)
    row = Agency(
        tenant_id=scope.tenant_id,
        id=scope.tenant_id,
        name=name,
        language=language,
        zone=zone,
        demo=demo,
    )
    scope.add(row)


def add_creator(
    scope: Scope,
    *,
    slug: str,
    name: str,
    kind: str,
    zone: str,
    languages: Sequence[str],
    rating_ceiling: str = "G",
    approval_tiers: int = 1,
) -> UUID:
    """Add a creator; `kind` is human or virtual, `zone` an IANA name, `approval_tiers` 0, 1 or 2.
    Returns its id.

    Raises BadInput for another kind, number of approvals or zone.
    """
    if kind not in KINDS or approval_tiers not in TIERS:
        raise BadInput("creator.unfit", kind=kind[:20], tiers=approval_tiers)
    _check_zone(zone)
    row = Creator(
        tenant_id=scope.tenant_id,
        slug=slug,
        name=name,
        kind=kind,
        zone=zone,
        languages=list(languages),
        rating_ceiling=rating_ceiling,
        approval_tiers=approval_tiers,
    )
    scope.add(row)
    return row.id


def set_approval_policy(scope: Scope, creator_id: UUID, *, tiers: int, times: bool) -> None:
    """How many people (0, 1 or 2) have to say yes to a creator's posts; with `times`, the second to
    the hours too.

    Raises BadInput for another number, NotFound.
    """
    row = scope.session.get(Creator, (scope.tenant_id, creator_id))
    if row is None:
        raise NotFound("creator.unknown", creator=str(creator_id))
    if tiers not in TIERS:
        raise BadInput("creator.unfit", kind=row.kind, tiers=tiers)
    row.approval_tiers = tiers
    row.approve_times = times and tiers > 1
    scope.add(row)


def add_member(
    scope: Scope,
    *,
    name: str,
    email: str,
    role: Role,
    language: str,
    zone: str,
    creators: Sequence[str] = (),
) -> UUID:
    """Add a person with a login of one role; returns the member's id. Its principal is new.

    Raises BadInput for a name that is none, and for a language or a zone nobody knows.
    """
    check_language(language)
    _check_zone(zone)
    name = normalize_name(name)
    principal = Principal(tenant_id=scope.tenant_id, id=uuid7(), name=name)
    member = Member(
        tenant_id=scope.tenant_id,
        principal_id=principal.id,
        role=str(role),
        name=name,
        email=email,
        language=language,
        zone=zone,
        creators=list(creators),
    )
    scope.add(principal)
    scope.add(member)
    return member.id


def reactivate_member(
    scope: Scope, member_id: UUID, *, name: str, role: Role, creators: Sequence[str]
) -> None:
    """Somebody who left works here again, as the human they were: without a password, with what is
    said of them now.

    Raises NotFound.
    """
    row = scope.session.get(Member, (scope.tenant_id, member_id), populate_existing=True)
    if row is None:
        raise NotFound("member.unknown")
    row.name = normalize_name(name)
    row.role = str(role)
    row.creators = list(creators)
    row.active = True
    row.password_hash = None
    row.adult_chat = False
    scope.add(row)


def record_principal(scope: Scope, principal_id: UUID, *, name: str) -> None:
    """Somebody without a login whose word counts: a principal under this id; known already, nothing
    changes."""
    scope.run(
        "INSERT INTO principals (tenant_id, id, name) VALUES (:tenant, :id, :name) ON CONFLICT DO "
        "NOTHING",
        tenant=scope.tenant_id,
        id=principal_id,
        name=name,
    )
