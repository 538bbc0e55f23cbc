"""Rules about the question who is shown, and about what contradicts its answer or the rating.
Pure; one function per rule."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from gate.contract.facts import (
    MIN_SEEN_PERCENT,
    UNIT_REVIEW_LIFETIME,
    DoubtFacts,
    MediumFacts,
    ReviewFacts,
)
from gate.contract.reasons import Finding, Reason, hold_finding
from gate.contract.states import DepictionAnswer
from gate.decision.case import Case, latest_reviews
from gate.decision.depiction_rules import confirmed_people
from gate.decision.review_rules import BYTES_REVIEW_LIFETIME


def people_question_is_answered(case: Case) -> Iterable[Finding]:
    """Require for every medium an answer to who is shown.

    The creator needs a record as a person, whose consent other rules then require; other people
    need to be confirmed. Media whose people two members have confirmed need no answer. Unrated
    media are held for their rating, which is asked for together with the answer.
    """
    for medium in case.resolved_media:
        if medium.answer is None:
            continue
        confirmed = confirmed_people(medium)
        match medium.answer.answer:
            case "" if not confirmed and medium.rating is not None:
                yield hold_finding(Reason.DEPICTION_MISSING)
            case DepictionAnswer.UNSURE:
                yield hold_finding(Reason.DEPICTION_UNSURE)
            case DepictionAnswer.CREATOR if not medium.answer.creators:
                yield hold_finding(Reason.CREATOR_UNRECORDED)
            case DepictionAnswer.OTHERS if not confirmed - {*medium.answer.creators}:
                yield hold_finding(Reason.PERSON_UNRESOLVED)


def doubts_are_settled(case: Case) -> Iterable[Finding]:
    """Require that a second member confirmed every medium whose rating or answer is contradicted,
    or that was drawn by lot because no model checked it."""
    for medium in case.media_facts:
        for doubt in medium.answer.doubts if medium.answer is not None else ():
            if not _is_settled(doubt, medium, case):
                yield hold_finding(Reason(doubt.reason))


def _is_settled(doubt: DoubtFacts, medium: MediumFacts, case: Case) -> bool:
    of_bytes = (*doubt.reviews, *medium.reviews)
    return is_confirmed(doubt, of_bytes, case.now) or is_confirmed(
        doubt,
        [one for one in case.facts.reviews if case.now - one.at < UNIT_REVIEW_LIFETIME],
        case.now,
    )


def is_confirmed(doubt: DoubtFacts, reviews: Sequence[ReviewFacts], now: datetime) -> bool:
    """Return True if a member other than those behind the doubted statement approved later, and no
    member refused."""
    last = [one for one in latest_reviews(reviews) if doubt.since is None or one.at >= doubt.since]
    if any(not one.approves for one in last):
        return False
    return any(
        one.principal not in doubt.by
        and not one.own
        and one.seen_percent >= MIN_SEEN_PERCENT
        and now - one.at < BYTES_REVIEW_LIFETIME
        for one in last
    )


ANSWER_RULES = (people_question_is_answered, doubts_are_settled)
