"""Steps of a day: begin, end and repeat one. Each change of state locks its row."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from sqlmodel import col, select

from foundation.db.database import Scope
from foundation.db.tables import stored_message
from foundation.errors import Conflict, NotFound
from foundation.i18n.translation import Message
from foundation.outbox import outbox
from gate.policy import emergency_stops
from schedules.routines.events import RoutineStepDue
from schedules.routines.models import Routine, RoutineStep
from schedules.routines.states import ENDED_STEP_STATES, STEP_STATES, StepKind, StepState
from tenants import audit

ROUTINE_ACTOR = "system:routine"

TOO_LATE = Message("routine.too_late")
PAUSED = Message("routine.paused_reason")
STOPPED = Message("routine.stopped")

FOLLOWING = frozenset({StepKind.APPROVE, StepKind.PUBLISH})
"""Steps that follow posts which are already proposed. A pause does not end them."""

STOPPABLE = frozenset({StepKind.GENERATE, StepKind.PROPOSE, StepKind.PLAN_WEEK})
"""Steps that produce content. Reports and deadlines continue during an emergency stop."""


@dataclass(frozen=True)
class StepResults:
    """The results of a step so far; fields that its kind does not use are empty.

    `runs` and `pictures` are keyed by prompt template, `posts` and `reasons` by the time of a slot;
    `counts` are figures for display.
    """

    runs: Mapping[str, UUID] = field(default_factory=dict)
    pictures: Mapping[str, tuple[UUID, ...]] = field(default_factory=dict)
    clip_jobs: tuple[UUID, ...] = ()
    clips: tuple[UUID, ...] = ()
    posts: Mapping[str, UUID] = field(default_factory=dict)
    reasons: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    sales: tuple[str, ...] = ()
    """Net sales as amounts with their currency, such as "12.50 EUR"."""

    def reason_of(self, slot: str) -> Message | None:
        """Return the reason why a slot has no post, or None."""
        stored = self.reasons.get(slot)
        return Message.from_json(stored) if stored is not None else None


NO_RESULTS = StepResults()


@dataclass(frozen=True)
class StepView:
    """A step of a routine on a local day; instants are UTC-aware."""

    id: UUID
    creator_id: UUID
    routine_id: UUID
    day: date
    name: str
    kind: StepKind
    slot: str
    due_at: datetime
    over_at: datetime
    state: StepState
    reason: Message | None
    results: StepResults
    ended_at: datetime | None

    def status(self, now: datetime) -> str:
        """Return the state to show at `now`: its stored state within its hours, "waiting" while it
        only follows posts, and "over" once its time has passed although it did not end.

        `now` is UTC-aware.
        """
        if self.state in ENDED_STEP_STATES:
            return str(self.state)
        if now >= self.over_at:
            return "over"
        if now < self.due_at:
            return str(StepState.DUE)
        following = self.state is StepState.RUNNING and self.kind in FOLLOWING
        return "waiting" if following else str(self.state)

    def can_run_again(self, now: datetime) -> bool:
        """Return True if a member can run the step again: it did not succeed and is not over."""
        return self.state in (StepState.SKIPPED, StepState.FAILED) and now < self.over_at


def step_from_row(row: RoutineStep) -> StepView:
    """Return the view of a row."""
    return StepView(
        row.id,
        row.creator_id,
        row.routine_id,
        row.day,
        row.name,
        StepKind(row.kind),
        row.slot,
        row.due_at,
        row.over_at,
        StepState(row.state),
        Message.from_json(row.reason) if row.reason else None,
        _results_adapter().validate_python(row.results),
        row.ended_at,
    )


@cache
def _results_adapter() -> TypeAdapter[StepResults]:
    return TypeAdapter(StepResults)


def begin_step(scope: Scope, step_id: UUID) -> StepView | None:
    """Mark a due step as running and return it, or None if there is nothing to do.

    A repeat of the event returns the running step. A step is skipped, with its reason, if it is
    over, or if an emergency stop covers its creator.
    """
    row = _lock_step(scope, step_id)
    if row is None or row.state in ENDED_STEP_STATES:
        return None
    reason = _find_obstacle(scope, row)
    if reason is not None:
        _move_step(scope, row, StepState.SKIPPED, reason)
        return None
    if row.state == StepState.DUE:
        _move_step(scope, row, StepState.RUNNING, None)
        row.started_at = scope.now
    return step_from_row(row)


def _find_obstacle(scope: Scope, row: RoutineStep) -> Message | None:
    routine = scope.session.get(Routine, (scope.tenant_id, row.routine_id), populate_existing=True)
    if row.kind not in FOLLOWING and (routine is None or not routine.active):
        return PAUSED
    if row.kind != StepKind.PUBLISH and scope.now >= row.over_at:
        return TOO_LATE
    if row.kind in STOPPABLE and emergency_stops.is_stopped(
        scope, "sending", creator=row.creator_id
    ):
        return STOPPED
    return None


def save_step_results(scope: Scope, step_id: UUID, results: StepResults) -> None:
    """Store the results of a running step, so that a repeat continues after them."""
    row = _lock_step(scope, step_id)
    if row is not None and row.state == StepState.RUNNING:
        row.results = _results_adapter().dump_python(results, mode="json")
        scope.add(row)


def end_step(
    scope: Scope,
    step_id: UUID,
    state: StepState,
    reason: Message | None = None,
    *,
    results: StepResults | None = None,
) -> None:
    """End a running step. A step that has ended in the meantime is not changed."""
    row = _lock_step(scope, step_id)
    if row is None or row.state != StepState.RUNNING:
        return
    if results is not None:
        row.results = _results_adapter().dump_python(results, mode="json")
    _move_step(scope, row, state, reason)


def skip_step(scope: Scope, row: RoutineStep, reason: Message) -> None:
    """Skip a step that has not begun, and cancel its event."""
    _move_step(scope, row, StepState.SKIPPED, reason)
    outbox.cancel(scope, RoutineStepDue.kind, row.id)


def restore_step(scope: Scope, row: RoutineStep) -> None:
    """Make a skipped or failed step due again: now, or at its time."""
    _move_step(scope, row, StepState.DUE, None)
    row.results = {}
    row.started_at = row.ended_at = None
    outbox.put(
        scope,
        RoutineStepDue(scope.tenant_id, row.id),
        at=max(row.due_at, scope.now),
        instead_of=RoutineStepDue,
    )


def run_step_again(scope: Scope, creator_id: UUID, step_id: UUID) -> None:
    """Run a skipped or failed step again. Raises NotFound, and Conflict if it is over, done or in
    progress."""
    row = _lock_step(scope, step_id)
    if row is None or row.creator_id != creator_id:
        raise NotFound("routine.step_unknown")
    if not step_from_row(row).can_run_again(scope.now):
        raise Conflict("routine.step_over")
    audit.record(
        scope, "routine.step_again", f"creator:{creator_id}", step=row.name, day=str(row.day)
    )
    restore_step(scope, row)


def get_step(scope: Scope, creator_id: UUID, day: date, name: str) -> StepView | None:
    """Return a step of a day by its name, or None."""
    return next((one for one in list_steps(scope, creator_id, day) if one.name == name), None)


def list_steps(scope: Scope, creator_id: UUID, day: date) -> list[StepView]:
    """Return the steps of a creator's local day, by due time."""
    return [step_from_row(row) for row in list_step_rows(scope, creator_id, day)]


def list_step_rows(
    scope: Scope, creator_id: UUID, day: date, *, lock: bool = False
) -> list[RoutineStep]:
    """Return the rows of a day's steps, by due time; `lock` prevents concurrent changes."""
    query = (
        select(RoutineStep)
        .where(
            RoutineStep.tenant_id == scope.tenant_id,
            RoutineStep.creator_id == creator_id,
            RoutineStep.day == day,
        )
        .order_by(col(RoutineStep.due_at), col(RoutineStep.name))
        .execution_options(populate_existing=True)
    )
    return list(scope.session.exec(query.with_for_update() if lock else query))


def _lock_step(scope: Scope, step_id: UUID) -> RoutineStep | None:
    return scope.session.get(
        RoutineStep, (scope.tenant_id, step_id), with_for_update=True, populate_existing=True
    )


def _move_step(scope: Scope, row: RoutineStep, state: StepState, reason: Message | None) -> None:
    STEP_STATES.check(StepState(row.state), state)
    row.state = str(state)
    row.reason = stored_message(reason)
    row.ended_at = scope.now if state in ENDED_STEP_STATES else None
    scope.add(row)
