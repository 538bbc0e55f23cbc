"""The Forecasts view: sales and followers ahead, value of buyers, leads and cancellations.

Each has its interval, the data that it needs, and its error on the creator's own past."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.analytics import filters
from dashboard.pages.analytics.data_tables import draw_data_table, format_cell
from dashboard.shell import charts
from dashboard.shell.actions import action_button
from dashboard.shell.charts import ChartLabels, ChartPoint, ChartSeries
from dashboard.shell.fan_labels import fan_label
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from foundation.money import Money
from insights.predictions import nightly, storage
from insights.predictions.limits import GRADES, HORIZONS
from insights.predictions.nightly import SetupProgress
from insights.predictions.states import PredictionState, PredictionTask, SetupState
from insights.predictions.storage import StoredPrediction
from insights.reports.tables import prediction_tables
from insights.reports.tables.analytics_tables import AnalyticsTable
from insights.rollups.periods import AnalyticsPeriod
from subscribers.fans import scores
from subscribers.fans.scores import ScoreView
from tenants.agencies.rights import Right

REFRESH_SECONDS = 2
TOP_FANS = 100

BuildTable = Callable[["Predictions"], AnalyticsTable]


@dataclass(frozen=True)
class Predictions:
    """All predictions of the chosen creators."""

    names: dict[UUID, str]
    forecasts: Sequence[StoredPrediction]
    buyers: Sequence[StoredPrediction]
    leads: Sequence[StoredPrediction]
    churn: Sequence[StoredPrediction]
    sentiment: Sequence[StoredPrediction]
    packs: Sequence[StoredPrediction]
    fans: Sequence[ScoreView]
    grades: dict[str, int]
    setup: SetupProgress | None


def render_forecasts(page: PageContext, period: AnalyticsPeriod) -> None:
    """Render the predictions of the chosen creators. They do not depend on the period."""
    found = page.read(partial(_load, page))
    draw_setup(page, found.setup)
    if not found.forecasts and not found.leads:
        draw_template("shell/templates/empty_note.html", note=page.text("predictions.none"))
        return
    _draw_forecast(page, found)
    language = page.localizer.language
    _draw_table(page, period, "forecasts", lambda one: _forecasts_table(one, language))
    _draw_fans(page, found, period)
    st.subheader(page.text("analytics.table.model_cards"))
    _draw_table(page, period, "cards", lambda one: _cards_table(one, language))
    draw_template("shell/templates/note.html", note=page.text("predictions.about"))


def _load(page: PageContext, scope: Scope) -> Predictions:
    chosen = filters.list_chosen_creators(page, scope)
    ids = [one.id for one in chosen]
    repeat = PredictionTask.REPEAT
    churn = PredictionTask.CHURN
    return Predictions(
        names={one.id: one.name for one in chosen},
        forecasts=storage.load_predictions(scope, ids, PredictionTask.FORECAST),
        buyers=storage.load_predictions(scope, ids, repeat),
        leads=storage.load_predictions(scope, ids, PredictionTask.LEADS),
        churn=storage.load_predictions(scope, ids, churn),
        sentiment=storage.load_predictions(scope, ids, PredictionTask.SENTIMENT),
        packs=storage.load_predictions(scope, ids, PredictionTask.PACKS),
        fans=scores.load_scores(scope, ids, repeat, limit=TOP_FANS),
        grades=scores.count_grades(scope, ids, PredictionTask.LEADS),
        setup=nightly.load_setup(scope),
    )


def _draw_table(page: PageContext, period: AnalyticsPeriod, name: str, build: BuildTable) -> None:
    def reload() -> AnalyticsTable:
        return build(page.read(partial(_load, page)))

    draw_data_table(page, reload(), key=f"analytics:{name}", period=period, reload=reload)


def _forecasts_table(found: Predictions, language: str) -> AnalyticsTable:
    return prediction_tables.forecasts_table(found.forecasts, found.names, language)


def _cards_table(found: Predictions, language: str) -> AnalyticsTable:
    every = [*found.forecasts, *found.buyers, *found.leads, *found.churn]
    every += [*found.sentiment, *found.packs]
    return prediction_tables.cards_table(every, found.names, language)


def draw_setup(
    page: PageContext, setup: SetupProgress | None, *, about: str = "predictions.setup.about"
) -> None:
    """Draw the state of the packages unless they are installed. `about` is the message code of what
    needs them."""
    if setup is not None and setup.state is SetupState.INSTALLED:
        return
    if setup is not None and setup.state is SetupState.INSTALLING:
        st.fragment(partial(_draw_progress, page), run_every=REFRESH_SECONDS)()
        return
    if setup is not None and setup.reason is not None:
        st.error(page.localizer.message_text(setup.reason))
    st.info(page.text(about))
    if page.has_right(Right.BOOKS):
        action_button(
            page,
            "predictions.setup.install",
            _request_packages,
            right=Right.BOOKS,
            key="predictions:install",
            icon=":material/download:",
        )


def _draw_progress(page: PageContext) -> None:
    setup = page.read(nightly.load_setup)
    if setup is None or setup.state is not SetupState.INSTALLING:
        st.rerun()
    text = page.text(
        "predictions.setup.progress",
        installed=setup.installed,
        total=setup.total,
        package=setup.package,
    )
    st.progress(setup.installed / setup.total if setup.total else 0.0, text=text)


def _request_packages(scope: Scope, _press_id: UUID) -> Message | None:
    nightly.request_packages(scope)
    return Message("predictions.setup.requested")


def _draw_forecast(page: PageContext, found: Predictions) -> None:
    """Draw the chart of one creator and metric, with a sentence about its quality."""
    language = page.localizer.language
    made = [one for one in found.forecasts if one.state is not PredictionState.WAITING]
    st.subheader(page.text("analytics.table.forecasts"))
    if not made:
        lacking = next((one.lacking for one in found.forecasts if one.lacking), None)
        text = prediction_tables.evidence_text(lacking, language)
        draw_template("shell/templates/empty_note.html", note=text or page.text("predictions.none"))
        return
    subjects = sorted({one.subject for one in made}, key=_subject_order)
    options = {one: prediction_tables.subject_name(one, language) for one in subjects}
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        subject = filters.select_option(
            page, "metric", options, label=page.text("predictions.what")
        )
        mine = {str(one.creator_id): one for one in made if one.subject == subject}
        creator = next(iter(mine))
        if len(mine) > 1:
            names = {one: found.names[UUID(one)] for one in mine}
            label = page.text("analytics.creator")
            creator = filters.select_option(page, "whose", names, label=label)
    _draw_chart(page, mine[creator], options[subject])


def _subject_order(subject: str) -> tuple[int, str]:
    first = ("net", "followers", "views", "new_fans")
    code = subject.partition(":")[0]
    return (first.index(code) if code in first else len(first), subject)


def _draw_chart(page: PageContext, one: StoredPrediction, name: str) -> None:
    last = one.card.last_day
    if last is None:
        return
    past = one.result["past"]
    before = [
        _point(page, one, last - timedelta(days=len(past) - 1 - place), [value])
        for place, value in enumerate(past)
    ]
    ahead = [
        _point(page, one, last + timedelta(days=place), values)
        for place, values in enumerate(one.result["points"], start=1)
    ]
    labels = ChartLabels("", name, _summary(page, one))
    series = [
        ChartSeries(page.text("predictions.past"), before),
        ChartSeries(page.text("predictions.ahead"), ahead),
    ]
    charts.draw_line_chart(page, labels, series, key=f"forecast:{one.creator_id}:{one.subject}")
    draw_template("shell/templates/note.html", note=_quality(page, one))


def _point(
    page: PageContext,
    one: StoredPrediction,
    day: date,
    values: Sequence[float | None],
) -> ChartPoint:
    """Return the point of a day: its value, or its value with both bounds."""
    value, low, high = (*values, None, None)[:3]
    at = page.localizer.format_short_day(day)
    if value is None:
        return ChartPoint(at, None)
    text = _format(page, one, value)
    if low is not None and high is not None:
        bounds = {"low": _format(page, one, low), "high": _format(page, one, high)}
        text = page.text("predictions.range", value=text, **bounds)
    numbers = [_number(one, each) for each in (value, low, high)]
    return ChartPoint(at, numbers[0], text, numbers[1], numbers[2])


def _number(one: StoredPrediction, value: float | None) -> float | None:
    """Return a value for an axis: whole units of the currency, or the value itself."""
    if value is None:
        return None
    found = prediction_tables.prediction_value(one.subject, value)
    return float(found.decimal) if isinstance(found, Money) else value


def _format(page: PageContext, one: StoredPrediction, value: float) -> str:
    return format_cell(page, "forecast", prediction_tables.prediction_value(one.subject, value))


def _summary(page: PageContext, one: StoredPrediction) -> str:
    totals = one.result["totals"]
    horizon = max(int(each) for each in totals)
    shown = 30 if "30" in totals else min(HORIZONS[0], horizon)
    value, low, high = (_format(page, one, each) for each in totals[str(shown)])
    code = "level" if one.subject == "followers" else "flow"
    return page.text(f"predictions.summary.{code}", days=shown, value=value, low=low, high=high)


def _quality(page: PageContext, one: StoredPrediction) -> str:
    error = prediction_tables.relative_error(one)
    values: dict[str, str | int] = {
        "method": page.text(f"predictions.method.{one.card.method}"),
        "baseline": page.text(f"predictions.method.{one.card.baseline}"),
    }
    if one.state is PredictionState.BASELINE or error is None:
        return page.text("predictions.quality.baseline", **values)
    values["error"] = format_cell(page, "relative_error", 1 - error)
    return page.text("predictions.quality.served", **values)


def _draw_fans(page: PageContext, found: Predictions, period: AnalyticsPeriod) -> None:
    """Draw the value of buyers, the grades of leads and the expected cancellations."""
    language = page.localizer.language
    if found.buyers:
        st.subheader(page.text("analytics.table.buyer_value"))
        _draw_table(
            page,
            period,
            "buyers",
            lambda one: prediction_tables.buyers_table(one.buyers, one.names, language),
        )
    if found.fans:
        st.subheader(page.text("analytics.table.fan_value"))
        _draw_table(
            page,
            period,
            "fans",
            lambda one: prediction_tables.fan_values_table(one.fans, partial(fan_label, page)),
        )
    for task, every, draw in (
        (PredictionTask.LEADS, found.leads, _leads_text),
        (PredictionTask.CHURN, found.churn, _churn_text),
        (PredictionTask.PACKS, found.packs, _packs_text),
    ):
        if every:
            st.subheader(page.text(f"predictions.task.{task}"))
            for line in draw(page, found):
                draw_template("shell/templates/note.html", note=line)


def _leads_text(page: PageContext, found: Predictions) -> list[str]:
    counts = {f"grade_{grade.lower()}": found.grades.get(grade, 0) for grade in GRADES}
    lines = [page.text("predictions.leads.grades", **counts)] if found.grades else []
    if not found.grades:
        lines.append(page.text("predictions.leads.none"))
    return [*lines, *_lacking_lines(page, found.leads, found)]


def _churn_text(page: PageContext, found: Predictions) -> list[str]:
    made = [one for one in found.churn if one.state is not PredictionState.WAITING]
    lines = []
    if made:
        running = sum(int(one.result["running"]) for one in made)
        expected = round(sum(float(one.result["expected"]) for one in made))
        lines.append(page.text("predictions.churn.expected", running=running, ended=expected))
    return [*lines, *_lacking_lines(page, found.churn, found)]


def _packs_text(page: PageContext, found: Predictions) -> list[str]:
    fans = sum(int(one.result["fans"]) for one in found.packs)
    popular = sum(int(one.result["popular"]) for one in found.packs)
    number = page.localizer.format_number
    lines = []
    if fans:
        lines.append(page.text("predictions.packs.served", fans=number(fans)))
    if popular:
        lines.append(page.text("predictions.packs.most_bought", packs=number(popular)))
    return [*lines, *_lacking_lines(page, found.packs, found)]


def _lacking_lines(
    page: PageContext, every: Sequence[StoredPrediction], found: Predictions
) -> list[str]:
    language = page.localizer.language
    return [
        f"{found.names[one.creator_id]} · {prediction_tables.evidence_text(one.lacking, language)}"
        for one in every
        if one.lacking is not None
    ]
