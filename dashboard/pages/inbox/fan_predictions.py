"""Predictions beside a conversation: the grade of a lead, the expected value of a buyer, the end of
a subscription, and why packs are recommended. Each with its evidence and its baseline."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from uuid import UUID

from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from insights.predictions import storage
from insights.predictions.states import PredictionState, PredictionTask
from insights.predictions.storage import StoredPrediction
from insights.reports.tables import prediction_tables
from subscribers.catalog.recommendations import RecommendationBasis
from subscribers.fans import scores
from subscribers.fans.scores import ScoreView
from tenants.agencies.rights import Right

TASKS = (
    PredictionTask.LEADS,
    PredictionTask.REPEAT,
    PredictionTask.CHURN,
    PredictionTask.PACKS,
)


@dataclass(frozen=True)
class FanPredictions:
    """The predictions about a fan, and the creator's predictions that they come from."""

    scores: Sequence[ScoreView]
    models: Sequence[StoredPrediction]

    def model(self, task: PredictionTask, subject: str = "") -> StoredPrediction | None:
        """Return the creator's prediction of a task, or None."""
        found = (one for one in self.models if (one.task, one.subject) == (task, subject))
        return next(found, None)


@dataclass(frozen=True)
class PredictionLine:
    """One prediction as texts: what, the result, and what it rests on."""

    name: str
    value: str
    note: str


def load_fan_predictions(scope: Scope, creator_id: UUID, fan_id: UUID) -> FanPredictions:
    """Return the predictions about a fan."""
    return FanPredictions(
        scores.load_scores_of_fan(scope, fan_id),
        storage.list_predictions(scope, [creator_id], TASKS),
    )


def render_predictions(page: PageContext, found: FanPredictions) -> None:
    """Render the predictions about a fan. Amounts need the right to see money."""
    lines = [line for score in found.scores for line in _list_lines(page, found, score)]
    missing = [] if lines else list(_list_missing(page, found))
    draw_template(
        "pages/inbox/templates/predictions.html",
        lines=lines,
        missing=missing,
        voice=page.localizer,
        word=page.text,
    )


def _list_lines(
    page: PageContext, found: FanPredictions, score: ScoreView
) -> Iterator[PredictionLine]:
    task = PredictionTask(score.task)
    subject = score.value.currency if task is PredictionTask.REPEAT and score.value else ""
    note = _describe_quality(page, found.model(task, subject))
    if task is PredictionTask.LEADS and score.grade:
        value = page.text("inbox.lead.grade", grade=score.grade)
        if score.chance is not None:
            chance = {"grade": score.grade, "chance": _percent(page, score.chance)}
            value = page.text("inbox.lead.chance", **chance)
        yield PredictionLine(page.text("inbox.lead"), value, note)
    if task is PredictionTask.REPEAT and page.has_right(Right.MONEY):
        value = _describe_value(page, score)
        if value:
            yield PredictionLine(page.text("inbox.expected"), value, note)
    if task is PredictionTask.CHURN and score.chance is not None:
        yield PredictionLine(page.text("inbox.not_renewing"), _percent(page, score.chance), note)


def _describe_value(page: PageContext, score: ScoreView) -> str:
    if score.value is None:
        return ""
    value = page.localizer.format_money(score.value)
    if score.low is None or score.high is None:
        return value
    low = page.localizer.format_money(score.low)
    high = page.localizer.format_money(score.high)
    return page.text("predictions.range", value=value, low=low, high=high)


def _describe_quality(page: PageContext, model: StoredPrediction | None) -> str:
    """Return the method with its error relative to the baseline, or what a better one lacks."""
    if model is None:
        return ""
    lacking = prediction_tables.evidence_text(model.lacking, page.localizer.language)
    method = page.text(f"predictions.method.{model.card.method}") if model.card.method else ""
    if lacking:
        return " ".join(filter(None, (page.text("inbox.by_rule", rule=method), lacking)))
    error = prediction_tables.relative_error(model)
    if model.state is not PredictionState.SERVED or error is None:
        return page.text("predictions.quality.baseline", method=method)
    baseline = page.text(f"predictions.method.{model.card.baseline}")
    less = page.localizer.format_percent(1 - error)
    return page.text("predictions.quality.served", method=method, baseline=baseline, error=less)


def _list_missing(page: PageContext, found: FanPredictions) -> Iterator[str]:
    """Return what predictions about this creator's fans lack."""
    if not found.models:
        yield page.text("predictions.none")
        return
    yield page.text("inbox.no_prediction")
    for one in found.models:
        if one.task is PredictionTask.REPEAT and one.lacking is not None:
            yield prediction_tables.evidence_text(one.lacking, page.localizer.language)


def render_recommendation(
    page: PageContext, found: FanPredictions, basis: RecommendationBasis
) -> None:
    """Render why packs are recommended, and how well the method ranked past purchases."""
    draw_template("shell/templates/note.html", note=describe_recommendation(page, found, basis))


def describe_recommendation(
    page: PageContext, found: FanPredictions, basis: RecommendationBasis
) -> str:
    """Return the reason of the recommended packs, with the result on past purchases."""
    reason = page.text(f"inbox.recommended.{basis}")
    model = found.model(PredictionTask.PACKS)
    if model is None:
        return reason
    card = model.card
    if model.lacking is not None:
        lacking = prediction_tables.evidence_text(model.lacking, page.localizer.language)
        return f"{reason} {page.text('inbox.recommended.lacking', lacking=lacking)}"
    if model.state is PredictionState.BASELINE or card.own_error is None:
        return f"{reason} {page.text('inbox.recommended.unbeaten')}"
    base = card.baseline_error if card.baseline_error is not None else 1.0
    values = {"own": _of_100(1 - card.own_error), "baseline": _of_100(1 - base)}
    return f"{reason} {page.text('inbox.recommended.score', **values)}"


def _of_100(share: float) -> int:
    return round(100 * share)


def _percent(page: PageContext, share: float) -> str:
    return page.localizer.format_percent(Fraction(round(100 * share), 100))
