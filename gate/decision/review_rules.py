"""Rules about the review of a unit before it is published: no author approves their own content.
Pure; one function per rule."""

from collections.abc import Iterable
from datetime import timedelta

from gate.contract.facts import MIN_SEEN_PERCENT, UNIT_REVIEW_LIFETIME, ReviewFacts
from gate.contract.reasons import Finding, Reason, hold_finding
from gate.contract.units import Rating, Verdict
from gate.decision import own_release_rules
from gate.decision.case import Case, is_adult_medium, latest_reviews

BYTES_REVIEW_LIFETIME = timedelta(days=365)
CHAT = "draft"
"""Subject kind of messages to one viewer."""


def adult_content_is_reviewed(case: Case) -> Iterable[Finding]:
    """Require for Nudity and Explicit that a member other than the author reviewed the bytes or
    this unit, or that the author, alone in the pictures, released them."""
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
        )  # The review of a unit expires sooner than that of bytes.


def is_approved_by_other(reviews: tuple[ReviewFacts, ...], case: Case, lives: timedelta) -> bool:
    """Return True if a member other than the known author approved and saw enough within `lives`,
    and no latest review is a refusal."""
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
    """Return True if a member trained for adult chats wrote these texts to one viewer. Word lists
    and rules are then enough.

    Only texts that the member typed or rewrote count. Another rule checks the age of the viewer.
    """
    one_to_one = (
        case.unit.subject.kind == CHAT and case.unit.audience == "viewer" and bool(case.unit.viewer)
    )
    return one_to_one and case.facts.adult_chat and case.facts.author.startswith("member:")


def lowered_rating_is_backed(case: Case) -> Iterable[Finding]:
    """Require that a reduction of the rating is valid.

    If the author took part in it, another member must approve the unit.
    """
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
    """Require a review of everything above General while the ratings of the agency's reviewers
    differ too much."""
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
