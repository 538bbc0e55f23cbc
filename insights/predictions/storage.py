"""Predictions as rows: stored, and read with their model cards."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from foundation.db.database import Scope
from insights.predictions.evidence import NotEnoughData
from insights.predictions.models import Prediction
from insights.predictions.states import PredictionState, PredictionTask, SetupState
from tenants.agencies.queries import list_creators

SHOWN_DAYS = 90
"""Days of the past that are stored with a forecast for its chart."""


@dataclass(frozen=True)
class ModelCard:
    """The quality of a prediction: the served method, its error on past data
    that did not determine it, the baseline's, the coverage of the 80 % interval, and the data."""

    method: str
    baseline: str
    own_error: float | None
    baseline_error: float | None
    error_unit: str
    coverage: float | None
    first_day: date | None
    last_day: date | None
    split: str
    samples: int
    version: int


@dataclass(frozen=True)
class StoredPrediction:
    """The latest prediction of a subject; `lacking` is what it needs before it can be made."""

    creator_id: UUID
    task: PredictionTask
    subject: str
    state: PredictionState
    card: ModelCard
    lacking: NotEnoughData | None
    result: dict[str, Any]
    computed_at: datetime
    parameters: dict[str, Any] = field(default_factory=dict)
    selected_at: datetime | None = None


def waiting_prediction(
    creator_id: UUID,
    task: PredictionTask,
    subject: str,
    lacking: NotEnoughData | None,
    now: datetime,
) -> StoredPrediction:
    """Return the row of a prediction that lacks data."""
    card = ModelCard("", "", None, None, "", None, None, None, "", 0, 1)
    return StoredPrediction(
        creator_id, task, subject, PredictionState.WAITING, card, lacking, {}, now
    )


def store_predictions(
    scope: Scope,
    creator_ids: Collection[UUID],
    tasks: Collection[PredictionTask],
    found: Sequence[StoredPrediction],
) -> None:
    """Replace the predictions of these tasks of these creators."""
    scope.run(
        "DELETE FROM predictions WHERE tenant_id = :tenant"
        " AND creator_id = ANY(CAST(:creators AS uuid[])) AND task = ANY(:tasks)",
        tenant=scope.tenant_id,
        creators=list(creator_ids),
        tasks=[str(task) for task in tasks],
    )
    scope.add(*(_as_row(scope, one) for one in found))


def _as_row(scope: Scope, one: StoredPrediction) -> Prediction:
    lacking = one.lacking or NotEnoughData(0, 0, "")
    card = one.card
    return Prediction(
        tenant_id=scope.tenant_id,
        creator_id=one.creator_id,
        task=one.task,
        subject=one.subject,
        state=one.state,
        method=card.method,
        baseline=card.baseline,
        own_error=card.own_error,
        baseline_error=card.baseline_error,
        error_unit=card.error_unit,
        coverage=card.coverage,
        first_day=card.first_day,
        last_day=card.last_day,
        split=card.split,
        samples=card.samples,
        version=card.version,
        have=lacking.have,
        need=lacking.need,
        unit=lacking.unit,
        expected_on=lacking.expected_on,
        parameters=one.parameters,
        result=one.result,
        selected_at=one.selected_at,
        computed_at=one.computed_at,
    )


def load_predictions(
    scope: Scope, creator_ids: Collection[UUID], task: PredictionTask
) -> list[StoredPrediction]:
    """Return the predictions of a task, by creator and subject."""
    return list_predictions(scope, creator_ids, [task])


def list_predictions(
    scope: Scope,
    creator_ids: Collection[UUID],
    tasks: Collection[PredictionTask],
    *,
    subjects: Collection[str] | None = None,
) -> list[StoredPrediction]:
    """Return the predictions of several tasks, by creator, task and subject; those of `subjects`,
    or all with None."""
    about = [] if subjects is None else [col(Prediction.subject).in_(list(subjects))]
    rows = scope.session.exec(
        select(Prediction)
        .where(
            Prediction.tenant_id == scope.tenant_id,
            col(Prediction.creator_id).in_(list(creator_ids)),
            col(Prediction.task).in_([str(one) for one in tasks]),
            *about,
        )
        .order_by(col(Prediction.creator_id), col(Prediction.task), col(Prediction.subject))
    )
    return [_from_row(row) for row in rows]


def _from_row(row: Prediction) -> StoredPrediction:
    return StoredPrediction(
        creator_id=row.creator_id,
        task=PredictionTask(row.task),
        subject=row.subject,
        state=PredictionState(row.state),
        card=ModelCard(
            row.method,
            row.baseline,
            row.own_error,
            row.baseline_error,
            row.error_unit,
            row.coverage,
            row.first_day,
            row.last_day,
            row.split,
            row.samples,
            row.version,
        ),
        lacking=(
            NotEnoughData(row.have, row.need, row.unit, row.expected_on) if row.need else None
        ),
        result=row.result,
        computed_at=row.computed_at,
        parameters=row.parameters,
        selected_at=row.selected_at,
    )


def latest_computation(scope: Scope) -> datetime | None:
    """Return the time of the latest nightly prediction of the agency, or None."""
    found: datetime | None = scope.run(
        "SELECT max(computed_at) FROM predictions WHERE tenant_id = :tenant AND task <> :hourly",
        tenant=scope.tenant_id,
        hourly=str(PredictionTask.SENTIMENT),
    ).scalar()
    return found


def load_setup_state(scope: Scope) -> SetupState | None:
    """Return the state of the packages, or None before the first nightly predictions."""
    found = scope.run(
        "SELECT state FROM prediction_setups WHERE tenant_id = :tenant", tenant=scope.tenant_id
    ).scalar()
    return SetupState(found) if found else None


def lacks_prediction(scope: Scope, task: PredictionTask) -> bool:
    """Return True if a creator has no prediction of a task."""
    known = scope.run(
        "SELECT DISTINCT creator_id FROM predictions WHERE tenant_id = :tenant AND task = :task",
        tenant=scope.tenant_id,
        task=str(task),
    ).scalars()
    return not {one.id for one in list_creators(scope)} <= set(known)
