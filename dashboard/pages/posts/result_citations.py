"""Texts of the measured results that a suggestion uses. Their figures are computed, never written
by a model."""

from collections.abc import Collection
from datetime import time
from fractions import Fraction
from uuid import UUID

from dashboard.shell.page_context import PageContext
from insights.metrics.catalog import METRICS
from schedules.suggestions.shared import results
from schedules.suggestions.shared.results import HourResult, MeasuredResults, ResultLesson


def describe_lesson(page: PageContext, one: ResultLesson) -> str:
    """Return what did better than usual, with its figures."""
    named = one.kind in ("tag", "label")
    name = one.name if named else page.text(f"ideas.{one.kind}.{one.name}")
    counts: dict[str, str | int] = {"name": name, "better": one.better, "posts": one.posts}
    if one.gain_percent is None:
        return page.text("ideas.lesson", **counts)
    return page.text("ideas.lesson_gain", **counts, gain=_percent(page, one.gain_percent))


def describe_hour(page: PageContext, one: HourResult) -> str:
    """Return an hour with its difference from usual, the interval and the posts."""
    return page.text(
        "results.hour",
        clock=f"{time(one.clock):%H:%M}",
        days=page.text("results.weekend" if one.weekend else "results.workdays"),
        account=one.account,
        lift=_percent(page, one.lift_percent),
        low=_percent(page, one.low_percent),
        high=_percent(page, one.high_percent),
        posts=page.localizer.format_number(one.posts),
    )


def describe_outlook(page: PageContext, found: MeasuredResults) -> list[str]:
    """Return the best hours and the forecasts of the next week."""
    lines = [describe_hour(page, one) for one in found.hours]
    number = page.localizer.format_number
    for one in found.forecasts:
        metric = METRICS.get(one.metric)
        name = page.localizer.message_text(metric.name) if metric is not None else one.metric
        values = {"value": number(one.value), "low": number(one.low), "high": number(one.high)}
        lines.append(page.text("results.forecast", metric=name, days=one.days, **values))
    return lines


def describe_best_hour(
    page: PageContext,
    found: MeasuredResults | None,
    channels: Collection[UUID],
    *,
    weekend: bool,
    clock: int,
) -> str:
    """Return the evidence of an hour of these accounts, or "" without any."""
    if found is None:
        return ""
    known = results.best_hours(found, channels, weekend=weekend)
    return next((describe_hour(page, one) for one in known if one.clock == clock), "")


def _percent(page: PageContext, percent: int) -> str:
    text = page.localizer.format_percent(Fraction(percent, 100))
    return f"+{text}" if percent > 0 else text
