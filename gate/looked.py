"""Rules about who looked at a unit before it leaves: nobody passes by their own word. Pure; one function per rule."""

from collections.abc import Iterable
from datetime import timedelta

from gate import own_likeness
from gate.case import SEEN_PERCENT, UNIT_REVIEW_LIVES, Case, adult, last_words
from gate.facts import ReviewFacts
from gate.reasons import Finding, Reason, held
from gate.units import Rating, Verdict

BYTES_REVIEW_LIVES = timedelta(days=365)
CHAT = "draft"
"""What is carried where somebody writes to one reader."""


def somebody_looked(case: Case) -> Iterable[Finding]:
    """Nudity and Explicit go out after somebody other than the author looked: at the bytes, or at these words; or after
    the author, shown alone there, released their own picture."""
    if any(not review.approves for review in last_words(case.facts.reviews)):
        yield held(Reason.REVIEW_REFUSED)
    if approved(case.facts.reviews, case, UNIT_REVIEW_LIVES):
        return
    parts = [medium.reviews for medium in case.media if adult(medium)]
    unseen = [reviews for reviews in parts if not approved(reviews, case, BYTES_REVIEW_LIVES)]
    own = any(_only_their_own(reviews, case) for reviews in [*unseen, case.facts.reviews])
    words = case.words.rating.rank in (Rating.N.rank, Rating.E.rank) and not _their_own_words(case)
    if (unseen or words) and case.facts.release is not None:
        if not own_likeness.missing(case):
            return
        yield held(Reason.RELEASE_INVALID)
    if unseen or words:
        yield held(Reason.REVIEWER_CONFLICT if own else Reason.REVIEW_MISSING)
    if (parts or words) and approved(case.facts.reviews, case, timedelta.max):
        yield held(Reason.APPROVAL_EXPIRED)  # a yes to a post does not live for as long as one to bytes


def approved(reviews: tuple[ReviewFacts, ...], case: Case, lives: timedelta) -> bool:
    """Whether a person other than a known author approved, saw enough, and nobody's last word is a refusal."""
    last = list(last_words(reviews))
    if not case.facts.author or any(not review.approves for review in last):
        return False
    return any(
        review.principal != case.facts.author_principal
        and not review.own
        and review.seen_percent >= SEEN_PERCENT
        and case.now - review.at < lives
        for review in last
    )


def _only_their_own(reviews: tuple[ReviewFacts, ...], case: Case) -> bool:
    approving = [review for review in reviews if review.approves]
    return bool(approving) and all(
        review.own or review.principal == case.facts.author_principal for review in approving
    )


def _their_own_words(case: Case) -> bool:
    """Whether a member trained for it wrote these adult words to one reader: lists and rules are enough then.

    Only what they typed or rewrote themselves is theirs; that the reader is of age is asked by a rule of its own.
    """
    one_to_one = case.unit.subject.kind == CHAT and case.unit.audience == "viewer" and bool(case.unit.viewer)
    return one_to_one and case.facts.adult_chat and case.facts.author.startswith("member:")


def lowering_stands(case: Case) -> Iterable[Finding]:
    """A rating that was lowered holds while others stand behind it; who is one of them publishes by another's yes."""
    if case.rating is Rating.X:
        return
    if any(medium.lowering_void for medium in case.media) and case.row.verdict(case.rating).rank >= Verdict.H.rank:
        yield held(Reason.RATING_LOWERING_INVALID)
    own = any(medium.lowered_own or (medium.lowered_by and not case.facts.author) for medium in case.media)
    if own and not approved(case.facts.reviews, case, UNIT_REVIEW_LIVES):
        yield held(Reason.RATING_LOWERING_INVALID)


def reviewers_agree(case: Case) -> Iterable[Finding]:
    """Where the agency's own reviewers rate too differently, a person looks at whatever is more than General."""
    if not case.facts.uncalibrated or case.rating is Rating.G:
        return
    if not approved(case.facts.reviews, case, UNIT_REVIEW_LIVES):
        parts = [medium.reviews for medium in case.media if medium.rating is not Rating.G]
        looked = bool(parts) and all(approved(reviews, case, BYTES_REVIEW_LIVES) for reviews in parts)
        if not looked or case.words.rating is not Rating.G:
            yield held(Reason.CALIBRATION_LOW)


RULES = (somebody_looked, lowering_stands, reviewers_agree)
