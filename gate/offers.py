"""Permissions an agency asks for: offered by a member in exact words, signed or declined by the person on theirs.

An offer is written once. The newest unanswered one of a person can be signed, for thirty days; the agency never signs.
"""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, UniqueConstraint

from foundation import outbox
from foundation.database import OpenScope, Scope, TenantRow, instant, jsonb, table
from foundation.errors import BadInput, Conflict, NotFound, Refused
from foundation.ids import uuid7
from foundation.outbox import Queue
from foundation.words import Message, canonical
from gate import people
from gate.carded import ALWAYS, DECLINED, SIGNED
from gate.models import FOREVER, Person
from gate.people import LONGEST, REAL, SCOPES
from gate.units import Rating
from tenants import audit, notices
from tenants import reads as tenants
from tenants.roles import Right, require

LIVES = timedelta(days=30)
"""So long an offer can be signed."""

MOST_PLACES = 40
PERSON = "person"


class ConsentOffer(TenantRow, table=True):
    """What a person was asked for. Append-only."""

    __tablename__ = "consent_offers"
    __table_args__ = table(
        ForeignKeyConstraint(["tenant_id", "person_id"], ["persons.tenant_id", "persons.id"]),
        UniqueConstraint("tenant_id", "person_id", "id", name="consent_offers_of"),
        about="person",
        keep=FOREVER,
    )
    person_id: UUID
    scopes: list[str] = jsonb(list)
    surfaces: list[str] = jsonb(list)
    max_rating: str
    valid_from: datetime = instant()
    valid_until: datetime = instant()
    made_by: str


class ConsentAnswer(TenantRow, table=True):
    """What the person said: signed or declined, once, with the digest of what they read. Append-only."""

    __tablename__ = "consent_answers"
    __table_args__ = table(
        ForeignKeyConstraint(
            ["tenant_id", "person_id", "offer_id"],
            ["consent_offers.tenant_id", "consent_offers.person_id", "consent_offers.id"],
        ),
        UniqueConstraint("tenant_id", "offer_id", name="consent_answers_once"),
        about="person",
        keep=FOREVER,
    )
    offer_id: UUID
    person_id: UUID
    said: str
    digest: str
    said_by: str


@dataclass(frozen=True)
class Terms:
    """What somebody is asked to allow. `surfaces` are platforms or single places; the end is not part of it."""

    scopes: tuple[str, ...]
    surfaces: tuple[str, ...]
    max_rating: Rating
    valid_from: datetime
    valid_until: datetime


@dataclass(frozen=True)
class Offer:
    """An offer as it stands: said is open, signed or declined; `late` where it can no longer be signed."""

    id: UUID
    person_id: UUID
    terms: Terms
    made_at: datetime
    said: str
    said_at: datetime | None
    late: bool

    @property
    def open(self) -> bool:
        """Whether it waits for its person."""
        return self.said == "open" and not self.late

    @property
    def digest(self) -> str:
        """Of what is read and signed."""
        said = {
            "id": self.id,
            "person": self.person_id,
            "scopes": self.terms.scopes,
            "surfaces": self.terms.surfaces,
            "max_rating": self.terms.max_rating,
            "valid_from": self.terms.valid_from,
            "valid_until": self.terms.valid_until,
        }
        return hashlib.sha256(canonical(said)).hexdigest()


def make(scope: Scope, person_id: UUID, terms: Terms) -> UUID:
    """Ask somebody real for permissions, as the acting member; returns the offer's id. An older open one ends with it.

    Raises Refused for who may not, NotFound, BadInput for somebody invented and for what nobody could sign: nothing to
    be shown for, no place, more than 24 months, an end that is past.
    """
    require(tenants.acting(scope, "person.people_only").role, Right.RUN)
    person = scope.session.get(Person, (scope.tenant_id, person_id))
    if person is None:
        raise NotFound("person.unknown")
    if person.kind != REAL or person.state != "active":
        raise BadInput("person.bad_kind", kind=person.kind)
    _check(terms, scope.now)
    row = ConsentOffer(
        tenant_id=scope.tenant_id,
        person_id=person_id,
        scopes=[one for one in SCOPES if one in terms.scopes],
        surfaces=sorted(set(terms.surfaces)),
        max_rating=str(terms.max_rating),
        valid_from=terms.valid_from,
        valid_until=terms.valid_until,
        made_by=scope.actor,
    )
    scope.add(row)
    audit.note(scope, "consent.offered", f"person:{person_id}")
    return row.id


def _check(terms: Terms, now: datetime) -> None:
    if not set(terms.scopes) >= ALWAYS or not set(terms.scopes) <= set(SCOPES):
        raise BadInput("asking.bad_scopes")
    if not 0 < len(terms.surfaces) <= MOST_PLACES:
        raise BadInput("asking.no_place")
    if terms.max_rating is Rating.X:
        raise BadInput("asking.invalid")
    if not terms.valid_from < terms.valid_until <= terms.valid_from + LONGEST or terms.valid_until <= now:
        raise BadInput("asking.bad_days")


OFFERS = """
SELECT o.id, o.person_id, o.scopes, o.surfaces, o.max_rating, o.valid_from, o.valid_until, o.created_at,
  a.said, a.created_at AS said_at,
  row_number() OVER (PARTITION BY o.person_id ORDER BY o.id DESC) > 1 AS replaced
FROM consent_offers o
LEFT JOIN consent_answers a ON a.tenant_id = o.tenant_id AND a.offer_id = o.id
WHERE o.tenant_id = :tenant AND o.person_id = ANY(:people) ORDER BY o.id DESC
"""


