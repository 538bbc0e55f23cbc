"""Tables of posts and channels: pages and files show the same rows."""

from collections.abc import Sequence
from fractions import Fraction

from foundation.i18n.translation import Message, render_message
from insights.metrics.catalog import METRICS
from insights.reports.tables.analytics_tables import AnalyticsTable
from insights.reports.tables.table_files import TableValue
from insights.rollups.channel_results import ChannelResult
from insights.rollups.creator_facts import COMMENT_SENTIMENTS
from insights.rollups.post_results import PostGroup, PostGrouping, PostResult
from subscribers.conversations.message_sentiments import SentimentCounts

POST_METRICS = (
    *("views", "reach", "likes", "comments", "shares", "saves", "clicks", "interactions"),
    *("high_intent", "engagement_by_reach", "engagement_by_views"),
)
"""Metrics of the table of posts, in its order."""

_ABOUT_POST = ("published_at", "creator", "channel", "platform", "post", "form", "label", "recipe")


def post_format_name(one: PostResult, language: str) -> str:
    """Return the name of the format of a post."""
    return render_message(Message(f"content.form.{one.form}"), language)


def post_group_name(one: PostGroup, by: PostGrouping, language: str) -> str:
    """Return the name of a group of posts."""
    if by is PostGrouping.FORM:
        return render_message(Message(f"content.form.{one.name}"), language)
    return one.name or render_message(Message(f"content.without.{by}"), language)


def metric_cell(code: str, value: float | None) -> TableValue:
    """Return the value of a metric as a cell."""
    if value is None:
        return None
    if METRICS[code].unit == "ratio":
        return Fraction(value).limit_denominator(10**6)
    return round(value)


def posts_table(found: Sequence[PostResult], language: str) -> AnalyticsTable:
    """Return posts with their metrics, one row for each post and channel. Times are UTC."""
    rows = tuple(
        (
            one.at,
            one.creator.name,
            one.channel,
            render_message(Message(f"platform.{one.platform}"), language),
            one.title,
            post_format_name(one, language),
            ", ".join(label.name for label in one.labels),
            one.recipe,
            *(metric_cell(code, one.metric(code)) for code in POST_METRICS),
            *_sentiment_cells(one.sentiments),
            one.negative_comments,
            one.url,
        )
        for one in found
    )
    sentiments = (*COMMENT_SENTIMENTS.values(), "negative_comment_rate")
    return AnalyticsTable("posts", (*_ABOUT_POST, *POST_METRICS, *sentiments, "url"), rows)


def _sentiment_cells(counts: SentimentCounts | None) -> tuple[TableValue, ...]:
    return tuple(
        getattr(counts, sentiment) if counts is not None else None
        for sentiment in COMMENT_SENTIMENTS
    )


def post_groups_table(
    groups: Sequence[PostGroup], by: PostGrouping, language: str
) -> AnalyticsTable:
    """Return groups of posts with their sums."""
    rows = tuple(
        (
            post_group_name(one, by, language),
            one.posts,
            one.measured,
            one.views,
            None if one.typical_views is None else round(one.typical_views),
            one.interactions,
            metric_cell("engagement_by_reach", one.engagement_by_reach),
            metric_cell("engagement_by_views", one.engagement_by_views),
        )
        for one in groups
    )
    columns = (str(by), "posts", "measured", "views", "typical_views", "interactions")
    return AnalyticsTable(
        "post_groups", (*columns, "engagement_by_reach", "engagement_by_views"), rows
    )


_CHANNEL_METRICS = ("failure_rate", "lateness_rate")


def channels_table(found: Sequence[ChannelResult], language: str) -> AnalyticsTable:
    """Return accounts with their metrics in a period."""
    rows = tuple(
        (
            one.channel.name,
            render_message(Message(f"platform.{one.channel.platform}"), language),
            one.creator.name,
            one.followers,
            one.followers_gained,
            None if one.growth is None else Fraction(one.growth).limit_denominator(10**6),
            one.values.get("posts_published"),
            one.values.get("views"),
            one.before.get("views"),
            None if one.posts.typical_views is None else round(one.posts.typical_views),
            metric_cell("interactions", one.metric("interactions")),
            metric_cell("engagement_by_reach", one.posts.engagement_by_reach),
            metric_cell("engagement_by_views", one.posts.engagement_by_views),
            *(metric_cell(code, one.metric(code)) for code in _CHANNEL_METRICS),
        )
        for one in found
    )
    columns = (
        *(
            "channel",
            "platform",
            "creator",
            "followers",
            "followers_gained",
            "growth",
            "posts_published",
        ),
        *("views", "views_before", "typical_views", "interactions"),
        *("engagement_by_reach", "engagement_by_views", *_CHANNEL_METRICS),
    )
    return AnalyticsTable("channels", columns, rows)
