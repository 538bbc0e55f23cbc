"""Posts of all networks beside each other, with their metrics at an equal age."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from statistics import median
from uuid import UUID

from channels.accounts.queries import list_channels
from foundation.db.database import Scope
from foundation.ops.wall_time import day_bounds
from insights.metrics import catalog
from insights.rollups import metric_queries
from insights.rollups.periods import AnalyticsPeriod
from insights.rollups.sentiments import share_of
from schedules.posts import labels, live_posts
from schedules.posts.labels import Label
from schedules.posts.live_posts import LivePostContent, PostFormat
from studio.library.queries import recipes_of_assets
from subscribers.conversations.message_sentiments import SentimentCounts, count_comment_sentiments
from subscribers.orders import sales
from tenants.agencies.queries import Creator

LATEST = 0
"""The age of the latest reading of each post, which differs between posts."""
COMPARED_AGES = (24, 168, LATEST)
"""Ages in hours that can be chosen. The first two compare posts at an equal age."""
MAX_POSTS = 1000
"""Maximum number of posts of a table; the newest are shown."""


@dataclass(frozen=True)
class PostResult:
    """A published post on one account. `values` are its measured metrics at the chosen age; those
    that were not reported are absent. `at` is UTC-aware."""

    delivery_id: UUID
    post_id: UUID
    creator: Creator
    channel_id: UUID
    channel: str
    platform: str
    at: datetime
    title: str
    form: PostFormat
    labels: tuple[Label, ...]
    recipe: str
    """The prompt template of its first picture; empty if none made it."""
    picture: UUID | None
    url: str | None
    values: Mapping[str, int]
    words: str = ""
    """The text of the post."""
    sentiments: SentimentCounts | None = None
    """Estimated sentiments of the comments under it; None without any that were read."""

    @property
    def negative_comments(self) -> Fraction | None:
        """Return the share of negative comments, None with too few comments."""
        counts = self.sentiments
        return share_of(counts.negative, counts) if counts is not None else None

    def metric(self, code: str) -> float | None:
        """Return a metric of the catalogue, or None ("n/a")."""
        return catalog.calculate(code, self.values)


def list_post_results(
    scope: Scope,
    creators: Sequence[Creator],
    period: AnalyticsPeriod,
    *,
    age_hours: int,
    most: int | None = MAX_POSTS,
) -> list[PostResult]:
    """Return the posts that were due in a period, newest first: at most `most`, or all with None.

    Days are those of each creator's time zone. `age_hours` is one of `COMPARED_AGES`. Raises
    BadInput for an invalid period.
    """
    sales.check_period(period.first, period.last)
    found: list[LivePostContent] = []
    for zone in {one.zone for one in creators}:
        start = day_bounds(period.first, zone)[0]
        end = day_bounds(period.last, zone)[1]
        ids = [one.id for one in creators if one.zone == zone]
        found += live_posts.list_live_posts_between(scope, ids, start, end, limit=most)
    found = sorted(found, key=lambda one: (-one.due_at.timestamp(), one.delivery_id))[:most]
    values = _load_values(scope, [one.delivery_id for one in found], age_hours)
    return _build_results(scope, creators, found, values)


def get_post_result(
    scope: Scope, creators: Sequence[Creator], delivery_id: UUID
) -> PostResult | None:
    """Return a post of these creators with its latest metrics, or None."""
    for creator in creators:
        found = live_posts.list_live_posts(scope, creator.id, [delivery_id])
        if found:
            values = _load_values(scope, [delivery_id], LATEST)
            return _build_results(scope, creators, found, values)[0]
    return None


def _load_values(
    scope: Scope, deliveries: Sequence[UUID], age_hours: int
) -> Mapping[UUID, Mapping[str, int]]:
    if age_hours != LATEST:
        return metric_queries.load_post_values_of(scope, deliveries, age_hours=age_hours)
    return metric_queries.load_latest_values(scope, deliveries)


def _build_results(
    scope: Scope,
    creators: Sequence[Creator],
    found: Sequence[LivePostContent],
    values: Mapping[UUID, Mapping[str, int]],
) -> list[PostResult]:
    people = {one.id: one for one in creators}
    accounts = {one.id: one for one in list_channels(scope)}
    tagged = labels.labels_of_posts(scope, {one.post_id for one in found})
    sentiments = count_comment_sentiments(scope, [one.delivery_id for one in found])
    recipes = recipes_of_assets(scope, {one.media[0] for one in found if one.media})
    return [
        PostResult(
            delivery_id=one.delivery_id,
            post_id=one.post_id,
            creator=people[accounts[one.channel_id].creator_id],
            channel_id=one.channel_id,
            channel=accounts[one.channel_id].name,
            platform=accounts[one.channel_id].platform,
            at=one.at,
            title=one.title or one.words,
            words=one.words,
            form=one.form,
            labels=tagged.get(one.post_id, ()),
            recipe=recipes.get(one.media[0], "") if one.media else "",
            picture=one.media[0] if one.media else None,
            url=one.url if one.url and one.url.startswith(("https://", "http://")) else None,
            values=values.get(one.delivery_id, {}),
            sentiments=sentiments.get(one.delivery_id),
        )
        for one in found
    ]


class PostGrouping(StrEnum):
    """Properties that group posts."""

    CHANNEL = "channel"
    FORM = "form"
    LABEL = "label"
    RECIPE = "recipe"


@dataclass(frozen=True)
class PostGroup:
    """Posts with something in common: `name` is the name of a channel, label or prompt template, a
    `PostFormat`, or "" for posts without one.

    `posts` are all, `measured` those with any metric. Sums and ratios contain only metrics that
    were reported, and are None without any.
    """

    name: str
    posts: int
    measured: int
    views: int | None
    interactions: int | None
    typical_views: float | None
    """The median of the views of its posts."""
    engagement_by_reach: float | None
    engagement_by_views: float | None


def group_posts(found: Sequence[PostResult], by: PostGrouping) -> list[PostGroup]:
    """Return the groups, those with the highest median of views first and unknown ones last. A post
    with two labels belongs to both. Pure."""
    groups: dict[str, list[PostResult]] = {}
    for one in found:
        for name in _group_names(one, by):
            groups.setdefault(name, []).append(one)
    made = [sum_posts(name, posts) for name, posts in groups.items()]
    return sorted(
        made,
        key=lambda one: (not one.name, one.typical_views is None, -(one.typical_views or 0)),
    )


def _group_names(one: PostResult, by: PostGrouping) -> tuple[str, ...]:
    match by:
        case PostGrouping.CHANNEL:
            return (one.channel,)
        case PostGrouping.FORM:
            return (str(one.form),)
        case PostGrouping.LABEL:
            return tuple(label.name for label in one.labels) or ("",)
        case PostGrouping.RECIPE:
            return (one.recipe,)


def sum_posts(name: str, posts: Sequence[PostResult]) -> PostGroup:
    """Return the sums of a group of posts. Pure."""
    views = [one.values["views"] for one in posts if "views" in one.values]
    interactions = [one.metric("interactions") for one in posts]
    known = [round(one) for one in interactions if one is not None]
    return PostGroup(
        name=name,
        posts=len(posts),
        measured=sum(bool(one.values) for one in posts),
        views=sum(views) if views else None,
        interactions=sum(known) if known else None,
        typical_views=float(median(views)) if views else None,
        engagement_by_reach=_ratio_of_sums(posts, "interactions", "reach"),
        engagement_by_views=_ratio_of_sums(posts, "interactions", "views"),
    )


def _ratio_of_sums(posts: Sequence[PostResult], top: str, bottom: str) -> float | None:
    """Return the ratio over the posts that have both metrics, or None without any."""
    pairs = [(one.metric(top), one.metric(bottom)) for one in posts]
    both = [(a, b) for a, b in pairs if a is not None and b is not None]
    total = sum(b for _, b in both)
    return sum(a for a, _ in both) / total if total > 0 else None
