"""The subject portal of a depicted person: their link, their permissions, the copies that show
them, and revocation.

The link is sent to the person's address at a member's request; a new link ends the old one. Only
its digest is stored, and it needs no account.
"""

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, UniqueConstraint
from sqlmodel import col, select

from foundation.db.database import OpenScope, Scope
from foundation.db.tables import TenantRow, table_arguments, timestamp_column
from foundation.errors import BadInput, Conflict, NotFound
from foundation.ids import INSTALLATION_ID, uuid7
from foundation.outbox import outbox
from gate.consent import card_answers, consent_offers, face_consent
from gate.consent.events import RevocationRequested
from gate.consent.grants import CONSENT_SCOPES, FACE_CONSENT
from gate.consent.models import ConsentGrant
from gate.contract.units import Rating
from gate.copies import live_copies
from gate.copies.live_copies import LiveCopy
from gate.people.models import Person
from gate.people.persons import REAL_PERSON, list_digital_twins
from tenants import audit

PORTAL_PATH = "/me/"
TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
ALL_CONSENTS = ""
"""Every permission at once."""


class PersonLink(TenantRow, table=True):
    """The only valid portal link of a person, with their last revocation request."""

    __tablename__ = "person_links"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "person_id", name="person_links_one"),
        UniqueConstraint("tenant_id", "digest", name="person_links_link"),
        Index("person_links_digest", "digest"),
        ForeignKeyConstraint(["tenant_id", "person_id"], ["persons.tenant_id", "persons.id"]),
        about="person",
        keep="while the tenant exists",
    )
    person_id: UUID
    digest: str
    asked: str = ""
    asked_at: datetime | None = timestamp_column(optional=True)
    address: str = ""
    """Address to which links are sent."""
    address_set_by: str = ""
    confirmed_at: datetime | None = timestamp_column(optional=True)
    """Time at which they confirmed the address, through a link sent there."""


@dataclass(frozen=True)
class ConsentView:
    """A permission as its person sees it; `stands` is True if it was valid when it was read."""

    what: str
    surfaces: tuple[str, ...]
    max_rating: Rating
    until: datetime
    revoked_at: datetime | None
    stands: bool
    card: UUID | None = None
    """The shoot card on which it was signed, if any: the permission then covers the pictures of
    that card only."""


@dataclass(frozen=True)
class LinkedPerson:
    """A real person with the state of their link and contact address."""

    person_id: UUID
    name: str
    address: str = ""
    confirmed: bool = False


def list_linkable_people(scope: Scope) -> list[LinkedPerson]:
    """Return all real persons by name."""
    rows = scope.session.exec(
        select(Person, PersonLink)
        .join(
            PersonLink,
            (col(PersonLink.person_id) == Person.id)
            & (col(PersonLink.tenant_id) == Person.tenant_id),
            isouter=True,
        )
        .where(Person.tenant_id == scope.tenant_id, Person.kind == REAL_PERSON)
        .order_by(col(Person.display_ref), col(Person.id))
    )
    return [
        LinkedPerson(one.id, one.display_ref, link.address, bool(link.confirmed_at))
        if link is not None
        else LinkedPerson(one.id, one.display_ref)
        for one, link in rows
    ]


def create_portal_link(scope: Scope, person_id: UUID) -> str:
    """Create a link for a real person and return its token, the part after `PORTAL_PATH`. An older
    link becomes invalid.

    No member sees the token: a worker sends it to the person's address
    (`gate/consent/contact_addresses.py`). Raises NotFound, and BadInput for a synthetic person.
    """
    person = scope.session.get(Person, (scope.tenant_id, person_id))
    if person is None:
        raise NotFound("person.unknown")
    if person.kind != REAL_PERSON:
        raise BadInput("person.bad_kind", kind=person.kind)
    token = secrets.token_urlsafe(32)
    scope.run(
        "INSERT INTO person_links (tenant_id, id, person_id, digest, asked) VALUES (:tenant, :id, "
        ":person, :digest, '')"
        " ON CONFLICT (tenant_id, person_id) DO UPDATE SET digest = EXCLUDED.digest, updated_at = "
        "house_now()",
        tenant=scope.tenant_id,
        id=uuid7(),
        person=person_id,
        digest=_token_digest(token),
    )
    audit.record(scope, "person.link", f"person:{person_id}")
    return token


def find_portal_person(tenant: OpenScope, token: str) -> tuple[UUID, UUID] | None:
    """Return `(tenant, person)` of a valid link, or None."""
    if not TOKEN.fullmatch(token):  # Malformed input never reaches the database.
        return None
    with tenant(INSTALLATION_ID, "system:person-link", role="door") as scope:
        row = scope.run(
            "SELECT tenant_id, person_id FROM person_links WHERE digest = :digest",
            digest=_token_digest(token),
        ).first()
    return (row.tenant_id, row.person_id) if row is not None else None


