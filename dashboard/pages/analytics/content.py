"""The Content view: posts of all networks in one table at an equal age, groups of posts, and the
post that is open."""

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import streamlit as st

from dashboard.media.library_files import picture_url
from dashboard.pages.analytics import filters, post_panel
from dashboard.pages.analytics.data_tables import draw_data_table, draw_downloads
from dashboard.shell.charts import ChartLabels, ChartPoint, draw_ranking_chart
from dashboard.shell.marks import channel_icon_uri
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from insights.metrics.catalog import METRICS
from insights.reports.tables.content_tables import (
    POST_METRICS,
    post_format_name,
    post_group_name,
    post_groups_table,
    posts_table,
)
from insights.rollups import post_results
from insights.rollups.creator_facts import COMMENT_SENTIMENTS
from insights.rollups.periods import AnalyticsPeriod
from insights.rollups.post_results import (
    LATEST,
    MAX_POSTS,
    PostGrouping,
    PostResult,
    group_posts,
)
from insights.rollups.sentiments import MIN_COMMENTS
from subscribers.conversations.states import Sentiment

TABLE = "analytics:posts"
AGES = {"24h": 24, "7d": 168, "latest": LATEST}
FIRST_METRICS = ("views", "interactions", "engagement_by_reach", "engagement_by_views")
"""Metrics beside the post, before the others."""
TOP = 12
"""Number of groups in the chart."""


def render_content(page: PageContext, period: AnalyticsPeriod) -> None:
    """Render the filters, the table of posts, the open post, and the groups."""
    key = filters.controls_key("age")
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom", key=key):
        ages = {name: page.text(f"content.age.{name}") for name in AGES}
        age = filters.select_option(page, "age", ages, label=page.text("content.age"))
    every = page.read(partial(_load, page, period, AGES[age]))
    if not every:
        draw_template("shell/templates/empty_note.html", note=page.text("content.no_posts"))
        return
    shown = sorted(_filter(page, every), key=lambda one: not one.values)  # measured ones first
    measured = sum(bool(one.values) for one in shown)
    draw_template(
        "shell/templates/note.html",
        note=page.text(
            f"content.shown.{age}",
            posts=page.localizer.format_number(len(shown)),
            measured=page.localizer.format_number(measured),
        )
        + (
            " " + page.text("content.newest_only", most=MAX_POSTS)
            if len(every) == MAX_POSTS
            else ""
        ),
    )
    _draw_posts(page, shown)

    def reload() -> list[PostResult]:
        return page.read(partial(_load, page, period, AGES[age]))

    language = page.localizer.language
    with st.container(horizontal=True, gap="small"):
        draw_downloads(
            page,
            "posts",
            key=f"{TABLE}:{age}",
            period=period,
            reload=lambda: posts_table(reload(), language),
        )
    _draw_groups(page, shown, period, reload)


def _load(page: PageContext, period: AnalyticsPeriod, age: int, scope: Scope) -> list[PostResult]:
    chosen = filters.list_chosen_creators(page, scope)
    return post_results.list_post_results(scope, chosen, period, age_hours=age)


def _filter(page: PageContext, every: Sequence[PostResult]) -> list[PostResult]:
    """Draw the filters and return the posts that match all of them."""
    channels = {str(one.channel_id): _channel_name(page, one) for one in every}
    forms = {str(one.form): page.text(f"content.form.{one.form}") for one in every}
    tagged = {str(label.id): label.name for one in every for label in one.labels}
    recipes = {_slug(one.recipe): one.recipe for one in every if one.recipe}
    key = filters.controls_key("posts")
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom", key=key):
        words = st.text_input(
            page.text("content.search"), key="analytics:words", max_chars=60, width=200
        )
        channel = _select(page, "channel", channels)
        form = _select(page, "form", forms)
        label = _select(page, "label", tagged)
        recipe = _select(page, "recipe", recipes)
    return [
        one
        for one in every
        if channel in (filters.ALL, str(one.channel_id))
        and form in (filters.ALL, str(one.form))
        and (label == filters.ALL or label in {str(each.id) for each in one.labels})
        and recipe in (filters.ALL, _slug(one.recipe))
        and words.casefold() in one.title.casefold()
    ]


def _select(page: PageContext, name: str, options: Mapping[str, str]) -> str:
    ordered = dict(sorted(options.items(), key=lambda one: one[1].casefold()))
    return filters.select_filter(page, name, ordered, label=page.text(f"analytics.column.{name}"))


def _slug(name: str) -> str:
    """Return a form of a name that an address may contain."""
    return b64encode(name.encode(), altchars=b"-_").decode().rstrip("=")[:80]


def _channel_name(page: PageContext, one: PostResult) -> str:
    return page.text(
        "content.channel_on", channel=one.channel, platform=page.text(f"platform.{one.platform}")
    )


