"""Duplicates: posts that repeat what their account published or scheduled before.

Duplicates are shown when a post is scheduled; an account can also put them on hold at publishing.
Intended repeats do not count: series, posts that replace their dates, and reposts. Where the
platform refuses a repeated text (`Capabilities.once`), the text must change.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlmodel import col, select

from channels.accounts import account_connectors, queries
from channels.accounts.queries import Channel
from connectors.contract.connector import Connector
from foundation.db.database import Scope
from foundation.errors import Refused
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from foundation.ops.wall_time import load_zone
from schedules.drafts import drafts
from schedules.drafts.models import DuplicateWaiver
from schedules.posts import channel_overrides, text_similarity
from schedules.posts.channel_overrides import PostContent
from schedules.posts.deliveries import deliveries_of_post, get_post
from schedules.posts.models import Delivery, Post
from schedules.posts.states import LEFT_UNCERTAIN, SERIES_ORIGIN, DeliveryState
from schedules.posts.text_similarity import NEAR_DUPLICATE_BITS, SIMILARITY_WINDOW, SimilarityKind
from schedules.posts.transitions import get_delivery
from tenants import audit

OUT = frozenset(
    {
        DeliveryState.PUBLISHING,
        DeliveryState.PROCESSING,
        DeliveryState.UNCERTAIN,
        DeliveryState.PUBLISHED,
        DeliveryState.PARTLY,
        DeliveryState.BROKEN_OFF,
        DeliveryState.REMOVING,
    }
)
"""States of a delivery that is, or may be, published."""

UPCOMING_STATES = frozenset(
    {DeliveryState.DRAFT, DeliveryState.APPROVED, DeliveryState.SCHEDULED, DeliveryState.HELD}
)
"""States of a delivery that can still be published."""

REASONS = frozenset(
    {*(f"delivery.repeats_{kind}" for kind in SimilarityKind), "delivery.repeats_refused"}
)
"""Codes of a hold because of a duplicate."""

MAX_CANDIDATES = 200
"""Maximum number of candidates that are compared. If there are more, they all repeat the same text.
"""

_FIND = """
WITH marked AS MATERIALIZED (
  SELECT o.post_id, bool_or(o.kind = 'words') AS words FROM post_prints o
  WHERE o.tenant_id = :tenant AND o.creator_id = :creator AND o.mark = ANY(CAST(:marks AS bigint[]))
    AND (o.letters IS NULL OR bit_count(CAST(o.letters # CAST(:letters AS bigint) AS bit(64))) <=
    :near)
  GROUP BY o.post_id)
SELECT there.* FROM marked m CROSS JOIN LATERAL (
  SELECT d.id, d.post_id, known.state, d.series_id, coalesce(d.settled_at, d.due_at) AS at FROM
  deliveries d
  CROSS JOIN LATERAL (SELECT CASE WHEN d.state = 'cancelled' AND d.reason->>'code' = :left THEN
  'uncertain'
    ELSE d.state END AS state) known
  WHERE d.tenant_id = :tenant AND d.post_id = m.post_id AND d.channel_id = :channel
    AND d.id <> :itself AND known.state = ANY(CAST(:states AS text[]))
    AND (coalesce(d.settled_at, d.due_at) BETWEEN :since AND :until OR :once AND m.words)
    AND (:once OR NOT :meant OR d.post_id <> :post AND d.series_id IS NULL)
  LIMIT :most) there
LIMIT :most
"""
"""Selects the deliveries that share fingerprints with the content. MATERIALIZED forces PostgreSQL
to begin with the fingerprints: beginning with the deliveries of the account would read all of them.
A delivery that was closed while uncertain may be published, and counts."""

NOBODY = UUID(int=0)


@dataclass(frozen=True)
class DuplicatePost:
    """A post of the account that another one repeats.

    `at` is its publish time; `out` is False if that is in the future. `refused` means that the
    platform never accepts the repetition.
    """

    kind: SimilarityKind
    delivery_id: UUID
    post_id: UUID
    at: datetime
    out: bool
    refused: bool
    words: str
    digest: str
    account: str
    zone: str

    @property
    def to_message(self) -> Message:
        """Return the reason of a hold because of this duplicate."""
        day = f"{self.at.astimezone(load_zone(self.zone)).date():%d/%m/%Y}"
        code = "delivery.repeats_refused" if self.refused else f"delivery.repeats_{self.kind}"
        return Message(code, {"account": self.account, "day": day})


@dataclass(frozen=True)
class DuplicateQuery:
    """Content to compare with the posts of an account in a period, and the delivery it belongs
    to."""

    said: PostContent
    channel: Channel
    once: bool
    since: datetime
    until: datetime
    states: Collection[DeliveryState]
    itself: UUID = NOBODY
    post_id: UUID = NOBODY
    meant: bool = False


def find_blocking_duplicate(
    scope: Scope, row: Delivery, owner: Post, channel: Channel, connector: Connector | None
) -> DuplicatePost | None:
    """Return the duplicate that puts a due delivery on hold, or None if it can be published.

    Only accounts that hold duplicates and platforms that refuse them are checked. Must be called
    after the account is locked, so that everything published before is seen.
    """
    asked = _build_duplicate_query(row, owner, channel, connector)
    if not (asked.once or channel.holds_repeats):
        return None
    asked = replace(
        asked, since=scope.now - SIMILARITY_WINDOW, until=scope.now + SIMILARITY_WINDOW, states=OUT
    )
    return next(iter(_find_unwaived_duplicates(scope, row, owner, asked)), None)


def is_intended_repeat(row: Delivery, owner: Post) -> bool:
    """Return True if a delivery belongs to a series or is a repost."""
    return (
        row.series_id is not None or owner.origin == SERIES_ORIGIN or "again-" in row.occurrence_key
    )


def find_content_duplicates(
    scope: Scope,
    said: PostContent,
    channels: Sequence[UUID],
    at: datetime,
    *,
    connectors: Mapping[str, Connector],
) -> list[DuplicatePost]:
    """Return the strongest duplicate of new content on each account, scheduled posts included.

    Raises NotFound.
    """
    found = []
    for channel_id in channels:
        channel = queries.get_channel(scope, channel_id)
        asked = DuplicateQuery(
            said,
            channel,
            once=_is_repeat_forbidden(
                channel, account_connectors.find_connector_for(connectors, channel)
            ),
            since=at - SIMILARITY_WINDOW,
            until=at + SIMILARITY_WINDOW,
            states=OUT | UPCOMING_STATES,
        )
        found += _search_duplicates(scope, asked)[:1]
    return found


def find_delivery_duplicates(
    scope: Scope, delivery_id: UUID, *, connectors: Mapping[str, Connector]
) -> list[DuplicatePost]:
    """Return the posts, published or scheduled, that an unpublished delivery repeats and no member
    has allowed.

    Raises NotFound.
    """
    row = get_delivery(scope, delivery_id)
    if DeliveryState(row.state) not in UPCOMING_STATES:
        return []
    owner = get_post(scope, row.post_id)
    channel = queries.get_channel(scope, row.channel_id)
    asked = _build_duplicate_query(
        row, owner, channel, account_connectors.find_connector_for(connectors, channel)
    )
    since = min(row.due_at, scope.now) - SIMILARITY_WINDOW
    until = max(row.due_at, scope.now) + SIMILARITY_WINDOW
    return _find_unwaived_duplicates(scope, row, owner, replace(asked, since=since, until=until))


def allow_duplicate(
    scope: Scope,
    delivery_id: UUID,
    *,
    connectors: Mapping[str, Connector],
    seen: Collection[UUID] | None = None,
    version: int | None = None,
) -> int:
    """Allow a delivery to repeat posts and return how many; retry it if it is on hold for that
    reason.

    The waiver covers these posts (`seen`, or all current ones) with their current text and that of
    the delivery; any change ends it. Idempotent. Raises Refused if the platform never accepts the
    repetition, Conflict if the delivery changed in the meantime.
    """
    row = get_delivery(scope, delivery_id)
    likes = [
        one
        for one in find_delivery_duplicates(scope, delivery_id, connectors=connectors)
        if seen is None or one.post_id in seen
    ]
    if any(one.refused for one in likes):
        raise Refused("delivery.never_twice", account=likes[0].account)
    _record_duplicate_waivers(scope, row, likes)
    if (
        row.state == DeliveryState.HELD
        and row.reason is not None
        and row.reason.get("code") in REASONS
    ):
        drafts.retry_delivery(scope, delivery_id, version=version)
    return len({one.post_id for one in likes})


def acknowledge_duplicates(
    scope: Scope,
    post_id: UUID,
    *,
    connectors: Mapping[str, Connector],
    seen: Collection[UUID] | None = None,
) -> None:
    """Allow all deliveries of a post to repeat posts (`seen`, or all), as `allow_duplicate` does.

    Duplicates that the platform never accepts are skipped.
    """
    for row in deliveries_of_post(scope, post_id):
        likes = find_delivery_duplicates(scope, row.id, connectors=connectors)
        _record_duplicate_waivers(
            scope,
            row,
            [one for one in likes if (seen is None or one.post_id in seen) and not one.refused],
        )


def _record_duplicate_waivers(
    scope: Scope, row: Delivery, likes: Collection[DuplicatePost]
) -> None:
    digest = get_post(scope, row.post_id).digest
    known = {like.post_id: like for like in likes}.values()
    for one in known:
        scope.run(
            "INSERT INTO repeat_words (tenant_id, id, creator_id, delivery_id, digest, like_id, "
            "like_digest, by)"
            " VALUES (:tenant, :id, :creator, :delivery, :digest, :like, :like_digest, :by) ON "
            "CONFLICT DO NOTHING",
            tenant=scope.tenant_id,
            id=uuid7(),
            creator=row.creator_id,
            delivery=row.id,
            digest=digest,
            like=one.post_id,
            like_digest=one.digest,
            by=scope.actor,
        )
    if known:
        audit.record(scope, "delivery.repeated", f"delivery:{row.id}", posts=len(known))


def _build_duplicate_query(
    row: Delivery, owner: Post, channel: Channel, connector: Connector | None
) -> DuplicateQuery:
    """Build the query of a delivery around its due time."""
    return DuplicateQuery(
        channel_overrides.content_for_channel(owner, channel),
        channel,
        once=_is_repeat_forbidden(channel, connector),
        since=row.due_at - SIMILARITY_WINDOW,
        until=row.due_at + SIMILARITY_WINDOW,
        states=OUT | UPCOMING_STATES,
        itself=row.id,
        post_id=owner.id,
        meant=is_intended_repeat(row, owner),
    )


def _find_unwaived_duplicates(
    scope: Scope, row: Delivery, owner: Post, asked: DuplicateQuery
) -> list[DuplicatePost]:
    """Return the duplicates of a delivery that no member has allowed."""
    found = _search_duplicates(scope, asked)
    wanted = _load_waived_duplicates(scope, row.id, owner.digest) if found else frozenset()
    return [one for one in found if one.refused or (one.post_id, one.digest) not in wanted]


def _is_repeat_forbidden(channel: Channel, connector: Connector | None) -> bool:
    return connector is not None and not connector.capabilities.can_repeat(channel.surface)


def _search_duplicates(scope: Scope, asked: DuplicateQuery) -> list[DuplicatePost]:
    """Return the duplicates of a content, strongest first, then latest."""
    ours = text_similarity.fingerprint_content(asked.said)
    sought = text_similarity.search_marks(ours)
    if not sought:
        return []
    rows = scope.run(
        _FIND,
        tenant=scope.tenant_id,
        creator=asked.channel.creator_id,
        channel=asked.channel.id,
        marks=[one.mark for one in sought],
        letters=ours.letters or 0,
        near=NEAR_DUPLICATE_BITS,
        itself=asked.itself,
        states=sorted(map(str, asked.states)),
        left=LEFT_UNCERTAIN,
        since=asked.since,
        until=asked.until,
        once=asked.once,
        meant=asked.meant,
        post=asked.post_id,
        most=MAX_CANDIDATES,
    ).all()
    if not rows:
        return []
    owners = _load_posts_by_id(scope, {row.post_id for row in rows})
    kinds = {
        key: text_similarity.compare_fingerprints(
            ours,
            text_similarity.fingerprint_content(
                channel_overrides.content_for_channel(owner, asked.channel)
            ),
        )
        for key, owner in owners.items()
    }
    seen = (_Row(*row) for row in rows)
    found = {
        row.id: one
        for row in seen
        if (one := _classify_candidate(row, owners[row.post_id], kinds[row.post_id], asked))
    }
    order = list(SimilarityKind)
    return sorted(
        found.values(),
        key=lambda one: (not one.refused, order.index(one.kind), -one.at.timestamp()),
    )


class _Row(NamedTuple):
    """A candidate delivery that shares a fingerprint."""

    id: UUID
    post_id: UUID
    state: str
    series_id: UUID | None
    at: datetime


def _load_posts_by_id(scope: Scope, ids: Collection[UUID]) -> dict[UUID, Post]:
    rows = scope.session.exec(
        select(Post).where(Post.tenant_id == scope.tenant_id, col(Post.id).in_(list(ids)))
    )
    return {one.id: one for one in rows}


def _classify_candidate(
    row: _Row, owner: Post, kind: SimilarityKind | None, asked: DuplicateQuery
) -> DuplicatePost | None:
    """Return the duplicate for a candidate, or None if the candidate is not one."""
    refused = asked.once and kind is SimilarityKind.WORDS
    near = asked.since <= row.at <= asked.until
    one_of_many = (
        row.post_id == asked.post_id or row.series_id is not None or owner.origin == SERIES_ORIGIN
    )
    mine = asked.meant and one_of_many
    if kind is None or not (refused or (near and not mine)):
        return None
    return DuplicatePost(
        kind,
        row.id,
        row.post_id,
        row.at,
        DeliveryState(row.state) in OUT,
        refused,
        owner.title or owner.body,
        owner.digest,
        asked.channel.name,
        asked.channel.zone,
    )


def _load_waived_duplicates(
    scope: Scope, delivery_id: UUID, digest: str
) -> frozenset[tuple[UUID, str]]:
    """Return the ID and digest of each post that a member allowed a delivery to repeat."""
    rows = scope.session.exec(
        select(DuplicateWaiver.like_id, DuplicateWaiver.like_digest).where(
            DuplicateWaiver.tenant_id == scope.tenant_id,
            DuplicateWaiver.delivery_id == delivery_id,
            DuplicateWaiver.digest == digest,
        )
    )
    return frozenset(rows)
