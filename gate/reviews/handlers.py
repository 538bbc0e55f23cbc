"""Handlers of readings of platform rules, place limits and ratings, run as the members who made
them."""

from datetime import date

from foundation.db.database import OpenScope
from foundation.errors import GreenroomError, NotFound, Refused
from foundation.i18n.translation import Message
from gate.assets import lookalikes
from gate.contract.states import DepictionAnswer
from gate.contract.units import Rating, Verdict
from gate.copies import live_copies
from gate.ratings import depiction_answers, ratings, seals
from gate.removal import recall
from gate.reviews import place_limits, platform_confirmations
from gate.reviews.events import PlaceLimitRequested, PlatformRulesRead, RatingRequested
from tenants.notices import notices


def handle_rules_read(event: PlatformRulesRead, *, tenant: OpenScope) -> None:
    """Record what a member read on the pages of a platform, as that member.

    A refusal becomes a notice for that member.
    """
    try:
        with tenant(event.tenant_id, event.by) as scope:
            if event.looser:
                platform_confirmations.report_looser_rules(scope, event.platform, event.looser)
            else:
                platform_confirmations.confirm_platform(
                    scope,
                    event.platform,
                    event.urls.split(),
                    read_on=date.fromisoformat(event.read_on),
                )
    except GreenroomError as refused:
        with tenant(event.tenant_id, event.by) as scope:
            notices.put(scope, refused.message, cause=f"{event.kind}:{event.subject_id}")


def handle_place_limit(event: PlaceLimitRequested, *, tenant: OpenScope) -> None:
    """Add a stricter rule for a destination, or request its end, as the member who asked for it."""
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
    """Record a member's rating of bytes and their answer to who is shown. If a higher rating was
    recorded after the request, both are refused.

    Prohibited content is frozen and recalled from every destination, together with its derivatives.
    Content that shows a minor is sealed instead.
    """
    rating = Rating(event.rating)
    reason = (
        Message("prohibited.minor" if event.minor else "prohibited.category")
        if rating is Rating.X
        else None
    )
    try:
        with tenant(event.tenant_id, event.by) as scope:
            ratings.record_rating(scope, event.sha256, rating, source=event.by, reason=reason)
            if event.shown:
                depiction_answers.record_member_answer(
                    scope, event.subject_id, DepictionAnswer(event.shown)
                )
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