def last_revocation_request(scope: Scope, person_id: UUID) -> tuple[str, datetime] | None:
    """Return the scope and time of the last revocation request in a person's portal, or None."""
    row = scope.run(
        "SELECT asked, asked_at FROM person_links WHERE tenant_id = :tenant AND person_id = :person"
        " AND asked_at IS NOT NULL",
        tenant=scope.tenant_id,
        person=person_id,
    ).first()
    return (row.asked, row.asked_at) if row is not None else None


def list_consents(scope: Scope, person_id: UUID) -> list[ConsentView]:
    """Return all permissions of a person, including expired ones, by scope and latest first."""
    rows = scope.session.exec(
        select(ConsentGrant)
        .where(ConsentGrant.tenant_id == scope.tenant_id, ConsentGrant.person_id == person_id)
        .order_by(col(ConsentGrant.valid_until).desc(), col(ConsentGrant.id).desc())
        .execution_options(populate_existing=True)
    )
    found = [
        ConsentView(
            what=row.scope,
            surfaces=tuple(row.surfaces),
            max_rating=Rating(row.max_rating),
            until=row.valid_until,
            revoked_at=row.revoked_at,
            stands=row.revoked_at is None and scope.now < row.valid_until,
            card=row.card_id,
        )
        for row in rows
    ]
    return sorted(found, key=lambda one: CONSENT_SCOPES.index(one.what))


def list_copies_of_subject(scope: Scope, person_id: UUID) -> list[LiveCopy]:
    """Return the copies that show a person or their AI double: those that are not proven deleted,
    and recalled ones that are."""
    everybody = [person_id, *list_digital_twins(scope, person_id)]
    return [
        copy
        for each in everybody
        for copy in live_copies.all_copies_of_person(scope, each)
        if copy.native_ids
    ]


def request_revocation(scope: Scope, person_id: UUID, what: str) -> None:
    """Request the revocation of one permission, of `FACE_CONSENT`, or of `ALL_CONSENTS`.

    A worker executes it at once. `scope` acts for the person, or for a member who acts at their
    request. Raises BadInput for an unknown permission, Conflict if there is nothing to revoke.
    """
    if what not in (ALL_CONSENTS, FACE_CONSENT, *CONSENT_SCOPES):
        raise BadInput("person.bad_scope")
    stands = any(
        one.stands and what in (ALL_CONSENTS, one.what) for one in list_consents(scope, person_id)
    )
    stands = stands or (
        what in (ALL_CONSENTS, FACE_CONSENT) and face_consent.has_face_consent(scope, person_id)
    )
    stands = stands or _has_pending_signature(scope, person_id, what)
    seen = what == ALL_CONSENTS and any(
        one.removed_at is None and one.recalled_at is None
        for one in list_copies_of_subject(scope, person_id)
    )
    if not stands and not seen:
        raise Conflict("person.nothing_left")
    wanted = RevocationRequested(scope.tenant_id, person_id, scope=what, by=scope.actor)
    outbox.put(scope, wanted, priority=0, dedupe=f"revoke:{person_id}:{what}")
    scope.run(
        "UPDATE person_links SET asked = :what, asked_at = house_now() WHERE tenant_id = :tenant"
        " AND person_id = :person AND :own",
        tenant=scope.tenant_id,
        person=person_id,
        what=what,
        own=scope.actor == f"person:{person_id}",
    )


def _has_pending_signature(scope: Scope, person_id: UUID, what: str) -> bool:
    """Return True if a signature is not recorded yet. It can still be revoked, and is then never
    recorded."""
    if what == FACE_CONSENT:
        return face_consent.is_face_consent_pending(scope, person_id)
    asked = consent_offers.list_offer_sheets(scope, person_id)
    cards = card_answers.list_card_sheets(scope, person_id)
    waits = any(one.waits for one in asked) or any(one.waits for one in cards)
    return what == ALL_CONSENTS and (
        waits or face_consent.is_face_consent_pending(scope, person_id)
    )


def active_consent_kinds(permitted: Sequence[ConsentView]) -> tuple[str, ...]:
    """Return the scopes of the valid permissions, each once, in the order of `CONSENT_SCOPES`."""
    return tuple(
        what for what in CONSENT_SCOPES if any(one.stands and one.what == what for one in permitted)
    )


def _token_digest(token: str) -> str:
    """Return the stored form of a link. An unkeyed digest is enough for 256 random bits."""
    return hashlib.sha256(token.encode()).hexdigest()