def _draw_posts(page: PageContext, shown: Sequence[PostResult]) -> None:
    """Draw the table. A row that is chosen opens its post below."""
    columns = _list_columns(page)
    event: Any = st.dataframe(
        {name: [read(one) for one in shown] for name, (read, _) in columns.items()},
        column_config={name: config for name, (_, config) in columns.items()},
        hide_index=True,
        row_height=56,
        height=min(56 * len(shown) + 40, 620),
        placeholder=page.text("analytics.not_available"),
        key=TABLE,
        on_select="rerun",
        selection_mode="single-row",
        alt=page.text("content.table"),
    )
    rows = event["selection"]["rows"]
    if rows and rows[0] < len(shown):
        post_panel.render_post(page, shown[rows[0]].delivery_id)
    else:
        draw_template("shell/templates/note.html", note=page.text("content.open_hint"))


Column = tuple[Callable[[PostResult], Any], Any]


def _list_columns(page: PageContext) -> dict[str, Column]:
    """Return the value and the form of each column, by its name."""
    config = st.column_config
    text = page.text
    names = {one: text(f"analytics.column.{one}") for one in ("post", "creator", "form", "recipe")}
    found: dict[str, Column] = {
        "picture": (
            lambda one: picture_url(one.picture) if one.picture else None,
            config.ImageColumn(text("analytics.column.picture"), width=60),
        ),
        "post": (lambda one: one.title, config.TextColumn(names["post"], width=220)),
        "icon": (
            lambda one: channel_icon_uri(one.platform),
            config.ImageColumn(text("analytics.column.platform"), width=50),
        ),
        "at": (
            lambda one: one.at,
            config.DatetimeColumn(
                text("analytics.column.published_at"),
                format="DD/MM/YYYY HH:mm",
                timezone=page.localizer.zone.key,
            ),
        ),
    }
    for code in (*FIRST_METRICS, *(one for one in POST_METRICS if one not in FIRST_METRICS)):
        metric = METRICS[code]
        found[code] = (
            partial(_metric, code),
            config.NumberColumn(
                page.localizer.message_text(metric.name),
                help=page.localizer.message_text(metric.explanation),
                format="percent" if metric.unit == "ratio" else "localized",
            ),
        )
    return (
        found
        | _list_sentiment_columns(page)
        | {
            "channel": (
                lambda one: one.channel,
                config.TextColumn(text("analytics.column.channel")),
            ),
            "creator": (lambda one: one.creator.name, config.TextColumn(names["creator"])),
            "form": (
                lambda one: post_format_name(one, page.localizer.language),
                config.TextColumn(names["form"]),
            ),
            "label": (
                lambda one: [label.name for label in one.labels],
                config.ListColumn(text("analytics.column.label")),
            ),
            "recipe": (lambda one: one.recipe or None, config.TextColumn(names["recipe"])),
            "url": (
                lambda one: one.url,
                config.LinkColumn(text("analytics.column.url"), display_text=text("insights.open")),
            ),
        }
    )


def _list_sentiment_columns(page: PageContext) -> dict[str, Column]:
    """Return the columns about the comments under a post."""
    config = st.column_config
    found: dict[str, Column] = {}
    for sentiment in (Sentiment.POSITIVE, Sentiment.NEGATIVE):
        metric = METRICS[COMMENT_SENTIMENTS[sentiment]]
        found[metric.code] = (
            partial(_count_comments, str(sentiment)),
            config.NumberColumn(
                page.localizer.message_text(metric.name),
                help=page.localizer.message_text(metric.explanation),
                format="localized",
            ),
        )
    rate = METRICS["negative_comment_rate"]
    found[rate.code] = (
        lambda one: None if one.negative_comments is None else float(one.negative_comments),
        config.NumberColumn(
            page.localizer.message_text(rate.name),
            help=page.text("sentiment.column", need=MIN_COMMENTS),
            format="percent",
        ),
    )
    return found


def _metric(code: str, one: PostResult) -> float | None:
    return one.metric(code)


def _count_comments(sentiment: str, one: PostResult) -> int | None:
    return getattr(one.sentiments, sentiment) if one.sentiments is not None else None


def _draw_groups(
    page: PageContext,
    shown: Sequence[PostResult],
    period: AnalyticsPeriod,
    reload: Callable[[], list[PostResult]],
) -> None:
    """Compare the groups of the posts shown: a chart and a table."""
    st.subheader(page.text("content.groups"))
    options = {str(one): page.text(f"content.by.{one}") for one in PostGrouping}
    by = PostGrouping(filters.select_option(page, "by", options, label=page.text("content.by")))
    language = page.localizer.language
    groups = group_posts(shown, by)
    ranked = [one for one in groups if one.typical_views is not None][:TOP]
    if len(ranked) > 1:
        names = [post_group_name(one, by, language) for one in ranked]
        views = [page.localizer.format_number(round(one.typical_views or 0)) for one in ranked]
        labels = ChartLabels(
            across=options[str(by)],
            up=page.text("analytics.column.typical_views"),
            summary=page.text("content.groups_chart", best=names[0], views=views[0]),
        )
        points = [
            ChartPoint(name, one.typical_views, text)
            for name, one, text in zip(names, ranked, views, strict=True)
        ]
        draw_ranking_chart(page, labels, points, key=f"analytics:groups:{by}")
    draw_data_table(
        page,
        post_groups_table(groups, by, language),
        key=f"analytics:grouped:{by}",
        period=period,
        reload=lambda: post_groups_table(group_posts(reload(), by), by, language),
        sort="typical_views",
    )
    draw_template("shell/templates/note.html", note=page.text("content.groups_about"))
