"""Consent offers: permissions that a member requests with exact terms, and that the person signs or
declines in their portal.

An offer never changes. Only the latest unanswered offer of a person can be signed, for 30 days; the
agency never signs.
"""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, UniqueConstraint

from foundation.canonical_json import canonical_json
from foundation.db.database import OpenScope, Scope
from foundation.db.tables import FOREVER, TenantRow, jsonb_column, table_arguments, timestamp_column
from foundation.errors import BadInput, Conflict, NotFound, Refused
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from foundation.outbox import outbox
from foundation.outbox.outbox import Queue
from gate.consent.grants import CONSENT_SCOPES, grant_consent, has_revoked_since
from gate.contract.units import Rating
from gate.decision.shoot_card_terms import CARD_DECLINED, CARD_SIGNED, REQUIRED_SCOPES
from gate.people.models import Person
from gate.people.persons import MAX_CONSENT_PERIOD, REAL_PERSON
from tenants import audit
from tenants.agencies import queries
from tenants.agencies.rights import Right, require_right
from tenants.notices import notices

LIVES = timedelta(days=30)
"""Time for which an offer can be signed."""

MAX_CHANNELS = 40
PERSON_ACTOR = "person"


class ConsentOffer(TenantRow, table=True):
    """The terms requested from a person. Append-only."""

    __tablename__ = "consent_offers"
    __table_args__ = table_arguments(
        ForeignKeyConstraint(["tenant_id", "person_id"], ["persons.tenant_id", "persons.id"]),
        UniqueConstraint("tenant_id", "person_id", "id", name="consent_offers_of"),
        about="person",
        keep=FOREVER,
    )
    person_id: UUID
    scopes: list[str] = jsonb_column(list)
    surfaces: list[str] = jsonb_column(list)
    max_rating: str
    valid_from: datetime = timestamp_column()
    valid_until: datetime = timestamp_column()
    made_by: str


