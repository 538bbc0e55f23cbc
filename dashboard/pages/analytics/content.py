"""The Content view: posts of all networks in one table at an equal age, groups of posts, and the
post that is open."""

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import partial
from html import escape
from typing import Any

import streamlit as st

from dashboard.media.library_files import picture_url
from dashboard.pages.analytics import filters, post_panel
from dashboard.shell.charts import ChartLabels, ChartPoint, draw_ranking_chart
from dashboard.shell.marks import CHANNEL_MARKS, UNKNOWN_COLOR
from dashboard.shell.page_context import PageContext
from dashboard.shell.tables import Table, TableCell, TableColumn, TableRow, draw_table
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from insights.metrics.catalog import METRICS
from insights.reports.table_files import (
    FILE_TYPES,
    FileFormat,
    Sheet,
    TableValue,
    render_table_file,
)
from insights.rollups import post_results
from insights.rollups.periods import AnalyticsPeriod
from insights.rollups.post_results import (
    LATEST,
    MAX_POSTS,
    PostGroup,
    PostGrouping,
    PostResult,
    group_posts,
)

TABLE = "analytics:posts"
AGES = {"24h": 24, "7d": 168, "latest": LATEST}
METRIC_COLUMNS = (
    *("views", "reach", "likes", "comments", "shares", "saves", "clicks", "interactions"),
    *("high_intent", "engagement_by_reach", "engagement_by_views"),
)
TOP = 12
"""Number of groups in the chart."""


def render_content(page: PageContext, period: AnalyticsPeriod) -> None:
    """Render the filters, the table of posts, the open post, and the groups."""
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        ages = {name: page.text(f"content.age.{name}") for name in AGES}
        age = filters.select_option(page, "age", ages, label=page.text("content.age"))
    every = page.read(partial(_load, page, period, AGES[age]))
    if not every:
        draw_template("shell/templates/empty_note.html", note=page.text("content.no_posts"))
        return
    shown = _filter(page, every)
    measured = sum(bool(one.values) for one in shown)
    draw_template(
        "shell/templates/note.html",
        note=page.text(
            f"content.shown.{age}",
            posts=page.localizer.format_number(len(shown)),
            measured=page.localizer.format_number(measured),
        )
        + (" " + page.text("content.newest_only", most=MAX_POSTS) if len(every) == MAX_POSTS else ""),
    )
    _draw_posts(page, shown)
    _draw_downloads(page, period, age)
    _draw_groups(page, shown)


def _load(page: PageContext, period: AnalyticsPeriod, age: int, scope: Scope) -> list[PostResult]:
    chosen = filters.list_chosen_creators(page, scope)
    return post_results.list_post_results(scope, chosen, period, age_hours=age)


def _filter(page: PageContext, every: Sequence[PostResult]) -> list[PostResult]:
    """Draw the filters and return the posts that match all of them."""
    channels = {str(one.channel_id): _channel_name(page, one) for one in every}
    forms = {str(one.form): page.text(f"content.form.{one.form}") for one in every}
    tagged = {str(label.id): label.name for one in every for label in one.labels}
    recipes = {_slug(one.recipe): one.recipe for one in every if one.recipe}
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        channel = _select(page, "channel", channels)
        form = _select(page, "form", forms)
        label = _select(page, "label", tagged)
        recipe = _select(page, "template", recipes)
    return [
        one
        for one in every
        if channel in (filters.ALL, str(one.channel_id))
        and form in (filters.ALL, str(one.form))
        and (label == filters.ALL or label in {str(each.id) for each in one.labels})
        and recipe in (filters.ALL, _slug(one.recipe))
    ]


def _select(page: PageContext, name: str, options: Mapping[str, str]) -> str:
    ordered = dict(sorted(options.items(), key=lambda one: one[1].casefold()))
    return filters.select_filter(page, name, ordered, label=page.text(f"content.column.{name}"))


def _slug(name: str) -> str:
    """Return a form of a name that an address may contain."""
    return b64encode(name.encode(), altchars=b"-_").decode().rstrip("=")[:80]


