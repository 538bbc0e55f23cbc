"""What a shoot card says of a picture, for one use of it: since when it is, and who is shown. Pure.

A card that is not signed by everybody it names, or is used beyond what they signed, counts as
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
"""What every card asks for; selling is asked for where it is meant."""

LATE = timedelta(hours=24)
"""A shoot runs past midnight, and cameras know no time zone: what was taken later is of another
set."""


class CardStatus(StrEnum):
    """How a card stands. Only one that is signed, by everybody, does anything."""

    OPEN = "open"
    SIGNED = "signed"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    OVER = "over"


@dataclass(frozen=True)
class CardUse:
    """What a picture is to be used for. `places` are its platform and its place; `checked_first`
    says of a country whether people are checked there before the shoot."""

    creator: UUID
    places: frozenset[str]
    rating: Rating
    sold: bool
    now: datetime
    checked_first: Callable[[str], bool]


def card_status(card: ShootCardFacts, now: datetime) -> CardStatus:
    """How a card stands. A no of one person is the end of it, whoever wrote it down; a yes counts
    from their hand, for the card as it is, and not before the day it speaks of."""
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
    """Who signed the card as it is, in their own hand."""
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
    """The medium with what its card says, where the card counts for this use; else as it is without
    one."""
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
    """Whether its card says who is shown: as many were seen as it names, and nobody else was
    named."""
    if medium.card is None:
        return False
    people = set(medium.card.card.persons)
    return medium.people_seen == len(people) and {one.person for one in medium.shown} <= people


def people_of_medium(medium: MediumFacts) -> set[UUID]:
    """Everybody a medium shows, as far as anything says so."""
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
    """Whether somebody named is real, here, and was checked in time where that comes before the
    shoot."""
    if person is None or person.kind != "real" or person.state is not PersonState.ACTIVE:
        return False
    if use.rating is Rating.G or not use.checked_first(card.country):
        return True
    return any(
        one.is_of_age_on(card.starts_at, before=True) for one in valid_age_proofs(person, use.now)
    )


def valid_age_proofs(person: PersonFacts, now: datetime) -> list[AgeProof]:
    """A person's proofs of age that stand."""
    return [
        known for known in person.identities if known.valid_until is None or now < known.valid_until
    ]
