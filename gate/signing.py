"""A depicted person's word on a shoot card: signed, declined, taken back. Said on their own page, by nobody else."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from foundation import outbox
from foundation.database import OpenScope, Scope
from foundation.errors import BadInput, Conflict, NotFound, Refused
from foundation.ids import uuid7
from foundation.outbox import Queue
from foundation.words import Message
from gate import binding, cardfacts, copies, epochs, journal, people, recall
from gate.carded import ANSWERS, DECLINED, SIGNED, WITHDRAWN, Standing, signers, standing
from gate.facts import CardFacts
from gate.offers import PERSON, person_of
from gate.people import LONGEST
from gate.stating import ConsentRevoked
from tenants import notices
from tenants import reads as tenants


@dataclass(frozen=True)
class AnswerWanted:
    """Somebody answers a card, the subject, on their own page; `by` is `person:<id>`, `digest` of what they read."""

    kind: ClassVar[str] = "card.answer"
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
    """A card as somebody named on it reads it; of the others only how many there are is shown. `creator` is a name,
    `mine` what they said, open where nothing; `waits` while the workers write something down."""

    card: CardFacts
    creator: str
    mine: str
    standing: Standing
    waits: bool

    @property
    def may_sign(self) -> bool:
        """Whether it still waits for their answer."""
        return self.mine == Standing.OPEN and self.standing is Standing.OPEN and not self.waits

    @property
    def may_take_back(self) -> bool:
        """Whether there is a signature of theirs to take back."""
        return self.mine == SIGNED and not self.waits


def sheets(scope: Scope, person_id: UUID) -> list[Sheet]:
    """The cards that name somebody, the newest day first."""
    names = {one.id: one.name for one in tenants.creators(scope)}
    return [
        Sheet(
            card=card,
            creator=names.get(card.creator, ""),
            mine=_mine(card, person_id),
            standing=standing(card, scope.now),
            waits=outbox.awaited(scope, card.id, AnswerWanted.kind),
        )
        for card in cardfacts.naming(scope, person_id)
    ]


def _mine(card: CardFacts, person_id: UUID) -> str:
    said = {one.said for one in card.answers if one.person == person_id}
    ended = next((one for one in (WITHDRAWN, DECLINED) if one in said), "")
    return ended or (SIGNED if person_id in signers(card) else str(Standing.OPEN))


def ask(scope: Scope, card_id: UUID, said: str, *, digest: str) -> None:
    """Say something of a card as the person the scope acts for; the workers write it down at once.

    Raises what `answer` does, so that whoever presses reads why not.
    """
    person_id, card = _check(scope, card_id, said, digest)
    event = AnswerWanted(scope.tenant_id, card.id, said, digest, scope.actor, scope.now)
    outbox.put(scope, event, priority=0, dedupe=f"card.answer:{card.id}:{person_id}:{said}")


def settle(event: AnswerWanted, *, tenant: OpenScope) -> None:
    """Write down what somebody said of a card; what no longer can be said is dropped, and what they signed before they
    took something back: their page shows how it is."""
    try:
        with tenant(event.tenant_id, event.by) as scope:
            if event.said == SIGNED and people.took_back_since(scope, person_of(event.by), event.at):
                return
            answer(scope, event.subject_id, event.said, digest=event.digest)
    except (BadInput, Conflict, NotFound, Refused):  # what could not be reached is tried again
        return


def answer(scope: Scope, card_id: UUID, said: str, *, digest: str) -> list[UUID]:
    """Sign a card, decline it, or take a signature back, as the person the scope acts for; returns the permits whose
    copies are called back.

    `digest` is of the card as they read it. Raises Refused for who is no person, NotFound for who is not named,
    BadInput for no answer, Conflict for a card that changed, is over, or was answered otherwise.
    """
    person_id, card = _check(scope, card_id, said, digest)
    if said == WITHDRAWN:
        epochs.alone(scope, epochs.person(scope, person_id))
    scope.hold(f"card:{card_id}")
    person_id, card = _check(scope, card_id, said, digest)  # again: another press of theirs may have come first
    if said == WITHDRAWN:
        listed = withdraw(scope, card, person_id)
    else:
        listed = []
        _write(scope, card, person_id, said)
    if said == SIGNED:
        _grant(scope, person_id, card)
    else:
        told = Message("card.told_declined" if said == DECLINED else "card.told_withdrawn", {"day": str(card.day)})
        notices.put(scope, told, cause=f"card:{card_id}:{person_id}:{said}", creator_id=card.creator)
    return listed


def _write(scope: Scope, card: CardFacts, person_id: UUID, said: str) -> None:
    with scope.acting_as("gate"):
        scope.run(
            "INSERT INTO shoot_card_answers (tenant_id, id, card_id, person_id, said, digest, said_by)"
            " VALUES (:tenant, :id, :card, :person, :said, :digest, :by) ON CONFLICT DO NOTHING",
            tenant=scope.tenant_id,
            id=uuid7(),
            card=card.id,
            person=person_id,
            said=said,
            digest=card.digest,
            by=f"{PERSON}:{person_id}",
        )


def _check(scope: Scope, card_id: UUID, said: str, digest: str) -> tuple[UUID, CardFacts]:
    person_id = person_of(scope.actor)
    if said not in ANSWERS:
        raise BadInput("card.bad_answer")
    card = cardfacts.facts(scope, card_id)
    if person_id not in card.persons:
        raise NotFound("card.unknown")
    if digest != card.digest:
        raise Conflict("card.changed")
    now = _mine(card, person_id)
    before = {SIGNED: Standing.OPEN, DECLINED: Standing.OPEN, WITHDRAWN: Standing.SIGNED}[said]
    late = said == SIGNED and not card.starts_at <= scope.now < card.valid_until
    if late or now != before:
        raise Conflict("card.not_now")
    return person_id, card


def _grant(scope: Scope, person_id: UUID, card: CardFacts) -> None:
    """What they signed is their permission, for the pictures of this card."""
    for what in card.scopes:
        people.grant(
            scope,
            person_id,
            what=what,
            surfaces=card.surfaces,
            max_rating=card.max_rating,
            valid_from=scope.now,
            valid_until=min(card.valid_until, scope.now + LONGEST),
            evidence_digest=card.digest,
            signed_by=person_id,
            card=card.id,
        )


def withdraw(scope: Scope, card: CardFacts, person_id: UUID) -> list[UUID]:
    """Take a person's signature back: the card is no more, their permissions for it end, and the copies of its
    pictures that show them are called back; returns their permits. Also what the journal does again."""
    epochs.alone(scope, epochs.person(scope, person_id))
    _write(scope, card, person_id, WITHDRAWN)
    with scope.acting_as("gate"):
        scope.run(
            "UPDATE consent_grants SET revoked_at = house_now(), updated_at = house_now() WHERE tenant_id = :tenant"
            " AND person_id = :person AND card_id = :card AND revoked_at IS NULL",
            tenant=scope.tenant_id,
            person=person_id,
            card=card.id,
        )
    journal.note(scope, journal.WITHDRAW, card.id, more=str(person_id))
    outbox.put(scope, ConsentRevoked(scope.tenant_id, person_id, f"card:{card.id}"))
    on_it = binding.bytes_of(scope, card.id)
    listed = [copy for copy in copies.showing_person(scope, person_id) if on_it & set(copy.media)]
    return recall.open_takedowns(scope, listed, Message("recall.consent_revoked"))
