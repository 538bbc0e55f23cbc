"""Creation of agencies, creators and members."""

from collections.abc import Sequence
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlmodel import col, select

from foundation.db.database import Scope
from foundation.errors import BadInput, Conflict, NotFound
from foundation.i18n.translation import LANGUAGES
from foundation.ids import uuid7
from tenants.agencies.models import Agency, Creator, Member, Principal
from tenants.agencies.names import mailbox_key, normalize_name
from tenants.agencies.rights import OUTSIDE_ROLES, Role

HUMAN = "human"
"""Kind of a creator who is a real person."""

KINDS = (HUMAN, "virtual")
TIERS = (0, 1, 2)

EXPLICIT_CEILING = "E"
"""The rating ceiling that allows Explicit."""


class OfferAnswer(StrEnum):
    """An agency's answer to the offer to require an approval for all creators."""

    ACCEPTED = "accepted"
    DECLINED = "declined"


def check_zone(zone: str) -> None:
    """Raise BadInput for an unknown IANA time zone."""
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise BadInput("agency.zone", zone=zone[:60]) from error


def check_kind(kind: str) -> None:
    """Raise BadInput unless a creator is "human" or "virtual"."""
    if kind not in KINDS:
        raise BadInput("creator.kind", kind=kind[:20])


def check_language(language: str) -> None:
    """Raise BadInput for an unsupported language."""
    if language not in LANGUAGES:
        raise BadInput("agency.language", language=language[:20])


def create_agency(
    scope: Scope, *, name: str, language: str, zone: str, demo: bool = False, named: bool = True
) -> None:
    """Create the agency of the tenant of this scope. Without `named`, `name` is provisional, and
    the setup wizard asks the owner for it.

    Raises BadInput for an unsupported language or an unknown time zone.
    """
    check_language(language)
    check_zone(zone)
    row = Agency(
        tenant_id=scope.tenant_id,
        id=scope.tenant_id,
        name=name,
        language=language,
        zone=zone,
        demo=demo,
        named=named,
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
    creator_id: UUID | None = None,
) -> UUID:
    """Add a creator and return its ID. `kind` is "human" or "virtual", `zone` an IANA name and
    `approval_tiers` 0, 1 or 2. A creator with Explicit allowed never starts without approval.

    Raises BadInput for another kind or number of approvals, or an unknown time zone.
    `channels/creators` also checks the texts and opens the public page.
    """
    if kind not in KINDS or approval_tiers not in TIERS:
        raise BadInput("creator.unfit", kind=kind[:20], tiers=approval_tiers).about("handle")
    check_zone(zone)
    row = Creator(
        tenant_id=scope.tenant_id,
        id=creator_id or uuid7(),
        slug=slug,
        name=name,
        kind=kind,
        zone=zone,
        languages=list(languages),
        rating_ceiling=rating_ceiling,
        approval_tiers=starting_approval_tiers(rating_ceiling, approval_tiers),
    )
    scope.add(row)
    return row.id


def starting_approval_tiers(rating_ceiling: str, tiers: int) -> int:
    """Return the number of approvals that a creator starts with if `tiers` were chosen: at least
    one where Explicit is allowed."""
    return max(tiers, 1) if rating_ceiling == EXPLICIT_CEILING else tiers


def set_approval_policy(scope: Scope, creator_id: UUID, *, tiers: int, times: bool) -> None:
    """Set the number of approvals (0, 1 or 2) that posts of a creator need. With `times`, the
    second approval covers the publishing time too.

    Raises BadInput for another number and NotFound.
    """
    row = scope.session.get(Creator, (scope.tenant_id, creator_id))
    if row is None:
        raise NotFound("creator.unknown", creator=str(creator_id))
    if tiers not in TIERS:
        raise BadInput("creator.unfit", kind=row.kind, tiers=tiers).about("handle")
    row.approval_tiers = tiers
    row.approve_times = times and tiers > 1
    scope.add(row)


def get_offer_answer(scope: Scope) -> OfferAnswer | None:
    """Return the agency's answer to the offer to require an approval for all creators, or None if
    it has not answered. Raises NotFound."""
    answer = _get_agency_row(scope).approval_offer
    return OfferAnswer(answer) if answer else None


def set_offer_answer(scope: Scope, answer: OfferAnswer) -> None:
    """Store the agency's answer to the offer. Raises NotFound."""
    row = _get_agency_row(scope)
    row.approval_offer = str(answer)
    scope.add(row)


def _get_agency_row(scope: Scope) -> Agency:
    row = scope.session.get(Agency, (scope.tenant_id, scope.tenant_id), populate_existing=True)
    if row is None:
        raise NotFound("agency.unknown")
    return row


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
    """Add a member and return the member's ID. The principal is that of the other logins of the
    mailbox, former ones included, or else a new one.

    Raises BadInput for an invalid name, an unsupported language or an unknown time zone, and
    Conflict if a guest or a custodian would share the mailbox with another login.
    """
    check_language(language)
    check_zone(zone)
    name = normalize_name(name)
    principal_id = find_mailbox_principal(scope, email, role)
    if principal_id is None:
        principal_id = uuid7()
        scope.add(Principal(tenant_id=scope.tenant_id, id=principal_id, name=name))
    member = Member(
        tenant_id=scope.tenant_id,
        principal_id=principal_id,
        role=str(role),
        name=name,
        email=email,
        mailbox=mailbox_key(email),
        language=language,
        zone=zone,
        creators=list(creators),
    )
    scope.add(member)
    return member.id


def find_mailbox_principal(
    scope: Scope, email: str, role: Role, *, member_id: UUID | None = None
) -> UUID | None:
    """Return the principal of the logins whose addresses reach the same mailbox, former ones
    included, or None. `member_id` is the login that receives the role, if it exists.

    Raises Conflict if the mailbox has another login and one of both is a guest or a custodian: they
    are asked because they are another person.
    """
    # Two invitations at the same time must not create two principals for one mailbox.
    scope.lock(f"members:{scope.tenant_id}")
    logins = scope.session.exec(
        select(Member)
        .where(Member.tenant_id == scope.tenant_id, Member.mailbox == mailbox_key(email))
        .order_by(col(Member.created_at), col(Member.id))
    ).all()
    others = [login for login in logins if login.id != member_id]
    if others and OUTSIDE_ROLES & {role, *(Role(login.role) for login in others)}:
        raise Conflict("member.address_taken", email=email).about("email")
    return logins[0].principal_id if logins else None


def reactivate_member(
    scope: Scope, member_id: UUID, *, name: str, role: Role, creators: Sequence[str]
) -> None:
    """Reactivate a former member with a new name, role and creators. The principal stays the same,
    the password is removed.

    Raises NotFound, and Conflict if a guest or a custodian would share the mailbox with another
    login.
    """
    row = scope.session.get(Member, (scope.tenant_id, member_id), populate_existing=True)
    if row is None:
        raise NotFound("member.unknown")
    find_mailbox_principal(scope, row.email, role, member_id=member_id)
    row.name = normalize_name(name)
    row.role = str(role)
    row.creators = list(creators)
    row.active = True
    # The old password must not open the account again.
    row.password_hash = None
    row.adult_chat = False
    scope.add(row)


def record_principal(scope: Scope, principal_id: UUID, *, name: str) -> None:
    """Insert a principal without a login, for example a client who approves posts; do nothing if
    the ID exists."""
    scope.run(
        "INSERT INTO principals (tenant_id, id, name) VALUES (:tenant, :id, :name) ON CONFLICT DO "
        "NOTHING",
        tenant=scope.tenant_id,
        id=principal_id,
        name=name,
    )
