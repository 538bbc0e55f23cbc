"""Queries of the Approvals page: all items that need a decision, with their context."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from channels.accounts import queries
from dashboard.pages.posts.pending_post import ReviewPicture, load_review_pictures
from dashboard.pages.posts.uncertain_delivery_queries import (
    UncertainDelivery,
    load_uncertain_deliveries,
)
from foundation.db.database import Scope
from foundation.errors import NotFound
from gate.contract.reasons import Reason
from gate.contract.units import UnitPart
from gate.copies.live_copies import LiveCopy
from gate.evidence.answer_facts import open_doubts
from gate.log.queries import find_unit
from gate.policy import active_policy
from gate.ratings.depiction_answers import unanswered_digests
from gate.removal.removal_requests import PendingRemovalRequest
from gate.reviews import appeals, past_verdicts
from gate.reviews.appeals import AppealableRemoval, PendingAppeal
from gate.reviews.past_verdicts import PastVerdict
from schedules.approvals import client_links, pending_decisions, review_queue
from schedules.approvals.pending_decisions import (
    DELIVERY_SUBJECT,
    PendingCounts,
    ReviewScope,
    SafetyHold,
    SecondReviews,
)
from schedules.approvals.review_queue import LastVerdict, ReviewItem
from schedules.posts.queries import DeliveryEntry, get_stored_post
from studio.library import member_reviews
from studio.library.queries import AssetCard, assets_by_digest
from studio.library.review_sheets import ReviewSheet
from tenants.agencies.queries import Creator, Member, list_members
from tenants.agencies.rights import Role
from tenants.auth import device_fingerprints

MAX_POSTS = 60
"""Maximum number of pending posts on the page."""

LATE = timedelta(days=1)
"""Age after which a pending review is overdue."""


@dataclass(frozen=True)
class ApprovalsView:
    """The data of the page. `last` is the newest verdict; `names` maps principals to names of
    members."""

    creators: Mapping[UUID, Creator]
    posts: Sequence[ReviewItem]
    """The first posts that are pending approval."""
    counts: PendingCounts
    """Numbers of items that the member may decide, as in the menu and on Home."""
    holds: Sequence[SafetyHold]
    sheets: Sequence[ReviewSheet]
    pictures: Sequence[AssetCard]
    """Images that are on no review sheet."""
    alike: int
    """Number of images with a face match that need a comparison."""
    doubts: Sequence[DeliveryEntry]
    told: Mapping[UUID, UncertainDelivery]
    """Details of the unconfirmed posts, keyed by delivery."""
    requests: Sequence[PendingRemovalRequest]
    again: Sequence[PendingAppeal]
    """Pending appeals."""
    second: SecondReviews
    taken: Sequence[AppealableRemoval]
    """Removed content that this member may appeal."""
    named: Mapping[UUID, str]
    """Excerpts of the affected posts, keyed by the first ID of the request, appeal or removal.
    Messages to subscribers have no excerpt."""
    places: Mapping[UUID, str]
    """Names of channels."""
    last: LastVerdict | None
    names: Mapping[UUID, str]
    authors: Mapping[str, str]
    people: Mapping[str, Role]
    """Roles of members by `member:<id>` and by `principal:<id>`."""
    now: datetime

    def decider_name(self, by: str, word: Callable[[str], str]) -> str:
        """Return the name and role of the member who decided about an image, or a text for
        automatic decisions.

        Names are omitted for viewers who may not read them.
        """
        kind, _, key = by.partition(":")
        if kind == "lowering":
            return word("past.lowered")
        if kind not in ("member", "principal"):
            return word("past.automatic")
        if by not in self.people:
            return word("past.gone")
        name = self.authors.get(by, "") if kind == "member" else self.names.get(UUID(key), "")
        role = word(f"role.{self.people[by]}")
        return f"{name} ({role})" if name else role

    @property
    def waiting_since(self) -> Sequence[datetime]:
        """Return the times since which reviews are pending, oldest first."""
        holds = (hold.since for hold in self.holds if hold.reviewable)
        return sorted(
            [
                *holds,
                *(one.cards[0].at for one in self.sheets),
                *(card.at for card in self.pictures),
            ]
        )

    @property
    def overdue_count(self) -> int:
        """Return the number of reviews pending for more than a day."""
        return sum(since < self.now - LATE for since in self.waiting_since)

    @property
    def change_marker(self) -> tuple[int, ...]:
        """Return counts and versions that change when the page needs a redraw."""
        waits = (
            self.posts,
            self.holds,
            self.sheets,
            self.pictures,
            self.doubts,
            self.requests,
            self.again,
            self.taken,
        )
        told = sum(one.version for one in self.doubts)
        return (
            *(len(each) for each in waits),
            sum(len(one.cards) for one in self.sheets),
            self.alike,
            told,
            self.counts.posts,
            self.second.count,
        )


def load_approvals(scope: Scope, seen: ReviewScope, member: Member) -> ApprovalsView:
    """Return the pending items that `member` may see. For guests, the result omits names."""
    mine = seen.creators
    found = pending_decisions.list_pending_decisions(scope, seen)
    posts, counted = _list_pending_posts(scope, seen, member)
    taken = appeals.list_appealable_removals(scope, mine) if seen.content else []
    about = {one.ids[0]: one.copies for one in found.requests}
    about |= {one.ids[0]: one.copies for one in found.again}
    about |= {one.complaint_id: one.copies for one in taken}
    members = list_members(scope)
    return ApprovalsView(
        creators=mine,
        posts=posts,
        counts=found.count_with(counted),
        holds=found.holds,
        sheets=found.sheets,
        pictures=found.pictures,
        alike=found.alike,
        doubts=found.unconfirmed,
        told=load_uncertain_deliveries(scope, found.trouble) if seen.content else {},
        requests=found.requests,
        again=found.again,
        second=found.second,
        taken=taken,
        named=_post_excerpts_by_request(scope, about),
        places=queries.channel_names(scope),
        last=None if seen.guest else review_queue.load_last_verdict(scope, mine),
        names={}
        if seen.guest
        else client_links.client_names(scope, mine)
        | {one.principal_id: one.name for one in members},
        authors={} if seen.guest else {f"member:{one.id}": one.name for one in members},
        people={
            key: one.role
            for one in members
            for key in (f"member:{one.id}", f"principal:{one.principal_id}")
        },
        now=scope.now,
    )


def _list_pending_posts(
    scope: Scope, seen: ReviewScope, member: Member
) -> tuple[list[ReviewItem], int]:
    """Return the first pending posts, preferably those that the member may approve, and the number
    of these."""
    if not seen.content:
        return [], 0
    every = review_queue.list_review_queue(
        scope, seen.creators, limit=pending_decisions.COUNT_LIMIT
    )
    first = sorted(every, key=lambda one: not one.can_be_approved_by(member.principal_id))
    shown = {one.post_id for one in first[:MAX_POSTS]}
    count = pending_decisions.count_posts_for(every, member.principal_id)
    return [one for one in every if one.post_id in shown], count


def _post_excerpts_by_request(
    scope: Scope, about: Mapping[UUID, Sequence[LiveCopy]]
) -> dict[UUID, str]:
    """Return the beginnings of the posts, keyed by request.

    A post that was deleted with its creator has no excerpt, although copies may still be live.
    """
    posted = {
        one: next(
            (copy.subject.id for copy in copies if copy.subject.kind == DELIVERY_SUBJECT), None
        )
        for one, copies in about.items()
    }
    begun = review_queue.post_excerpts(
        scope, {each for each in posted.values() if each is not None}
    )
    return {
        one: begun[each] for one, each in posted.items() if each is not None and begun.get(each)
    }


@dataclass(frozen=True)
class HoldReview:
    """Texts and images of a held item for its reviewer."""

    texts: tuple[str, ...]
    shots: Sequence[ReviewPicture]
    past: Mapping[UUID, tuple[PastVerdict, ...]]
    """Previous decisions, keyed by image."""
    own: str
    """Message code of the reason why this member's approval does not count (author, or treated as
    the same person); empty if it counts."""
    alone: bool = False
    """True if this member may publish it as a picture of themselves: they are the author, and the
    policy allows it in a jurisdiction."""


def load_hold_review(scope: Scope, hold: SafetyHold, member: Member) -> HoldReview:
    """Return the texts and images of a hold. Raises NotFound if its unit is no longer stored."""
    unit = find_unit(scope, hold.unit_digest)
    if unit is None:
        raise NotFound("review.unknown")
    known = assets_by_digest(scope, [medium.sha256 for medium in unit.all_media])
    assets = {asset: sha256 for sha256, asset in known.items()}
    author = None
    if hold.entry is not None:
        author = get_stored_post(scope, hold.entry.post_id).author_principal
    texts = tuple(text.body for part in (*unit.before, UnitPart(unit.texts)) for text in part.texts)
    pictures = (
        (known[one.sha256], one.sha256, one.alt) for one in unit.all_media if one.sha256 in known
    )
    shown = load_review_pictures(scope, dict.fromkeys(pictures))
    own = own_work_reason(scope, author, member)
    alone = (
        author == member.principal_id
        and bool(assets)
        and bool(active_policy.current_bundle(scope).opened)
    )
    return HoldReview(texts, shown, load_past_decisions(scope, assets), own, alone)


def load_past_decisions(
    scope: Scope, assets: Mapping[UUID, str]
) -> dict[UUID, tuple[PastVerdict, ...]]:
    """Return previous decisions, keyed by image. Images without any are omitted."""
    found = past_verdicts.past_verdicts(scope, set(assets.values()))
    return {asset: found[sha256] for asset, sha256 in assets.items() if sha256 in found}


def own_work_reason(scope: Scope, author: UUID | None, member: Member) -> str:
    """Return the message code of the reason why this member's approval of the author's work does
    not count, or an empty string."""
    return own_work_reasons(scope, [author], member).get(author, "") if author is not None else ""


def own_work_reasons(scope: Scope, authors: Collection[UUID], member: Member) -> dict[UUID, str]:
    """Return the codes of `own_work_reason`, keyed by author, in one read. Authors without a reason
    are omitted."""
    found = {author: "approvals.own" for author in authors if author == member.principal_id}
    others = set(authors) - found.keys()
    same = (
        device_fingerprints.same_humans(scope, next(iter(others)) if len(others) == 1 else None)
        if others
        else {}
    )
    together = {one for one in others if member.principal_id in same.get(one, frozenset())}
    return found | dict.fromkeys(together, "approvals.seen_together")


@dataclass(frozen=True)
class PictureReview:
    """An image to review, with previous decisions.

    `own` is the message code of the reason why this member's approval does not count, or empty.
    """

    card: AssetCard
    shot: ReviewPicture
    own: str
    past: tuple[PastVerdict, ...]
    unanswered: bool = False
    """True if there is no answer to who is shown."""
    doubts: tuple[Reason, ...] = ()
    """Why a second member must confirm the rating or the answer."""


def load_picture_reviews(
    scope: Scope, cards: Sequence[AssetCard], member: Member
) -> list[PictureReview]:
    """Return the review data of several images in one read."""
    if not cards:
        return []
    actors = member_reviews.makers_of(scope, [card.asset_id for card in cards])
    members = {f"member:{one.id}": one.principal_id for one in list_members(scope)}
    makers = {asset: members[actor] for asset, actor in actors.items() if actor in members}
    own = own_work_reasons(scope, set(makers.values()), member)
    known = load_review_pictures(scope, [(one.asset_id, one.sha256, one.alt) for one in cards])
    past = load_past_decisions(scope, {one.asset_id: one.sha256 for one in cards})
    why = {asset: own[maker] for asset, maker in makers.items() if maker in own}
    unanswered = unanswered_digests(scope, [card.sha256 for card in cards])
    doubts = open_doubts(scope, {card.sha256: card.standing.rating for card in cards})
    return [
        PictureReview(
            card,
            shot,
            why.get(card.asset_id, ""),
            past.get(card.asset_id, ()),
            card.sha256 in unanswered,
            doubts.get(card.sha256, ()),
        )
        for card in cards
        for shot in known
        if shot.asset_id == card.asset_id
    ]
