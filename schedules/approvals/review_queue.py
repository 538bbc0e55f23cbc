"""The review queue: posts that are pending approval, with their verdicts, by due time."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import aliased
from sqlmodel import col, or_, select

from foundation.db.database import Scope
from gate.contract.reasons import Reason
from schedules.approvals import verdicts
from schedules.approvals.models import Approval
from schedules.approvals.verdicts import ApprovalVerdict
from schedules.edits import edits
from schedules.posts import lateness
from schedules.posts.channel_overrides import ChannelOverride, collect_assets, overrides_of_post
from schedules.posts.deliveries import schedule_wakeups
from schedules.posts.models import Delivery, Post
from schedules.posts.states import RELEASED_BY_APPROVAL, DeliveryState
from schedules.posts.thread_parts import ThreadPart, parse_thread
from schedules.posts.transitions import get_delivery, transition_delivery
from tenants.agencies import queries

BEGINNING = 160
"""Maximum number of characters in an excerpt."""


@dataclass(frozen=True)
class ReviewDelivery:
    """A delivery of a post that is pending approval."""

    delivery_id: UUID
    channel_id: UUID
    due_at: datetime
    zone: str
    state: DeliveryState
    late_until: datetime | None
    repeats: bool = False
    """True for a series. The delivery is the first pending one; an approval covers all occurrences.
    """
    asks_since: datetime | None = None
    """Set if the account was added after an approval: only approvals after this time count for it.
    """
    version: str = ""
    """The variant of an A/B test, "a" or "b", or "" if the post is in none."""

    def is_too_late(self, now: datetime) -> bool:
        """Return True if it is too late at this time (UTC-aware) to publish the delivery, so that
        it needs another time."""
        return lateness.is_too_late(self.late_until, now)


@dataclass(frozen=True)
class ReviewItem:
    """A post that is pending approval. `author` is an actor, `author_principal` the person."""

    post_id: UUID
    creator_id: UUID
    title: str
    body: str
    media: tuple[UUID, ...]
    text_ai: str
    author: str
    author_principal: UUID | None
    wishes: tuple[ReviewDelivery, ...]
    words: tuple[ApprovalVerdict, ...]
    parts: tuple[ThreadPart, ...] = ()
    others: tuple[ChannelOverride, ...] = ()
    """Channel overrides."""
    digest: str = ""
    """The version of the post, which is sent back with an approval."""
    past: tuple[ApprovalVerdict, ...] = ()
    """Valid approvals that do not cover everything that is pending."""
    tiers: int = 1
    """Number of required approvals."""
    created_at: datetime | None = None

    @property
    def assets(self) -> list[UUID]:
        """Return every asset of the post and its overrides."""
        return collect_assets(self.media, self.parts, self.others)

    @property
    def due_at(self) -> datetime:
        """Return the due time of its first delivery."""
        return self.wishes[0].due_at

    @property
    def repeats(self) -> bool:
        """Return True if it is a series."""
        return any(wish.repeats for wish in self.wishes)

    @property
    def version(self) -> str:
        """Return the variant of an A/B test, "a" or "b", or "" if the post is in none."""
        return next((wish.version for wish in self.wishes if wish.version), "")

    @property
    def is_rejected(self) -> bool:
        """Return True if a person's last verdict is a rejection or change request, so the author
        must act."""
        return any(word.verdict in ("no", "change") for word in self.words)

    @property
    def needs_renewal(self) -> bool:
        """Return True if it is scheduled and its approval expires before it is published."""
        return all(wish.state in verdicts.SELF_PUBLISHING_STATES for wish in self.wishes)

    @property
    def is_approved(self) -> bool:
        """Return True if a scheduled post has all approvals again."""
        said = {word.tier for word in self.words if word.verdict == "yes"}
        return self.needs_renewal and said >= set(range(1, self.tiers + 1))

    @property
    def missing_approvals(self) -> int:
        """Return the first tier without an approval."""
        return verdicts.open_tier_for(None, self.words, (), self.tiers) or self.tiers

    def tier_for(self, principal_id: UUID) -> int | None:
        """Return the tier that an approval by this person would count for, or None if they have
        already approved it."""
        return verdicts.open_tier_for(principal_id, self.words, self.past, self.tiers)

    def can_be_approved_by(self, principal_id: UUID) -> bool:
        """Return True if this person is not the author and has not approved it."""
        return self.author_principal != principal_id and self.tier_for(principal_id) is not None


def list_review_queue(
    scope: Scope, creators: Collection[UUID], *, limit: int = 60, post_id: UUID | None = None
) -> list[ReviewItem]:
    """Return the posts of these creators, or only `post_id`, that are pending approval, by due
    time.

    Includes scheduled posts whose approval expires before they are published in the next days.
    Excludes rejected posts. A series appears with its first time on each account.
    """
    first = _first_dates_query(scope, creators, limit=limit, post_id=post_id)
    if first is None:
        return []
    rows = scope.session.exec(
        select(Post, first)
        .join(
            first,
            (col(first.tenant_id) == col(Post.tenant_id)) & (col(first.post_id) == col(Post.id)),
        )
        .where(Post.tenant_id == scope.tenant_id, col(Post.creator_id).in_(list(creators)))
        .order_by(col(first.due_at), col(first.id))
    )
    posts: dict[UUID, Post] = {}
    wishes: dict[UUID, list[ReviewDelivery]] = {}
    for post, row in rows:
        posts.setdefault(post.id, post)
        wishes.setdefault(post.id, []).append(_build_review_delivery(row))
    words = verdicts.verdicts_of_posts(scope, posts)
    tiers = {one.id: one.approval_tiers for one in queries.list_creators(scope)} if posts else {}
    found = [
        _build_review_item(scope, one, wishes[one.id], words.get(one.id, []), tiers[one.creator_id])
        for one in posts.values()
    ]
    return [one for one in found if not (one.is_rejected or one.is_approved)][:limit]


def _first_dates_query(
    scope: Scope, creators: Collection[UUID], *, limit: int, post_id: UUID | None
) -> type[Delivery] | None:
    """Return the first delivery of each post on each account that needs an approval, first due
    first, or None if no post of the tenant does."""
    here = (
        Delivery.tenant_id == scope.tenant_id,
        col(Delivery.creator_id).in_(list(creators)),
        *(() if post_id is None else (Delivery.post_id == post_id,)),
    )
    cured = (Delivery.state == str(DeliveryState.HELD)) & col(Delivery.reason)["code"].astext.in_(
        sorted(RELEASED_BY_APPROVAL)
    )
    waits = select(Delivery.id).where(
        *here,
        col(Delivery.state).in_([str(DeliveryState.DRAFT), str(DeliveryState.HELD)]),
        or_(Delivery.state == str(DeliveryState.DRAFT), cured),
    )
    # By id, as in `missing_approval`.
    asks = verdicts.matches_any_query(
        scope,
        waits,
        edits.edits_awaiting_approval_query(scope),
        verdicts.expiring_approvals_query(scope),
    )
    if asks is None:
        return None
    each = aliased(
        Delivery,
        select(Delivery)
        .ext(distinct_on(col(Delivery.post_id), col(Delivery.channel_id)))
        .where(*here, asks)
        .order_by(
            col(Delivery.post_id), col(Delivery.channel_id), col(Delivery.due_at), col(Delivery.id)
        )
        .subquery(),
    )
    # The posts are joined after the limit: with the join inside, a stale plan reads all posts for
    # each delivery.
    return aliased(
        Delivery,
        # Six times the limit: a post can have several accounts, and rejected posts are dropped
        # later.
        select(each).order_by(col(each.due_at), col(each.id)).limit(limit * 6).cte("first_dates"),
    )


def _build_review_delivery(row: Delivery) -> ReviewDelivery:
    return ReviewDelivery(
        row.id,
        row.channel_id,
        row.due_at,
        row.zone,
        DeliveryState(row.state),
        row.late_until,
        row.series_id is not None,
        row.asks_since,
        row.variant or "",
    )


_AGAINST = """
SELECT post_id, principal_id, verdict, author_principal FROM (
  SELECT DISTINCT ON (a.post_id, a.principal_id, a.tier) a.post_id, a.principal_id, a.verdict,
  a.created_at,
    p.author_principal
  FROM approvals a JOIN posts p ON p.tenant_id = a.tenant_id AND p.id = a.post_id AND p.digest =
  a.digest
  WHERE a.tenant_id = :tenant AND a.post_id = ANY(:posts)
  ORDER BY a.post_id, a.principal_id, a.tier, a.created_at DESC, a.id DESC) last
