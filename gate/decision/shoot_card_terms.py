"""The effect of a shoot card on one use of a picture: its production date and the persons it shows.
Pure.

A card that is not signed by everyone it names, or is used beyond the signed terms, counts as
absent.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from gate.contract.facts import (
    AgeProof,
    CardPositionFacts,
    DepictionFacts,
    MediumFacts,
    PersonFacts,
    ShootCardFacts,
)
from gate.contract.states import PersonState
from gate.contract.units import Rating

CARD_SIGNED = "signed"
CARD_DECLINED = "declined"
CARD_WITHDRAWN = "withdrawn"
CARD_ANSWERS = (CARD_SIGNED, CARD_DECLINED, CARD_WITHDRAWN)
REQUIRED_SCOPES = frozenset({"depict", "publish"})
"""Scopes that every card requests. Selling is an optional scope."""

LATE = timedelta(hours=24)
"""Time after the end of the shoot day within which pictures still belong to it: shoots run past
midnight, and cameras record no time zone."""


class CardStatus(StrEnum):
    """Status of a shoot card. Only a card signed by everyone it names has an effect."""

    OPEN = "open"
    SIGNED = "signed"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    OVER = "over"


@dataclass(frozen=True)
class CardUse:
    """The intended use of a picture.

    `places` are its platform and its surface; `checked_first` returns True for countries in which
    persons must be age-checked before the shoot.
    """

    creator: UUID
    places: frozenset[str]
    rating: Rating
    sold: bool
    now: datetime
    checked_first: Callable[[str], bool]


def card_status(card: ShootCardFacts, now: datetime) -> CardStatus:
    """Return the status of a card.

    A refusal or withdrawal by one person ends it. A signature counts only if the person gave it,
    for the current content of the card, and not before the day of the shoot.
    """
    said = {answer.said for answer in card.answers}
    if CARD_WITHDRAWN in said:
        return CardStatus.WITHDRAWN
    if CARD_DECLINED in said:
        return CardStatus.DECLINED
    if now >= card.valid_until:
        return CardStatus.OVER
    signed = bool(card.persons) and card_signers(card) >= set(card.persons)
    return CardStatus.SIGNED if signed and card.starts_at <= now else CardStatus.OPEN


def card_signers(card: ShootCardFacts) -> frozenset[UUID]:
    """Return the persons who signed the current content of the card themselves."""
    return frozenset(
        answer.person
        for answer in card.answers
        if answer.said == CARD_SIGNED
        and answer.by == f"person:{answer.person}"
        and answer.digest == card.digest
        and answer.at >= card.starts_at
    )


def resolve_medium(
    medium: MediumFacts, use: CardUse, people: Mapping[UUID, PersonFacts]
) -> MediumFacts:
    """Return the medium with the production date and persons of its card if the card counts for
    this use, else unchanged."""
    if medium.card is None:
        return medium
    card = medium.card.card
    if not _is_card_applicable(medium.card, medium.produced_at, use, people):
        return replace(medium, card=replace(medium.card, counts=False))
    since = (
        card.starts_at if medium.produced_at is None else min(medium.produced_at, card.starts_at)
    )
    shown = medium.shown
    if has_everyone_named(medium):
        kept = [one for one in shown if one.state != "proposed"]
        told = {one.person for one in kept}
        shown = (
            *kept,
            *(DepictionFacts(person, "confirmed") for person in card.persons if person not in told),
        )
    return replace(medium, produced_at=since, shown=shown, card=replace(medium.card, counts=True))


def has_everyone_named(medium: MediumFacts) -> bool:
    """Return True if the card proves the depicted persons: the number of people seen equals the
    number it names, and no other person was named."""
    if medium.card is None:
        return False
    people = set(medium.card.card.persons)
    return medium.people_seen == len(people) and {one.person for one in medium.shown} <= people


def people_of_medium(medium: MediumFacts) -> set[UUID]:
    """Return all persons of a medium by its depictions and its card."""
    told = {one.person for one in medium.shown}
    return (
        told | set(medium.card.card.persons)
        if medium.card is not None and has_everyone_named(medium)
        else told
    )


def _is_card_applicable(
    on: CardPositionFacts, proven: datetime | None, use: CardUse, people: Mapping[UUID, PersonFacts]
) -> bool:
    card = on.card
    within = proven is None or card.starts_at <= proven < card.ends_at + LATE
    return (
        card_status(card, use.now) is CardStatus.SIGNED
        and card.creator == use.creator
        and on.place <= card.pictures
        and on.known_at >= card.starts_at
        and within
        and _is_use_covered(card, use)
        and all(_is_person_eligible(people.get(person), card, use) for person in card.persons)
    )


def _is_use_covered(card: ShootCardFacts, use: CardUse) -> bool:
    wanted = REQUIRED_SCOPES | ({"download_sell"} if use.sold else set())
    allowed = wanted <= set(card.scopes) and bool(use.places & set(card.surfaces))
    return allowed and use.rating.rank <= card.max_rating.rank


def _is_person_eligible(person: PersonFacts | None, card: ShootCardFacts, use: CardUse) -> bool:
    """Return True if the person is real and active, and was age-checked before the shoot where the
    country requires it."""
    if person is None or person.kind != "real" or person.state is not PersonState.ACTIVE:
        return False
    if use.rating is Rating.G or not use.checked_first(card.country):
        return True
    return any(
        one.is_of_age_on(card.starts_at, before=True) for one in valid_age_proofs(person, use.now)
    )


def valid_age_proofs(person: PersonFacts, now: datetime) -> list[AgeProof]:
    """Return the age proofs of a person that have not expired."""
    return [
        known for known in person.identities if known.valid_until is None or now < known.valid_until
    ]