class ConsentAnswer(TenantRow, table=True):
    """The answer of a person: signed or declined, once, with the digest of what they read.
    Append-only."""

    __tablename__ = "consent_answers"
    __table_args__ = table_arguments(
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
class OfferTerms:
    """The terms of an offer.

    `surfaces` are platforms or single surfaces; `valid_until` is exclusive.
    """

    scopes: tuple[str, ...]
    surfaces: tuple[str, ...]
    max_rating: Rating
    valid_from: datetime
    valid_until: datetime


@dataclass(frozen=True)
class ConsentOfferSummary:
    """An offer with its status: `said` is open, signed or declined; `late` is True if it can no
    longer be signed."""

    id: UUID
    person_id: UUID
    terms: OfferTerms
    made_at: datetime
    said: str
    said_at: datetime | None
    late: bool

    @property
    def is_open(self) -> bool:
        """Return True if the person can still answer it."""
        return self.said == "open" and not self.late

    @property
    def digest(self) -> str:
        """Return the digest of the terms that the person reads and signs."""
        said = {
            "id": self.id,
            "person": self.person_id,
            "scopes": self.terms.scopes,
            "surfaces": self.terms.surfaces,
            "max_rating": self.terms.max_rating,
            "valid_from": self.terms.valid_from,
            "valid_until": self.terms.valid_until,
        }
        return hashlib.sha256(canonical_json(said)).hexdigest()


def create_consent_offer(scope: Scope, person_id: UUID, terms: OfferTerms) -> UUID:
    """Offer terms to a real person, as the acting member, and return the ID of the offer. It
    replaces an open one.

    Raises Refused for a member without the right, NotFound, BadInput for a synthetic person and for
    invalid terms: missing scopes, no surface, more than 24 months, or an end in the past.
    """
    require_right(queries.get_acting_member(scope, "person.people_only").role, Right.RUN)
    person = scope.session.get(Person, (scope.tenant_id, person_id))
    if person is None:
        raise NotFound("person.unknown")
    if person.kind != REAL_PERSON or person.state != "active":
        raise BadInput("person.bad_kind", kind=person.kind)
    _validate_terms(terms, scope.now)
    row = ConsentOffer(
        tenant_id=scope.tenant_id,
        person_id=person_id,
        scopes=[one for one in CONSENT_SCOPES if one in terms.scopes],
        surfaces=sorted(set(terms.surfaces)),
        max_rating=str(terms.max_rating),
        valid_from=terms.valid_from,
        valid_until=terms.valid_until,
        made_by=scope.actor,
    )
    scope.add(row)
    audit.record(scope, "consent.offered", f"person:{person_id}")
    return row.id


def _validate_terms(terms: OfferTerms, now: datetime) -> None:
    if not set(terms.scopes) >= REQUIRED_SCOPES or not set(terms.scopes) <= set(CONSENT_SCOPES):
        raise BadInput("asking.bad_scopes")
    if not 0 < len(terms.surfaces) <= MAX_CHANNELS:
        raise BadInput("asking.no_place")
    if terms.max_rating is Rating.X:
        raise BadInput("asking.invalid")
    if (
        not terms.valid_from < terms.valid_until <= terms.valid_from + MAX_CONSENT_PERIOD
        or terms.valid_until <= now
    ):
        raise BadInput("asking.bad_days")


OFFERS = """
SELECT o.id, o.person_id, o.scopes, o.surfaces, o.max_rating, o.valid_from, o.valid_until,
o.created_at,
  a.said, a.created_at AS said_at,
  row_number() OVER (PARTITION BY o.person_id ORDER BY o.id DESC) > 1 AS replaced
FROM consent_offers o
LEFT JOIN consent_answers a ON a.tenant_id = o.tenant_id AND a.offer_id = o.id
WHERE o.tenant_id = :tenant AND o.person_id = ANY(:people) ORDER BY o.id DESC
"""


def list_consent_offers(scope: Scope, persons: Collection[UUID]) -> list[ConsentOfferSummary]:
    """Return all offers to these persons, latest first."""
    if not persons:
        return []
    return [
        _offer_from_row(row, scope.now)
        for row in scope.run(OFFERS, tenant=scope.tenant_id, people=list(persons))
    ]


def _offer_from_row(row: Any, now: datetime) -> ConsentOfferSummary:
    terms = OfferTerms(
        tuple(row.scopes),
        tuple(row.surfaces),
        Rating(row.max_rating),
        row.valid_from,
        row.valid_until,
    )
    late = row.replaced or now >= min(row.created_at + LIVES, row.valid_until)
    return ConsentOfferSummary(
        row.id, row.person_id, terms, row.created_at, row.said or "open", row.said_at, late
    )


@dataclass(frozen=True)
class OfferAnswerSubmitted:
    """A person answered an offer, the subject, in their portal. `by` is `person:<id>`; `digest` is
    that of the terms that they read."""

    kind: ClassVar[str] = "offer.answer"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    said: str
    digest: str
    by: str
    at: datetime | None = None
    """Time of the answer."""


@dataclass(frozen=True)
class OfferSheet:
    """An offer as its person sees it; `waits` is True while an answer is being recorded."""

    offer: ConsentOfferSummary
    waits: bool

    @property
    def may_answer(self) -> bool:
        """Return True if the person can still answer."""
        return self.offer.is_open and not self.waits


def list_offer_sheets(scope: Scope, person_id: UUID) -> list[OfferSheet]:
    """Return the open offers to a person. Signed ones appear as permissions."""
    found = [one for one in list_consent_offers(scope, [person_id]) if one.is_open]
    return [
        OfferSheet(one, outbox.is_pending(scope, one.id, OfferAnswerSubmitted.kind))
        for one in found
    ]


def submit_offer_answer(scope: Scope, offer_id: UUID, said: str, *, digest: str) -> None:
    """Sign or decline an offer as the person the scope acts for.

    A worker records the answer at once. Raises the errors of `record_offer_answer`.
    """
    offer = _validate_answer(scope, offer_id, said, digest)
    event = OfferAnswerSubmitted(scope.tenant_id, offer.id, said, digest, scope.actor, scope.now)
    outbox.put(scope, event, priority=0, dedupe=f"offer.answer:{offer.id}")


def handle_offer_answer(event: OfferAnswerSubmitted, *, tenant: OpenScope) -> None:
    """Record the answer to an offer.

    An answer that is no longer possible is dropped, as is a signature that precedes a revocation:
    the portal shows the current state.
    """
    try:
        with tenant(event.tenant_id, event.by) as scope:
            if event.said == CARD_SIGNED and has_revoked_since(
                scope, person_id_of_actor(event.by), event.at
            ):
                return
            record_offer_answer(scope, event.subject_id, event.said, digest=event.digest)
    except (BadInput, Conflict, NotFound, Refused):
        # Connection errors are raised, so that the outbox retries.
        return


def person_id_of_actor(actor: str) -> UUID:
    """Return the person of an actor. Raises Refused for any other actor."""
    kind, _, key = actor.partition(":")
    if kind != PERSON_ACTOR:
        raise Refused("card.own_hand")
    return UUID(key)


def record_offer_answer(scope: Scope, offer_id: UUID, said: str, *, digest: str) -> None:
    """Sign an offer, which grants its permissions, or decline it, as the person the scope acts for.

    Raises Refused for any actor but a person, NotFound for an offer to another person, BadInput for
    an unknown answer, Conflict if the offer differs from what the person read or can no longer be
    answered.
    """
    _validate_answer(scope, offer_id, said, digest)
    scope.lock(f"offer:{offer_id}")
    offer = _validate_answer(
        scope, offer_id, said, digest
    )  # A concurrent answer may have been recorded before the lock.
    with scope.acting_as("gate"):
        scope.run(
            "INSERT INTO consent_answers (tenant_id, id, offer_id, person_id, said, digest, "
            "said_by)"
            " VALUES (:tenant, :id, :offer, :person, :said, :digest, :by)",
            tenant=scope.tenant_id,
            id=uuid7(),
            offer=offer.id,
            person=offer.person_id,
            said=said,
            digest=digest,
            by=f"{PERSON_ACTOR}:{offer.person_id}",
        )
    if said == CARD_SIGNED:
        _grant_offer_consents(scope, offer)
    told = Message(
        "asking.told_signed" if said == CARD_SIGNED else "asking.told_declined",
        {"name": _person_name(scope, offer)},
    )
    notices.put(scope, told, cause=f"offer:{offer.id}")


def _validate_answer(scope: Scope, offer_id: UUID, said: str, digest: str) -> ConsentOfferSummary:
    person_id = person_id_of_actor(scope.actor)
    if said not in (CARD_SIGNED, CARD_DECLINED):
        raise BadInput("card.bad_answer")
    found = next(
        (one for one in list_consent_offers(scope, [person_id]) if one.id == offer_id), None
    )
    if found is None:
        raise NotFound("asking.unknown")
    if digest != found.digest:
        raise Conflict("asking.changed")
    if not found.is_open:
        raise Conflict("asking.not_now")
    return found


def _grant_offer_consents(scope: Scope, offer: ConsentOfferSummary) -> None:
    for what in offer.terms.scopes:
        grant_consent(
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


def _person_name(scope: Scope, offer: ConsentOfferSummary) -> str:
    person = scope.session.get(Person, (scope.tenant_id, offer.person_id))
    return person.display_ref if person is not None else ""
