"""The Post forecasts view: ranges of running posts, and ranks of scheduled posts."""

from collections.abc import Sequence
from functools import partial

from dashboard.pages.analytics import filters
from dashboard.pages.analytics.data_tables import draw_data_table
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from insights.predictions import post_forecasts
from insights.predictions.draft_ranks import DraftRank
from insights.predictions.evidence import NotEnoughData
from insights.predictions.growth import GrowthModel
from insights.predictions.post_forecasts import RunningPost, ScheduledPost
from insights.reports.tables.analytics_tables import AnalyticsTable
from insights.reports.tables.table_files import TableValue
from insights.rollups.periods import AnalyticsPeriod

BEST_SHARE = 0.9
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
        _basis(page, one.model, one.missing, is_pooled=one.is_pooled),
    )


def _basis(
    page: PageContext, model: GrowthModel | None, missing: NotEnoughData | None, *, is_pooled: bool
) -> str:
    """Describe the posts that a range rests on and its error on them."""
    number = page.localizer.format_number
    if model is None:
        have, need = (missing.have, missing.need) if missing else (0, 0)
        return page.text("post_forecasts.missing", have=number(have), need=number(need))
    return page.text(
        "post_forecasts.pooled" if is_pooled else "post_forecasts.own",
        posts=number(model.posts),
        error=number(round(100 * model.error)),
        baseline=number(round(100 * model.baseline_error)),
    )


def _scheduled_table(page: PageContext) -> AnalyticsTable:
    def read(scope: Scope) -> list[ScheduledPost]:
        return post_forecasts.list_scheduled_posts(scope, filters.list_chosen_creators(page, scope))

    rows = [
        (
            _title(one.entry.title or one.entry.body),
            one.entry.channel,
            one.entry.due_at.astimezone(page.localizer.zone).date(),
            _rank_text(page, one.rank, one.missing),
            _reasons(page, one.rank.better if one.rank else ()),
            _reasons(page, one.rank.worse if one.rank else ()),
        )
        for one in page.read(read)
    ]
    columns = ("post", "channel", "scheduled_for", "rank", "raises", "lowers")
    return AnalyticsTable("scheduled_posts", columns, tuple(rows))


def _rank_text(page: PageContext, rank: DraftRank | None, missing: NotEnoughData | None) -> str:
    if rank is not None:
        code = "post_forecasts.top" if rank.share >= BEST_SHARE else "post_forecasts.beats"
        return page.text(code, share=page.localizer.format_number(round(100 * rank.share)))
    if missing is not None:
        number = page.localizer.format_number
        have = number(missing.have)
        need = number(missing.need)
        return page.text("post_forecasts.missing", have=have, need=need)
    return page.text("post_forecasts.unproven")


def _reasons(page: PageContext, terms: Sequence[str]) -> str | None:
    """Return the words and features as a text. They come from posts and are escaped when drawn."""
    named = [
        page.text(f"post_forecasts.form.{one[5:]}") if one in ("form:picture", "form:text") else one
        for one in terms
    ]
    return ", ".join(named) or None


def _title(text: str) -> str:
    said = " ".join(text.split())
    return said if len(said) <= MAX_TITLE else f"{said[:MAX_TITLE]}…"
