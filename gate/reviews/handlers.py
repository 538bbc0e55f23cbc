"""Handlers of reviews: rule verifications, place limits and ratings, for the members who made
them."""

from datetime import date

from foundation.db.database import OpenScope
from foundation.errors import GreenroomError, NotFound, Refused
from foundation.i18n.translation import Message
from gate.assets import lookalikes
from gate.contract.units import Rating, Verdict
from gate.copies import live_copies
from gate.ratings import ratings, seals
from gate.removal import recall
from gate.reviews import place_limits, rule_verification
from gate.reviews.events import PlaceLimitRequested, RatingRequested, RuleVerified
from tenants.notices import notices


def handle_rule_verified(event: RuleVerified, *, tenant: OpenScope) -> None:
    """Write down what a member read, as that member; whoever may not say so is told at Home why
    nothing came."""
    try:
        with tenant(event.tenant_id, event.by) as scope:
            rule_verification.verify_rule(
                scope, event.rule, event.url, read_on=date.fromisoformat(event.read_on)
            )
    except GreenroomError as refused:
        with tenant(event.tenant_id, event.by) as scope:
            notices.put(scope, refused.message, cause=f"{event.kind}:{event.subject_id}")


def handle_place_limit(event: PlaceLimitRequested, *, tenant: OpenScope) -> None:
    """Keep a place tighter, as the member who asked; or one of the two who end that."""
    what = (event.place, Rating(event.rating), Verdict(event.verdict))
    try:
        with tenant(event.tenant_id, event.by) as scope:
            if event.end:
                place_limits.end_place_limit(scope, *what)
            else:
                place_limits.set_place_limit(scope, *what, why=event.why)
    except GreenroomError as refused:
        with tenant(event.tenant_id, event.by) as scope:
            notices.put(scope, refused.message, cause=f"{event.kind}:{event.subject_id}")


def handle_rating_request(event: RatingRequested, *, tenant: OpenScope) -> None:
    """Rate bytes as the member said; what was raised further meanwhile stays. What is never allowed
    is frozen and called back from where it went, with what was made of it; where a minor is the
    reason, it is sealed."""
    rating = Rating(event.rating)
    reason = (
        Message("prohibited.minor" if event.minor else "prohibited.category")
        if rating is Rating.X
        else None
    )
    try:
        with tenant(event.tenant_id, event.by) as scope:
            ratings.record_rating(scope, event.sha256, rating, source=event.by, reason=reason)
            if rating is Rating.X:
                ratings.freeze_bytes(scope, event.sha256)
            if event.minor:
                seals.seal_bytes(scope, event.sha256, by=event.by)
            elif rating is Rating.X:
                outside = live_copies.live_copies_of_bytes(
                    scope, *lookalikes.rated_family(scope, event.sha256)
                )
                recall.open_takedowns(scope, outside, Message("recall.never"))
    except (Refused, NotFound):
        return