def _channel_name(page: PageContext, one: PostResult) -> str:
    return page.text(
        "content.channel_on", channel=one.channel, platform=page.text(f"platform.{one.platform}")
    )


def _draw_posts(page: PageContext, shown: Sequence[PostResult]) -> None:
    """Draw the table. A row that is chosen opens its post below."""
    import pandas as pd  # noqa: PLC0415  imported with the first table, see `preload_pages`

    columns = _list_columns(page)
    data = {name: [read(one) for one in shown] for name, (read, _) in columns.items()}
    event: Any = st.dataframe(
        pd.DataFrame(data),
        column_config={name: config for name, (_, config) in columns.items()},
        hide_index=True,
        row_height=56,
        height=min(56 * len(shown) + 40, 620),
        placeholder=page.text("content.not_available"),
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
    names = {one: text(f"content.column.{one}") for one in ("post", "creator", "form", "template")}
    found: dict[str, Column] = {
        "picture": (
            lambda one: picture_url(one.picture) if one.picture else None,
            config.ImageColumn(text("content.column.picture"), width=60),
        ),
        "post": (lambda one: one.title, config.TextColumn(names["post"], width=220)),
        "icon": (_channel_icon_uri, config.ImageColumn("", width=36)),
        "channel": (lambda one: one.channel, config.TextColumn(text("content.column.channel"))),
        "creator": (lambda one: one.creator.name, config.TextColumn(names["creator"])),
        "at": (
            lambda one: one.at,
            config.DatetimeColumn(
                text("content.column.at"),
                format="DD/MM/YYYY HH:mm",
                timezone=page.localizer.zone.key,
            ),
        ),
    }
    for code in METRIC_COLUMNS:
        metric = METRICS[code]
        found[code] = (
            partial(_metric, code),
            config.NumberColumn(
                page.localizer.message_text(metric.name),
                help=page.localizer.message_text(metric.explanation),
                format="percent" if metric.unit == "ratio" else "localized",
            ),
        )
    return found | {
        "form": (
            lambda one: text(f"content.form.{one.form}"),
            config.TextColumn(names["form"]),
        ),
        "label": (
            lambda one: [label.name for label in one.labels],
            config.ListColumn(text("content.column.label")),
        ),
        "template": (lambda one: one.recipe or None, config.TextColumn(names["template"])),
        "url": (
            lambda one: one.url,
            config.LinkColumn(text("content.column.url"), display_text=text("insights.open")),
        ),
    }


def _metric(code: str, one: PostResult) -> float | None:
    return one.metric(code)


def _channel_icon_uri(one: PostResult) -> str:
    """Return the icon of a platform as a data URI, because cells contain no HTML."""
    letters, color = CHANNEL_MARKS.get(
        one.platform, (one.platform[:2].capitalize(), UNKNOWN_COLOR)
    )
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="28" height="28">'
        f'<rect width="28" height="28" rx="7" fill="{color}"/><text x="14" y="19" fill="#fff"'
        ' font-family="sans-serif" font-size="13" font-weight="700" text-anchor="middle">'
        f"{escape(letters)}</text></svg>"
    )
    return f"data:image/svg+xml;base64,{b64encode(svg.encode()).decode()}"


def _draw_downloads(page: PageContext, period: AnalyticsPeriod, age: str) -> None:
    with st.container(horizontal=True, gap="small"):
        for form, mime in FILE_TYPES.items():
            st.download_button(
                page.text(f"content.download.{form}"),
                partial(_make_file, page, period, age, form),
                f"posts-{period.first}-{period.last}-{age}.{form}",
                mime,
                key=f"analytics:posts:{form}",
                icon=":material/download:",
                type="tertiary",
                on_click="ignore",
            )


def _make_file(page: PageContext, period: AnalyticsPeriod, age: str, form: FileFormat) -> bytes:
    """Return all posts of the period as a file, with the rights that the member has now."""
    found = page.read(partial(_load, page, period, AGES[age]))
    return render_table_file(form, build_sheet(page, found))


