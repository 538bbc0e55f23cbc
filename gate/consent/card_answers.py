"""Answers of depicted persons to a shoot card: signed, declined or withdrawn. Only the person can
give them, in the subject portal."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from foundation.db.database import OpenScope, Scope
from foundation.errors import BadInput, Conflict, NotFound, Refused
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from foundation.outbox import outbox
from foundation.outbox.outbox import Queue
from gate import epochs, journal
from gate.consent import asset_bindings, queries
from gate.consent.consent_offers import PERSON_ACTOR, person_id_of_actor
from gate.consent.events import ConsentRevoked
from gate.consent.grants import grant_consent, has_revoked_since
from gate.contract.facts import ShootCardFacts
from gate.copies import live_copies
from gate.decision.shoot_card_terms import (
    CARD_ANSWERS,
    CARD_DECLINED,
    CARD_SIGNED,
    CARD_WITHDRAWN,
    CardStatus,
    card_signers,
    card_status,
)
from gate.people.persons import MAX_CONSENT_PERIOD
from gate.removal import recall
from tenants.agencies.queries import list_creators
from tenants.notices import notices


@dataclass(frozen=True)
class CardAnswerSubmitted:
    """A person answered a shoot card, the subject, in their portal. `by` is `person:<id>`; `digest`
    is that of the card that they read."""

    kind: ClassVar[str] = "card.answer"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    said: str
    digest: str
    by: str
    at: datetime | None = None
    """Time of the answer."""


@dataclass(frozen=True)
class CardSheet:
    """A card as a person named on it sees it. Other persons appear as a number only.

    `creator` is a name; `mine` is the answer of the person, or open; `waits` is True while an
    answer is being recorded.
    """

    card: ShootCardFacts
    creator: str
    mine: str
    standing: CardStatus
    waits: bool

    @property
    def may_sign(self) -> bool:
        """Return True if the person can still answer."""
        return self.mine == CardStatus.OPEN and self.standing is CardStatus.OPEN and not self.waits

    @property
    def may_take_back(self) -> bool:
        """Return True if the person can withdraw a signature."""
        return self.mine == CARD_SIGNED and not self.waits


def list_card_sheets(scope: Scope, person_id: UUID) -> list[CardSheet]:
    """Return the cards that name a person, latest day first."""
    names = {one.id: one.name for one in list_creators(scope)}
    return [
        CardSheet(
            card=card,
            creator=names.get(card.creator, ""),
            mine=_answer_of_person(card, person_id),
            standing=card_status(card, scope.now),
            waits=outbox.is_pending(scope, card.id, CardAnswerSubmitted.kind),
        )
        for card in queries.cards_naming_person(scope, person_id)
    ]


def _answer_of_person(card: ShootCardFacts, person_id: UUID) -> str:
    said = {one.said for one in card.answers if one.person == person_id}
    ended = next((one for one in (CARD_WITHDRAWN, CARD_DECLINED) if one in said), "")
    return ended or (CARD_SIGNED if person_id in card_signers(card) else str(CardStatus.OPEN))


def submit_card_answer(scope: Scope, card_id: UUID, said: str, *, digest: str) -> None:
    """Answer a card as the person the scope acts for. A worker records the answer at once.

    Raises the errors of `record_card_answer`, so that the person sees the reason immediately.
    """
    person_id, card = _validate_answer(scope, card_id, said, digest)
    event = CardAnswerSubmitted(scope.tenant_id, card.id, said, digest, scope.actor, scope.now)
    outbox.put(scope, event, priority=0, dedupe=f"card.answer:{card.id}:{person_id}:{said}")


def handle_card_answer(event: CardAnswerSubmitted, *, tenant: OpenScope) -> None:
    """Record the answer to a card.

    An answer that is no longer possible is dropped, as is a signature that precedes a revocation:
    the portal shows the current state.
    """
    try:
        with tenant(event.tenant_id, event.by) as scope:
            if event.said == CARD_SIGNED and has_revoked_since(
                scope, person_id_of_actor(event.by), event.at
            ):
                return
            record_card_answer(scope, event.subject_id, event.said, digest=event.digest)
    except (BadInput, Conflict, NotFound, Refused):
        # Connection errors are raised, so that the outbox retries.
        return


def record_card_answer(scope: Scope, card_id: UUID, said: str, *, digest: str) -> list[UUID]:
    """Sign or decline a card, or withdraw a signature, as the person the scope acts for. Return the
    permits of the recalled copies.

    `digest` is that of the card that the person read. Raises Refused for any actor but a person,
    NotFound for a person not named on the card, BadInput for an unknown answer, and Conflict for a
    card that changed, has expired, or was answered differently.
    """
    person_id, card = _validate_answer(scope, card_id, said, digest)
    if said == CARD_WITHDRAWN:
        epochs.lock_and_advance(scope, epochs.person_key(scope, person_id))
    scope.lock(f"card:{card_id}")
    person_id, card = _validate_answer(
        scope, card_id, said, digest
    )  # A concurrent answer may have been recorded before the lock.
    if said == CARD_WITHDRAWN:
        listed = withdraw_card_signature(scope, card, person_id)
    else:
        listed = []
        _record_answer(scope, card, person_id, said)
    if said == CARD_SIGNED:
        _grant_card_consents(scope, person_id, card)
    else:
        told = Message(
            "card.told_declined" if said == CARD_DECLINED else "card.told_withdrawn",
            {"day": str(card.day)},
        )
        notices.put(
            scope, told, cause=f"card:{card_id}:{person_id}:{said}", creator_id=card.creator
        )
    return listed


def _record_answer(scope: Scope, card: ShootCardFacts, person_id: UUID, said: str) -> None:
    with scope.acting_as("gate"):
        scope.run(
            "INSERT INTO shoot_card_answers (tenant_id, id, card_id, person_id, said, digest, "
            "said_by)"
            " VALUES (:tenant, :id, :card, :person, :said, :digest, :by) ON CONFLICT DO NOTHING",
            tenant=scope.tenant_id,
            id=uuid7(),
            card=card.id,
            person=person_id,
            said=said,
            digest=card.digest,
            by=f"{PERSON_ACTOR}:{person_id}",
        )


def _validate_answer(
    scope: Scope, card_id: UUID, said: str, digest: str
) -> tuple[UUID, ShootCardFacts]:
    person_id = person_id_of_actor(scope.actor)
    if said not in CARD_ANSWERS:
        raise BadInput("card.bad_answer")
    card = queries.get_card_facts(scope, card_id)
    if person_id not in card.persons:
        raise NotFound("card.unknown")
    if digest != card.digest:
        raise Conflict("card.changed")
    now = _answer_of_person(card, person_id)
    before = {
        CARD_SIGNED: CardStatus.OPEN,
        CARD_DECLINED: CardStatus.OPEN,
        CARD_WITHDRAWN: CardStatus.SIGNED,
    }[said]
    late = said == CARD_SIGNED and not card.starts_at <= scope.now < card.valid_until
    if late or now != before:
        raise Conflict("card.not_now")
    return person_id, card


def _grant_card_consents(scope: Scope, person_id: UUID, card: ShootCardFacts) -> None:
    """Record the signed permissions, limited to the pictures of this card."""
    for what in card.scopes:
        grant_consent(
            scope,
            person_id,
            what=what,
            surfaces=card.surfaces,
            max_rating=card.max_rating,
            valid_from=scope.now,
            valid_until=min(card.valid_until, scope.now + MAX_CONSENT_PERIOD),
            evidence_digest=card.digest,
            signed_by=person_id,
            card=card.id,
        )


def withdraw_card_signature(scope: Scope, card: ShootCardFacts, person_id: UUID) -> list[UUID]:
    """Withdraw the signature of a person: the card ends, their permissions for it are revoked, and
    the copies of its pictures that show them are recalled.

    Return the permits of those copies. A restore repeats this from the journal.
    """
    epochs.lock_and_advance(scope, epochs.person_key(scope, person_id))
    _record_answer(scope, card, person_id, CARD_WITHDRAWN)
    with scope.acting_as("gate"):
        scope.run(
            "UPDATE consent_grants SET revoked_at = house_now(), updated_at = house_now() WHERE "
            "tenant_id = :tenant"
            " AND person_id = :person AND card_id = :card AND revoked_at IS NULL",
            tenant=scope.tenant_id,
            person=person_id,
            card=card.id,
        )
    journal.record_restriction(scope, journal.WITHDRAW, card.id, more=str(person_id))
    outbox.put(scope, ConsentRevoked(scope.tenant_id, person_id, f"card:{card.id}"))
    on_it = asset_bindings.bytes_of(scope, card.id)
    listed = [
        copy
        for copy in live_copies.live_copies_of_person(scope, person_id)
        if on_it & set(copy.media)
    ]
    return recall.open_takedowns(scope, listed, Message("recall.consent_revoked"))
