"""The part of the Audience view about sentiments: by day, by creator, and how exact they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import partial

import streamlit as st

from dashboard.pages.analytics import filters, forecasts
from dashboard.pages.analytics.data_tables import draw_data_table
from dashboard.shell.charts import ChartLabels, ChartPoint, ChartSeries, draw_bar_chart
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.ops.wall_time import local_day
from insights.predictions import nightly, storage
from insights.predictions.nightly import SetupProgress
from insights.predictions.sentiment import need_comments
from insights.predictions.states import PredictionState, PredictionTask
from insights.predictions.storage import StoredPrediction
from insights.reports.tables import prediction_tables
from insights.reports.tables.analytics_tables import AnalyticsTable
from insights.rollups.periods import AnalyticsPeriod
from insights.rollups.sentiments import (
    SentimentDay,
    SentimentSource,
    load_sentiments,
    sum_sentiments,
)
from subscribers.conversations.message_sentiments import SentimentCounts
from subscribers.conversations.states import Sentiment
from tenants.agencies.queries import Creator, get_agency

COLORS = {
    Sentiment.POSITIVE: "#2f7d4f",
    Sentiment.NEUTRAL: "#8a8598",
    Sentiment.NEGATIVE: "#c2571a",
}
"""Colors of the clear sentiments, in the order of the bars."""


@dataclass(frozen=True)
class Sentiments:
    """The sentiments of the chosen creators in a period, and the model card of one of them."""

    creators: Sequence[Creator]
    days: Sequence[SentimentDay]
    card: StoredPrediction | None
    setup: SetupProgress | None
    today: date


def render_sentiment(page: PageContext, period: AnalyticsPeriod) -> None:
    """Render the sentiments of the chosen creators' comments and messages."""
    st.subheader(page.text("sentiment.title"))
    found = page.read(partial(_load, page, period))
    forecasts.draw_setup(page, found.setup, about="sentiment.setup")
    if not found.days:
        draw_template("shell/templates/empty_note.html", note=page.text("sentiment.none"))
        return
    sources = {str(one): page.text(f"sentiment.of.{one}") for one in SentimentSource}
    source = SentimentSource(
        filters.select_option(page, "texts", sources, label=page.text("sentiment.which"))
    )
    _draw_days(page, found, period, source)
    language = page.localizer.language

    def by_creator() -> AnalyticsTable:
        one = page.read(partial(_load, page, period))
        return prediction_tables.sentiments_table(one.days, one.creators, one.today, language)

    def by_day() -> AnalyticsTable:
        return prediction_tables.sentiment_days_table(page.read(partial(_load, page, period)).days)

    for name, build, sort in (("creators", by_creator, ""), ("days", by_day, "day")):
        key = f"analytics:sentiment:{name}"
        draw_data_table(page, build(), key=key, period=period, reload=build, sort=sort)
    if found.card is not None:
        draw_template("shell/templates/note.html", note=_describe_quality(page, found.card))


def _load(page: PageContext, period: AnalyticsPeriod, scope: Scope) -> Sentiments:
    chosen = filters.list_chosen_creators(page, scope)
    cards = storage.load_predictions(scope, [one.id for one in chosen], PredictionTask.SENTIMENT)
    return Sentiments(
        creators=chosen,
        days=load_sentiments(scope, chosen, period),
        card=cards[0] if cards else None,
        setup=nightly.load_setup(scope),
        today=local_day(scope.now, get_agency(scope).zone),
    )


def _draw_days(
    page: PageContext, found: Sentiments, period: AnalyticsPeriod, source: SentimentSource
) -> None:
    """Draw the sentiments of each day, or say what is missing."""
    counts = sum_sentiments(found.days, source)
    lacking = need_comments(counts.classified, found.today)
    if lacking is not None:
        text = prediction_tables.evidence_text(lacking, page.localizer.language)
        draw_template("shell/templates/empty_note.html", note=text)
        return
    days: dict[date, list[SentimentCounts]] = {}
    for one in found.days:
        if one.source is source:
            days.setdefault(one.day, []).append(one.counts)
    series = [
        ChartSeries(
            page.text(f"sentiment.{sentiment}"),
            [_point(page, day, days.get(day, ()), sentiment) for day in period.days],
            color=color,
        )
        for sentiment, color in COLORS.items()
    ]
    labels = ChartLabels("", page.text(f"sentiment.unit.{source}"), describe_shares(page, counts))
    draw_bar_chart(page, labels, series, key="analytics:sentiment:chart", is_stacked=True)


def _point(
    page: PageContext, day: date, counts: Sequence[SentimentCounts], sentiment: Sentiment
) -> ChartPoint:
    value = sum(getattr(one, sentiment) for one in counts)
    return ChartPoint(
        page.localizer.format_short_day(day), value, page.localizer.format_number(value)
    )


def describe_shares(page: PageContext, counts: SentimentCounts) -> str:
    """Return a sentence with the shares of the classified texts, of which there is at least one."""
    shares = {
        str(one): page.localizer.format_percent(Fraction(getattr(counts, one), counts.classified))
        for one in COLORS
    }
    return page.text(
        "sentiment.summary", count=page.localizer.format_number(counts.classified), **shares
    )


def _describe_quality(page: PageContext, card: StoredPrediction) -> str:
    found = card.result
    is_baseline = found["method"] == found["baseline"]
    state = PredictionState.BASELINE if is_baseline else PredictionState.SERVED
    return page.text(
        f"sentiment.quality.{state}",
        tested=page.localizer.format_number(found["tested"]),
        accuracy=page.localizer.format_percent(Fraction(found["accuracy"])),
        base=page.localizer.format_percent(Fraction(found["baseline_accuracy"])),
        baseline=page.text(f"predictions.method.{found['baseline']}"),
        least=page.localizer.format_percent(Fraction(found["unclear_below"])),
    )