def build_sheet(page: PageContext, found: Sequence[PostResult]) -> Sheet:
    """Return the posts as a table of a file. Times are UTC."""
    names = ("at", "creator", "channel", "platform", "post", "form", "label", "template")
    headers = [page.text(f"content.column.{name}") for name in names]
    headers += [page.localizer.message_text(METRICS[code].name) for code in METRIC_COLUMNS]
    return Sheet(
        page.text("insights.view.content"),
        [*headers, page.text("content.column.url")],
        [_build_row(page, one) for one in found],
    )


def _build_row(page: PageContext, one: PostResult) -> list[TableValue]:
    metrics: list[TableValue] = []
    for code in METRIC_COLUMNS:
        value = one.metric(code)
        if value is None:
            metrics.append(None)
        elif METRICS[code].unit == "ratio":
            metrics.append(Fraction(value).limit_denominator(10**6))
        else:
            metrics.append(round(value))
    return [
        one.at,
        one.creator.name,
        one.channel,
        page.text(f"platform.{one.platform}"),
        one.title,
        page.text(f"content.form.{one.form}"),
        ", ".join(label.name for label in one.labels),
        one.recipe,
        *metrics,
        one.url,
    ]


def _draw_groups(page: PageContext, shown: Sequence[PostResult]) -> None:
    """Compare the groups of the posts shown: a chart and a table."""
    st.subheader(page.text("content.groups"))
    options = {str(one): page.text(f"content.by.{one}") for one in PostGrouping}
    by = PostGrouping(filters.select_option(page, "by", options, label=page.text("content.by")))
    groups = group_posts(shown, by)
    ranked = [one for one in groups if one.typical_views is not None][:TOP]
    if len(ranked) > 1:
        number = page.localizer.format_number
        labels = ChartLabels(
            across=options[str(by)],
            up=page.text("content.typical_views"),
            summary=page.text(
                "content.groups_chart",
                best=_group_name(page, ranked[0], by),
                views=number(round(ranked[0].typical_views or 0)),
            ),
        )
        points = [
            ChartPoint(
                _group_name(page, one, by),
                one.typical_views,
                number(round(one.typical_views or 0)),
            )
            for one in ranked
        ]
        draw_ranking_chart(page, labels, points, key=f"analytics:groups:{by}")
    draw_table(
        page,
        Table(
            caption=page.text("content.groups"),
            columns=[
                TableColumn(options[str(by)]),
                *(
                    TableColumn(name, is_number=True)
                    for name in (
                        page.text("content.column.posts"),
                        page.text("content.column.measured"),
                        page.localizer.message_text(METRICS["views"].name),
                        page.text("content.typical_views"),
                        page.localizer.message_text(METRICS["interactions"].name),
                        page.localizer.message_text(METRICS["engagement_by_reach"].name),
                        page.localizer.message_text(METRICS["engagement_by_views"].name),
                    )
                ),
            ],
            rows=[TableRow(_build_group(page, one, by)) for one in groups],
        ),
        key=f"analytics:grouped:{by}",
        on_press=lambda _: None,
    )
    draw_template("shell/templates/note.html", note=page.text("content.groups_about"))


def _group_name(page: PageContext, one: PostGroup, by: PostGrouping) -> str:
    if by is PostGrouping.FORM:
        return page.text(f"content.form.{one.name}")
    return one.name or page.text(f"content.without.{by}")


def _build_group(page: PageContext, one: PostGroup, by: PostGrouping) -> list[TableCell]:
    voice, missing = page.localizer, page.text("content.not_available")

    def number(value: float | None) -> str:
        return missing if value is None else voice.format_number(round(value))

    def percent(value: float | None) -> str:
        return missing if value is None else voice.format_ratio(value)

    texts = (
        _group_name(page, one, by),
        *(number(value) for value in (one.posts, one.measured, one.views, one.typical_views)),
        number(one.interactions),
        percent(one.engagement_by_reach),
        percent(one.engagement_by_views),
    )
    return [TableCell(text) for text in texts]
