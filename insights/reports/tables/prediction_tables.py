"""Tables of predictions: pages and files show the same rows."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from fractions import Fraction
from uuid import UUID

from foundation.i18n.translation import Message, format_date, render_message
from foundation.money import Money
from insights.metrics.catalog import METRICS
from insights.predictions.evidence import NotEnoughData
from insights.predictions.limits import HORIZONS, needed_days
from insights.predictions.sentiment import need_comments
from insights.predictions.storage import StoredPrediction
from insights.reports import fact_texts
from insights.reports.tables.analytics_tables import AnalyticsTable, FanLabel
from insights.reports.tables.table_files import TableValue
from insights.rollups.creator_facts import COMMENT_SENTIMENTS, MESSAGE_SENTIMENTS
from insights.rollups.sentiments import (
    SentimentDay,
    SentimentSource,
    share_of,
    sum_sentiments,
)
from subscribers.conversations.message_sentiments import CLEAR, SentimentCounts
from subscribers.fans.scores import ScoreView
from tenants.agencies.queries import Creator

Names = Mapping[UUID, str]
"""Names of creators by ID."""


def forecasts_table(
    found: Sequence[StoredPrediction], names: Names, language: str
) -> AnalyticsTable:
    """Return one row for each creator, metric and horizon; unknown without enough data."""
    rows: list[tuple[TableValue, ...]] = []
    for one in found:
        for horizon in HORIZONS:
            total = one.result.get("totals", {}).get(str(horizon))
            values = [prediction_value(one.subject, each) for each in total or [None] * 3]
            lacking = one.lacking if total is None else None
            rows.append(
                (
                    names.get(one.creator_id, ""),
                    subject_name(one.subject, language),
                    horizon,
                    *values,
                    relative_error(one),
                    evidence_text(lacking or _lacking_days(one, horizon, total), language),
                )
            )
    columns = ("creator", "metric", "horizon", "forecast", "low", "high")
    return AnalyticsTable("forecasts", (*columns, "relative_error", "evidence"), tuple(rows))


def _lacking_days(one: StoredPrediction, horizon: int, total: object) -> NotEnoughData | None:
    """Return what a horizon lacks in a series that is long enough for shorter ones."""
    have = int(one.result.get("days", 0))
    need = needed_days(horizon)
    if total is not None or have >= need or one.card.last_day is None:
        return None
    return NotEnoughData(have, need, "days", one.card.last_day + timedelta(days=need - have + 1))


def buyers_table(found: Sequence[StoredPrediction], names: Names, language: str) -> AnalyticsTable:
    """Return the expected purchases of known buyers, one row for each creator and currency."""
    rows: list[tuple[TableValue, ...]] = []
    for one in found:
        total = one.result.get("total")
        values = [
            Money(round(each), one.subject) if each is not None else None
            for each in total or [None] * 3
        ]
        active = one.result.get("active")
        purchases = one.result.get("purchases")
        rows.append(
            (
                names.get(one.creator_id, ""),
                one.subject,
                round(active) if active is not None else None,
                round(purchases) if purchases is not None else None,
                *values,
                relative_error(one),
                evidence_text(one.lacking, language),
            )
        )
    columns = ("creator", "currency", "active_buyers", "purchases", "forecast", "low", "high")
    return AnalyticsTable("buyer_value", (*columns, "relative_error", "evidence"), tuple(rows))


def fan_values_table(found: Sequence[ScoreView], label: FanLabel) -> AnalyticsTable:
    """Return the fans with the highest expected value."""
    rows = tuple(
        (
            label(one.fan_id, one.name),
            Fraction(round((one.chance or 0) * 1000), 1000),
            one.value,
            one.low,
            one.high,
        )
        for one in found
    )
    return AnalyticsTable("fan_value", ("fan", "active", "forecast", "low", "high"), rows)


def cards_table(found: Sequence[StoredPrediction], names: Names, language: str) -> AnalyticsTable:
    """Return the model cards of the predictions that are made."""
    rows: list[tuple[TableValue, ...]] = [
        (
            render_message(Message(f"predictions.task.{one.task}"), language),
            names.get(one.creator_id, ""),
            subject_name(one.subject, language),
            render_message(Message(f"predictions.method.{one.card.method}"), language),
            _rounded(one.card.own_error),
            _rounded(one.card.baseline_error),
            render_message(Message(f"predictions.error.{one.card.error_unit}"), language),
            _share(one.card.coverage),
            one.card.samples,
            one.card.first_day,
            one.card.last_day,
            render_message(Message(f"predictions.split.{one.card.split}"), language),
            one.card.version,
        )
        for one in found
        if one.card.own_error is not None
    ]
    columns = ("prediction", "creator", "metric", "method", "own_error", "baseline_error", "unit")
    more = ("coverage", "samples", "first_day", "last_day", "split", "version")
    return AnalyticsTable("model_cards", (*columns, *more), tuple(rows))


def sentiments_table(
    found: Sequence[SentimentDay], creators: Sequence[Creator], today: date, language: str
) -> AnalyticsTable:
    """Return one row for each creator, with the share of negative comments or what it lacks."""
    rows: list[tuple[TableValue, ...]] = []
    for creator in creators:
        mine = [one for one in found if one.creator.id == creator.id]
        comments, messages = (sum_sentiments(mine, source) for source in SentimentSource)
        lacking = need_comments(comments.classified, today)
        rows.append(
            (
                creator.name,
                comments.positive,
                comments.neutral,
                comments.negative,
                share_of(comments.negative, comments),
                evidence_text(lacking, language),
                messages.positive,
                messages.neutral,
                messages.negative,
            )
        )
    columns = (*COMMENT_SENTIMENTS.values(), "negative_comment_rate", "evidence")
    return AnalyticsTable(
        "sentiments", ("creator", *columns, *MESSAGE_SENTIMENTS.values()), tuple(rows)
    )


def sentiment_days_table(found: Sequence[SentimentDay]) -> AnalyticsTable:
    """Return one row for each creator and day with comments or messages."""
    counts: dict[tuple[date, str], dict[SentimentSource, SentimentCounts]] = {}
    for one in found:
        counts.setdefault((one.day, one.creator.name), {})[one.source] = one.counts
    rows = tuple(
        (
            day,
            name,
            *(
                getattr(by_source.get(source, SentimentCounts()), sentiment)
                for source in SentimentSource
                for sentiment in CLEAR
            ),
        )
        for (day, name), by_source in counts.items()
    )
    columns = ("day", "creator", *COMMENT_SENTIMENTS.values(), *MESSAGE_SENTIMENTS.values())
    return AnalyticsTable("sentiment_days", columns, rows)


def subject_name(subject: str, language: str) -> str:
    """Return the name of what is predicted: a metric, with its currency for money."""
    code, _, currency = subject.partition(":")
    metric = METRICS.get(code)
    name = render_message(metric.name, language) if metric is not None else code
    return fact_texts.qualify_currency(name, currency, language)


def prediction_value(subject: str, value: float | None) -> TableValue:
    """Return a predicted value: money in the currency of its subject, or a whole number."""
    if value is None:
        return None
    _, _, currency = subject.partition(":")
    return Money(round(value), currency) if currency else round(value)


def relative_error(one: StoredPrediction) -> Fraction | None:
    """Return the error on past data relative to the baseline's, or None if it is unknown."""
    own = one.card.own_error
    base = one.card.baseline_error
    return _share(own / base) if own is not None and base else None


def evidence_text(lacking: NotEnoughData | None, language: str) -> str:
    """Return a sentence such as "12 of 56 days", with the day on which there is enough data."""
    if lacking is None:
        return ""
    unit = render_message(Message(f"evidence.unit.{lacking.unit}"), language)
    values: dict[str, str | int] = {"have": lacking.have, "need": lacking.need, "unit": unit}
    if lacking.expected_on is None:
        return render_message(Message("evidence.lacking", values), language)
    values["day"] = format_date(lacking.expected_on, language)
    return render_message(Message("evidence.lacking_until", values), language)


def _share(value: float | None) -> Fraction | None:
    return Fraction(round(value * 1000), 1000) if value is not None else None


def _rounded(value: float | None) -> float | None:
    return round(value, 3) if value is not None else None
