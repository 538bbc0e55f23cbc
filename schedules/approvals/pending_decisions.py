"""Items that need a decision: posts, safety holds, images, unconfirmed posts and requests.

The menu, Home, Approvals and the phone show the counts of `count_pending_decisions`, so that they
agree.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from channels.accounts.queries import channel_names
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from gate.contract.reasons import Reason
from gate.contract.units import Subject
from gate.log.queries import HeldUnit, explain_reasons, list_held_units
from gate.removal import removal_requests
from gate.removal.removal_requests import PendingRemovalRequest
from gate.reviews import appeals, rating_reductions, resemblance_reviews, spot_checks
from gate.reviews.appeals import PendingAppeal
from gate.reviews.rating_reductions import LoweringRequest
from gate.reviews.spot_checks import PendingSample
from schedules.approvals import review_queue
from schedules.approvals.review_queue import ReviewItem
from schedules.posts.queries import DeliveryEntry, entries_needing_decision
from schedules.posts.states import DeliveryState
from studio.library import review_sheets
from studio.library.queries import AssetCard
from studio.library.review_sheets import ReviewSheet
from tenants.agencies.queries import Creator, Member, list_visible_creators
from tenants.agencies.rights import Right, has_right

HELD_SINCE = timedelta(days=30)
"""Length of the past period that is searched for held deliveries."""

COUNT_LIMIT = 1000
"""Maximum number of pending posts that are counted."""

REVIEWABLE = frozenset(
    {
        Reason.REVIEW_MISSING,
        Reason.REVIEWER_CONFLICT,
        Reason.APPROVAL_EXPIRED,
        Reason.UNIT_CHANGED,
        Reason.CONTAINER_HIDDEN_CONTENT,
        Reason.RATING_CONTRADICTED,
        Reason.DEPICTION_CONTRADICTED,
        Reason.SECOND_LOOK_MISSING,
        Reason.CALIBRATION_LOW,
        Reason.RATING_LOWERING_INVALID,
    }
)
"""Hold reasons that a member's review resolves."""

SECTIONS = ("requests", "posts", "doubts", "holds", "pictures", "alike", "second")
"""The sections of Approvals, in the order of the page."""

DELIVERY_SUBJECT = "delivery"
GUEST_SUBJECTS = frozenset({DELIVERY_SUBJECT, "export"})
"""Kinds of subjects that a guest may spot-check; chats are not among them."""


@dataclass(frozen=True)
class SafetyHold:
    """A delivery or chat message that the safety check holds.

    `entry` is the delivery, or None for a chat message. `reviewable` is True if only a review is
    missing.
    """

    subject: Subject
    creator: Creator
    account: str
    reasons: tuple[Message, ...]
    since: datetime
    unit_digest: str
    reviewable: bool
    entry: DeliveryEntry | None


@dataclass(frozen=True)
class ReviewScope:
    """The part of the decisions that a member may see: of these creators, and by right.

    `content` includes posts, `review` safety reviews, and `requests` removal requests. A `guest`
    sees no chats and no holds that a review cannot resolve.
    """

    creators: Mapping[UUID, Creator]
    content: bool
    review: bool
    requests: bool = False
    guest: bool = False


@dataclass(frozen=True)
class PendingCounts:
    """Numbers of items that a member may decide, by section of Approvals."""

    posts: int = 0
    holds: int = 0
    pictures: int = 0
    doubts: int = 0
    requests: int = 0
    second: int = 0
    alike: int = 0

    @property
    def total(self) -> int:
        """Number of all items."""
        return self.posts + self.others

    @property
    def others(self) -> int:
        """Number of items other than posts."""
        return self.holds + self.pictures + self.doubts + self.requests + self.second + self.alike

    @property
    def sections(self) -> tuple[tuple[str, int], ...]:
        """The sections of Approvals that have items, with their numbers, most urgent first."""
        return tuple((name, count) for name in SECTIONS if (count := getattr(self, name)))


@dataclass(frozen=True)
class SecondReviews:
    """Pending second reviews: requests for a lower rating, and spot checks."""

    wishes: Sequence[LoweringRequest] = ()
    drawn: Sequence[PendingSample] = ()

    @property
    def count(self) -> int:
        """Number of pending decisions."""
        return len(self.wishes) + len(self.drawn)


@dataclass(frozen=True)
class PendingDecisions:
    """The items themselves, without posts; each list is sorted oldest first."""

    holds: Sequence[SafetyHold]
    sheets: Sequence[ReviewSheet]
    pictures: Sequence[AssetCard]
    """Images that are on no review sheet."""
    alike: int
    """Number of images with a face match that need a comparison."""
    trouble: Sequence[DeliveryEntry]
    """Deliveries that are unconfirmed or on hold."""
    requests: Sequence[PendingRemovalRequest]
    again: Sequence[PendingAppeal]
    second: SecondReviews
    unconfirmed: Sequence[DeliveryEntry]
    """Deliveries whose outcome is unknown."""

    def count_with(self, posts: int) -> PendingCounts:
        """Return the counts, together with the number of pending posts."""
        return PendingCounts(
            posts=posts,
            holds=len(self.holds),
            pictures=len(self.sheets) + len(self.pictures),
            doubts=len(self.unconfirmed),
            requests=len(self.requests) + len(self.again),
            second=self.second.count,
            alike=self.alike,
        )


def review_scope_of(member: Member, creators: Sequence[Creator]) -> ReviewScope:
    """Return what `member` may decide about these creators, who are visible to the member."""
    works = has_work_right(member)
    review = has_right(member.role, Right.REVIEW)
    return ReviewScope(
        {one.id: one for one in reviewable_creators(member, creators)},
        content=has_right(member.role, Right.APPROVE),
        review=review,
        requests=works and review,
        guest=not works,
    )


