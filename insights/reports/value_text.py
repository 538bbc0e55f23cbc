"""Values of tables as text, in the language of the reader."""

from datetime import date, timedelta
from fractions import Fraction

from babel.dates import format_skeleton, format_timedelta
from babel.numbers import format_decimal

from foundation.i18n import translation
from foundation.i18n.translation import Message, render_message
from foundation.money import Money
from insights.metrics.catalog import METRICS
from insights.reports.tables.table_files import TableValue

_MONTHS = frozenset({"month", "cohort"})
"""Columns whose dates stand for a month."""

_CURRENCIES = frozenset({"currency", "cost_currency"})
"""Columns of codes of currencies."""


def format_value(column: str, value: TableValue, language: str) -> str:
    """Return a value of a column as text; an unknown value is "n/a"."""
    match value:
        case None:
            return render_message(Message("analytics.not_available"), language)
        case Money():
            return translation.format_money(value, language)
        case Fraction():
            return translation.format_share(value, language)
        case date():
            return _format_day(column, value, language)
        case int():
            return _format_count(column, value, language)
        case _ if column in _CURRENCIES:
            return translation.currency_name(str(value), language)
        case _:
            return str(value)


def _format_day(column: str, day: date, language: str) -> str:
    if column in _MONTHS:
        return str(format_skeleton("yMMMM", day, locale=language))
    return translation.format_date(day, language)


def _format_count(column: str, value: int, language: str) -> str:
    metric = METRICS.get(column)
    if column == "hour":
        return f"{value:02}:00"
    if metric is not None and metric.unit == "seconds":
        return str(format_timedelta(timedelta(seconds=value), threshold=1.5, locale=language))
    return str(format_decimal(value, locale=language))
