"""The Post forecasts view: ranges of running posts, and ranks of scheduled posts."""

from functools import partial

from dashboard.pages.analytics import filters
from dashboard.pages.analytics.data_tables import draw_data_table
from dashboard.pages.posts import result_forecasts
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from insights.predictions import post_forecasts
from insights.predictions.post_forecasts import RunningPost, ScheduledPost
from insights.reports.tables.analytics_tables import AnalyticsTable
from insights.reports.tables.table_files import TableValue
from insights.rollups.periods import AnalyticsPeriod

MAX_TITLE = 60


def render_running_posts(page: PageContext, period: AnalyticsPeriod) -> None:
    """Render the running and scheduled posts of the chosen creators, whatever the period."""
    page_title = ("running_posts", "scheduled_posts")
    for code, build in zip(page_title, (_running_table, _scheduled_table), strict=True):
        draw_template("shell/templates/note.html", note=page.text(f"post_forecasts.{code}.about"))
        draw_data_table(
            page,
            build(page),
            key=f"analytics:post_forecasts:{code}",
            period=period,
            reload=partial(build, page),
        )


def _running_table(page: PageContext) -> AnalyticsTable:
    def read(scope: Scope) -> list[RunningPost]:
        return post_forecasts.list_running_posts(scope, filters.list_chosen_creators(page, scope))

    rows = [_running_row(page, one) for one in page.read(read)]
    columns = (
        *("post", "channel", "published_at", "metric", "read_after", "count"),
        *("expected", "low", "high", "basis"),
    )
    return AnalyticsTable("running_posts", columns, tuple(rows))


def _running_row(page: PageContext, one: RunningPost) -> tuple[TableValue, ...]:
    expected = one.range
    return (
        _title(one.post.title or one.post.words),
        one.channel.name,
        one.post.at.astimezone(page.localizer.zone).date(),
        page.text(f"variants.metric.{one.metric}"),
        page.text("post_forecasts.hours", count=page.localizer.format_number(one.age_hours)),
        one.count,
        expected.expected if expected else None,
        expected.low if expected else None,
        expected.high if expected else None,
        result_forecasts.basis_text(page, one.model, one.missing, is_pooled=one.is_pooled),
    )


def _scheduled_table(page: PageContext) -> AnalyticsTable:
    def read(scope: Scope) -> list[ScheduledPost]:
        return post_forecasts.list_scheduled_posts(scope, filters.list_chosen_creators(page, scope))

    rows = [
        (
            _title(one.entry.title or one.entry.body),
            one.entry.channel,
            one.entry.due_at.astimezone(page.localizer.zone).date(),
            result_forecasts.rank_text(page, one.rank, one.missing),
            result_forecasts.name_reasons(page, one.rank.better if one.rank else ()),
            result_forecasts.name_reasons(page, one.rank.worse if one.rank else ()),
        )
        for one in page.read(read)
    ]
    columns = ("post", "channel", "scheduled_for", "rank", "raises", "lowers")
    return AnalyticsTable("scheduled_posts", columns, tuple(rows))


def _title(text: str) -> str:
    said = " ".join(text.split())
    return said if len(said) <= MAX_TITLE else f"{said[:MAX_TITLE]}…"
