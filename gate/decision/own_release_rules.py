"""Own-picture releases: the conditions under which authors may publish pictures of themselves
without a second review. All conditions must hold. Pure.

A release replaces the review and nothing else: age, consent, ratings, stops and flags are judged as
for any other unit.
"""

from collections.abc import Iterator
from datetime import timedelta
from enum import StrEnum
from uuid import UUID

from gate.contract.facts import (
    MIN_SEEN_PERCENT,
    UNIT_REVIEW_LIFETIME,
    AccountHolderFacts,
    OwnReleaseFacts,
)
from gate.contract.states import PersonState
from gate.contract.units import Rating
from gate.decision.case import Case, is_adult_medium, latest_reviews

POSTED = "delivery"
"""Subject kind of posts. Messages, sales and exports cannot be released by their author."""

OWN_RELEASE_DELAY = timedelta(minutes=10)
"""Minimum time between signature and publication, to reconsider or stop the release."""


class MissingCondition(StrEnum):
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


def missing_conditions(case: Case) -> tuple[MissingCondition, ...]:
    """Return the conditions that the release of this case lacks, in the order of
    `MissingCondition`. The result is empty if the release counts or if there is none."""
    given = case.facts.release
    if given is None:
        return ()
    found = {
        *_signature_conditions(given, case),
        *_place_conditions(case),
        *_people_conditions(given, case),
    }
    return tuple(lack for lack in MissingCondition if lack in found)


def _signature_conditions(given: OwnReleaseFacts, case: Case) -> Iterator[MissingCondition]:
    if not given.stands:
        yield MissingCondition.WITHDRAWN
    if given.unit_digest != case.unit.digest():
        yield MissingCondition.CHANGED
    if case.now < given.at + OWN_RELEASE_DELAY:
        yield MissingCondition.SOON
    if case.now >= given.at + UNIT_REVIEW_LIFETIME:
        yield MissingCondition.OLD
    if not case.facts.author or given.principal != case.facts.author_principal:
        yield MissingCondition.AUTHOR
    if given.seen_percent < MIN_SEEN_PERCENT:
        yield MissingCondition.SEEN


def _place_conditions(case: Case) -> Iterator[MissingCondition]:
    unit = case.unit
    posted = unit.subject.kind == POSTED and unit.audience == "public" and not unit.viewer
    if not posted or unit.invoice is not None or unit.price is not None or unit.buttons:
        yield MissingCondition.KIND
    if not case.row.known or not case.row.creator_verified:
        yield MissingCondition.PLACE
    if not all(
        case.bundle.can_release_own(country, case.now.date())
        for country in _production_countries(case)
    ):
        yield MissingCondition.COUNTRY
    if case.text_rating.rating.rank >= Rating.N.rank:
        yield MissingCondition.WORDS


def _production_countries(case: Case) -> set[str]:
    """Return the countries in which the pictures were made, by their shoot cards; "" for pictures
    without one."""
    cards = [
        medium.card.card.country if medium.card is not None else ""
        for medium in case.resolved_media
    ]
    return {*cards} or {""}


def _people_conditions(given: OwnReleaseFacts, case: Case) -> Iterator[MissingCondition]:
    own = {
        one.person
        for one in given.holders
        if _is_holder_valid(one, case) and one.principal == given.principal
    }
    person = next(iter(own)) if len(own) == 1 else None
    if person is None:
        yield MissingCondition.HOLDER
    if person is None or not _is_only_person(person, case):
        yield MissingCondition.PERSON
    if any(
        not review.approves
        for medium in case.media_facts
        for review in latest_reviews(medium.reviews)
    ):
        yield MissingCondition.REFUSED


def _is_holder_valid(one: AccountHolderFacts, case: Case) -> bool:
    return one.verified_at <= case.now and (one.valid_until is None or case.now < one.valid_until)


def _is_only_person(person: UUID, case: Case) -> bool:
    """Return True if this real person is the only one detected and the only one confirmed in every
    picture."""
    known = case.people.get(person)
    if (
        known is None
        or known.kind != "real"
        or known.state is not PersonState.ACTIVE
        or not case.resolved_media
    ):
        return False
    for medium in case.resolved_media:
        confirmed = {one.person for one in medium.shown if one.state == "confirmed"}
        others = any(one.state != "confirmed" for one in medium.shown)
        wanted = {person} if is_adult_medium(medium) else confirmed & {person}
        if others or confirmed != wanted or medium.people_seen != len(confirmed):
            return False
    # Bytes without facts are missing in `resolved_media`.
    return len(case.resolved_media) == len({medium.sha256 for medium in case.unit.media})
