"""Planning of a routine's day: its steps as rows, each with its event, and the next day's planning.

Planning a day again changes nothing, unless the plan or the creator's time zone has changed.
"""

from datetime import date, timedelta
from uuid import UUID

from sqlmodel import col, select

from foundation.db.database import OpenScope, Scope
from foundation.errors import BadInput
from foundation.ops import telemetry
from foundation.ops.wall_time import day_bounds, local_day
from foundation.outbox import outbox
from schedules.routines import steps
from schedules.routines.events import RoutineDayDue, RoutineStepDue
from schedules.routines.models import Routine, RoutineStep
from schedules.routines.plans import PlannedStep, plan_day, plan_from_json
from schedules.routines.states import StepKind, StepState
from schedules.routines.steps import ROUTINE_ACTOR
from tenants.agencies import queries

PUBLISH_LEAD = timedelta(seconds=30)
"""Time from a slot to the first look at its posts, which are published at the slot."""

log = telemetry.get_logger("schedules.routines")


def plan_routine_day(event: RoutineDayDue, *, tenant: OpenScope) -> None:
    """Plan the local day that has begun, if the routine is still active."""
    with tenant(event.tenant_id, ROUTINE_ACTOR) as scope:
        row = scope.session.get(Routine, (scope.tenant_id, event.subject_id))
        if row is not None and row.active:
            plan_today(scope, row)


def plan_routines(scope: Scope) -> None:
    """Plan today for every active routine of the agency, so that a lost event costs no day."""
    rows = scope.session.exec(
        select(Routine)
        .where(Routine.tenant_id == scope.tenant_id, Routine.active)
        .order_by(col(Routine.id))
    ).all()
    for row in rows:
        try:
            plan_today(scope, row)
        except BadInput as error:  # an invalid time zone affects this creator only
            log.warning("routine.not_planned", error=telemetry.describe_error(error))


def plan_today(scope: Scope, row: Routine) -> None:
    """Write the missing steps of the creator's local day, update those that are due, and schedule
    the planning of the next day.

    Steps whose time is over are skipped with that reason; steps that began keep their times. Raises
    BadInput for an unknown time zone.
    """
    scope.lock(f"{scope.tenant_id}:routine:{row.creator_id}")
    zone = queries.get_creator(scope, row.creator_id).zone
    day = local_day(scope.now, zone)
    planned = {step.name: step for step in plan_day(plan_from_json(row.plan), day, zone)}
    known = {one.name: one for one in steps.list_step_rows(scope, row.creator_id, day, lock=True)}
    for name, step in planned.items():
        if name in known:
            _update_due_step(scope, known[name], step)
        else:
            _add_step(scope, row, step, day)
    for name, one in known.items():
        if name not in planned and one.state == StepState.DUE:
            outbox.cancel(scope, RoutineStepDue.kind, one.id)
            scope.session.delete(one)
    outbox.put(
        scope,
        RoutineDayDue(scope.tenant_id, row.id),
        at=day_bounds(day, zone)[1],
        instead_of=RoutineDayDue,
    )


def _add_step(scope: Scope, routine: Routine, step: PlannedStep, day: date) -> None:
    row = RoutineStep(
        tenant_id=scope.tenant_id,
        creator_id=routine.creator_id,
        routine_id=routine.id,
        day=day,
        name=step.name,
        kind=str(step.kind),
        slot=step.slot,
        due_at=step.due_at,
        over_at=step.over_at,
    )
    scope.add(row)
    _enqueue_step(scope, row.id, step)


def _update_due_step(scope: Scope, row: RoutineStep, step: PlannedStep) -> None:
    if row.state != StepState.DUE:
        return
    changed = (row.due_at, row.over_at) != (step.due_at, step.over_at)
    if changed or not outbox.is_pending(scope, row.id, RoutineStepDue.kind):
        row.due_at = step.due_at
        row.over_at = step.over_at
        scope.add(row)
        _enqueue_step(scope, row.id, step)


def _enqueue_step(scope: Scope, step_id: UUID, step: PlannedStep) -> None:
    lead = PUBLISH_LEAD if step.kind is StepKind.PUBLISH else timedelta()
    outbox.put(
        scope,
        RoutineStepDue(scope.tenant_id, step_id),
        at=max(step.due_at + lead, scope.now),
        instead_of=RoutineStepDue,
    )
