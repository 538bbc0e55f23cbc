"""Rules about who looked at a unit before it leaves: nobody passes by their own word. Pure; one
function per rule."""

from collections.abc import Iterable
from datetime import timedelta

from gate.contract.facts import MIN_SEEN_PERCENT, UNIT_REVIEW_LIFETIME, ReviewFacts
from gate.contract.reasons import Finding, Reason, hold_finding
from gate.contract.units import Rating, Verdict
from gate.decision import own_release_rules
from gate.decision.case import Case, is_adult_medium, latest_reviews

BYTES_REVIEW_LIFETIME = timedelta(days=365)
CHAT = "draft"
"""What is carried where somebody writes to one reader."""


def adult_content_is_reviewed(case: Case) -> Iterable[Finding]:
    """Nudity and Explicit go out after somebody other than the author looked: at the bytes, or at
    these words; or after the author, shown alone there, released their own picture."""
    if any(not review.approves for review in latest_reviews(case.facts.reviews)):
        yield hold_finding(Reason.REVIEW_REFUSED)
    if is_approved_by_other(case.facts.reviews, case, UNIT_REVIEW_LIFETIME):
        return
    parts = [medium.reviews for medium in case.media_facts if is_adult_medium(medium)]
    unseen = [
        reviews
        for reviews in parts
        if not is_approved_by_other(reviews, case, BYTES_REVIEW_LIFETIME)
    ]
    own = any(_only_their_own(reviews, case) for reviews in [*unseen, case.facts.reviews])
    words = case.text_rating.rating.rank in (
        Rating.N.rank,
        Rating.E.rank,
    ) and not _is_trained_chat_author(case)
    if (unseen or words) and case.facts.release is not None:
        if not own_release_rules.missing_conditions(case):
            return
        yield hold_finding(Reason.RELEASE_INVALID)
    if unseen or words:
        yield hold_finding(Reason.REVIEWER_CONFLICT if own else Reason.REVIEW_MISSING)
    if (parts or words) and is_approved_by_other(case.facts.reviews, case, timedelta.max):
        yield hold_finding(
            Reason.APPROVAL_EXPIRED
        )  # a yes to a post does not live for as long as one to bytes


def is_approved_by_other(reviews: tuple[ReviewFacts, ...], case: Case, lives: timedelta) -> bool:
    """Whether a person other than a known author approved, saw enough, and nobody's last word is a
    refusal."""
    last = list(latest_reviews(reviews))
    if not case.facts.author or any(not review.approves for review in last):
        return False
    return any(
        review.principal != case.facts.author_principal
        and not review.own
        and review.seen_percent >= MIN_SEEN_PERCENT
        and case.now - review.at < lives
        for review in last
    )


def _only_their_own(reviews: tuple[ReviewFacts, ...], case: Case) -> bool:
    approving = [review for review in reviews if review.approves]
    return bool(approving) and all(
        review.own or review.principal == case.facts.author_principal for review in approving
    )


def _is_trained_chat_author(case: Case) -> bool:
    """Whether a member trained for it wrote these adult words to one reader: lists and rules are
    enough then.

    Only what they typed or rewrote themselves is theirs; that the reader is of age is asked by a
    rule of its own.
    """
    one_to_one = (
        case.unit.subject.kind == CHAT and case.unit.audience == "viewer" and bool(case.unit.viewer)
    )
    return one_to_one and case.facts.adult_chat and case.facts.author.startswith("member:")


def lowered_rating_is_backed(case: Case) -> Iterable[Finding]:
    """A rating that was lowered holds while others stand behind it; who is one of them publishes by
    another's yes."""
    if case.rating is Rating.X:
        return
    if (
        any(medium.lowering_void for medium in case.media_facts)
        and case.row.verdict(case.rating).rank >= Verdict.H.rank
    ):
        yield hold_finding(Reason.RATING_LOWERING_INVALID)
    own = any(
        medium.lowered_own or (medium.lowered_by and not case.facts.author)
        for medium in case.media_facts
    )
    if own and not is_approved_by_other(case.facts.reviews, case, UNIT_REVIEW_LIFETIME):
        yield hold_finding(Reason.RATING_LOWERING_INVALID)


def reviewers_are_calibrated(case: Case) -> Iterable[Finding]:
    """Where the agency's own reviewers rate too differently, a person looks at whatever is more
    than General."""
    if not case.facts.uncalibrated or case.rating is Rating.G:
        return
    if not is_approved_by_other(case.facts.reviews, case, UNIT_REVIEW_LIFETIME):
        parts = [medium.reviews for medium in case.media_facts if medium.rating is not Rating.G]
        looked = bool(parts) and all(
            is_approved_by_other(reviews, case, BYTES_REVIEW_LIFETIME) for reviews in parts
        )
        if not looked or case.text_rating.rating is not Rating.G:
            yield hold_finding(Reason.CALIBRATION_LOW)


REVIEW_RULES = (adult_content_is_reviewed, lowered_rating_is_backed, reviewers_are_calibrated)