def of(scope: Scope, persons: Collection[UUID]) -> list[Offer]:
    """Everything these people were asked for, the newest first."""
    if not persons:
        return []
    return [_offer(row, scope.now) for row in scope.run(OFFERS, tenant=scope.tenant_id, people=list(persons))]


def _offer(row: Any, now: datetime) -> Offer:
    terms = Terms(
        tuple(row.scopes), tuple(row.surfaces), Rating(row.max_rating), row.valid_from, row.valid_until
    )  # fmt: skip
    late = row.replaced or now >= min(row.created_at + LIVES, row.valid_until)
    return Offer(row.id, row.person_id, terms, row.created_at, row.said or "open", row.said_at, late)


@dataclass(frozen=True)
class OfferAnswered:
    """Somebody answers an offer, the subject, on their own page; `by` is `person:<id>`, `digest` of what they read."""

    kind: ClassVar[str] = "offer.answer"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    said: str
    digest: str
    by: str
    at: datetime | None = None
    """When they pressed it."""


@dataclass(frozen=True)
class Sheet:
    """An offer as its person reads it; `waits` while the workers write the answer down."""

    offer: Offer
    waits: bool

    @property
    def may_answer(self) -> bool:
        """Whether it still waits for them."""
        return self.offer.open and not self.waits


def sheets(scope: Scope, person_id: UUID) -> list[Sheet]:
    """What a person is asked for now; what was answered stands among their permissions."""
    found = [one for one in of(scope, [person_id]) if one.open]
    return [Sheet(one, outbox.awaited(scope, one.id, OfferAnswered.kind)) for one in found]


def ask(scope: Scope, offer_id: UUID, said: str, *, digest: str) -> None:
    """Sign or decline, as the person the scope acts for; the workers write it down at once. Raises as `answer`."""
    offer = _checked(scope, offer_id, said, digest)
    event = OfferAnswered(scope.tenant_id, offer.id, said, digest, scope.actor, scope.now)
    outbox.put(scope, event, priority=0, dedupe=f"offer.answer:{offer.id}")


def settle(event: OfferAnswered, *, tenant: OpenScope) -> None:
    """Write an answer down; what can no longer be said is dropped, and what they signed before they took something
    back: their page shows how it is."""
    try:
        with tenant(event.tenant_id, event.by) as scope:
            if event.said == SIGNED and people.took_back_since(scope, person_of(event.by), event.at):
                return
            answer(scope, event.subject_id, event.said, digest=event.digest)
    except (BadInput, Conflict, NotFound, Refused):  # what could not be reached is tried again
        return


def person_of(actor: str) -> UUID:
    """The person an actor is. Raises Refused for who is none."""
    kind, _, key = actor.partition(":")
    if kind != PERSON:
        raise Refused("card.own_hand")
    return UUID(key)


def answer(scope: Scope, offer_id: UUID, said: str, *, digest: str) -> None:
    """Sign an offer, which makes the permissions it asks for, or decline it, as the person the scope acts for.

    Raises Refused for who is no person, NotFound for another's offer, BadInput for no answer, Conflict where what was
    read is not what stands, or it can no longer be answered.
    """
    _checked(scope, offer_id, said, digest)
    scope.hold(f"offer:{offer_id}")
    offer = _checked(scope, offer_id, said, digest)  # again: another press of theirs may have come first
    with scope.acting_as("gate"):
        scope.run(
            "INSERT INTO consent_answers (tenant_id, id, offer_id, person_id, said, digest, said_by)"
            " VALUES (:tenant, :id, :offer, :person, :said, :digest, :by)",
            tenant=scope.tenant_id,
            id=uuid7(),
            offer=offer.id,
            person=offer.person_id,
            said=said,
            digest=digest,
            by=f"{PERSON}:{offer.person_id}",
        )
    if said == SIGNED:
        _grant(scope, offer)
    told = Message("asking.told_signed" if said == SIGNED else "asking.told_declined", {"name": _name(scope, offer)})
    notices.put(scope, told, cause=f"offer:{offer.id}")


def _checked(scope: Scope, offer_id: UUID, said: str, digest: str) -> Offer:
    person_id = person_of(scope.actor)
    if said not in (SIGNED, DECLINED):
        raise BadInput("card.bad_answer")
    found = next((one for one in of(scope, [person_id]) if one.id == offer_id), None)
    if found is None:
        raise NotFound("asking.unknown")
    if digest != found.digest:
        raise Conflict("asking.changed")
    if not found.open:
        raise Conflict("asking.not_now")
    return found


def _grant(scope: Scope, offer: Offer) -> None:
    for what in offer.terms.scopes:
        people.grant(
            scope,
            offer.person_id,
            what=what,
            surfaces=offer.terms.surfaces,
            max_rating=offer.terms.max_rating,
            valid_from=max(offer.terms.valid_from, scope.now),
            valid_until=offer.terms.valid_until,
            evidence_digest=offer.digest,
            signed_by=offer.person_id,
        )


def _name(scope: Scope, offer: Offer) -> str:
    person = scope.session.get(Person, (scope.tenant_id, offer.person_id))
    return person.display_ref if person is not None else ""