def reviewable_creators(member: Member, creators: Sequence[Creator]) -> list[Creator]:
    """Return the creators that this member may review; guests see only those assigned to them."""
    return list(creators) if has_work_right(member) or member.creators else []


def has_work_right(member: Member) -> bool:
    """Return True if the member runs or approves posts, and does not only review."""
    return has_right(member.role, Right.RUN) or has_right(member.role, Right.APPROVE)


def count_pending_decisions(
    scope: Scope, member: Member, creators: Sequence[Creator] | None = None
) -> PendingCounts:
    """Return the numbers of items that the member may decide, for the creators they work for, or
    only for `creators`, some of these."""
    mine = list_visible_creators(scope, member) if creators is None else creators
    posts = count_pending_posts(scope, member, [one.id for one in mine])
    return replace(count_other_decisions(scope, member, mine), posts=posts)


def count_other_decisions(
    scope: Scope, member: Member, creators: Sequence[Creator]
) -> PendingCounts:
    """Return the numbers of `count_pending_decisions` without posts."""
    seen = review_scope_of(member, creators)
    if not seen.creators or not (seen.content or seen.review):
        return PendingCounts()
    return list_pending_decisions(scope, seen).count_with(0)


def count_pending_posts(scope: Scope, member: Member, creators: Collection[UUID]) -> int:
    """Return how many pending posts of these creators, who are visible to the member, the member
    may approve: not their own, and not approved by them."""
    if not has_right(member.role, Right.APPROVE):
        return 0
    found = review_queue.list_review_queue(scope, creators, limit=COUNT_LIMIT)
    return count_posts_for(found, member.principal_id)


def count_posts_for(posts: Sequence[ReviewItem], principal_id: UUID) -> int:
    """Return how many of these posts this person may approve."""
    return sum(one.can_be_approved_by(principal_id) for one in posts)


def list_pending_decisions(scope: Scope, seen: ReviewScope) -> PendingDecisions:
    """Return the pending items of these creators, except posts
    (`review_queue.list_review_queue`)."""
    mine = seen.creators
    trouble = [one for one in entries_needing_decision(scope) if one.creator_id in mine]
    sheets, pictures = review_sheets.group_into_sheets(
        scope, review_sheets.list_waiting_pictures(scope, mine) if seen.review else []
    )
    holds = list_safety_holds(scope, mine, trouble)
    if seen.guest:
        holds = [one for one in holds if one.reviewable and one.entry is not None]
    return PendingDecisions(
        holds=holds,
        sheets=sheets,
        pictures=pictures,
        alike=len(resemblance_reviews.list_face_comparisons(scope, mine)) if seen.review else 0,
        trouble=trouble,
        requests=removal_requests.list_pending_removal_requests(scope, mine)
        if seen.requests
        else [],
        again=appeals.list_pending_appeals(scope, mine) if seen.review else [],
        second=list_second_reviews(scope, mine, guest=seen.guest)
        if seen.review
        else SecondReviews(),
        unconfirmed=[one for one in trouble if one.state is DeliveryState.UNCERTAIN]
        if seen.content
        else [],
    )


def list_second_reviews(scope: Scope, creators: Collection[UUID], *, guest: bool) -> SecondReviews:
    """Return the second reviews that a reviewer of these creators can answer."""
    drawn = [
        one
        for one in spot_checks.list_pending_samples(scope, creators)
        if not guest or one.subject.kind in GUEST_SUBJECTS
    ]
    return SecondReviews(rating_reductions.list_lowering_requests(scope, creators), drawn)


def list_safety_holds(
    scope: Scope, mine: Mapping[UUID, Creator], trouble: Sequence[DeliveryEntry]
) -> list[SafetyHold]:
    """Return the holds of these creators, oldest first. `trouble` is the result of
    `entries_needing_decision`."""
    waiting = [
        one
        for one in list_held_units(scope, since=scope.now - HELD_SINCE)
        if one.creator_id in mine
    ]
    names = channel_names(scope) if waiting else {}
    kept = {one.delivery_id: one for one in trouble if one.state is DeliveryState.HELD}
    found = [
        _build_safety_hold(
            held,
            mine[held.creator_id],
            names.get(held.channel_id, "?"),
            kept.pop(held.subject.id, None),
        )
        for held in waiting
        if held.subject.kind != DELIVERY_SUBJECT or held.subject.id in kept
    ]
    blocked = [
        one
        for one in kept.values()
        if one.reason is not None and one.reason.code.startswith("gate.")
    ]
    found += [
        _build_blocked_hold(entry, mine[entry.creator_id], min(entry.due_at, scope.now))
        for entry in blocked
    ]
    return sorted(found, key=lambda hold: hold.since)


def _build_safety_hold(
    held: HeldUnit, creator: Creator, account: str, entry: DeliveryEntry | None
) -> SafetyHold:
    return SafetyHold(
        held.subject,
        creator,
        account,
        explain_reasons(held.reasons),
        held.since,
        held.unit_digest,
        bool(held.reasons) and set(held.reasons) <= REVIEWABLE,
        entry,
    )


def _build_blocked_hold(entry: DeliveryEntry, creator: Creator, since: datetime) -> SafetyHold:
    """Return a hold that no review can resolve: it is blocked for another reason or was reviewed
    before. A retry is possible."""
    reasons = (entry.reason,) if entry.reason is not None else ()
    subject = Subject(DELIVERY_SUBJECT, entry.delivery_id)
    return SafetyHold(subject, creator, entry.channel, reasons, since, "", False, entry)