WHERE verdict IN ('no', 'change') ORDER BY created_at
"""


def latest_objections(scope: Scope, posts: Collection[UUID]) -> dict[UUID, tuple[UUID, str]]:
    """Return the principal and verdict of the latest rejection of each post's current version.

    Posts without one are absent.
    """
    if not posts:
        return {}
    rows = scope.run(_AGAINST, tenant=scope.tenant_id, posts=list(posts))
    return {row.post_id: (row.principal_id, row.verdict) for row in rows}


def posts_objected_by(scope: Scope, posts: Collection[UUID], principal_id: UUID) -> frozenset[UUID]:
    """Return the given posts that this person was the last to reject and that another person wrote.

    The person needs no notice about these posts.
    """
    rows = scope.run(_AGAINST, tenant=scope.tenant_id, posts=list(posts)) if posts else ()
    last = {row.post_id: row for row in rows}
    theirs = (one for one in last.values() if one.principal_id == principal_id)
    return frozenset(
        one.post_id for one in theirs if one.author_principal not in (None, principal_id)
    )


def _build_review_item(
    scope: Scope, post: Post, wishes: list[ReviewDelivery], words: list[ApprovalVerdict], tiers: int
) -> ReviewItem:
    since = max((wish.asks_since for wish in wishes if wish.asks_since is not None), default=None)
    until = max(
        (wish.due_at for wish in wishes if wish.due_at <= scope.now + verdicts.RENEWAL_WINDOW),
        default=None,
    )
    words, past = verdicts.split_counting_verdicts(words, since, until)
    return ReviewItem(
        post.id,
        post.creator_id,
        post.title,
        post.body,
        tuple(UUID(asset) for asset in post.media),
        post.text_ai,
        post.author,
        post.author_principal,
        tuple(wishes),
        tuple(words),
        parse_thread(post.parts),
        overrides_of_post(post),
        post.digest,
        tuple(past),
        tiers,
        post.created_at,
    )


def post_excerpts(scope: Scope, deliveries: Collection[UUID]) -> dict[UUID, str]:
    """Return the beginning of the post of each delivery; deleted posts are absent."""
    if not deliveries:
        return {}
    rows = scope.session.execute(
        select(Delivery.id, Post.title, Post.body)
        .join(
            Post,
            (col(Post.tenant_id) == col(Delivery.tenant_id))
            & (col(Post.id) == col(Delivery.post_id)),
        )
        .where(Delivery.tenant_id == scope.tenant_id, col(Delivery.id).in_(list(deliveries)))
    )
    return {delivery_id: (title or body)[:BEGINNING] for delivery_id, title, body in rows}


@dataclass(frozen=True)
class LastVerdict:
    """The latest verdict on any post."""

    post_id: UUID
    words: str
    verdict: str
    principal_id: UUID
    at: datetime


def load_last_verdict(scope: Scope, creators: Collection[UUID]) -> LastVerdict | None:
    """Return the latest verdict on a post of these creators, or None if there is none."""
    row = scope.session.exec(
        select(Approval, Post)
        .join(
            Post,
            (col(Post.tenant_id) == col(Approval.tenant_id))
            & (col(Post.id) == col(Approval.post_id)),
        )
        .where(
            Approval.tenant_id == scope.tenant_id,
            col(Approval.creator_id).in_(list(creators)),
            Approval.verdict != "withdrawn",
        )
        .order_by(col(Approval.created_at).desc(), col(Approval.id).desc())
        .limit(1)
    ).first()
    if row is None:
        return None
    word, post = row
    return LastVerdict(
        post.id,
        post.title or post.body,
        word.verdict,
        word.principal_id,
        word.created_at or scope.now,
    )


def resume_after_safety_review(scope: Scope, delivery_id: UUID) -> bool:
    """Schedule a delivery again after its safety review; return False if it is too late or not on
    hold.

    The gate checks it again at its due time.
    """
    row = get_delivery(scope, delivery_id)
    if row.state != DeliveryState.HELD:
        return False
    if row.late_until is not None and scope.now > row.late_until:
        return False
    transition_delivery(scope, row, DeliveryState.SCHEDULED)
    schedule_wakeups(scope, row)
    return True


def resume_stale_rules(scope: Scope) -> int:
    """Schedule the posts that wait for an owner to confirm the rules of a platform, and return
    their number. The gate checks them again, so those of other platforms wait again."""
    waiting = scope.session.exec(
        select(Delivery.id)
        .where(
            Delivery.tenant_id == scope.tenant_id,
            Delivery.state == str(DeliveryState.HELD),
            col(Delivery.reason)["code"].astext == f"gate.{Reason.POLICY_STALE}",
        )
        .order_by(col(Delivery.due_at), col(Delivery.id))
    ).all()
    return sum(resume_after_safety_review(scope, delivery_id) for delivery_id in waiting)
