"""What a depicted person has in hand: a link of their own, what they allowed, where they are shown, and the end of it.

A member makes the link; a new one ends the old one. It is known by its digest alone, and needs no account.
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

from foundation import outbox
from foundation.database import OpenScope, Scope, TenantRow, instant, table
from foundation.errors import BadInput, Conflict, NotFound
from foundation.ids import HOUSE, uuid7
from gate import copies, facing, offers, signing
from gate.copies import Copy
from gate.events import RevocationWanted
from gate.models import ConsentGrant, Person
from gate.people import FACE, REAL, SCOPES, doubles
from gate.units import Rating
from tenants import audit

PATH = "/me/"
TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
ALL = ""
"""Every permission at once."""


class PersonLink(TenantRow, table=True):
    """The one living link of a person; what was last pressed there, and when."""

    __tablename__ = "person_links"
    __table_args__ = table(
        UniqueConstraint("tenant_id", "person_id", name="person_links_one"),
        UniqueConstraint("tenant_id", "digest", name="person_links_link"),
        Index("person_links_digest", "digest"),
        ForeignKeyConstraint(["tenant_id", "person_id"], ["persons.tenant_id", "persons.id"]),
        about="person",
        keep="while the tenant is here",
    )
    person_id: UUID
    digest: str
    asked: str = ""
    asked_at: datetime | None = instant(optional=True)


@dataclass(frozen=True)
class Permission:
    """One permission as its person reads it; `stands` as of when it was read."""

    what: str
    surfaces: tuple[str, ...]
    max_rating: Rating
    until: datetime
    revoked_at: datetime | None
    stands: bool
    card: UUID | None = None
    """The shoot card it was signed on; it holds for that card's pictures alone."""


@dataclass(frozen=True)
class Named:
    """Somebody real whom members know, and whether they have a link."""

    person_id: UUID
    name: str
    linked_at: datetime | None


def named(scope: Scope) -> list[Named]:
    """Everybody real who may be shown, by name."""
    rows = scope.session.exec(
        select(Person, PersonLink)
        .join(
            PersonLink,
            (col(PersonLink.person_id) == Person.id) & (col(PersonLink.tenant_id) == Person.tenant_id),
            isouter=True,
        )
        .where(Person.tenant_id == scope.tenant_id, Person.kind == REAL)
        .order_by(col(Person.display_ref), col(Person.id))
    )
    return [Named(one.id, one.display_ref, link.updated_at if link is not None else None) for one, link in rows]


def make_link(scope: Scope, person_id: UUID) -> str:
    """The end of a new link (`PATH` + this) for somebody real, told once; an older one is dead from here on.

    Raises NotFound, and BadInput for somebody invented: nobody is there to press anything.
    """
    person = scope.session.get(Person, (scope.tenant_id, person_id))
    if person is None:
        raise NotFound("person.unknown")
    if person.kind != REAL:
        raise BadInput("person.bad_kind", kind=person.kind)
    token = secrets.token_urlsafe(32)
    scope.run(
        "INSERT INTO person_links (tenant_id, id, person_id, digest, asked) VALUES (:tenant, :id, :person, :digest, '')"
        " ON CONFLICT (tenant_id, person_id) DO UPDATE SET digest = EXCLUDED.digest, updated_at = house_now()",
        tenant=scope.tenant_id,
        id=uuid7(),
        person=person_id,
        digest=_digest(token),
    )
    audit.note(scope, "person.link", f"person:{person_id}")
    return token


def find(tenant: OpenScope, token: str) -> tuple[UUID, UUID] | None:
    """`(tenant, person)` of a living link; None for any other."""
    if not TOKEN.fullmatch(token):  # whatever a stranger types never reaches the database
        return None
    with tenant(HOUSE, "system:person-link", role="door") as scope:
        row = scope.run(
            "SELECT tenant_id, person_id FROM person_links WHERE digest = :digest", digest=_digest(token)
        ).first()
    return (row.tenant_id, row.person_id) if row is not None else None


def asked(scope: Scope, person_id: UUID) -> tuple[str, datetime] | None:
    """What was last pressed on a person's page, and when."""
    row = scope.run(
        "SELECT asked, asked_at FROM person_links WHERE tenant_id = :tenant AND person_id = :person"
        " AND asked_at IS NOT NULL",
        tenant=scope.tenant_id,
        person=person_id,
    ).first()
    return (row.asked, row.asked_at) if row is not None else None


def permissions(scope: Scope, person_id: UUID) -> list[Permission]:
    """What a person allowed, kind by kind, the newest first; what ended long ago too."""
    rows = scope.session.exec(
        select(ConsentGrant)
        .where(ConsentGrant.tenant_id == scope.tenant_id, ConsentGrant.person_id == person_id)
        .order_by(col(ConsentGrant.valid_until).desc(), col(ConsentGrant.id).desc())
        .execution_options(populate_existing=True)
    )
    found = [
        Permission(
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
    return sorted(found, key=lambda one: SCOPES.index(one.what))


def shown(scope: Scope, person_id: UUID) -> list[Copy]:
    """Every copy that shows a person, or their double, and is not proven gone; and those called back that are."""
    everybody = [person_id, *doubles(scope, person_id)]
    return [copy for each in everybody for copy in copies.of_person(scope, each) if copy.native_ids]


def ask(scope: Scope, person_id: UUID, what: str) -> None:
    """Take one permission back, that their `FACE` is known, or `ALL`: the workers do it at once. `scope` acts for the
    person, or is a member's to whom they said so.

    Raises BadInput for what is no permission, Conflict where nothing is left to take back.
    """
    if what not in (ALL, FACE, *SCOPES):
        raise BadInput("person.bad_scope")
    stands = any(one.stands and what in (ALL, one.what) for one in permissions(scope, person_id))
    stands = stands or (what in (ALL, FACE) and facing.agrees(scope, person_id))
    stands = stands or _signs(scope, person_id, what)
    seen = what == ALL and any(one.gone_at is None and one.recalled_at is None for one in shown(scope, person_id))
    if not stands and not seen:
        raise Conflict("person.nothing_left")
    wanted = RevocationWanted(scope.tenant_id, person_id, scope=what, by=scope.actor)
    outbox.put(scope, wanted, priority=0, dedupe=f"revoke:{person_id}:{what}")
    scope.run(
        "UPDATE person_links SET asked = :what, asked_at = house_now() WHERE tenant_id = :tenant"
        " AND person_id = :person AND :own",
        tenant=scope.tenant_id,
        person=person_id,
        what=what,
        own=scope.actor == f"person:{person_id}",
    )


def _signs(scope: Scope, person_id: UUID, what: str) -> bool:
    """Whether something they signed is not written down yet: it can be taken back all the same, and then never is."""
    if what == FACE:
        return facing.asked(scope, person_id)
    asked, cards = offers.sheets(scope, person_id), signing.sheets(scope, person_id)
    waits = any(one.waits for one in asked) or any(one.waits for one in cards)
    return what == ALL and (waits or facing.asked(scope, person_id))


def standing(permitted: Sequence[Permission]) -> tuple[str, ...]:
    """The kinds of permission that stand, each once, in their order."""
    return tuple(what for what in SCOPES if any(one.stands and one.what == what for one in permitted))


def _digest(token: str) -> str:
    """What is kept of a link: 256 random bits need no key of their own."""
    return hashlib.sha256(token.encode()).hexdigest()
