"""The catalogue of metrics: unit, source, level, formula and platforms of each.

Pages, exports, reports, alerts and the API read it. The name of a metric is the message
`metric.<code>`, its explanation `metric.<code>.help`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from foundation.i18n.translation import Message

Unit = Literal["count", "money", "seconds", "ratio"]
"""Money is in minor units of one currency. Amounts of different currencies are never added."""

Source = Literal["platform", "posts", "ledger", "chats", "studio", "links", "costs", "calculated"]
Level = Literal["post", "channel", "creator"]
"""The lowest level at which a metric exists."""


@dataclass(frozen=True)
class Metric:
    """A metric.

    `summable` metrics may be added over posts, days and channels; the others may not, for example
    reach, which counts accounts that overlap. `formula` is empty for a measured metric, else a sum,
    a difference or a ratio of other codes: the ratio of sums, never the mean of ratios. `platforms`
    are those that report it, or None if it does not depend on the platform.
    """

    code: str
    unit: Unit
    source: Source
    level: Level
    summable: bool
    formula: str = ""
    platforms: frozenset[str] | None = None

    @property
    def name(self) -> Message:
        """Return the name shown to readers."""
        return Message(f"metric.{self.code}")

    @property
    def explanation(self) -> Message:
        """Return the explanation shown as a tooltip."""
        return Message(f"metric.{self.code}.help")


_LIKES = frozenset(
    (
        "bluesky",
        "byhand",
        "discord",
        "facebook",
        "fanvue",
        "instagram",
        "mastodon",
        "own_page",
        "reddit",
        "sandbox",
        "telegram",
        "threads",
        "tiktok",
        "x",
        "youtube",
    )
)
_COMMENTS = _LIKES - {"discord", "telegram"}
_SHARES = frozenset(
    ("bluesky", "byhand", "facebook", "instagram", "mastodon", "sandbox", "threads", "tiktok", "x")
)
_VIEWS = frozenset(
    ("byhand", "instagram", "own_page", "sandbox", "threads", "tiktok", "x", "youtube")
)


def _reported(code: str, *platforms: str, summable: bool = True, unit: Unit = "count") -> Metric:
    return Metric(code, unit, "platform", "post", summable, platforms=frozenset(platforms))


def _calculated(code: str, level: Level, formula: str, unit: Unit = "ratio") -> Metric:
    return Metric(code, unit, "calculated", level, unit in ("count", "money"), formula)


def _measured(code: str, source: Source, level: Level = "creator", unit: Unit = "count") -> Metric:
    return Metric(code, unit, source, level, True)


def _per_day(code: str, source: Source, level: Level = "creator", unit: Unit = "count") -> Metric:
    """A value of one day or period that must not be added to that of another."""
    return Metric(code, unit, source, level, False)


_POSTS = (
    _reported("views", *_VIEWS),
    _reported("reach", "instagram", "sandbox", summable=False),
    _reported("impressions"),
    _reported("likes", *_LIKES),
    _reported("comments", *_COMMENTS),
    _reported("shares", *_SHARES),
    _reported("saves", "byhand", "instagram", "x"),
    _reported("sends"),
    _reported("follows"),
    _reported("clicks", "own_page", "sandbox"),
    _reported("watch_time", unit="seconds"),
    _calculated("interactions", "post", "likes + comments + shares + saves + sends", "count"),
    _calculated("high_intent", "post", "saves + shares + sends + clicks", "count"),
    _calculated("engagement_by_reach", "post", "interactions / reach"),
    _calculated("engagement_by_views", "post", "interactions / views"),
    _calculated("click_rate", "post", "clicks / views"),
)

_CHANNELS = (
    _per_day("followers", "platform", "channel"),
    _measured("followers_gained", "calculated", "channel"),
    _measured("posts_published", "posts", "channel"),
    _measured("posts_failed", "posts", "channel"),
    _measured("posts_late", "posts", "channel"),
    _per_day("lateness_p95", "posts", "creator", "seconds"),
    _calculated("failure_rate", "channel", "posts_failed / posts_published + posts_failed"),
    _calculated("lateness_rate", "channel", "posts_late / posts_published"),
)

_SALES = (
    _measured("gross", "ledger", unit="money"),
    _measured("discounts", "ledger", unit="money"),
    _measured("refunds", "ledger", unit="money"),
    _measured("fees", "ledger", unit="money"),
    _calculated("net", "creator", "gross - refunds", "money"),
    _measured("orders", "ledger"),
    _measured("buyers_new", "ledger"),
    _measured("buyers_returning", "ledger"),
    Metric("buyers", "count", "calculated", "creator", False, "buyers_new + buyers_returning"),
    Metric("average_order", "money", "calculated", "creator", False, "net / orders"),
    Metric("net_per_buyer", "money", "calculated", "creator", False, "net / buyers"),
    _per_day("lifetime_value", "calculated", unit="money"),
    _measured("fans_seen", "platform"),
    _measured("fans_clicked", "links"),
    _measured("fans_chatted", "chats"),
    _calculated("click_conversion", "creator", "fans_clicked / fans_seen"),
    _calculated("chat_conversion", "creator", "fans_chatted / fans_clicked"),
    _calculated("conversion", "creator", "buyers / fans_chatted"),
)

_COSTS = (
    _measured("cost_engines", "costs", unit="money"),
    _measured("cost_api", "costs", unit="money"),
    _measured("cost_chatters", "costs", unit="money"),
    _measured("cost_ads", "costs", unit="money"),
    _measured("cost_other", "costs", unit="money"),
    _calculated(
        "costs",
        "creator",
        "cost_engines + cost_api + cost_chatters + cost_ads + cost_other",
        "money",
    ),
    _calculated("profit", "creator", "net - fees - costs", "money"),
    _calculated("roi", "creator", "profit / costs"),
)

_WORK = (
    _measured("new_fans", "chats"),
    _measured("messages_in", "chats"),
    _measured("messages_out", "chats"),
    _measured("conversations", "chats"),
    _measured("hand_offs", "chats"),
    _calculated("hand_off_rate", "creator", "hand_offs / conversations"),
    _measured("answered", "chats"),
    _measured("positive_comments", "chats"),
    _measured("neutral_comments", "chats"),
    _measured("negative_comments", "chats"),
    _calculated(
        "negative_comment_rate",
        "creator",
        "negative_comments / positive_comments + neutral_comments + negative_comments",
    ),
    _measured("positive_messages", "chats"),
    _measured("neutral_messages", "chats"),
    _measured("negative_messages", "chats"),
    _measured("unanswered", "chats"),
    _per_day("response_time_median", "chats", unit="seconds"),
    _per_day("response_time_p90", "chats", unit="seconds"),
    _measured("generations", "studio"),
    _measured("generations_failed", "studio"),
    _measured("generation_time", "studio", unit="seconds"),
    _calculated("time_per_generation", "creator", "generation_time / generations", "seconds"),
    Metric(
        "cost_per_generation", "money", "calculated", "creator", False, "cost_engines / generations"
    ),
)

METRICS: Mapping[str, Metric] = MappingProxyType(
    {metric.code: metric for metric in (*_POSTS, *_CHANNELS, *_SALES, *_COSTS, *_WORK)}
)
"""All metrics by code, in the order in which pages list them."""

POST_COUNTERS = tuple(metric.code for metric in _POSTS if metric.source == "platform")
"""Counters of a post that platforms report."""


def calculate(code: str, values: Mapping[str, float]) -> float | None:
    """Return a metric from the sums of measured metrics, or None if it is unknown ("n/a").

    In a sum, metrics that are not reported are left out, since platforms report different ones. A
    difference or ratio with an unknown part is unknown, and so is a ratio with a denominator of
    zero or less. Raises KeyError for an unknown code.
    """
    metric = METRICS[code]
    if not metric.formula or code in values:
        return values.get(code)
    top, _, bottom = metric.formula.partition(" / ")
    numerator = _sum_terms(top, values)
    if not bottom:
        return numerator
    denominator = _sum_terms(bottom, values)
    if numerator is None or denominator is None or denominator <= 0:
        return None
    return numerator / denominator


def _sum_terms(terms: str, values: Mapping[str, float]) -> float | None:
    first, *subtracted = terms.split(" - ")
    added = [calculate(code, values) for code in first.split(" + ")]
    known = [value for value in added if value is not None]
    deducted = [calculate(code, values) for code in subtracted]
    if not known or None in deducted:
        return None
    return sum(known) - sum(value for value in deducted if value is not None)
