"""The open post of the Content view: its metrics at each age, links, and the orders after it."""

from collections.abc import Mapping
from fractions import Fraction
from functools import partial
from uuid import UUID

from dashboard.media.library_files import picture_url
from dashboard.pages.analytics import sentiment
from dashboard.pages.analytics.content_queries import PostDetail, load_post_detail
from dashboard.shell.charts import ChartLabels, ChartPoint, ChartSeries, draw_line_chart
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from insights.metrics.catalog import METRICS, calculate
from insights.predictions.sentiment import need_comments
from insights.reports.tables.content_tables import POST_METRICS
from insights.reports.tables.prediction_tables import evidence_text
from insights.reports.value_text import format_value

CHARTED = "views"


def render_post(page: PageContext, delivery_id: UUID) -> None:
    """Render a post of the member's creators. The ID comes from the browser."""
    found = page.read(partial(load_post_detail, page=page, delivery_id=delivery_id))
    if found is None:
        draw_template("shell/templates/empty_note.html", note=page.text("content.post_gone"))
        return
    post = found.post
    codes = [
        code
        for code in POST_METRICS
        if any(
            calculate(code, values) is not None for values in (*found.ages.values(), post.values)
        )
    ]
    draw_template(
        "pages/analytics/templates/post.html",
        found=found,
        metrics=[METRICS[code] for code in codes],
        cell=partial(_cell, page),
        sentiment=_describe_sentiment(page, found),
        picture=picture_url(post.picture, "preview") if post.picture else "",
        voice=page.localizer,
        word=page.text,
    )
    _draw_curve(page, found)


def _cell(page: PageContext, code: str, values: Mapping[str, int]) -> str:
    value = calculate(code, values)
    if value is None:
        return page.text("analytics.not_available")
    if METRICS[code].unit == "ratio":
        return format_value(code, Fraction(value), page.localizer.language)
    return page.localizer.format_number(round(value))


def _describe_sentiment(page: PageContext, found: PostDetail) -> str:
    """Return a sentence about the comments under the post, or what it lacks; "" without any."""
    counts = found.post.sentiments
    if counts is None:
        return ""
    today = found.now.astimezone(page.localizer.zone).date()
    lacking = need_comments(counts.classified, today)
    if lacking is not None:
        return evidence_text(lacking, page.localizer.language)
    return sentiment.describe_shares(page, counts)


def _draw_curve(page: PageContext, found: PostDetail) -> None:
    points = [
        ChartPoint(
            _age(page, hours), values[CHARTED], page.localizer.format_number(values[CHARTED])
        )
        for hours, values in found.ages.items()
        if CHARTED in values
    ]
    if len(points) < 2:
        return
    name = page.localizer.message_text(METRICS[CHARTED].name)
    labels = ChartLabels(
        across=page.text("content.post_age"),
        up=name,
        summary=page.text("content.curve", views=points[-1].text, age=points[-1].at),
    )
    draw_line_chart(page, labels, [ChartSeries(name, points)], key="analytics:curve", height=180)


def _age(page: PageContext, hours: int) -> str:
    if hours < 48:
        return page.text("content.hours", hours=hours)
    return page.text("content.days", days=round(hours / 24))
