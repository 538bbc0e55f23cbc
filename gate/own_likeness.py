"""Whether somebody may publish their own picture without a second look: every condition at once, or none counts. Pure.

A release takes the place of a look, and of nothing else: age, consent, ratings, stops and marks are judged as always.
"""

from collections.abc import Iterator
from datetime import timedelta
from enum import StrEnum
from uuid import UUID

from gate.case import SEEN_PERCENT, UNIT_REVIEW_LIVES, Case, adult, last_words
from gate.facts import Holder, Release
from gate.states import PersonState
from gate.units import Rating

POSTED = "delivery"
"""What is carried where somebody posts; messages, sales and files never go out on one's own word."""

DELAY = timedelta(minutes=10)
"""Between the signature and the moment it may leave: time to think again, and to be stopped."""


class Lack(StrEnum):
    """A condition that does not hold; its sentence is `own.lack.<value>`."""

    WITHDRAWN = "withdrawn"
    CHANGED = "changed"
    SOON = "soon"
    OLD = "old"
    AUTHOR = "author"
    SEEN = "seen"
    KIND = "kind"
    PLACE = "place"
    COUNTRY = "country"
    HOLDER = "holder"
    PERSON = "person"
    WORDS = "words"
    REFUSED = "refused"


def missing(case: Case) -> tuple[Lack, ...]:
    """What keeps the release of this case from counting, in the order of `Lack`; nothing where it counts."""
    given = case.facts.release
    if given is None:
        return ()
    found = {*_signature(given, case), *_place(case), *_people(given, case)}
    return tuple(lack for lack in Lack if lack in found)


def _signature(given: Release, case: Case) -> Iterator[Lack]:
    if not given.stands:
        yield Lack.WITHDRAWN
    if given.unit_digest != case.unit.digest():
        yield Lack.CHANGED
    if case.now < given.at + DELAY:
        yield Lack.SOON
    if case.now >= given.at + UNIT_REVIEW_LIVES:
        yield Lack.OLD
    if not case.facts.author or given.principal != case.facts.author_principal:
        yield Lack.AUTHOR
    if given.seen_percent < SEEN_PERCENT:
        yield Lack.SEEN


def _place(case: Case) -> Iterator[Lack]:
    unit = case.unit
    posted = unit.subject.kind == POSTED and unit.audience == "public" and not unit.viewer
    if not posted or unit.invoice is not None or unit.price is not None or unit.buttons:
        yield Lack.KIND
    if not case.row.known or not case.row.creator_verified:
        yield Lack.PLACE
    if not all(case.bundle.own_likeness(country, case.now.date()) for country in _countries(case)):
        yield Lack.COUNTRY
    if case.words.rating.rank >= Rating.N.rank:
        yield Lack.WORDS


def _countries(case: Case) -> set[str]:
    """Where the pictures were made, as far as their shoot cards say so; nobody knows of the others."""
    cards = [medium.card.card.country if medium.card is not None else "" for medium in case.resolved]
    return {*cards} or {""}


def _people(given: Release, case: Case) -> Iterator[Lack]:
    own = {one.person for one in given.holders if _stands(one, case) and one.principal == given.principal}
    person = next(iter(own)) if len(own) == 1 else None
    if person is None:
        yield Lack.HOLDER
    if person is None or not _alone(person, case):
        yield Lack.PERSON
    if any(not review.approves for medium in case.media for review in last_words(medium.reviews)):
        yield Lack.REFUSED


def _stands(one: Holder, case: Case) -> bool:
    return one.verified_at <= case.now and (one.valid_until is None or case.now < one.valid_until)


def _alone(person: UUID, case: Case) -> bool:
    """Whether this real person is the only one detected and the only one confirmed, in every picture."""
    known = case.people.get(person)
    if known is None or known.kind != "real" or known.state is not PersonState.ACTIVE or not case.resolved:
        return False
    for medium in case.resolved:
        confirmed = {one.person for one in medium.shown if one.state == "confirmed"}
        others = any(one.state != "confirmed" for one in medium.shown)
        wanted = {person} if adult(medium) else confirmed & {person}
        if others or confirmed != wanted or medium.people_seen != len(confirmed):
            return False
    return len(case.resolved) == len({medium.sha256 for medium in case.unit.media})
