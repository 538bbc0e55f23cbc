"""The routine of a creator: save, pause, resume and read it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlmodel import select

from channels.accounts.queries import list_creator_channels
from foundation.db.database import Scope
from foundation.errors import BadInput, NotFound
from foundation.ops.wall_time import local_day
from foundation.outbox import outbox
from schedules.approvals.approvers import list_creator_approvers
from schedules.calendar.versioned_actions import StaleVersion
from schedules.routines import day_schedule, steps
from schedules.routines.events import RoutineDayDue
from schedules.routines.models import Routine
from schedules.routines.plans import RoutinePlan, plan_from_json, plan_to_json
from schedules.routines.states import StepState
from studio.recipes.queries import list_recipes
from tenants import audit
from tenants.agencies import queries


@dataclass(frozen=True)
class RoutineView:
    """The routine of a creator; `version` grows with each change, pauses included."""

    id: UUID
    creator_id: UUID
    plan: RoutinePlan
    active: bool
    version: int


def find_routine(scope: Scope, creator_id: UUID) -> RoutineView | None:
    """Return the routine of a creator, or None."""
    row = _find_row(scope, creator_id)
    if row is None:
        return None
    return RoutineView(row.id, row.creator_id, plan_from_json(row.plan), row.active, row.version)


def save_routine(
    scope: Scope, creator_id: UUID, plan: RoutinePlan, *, version: int | None = None
) -> RoutineView:
    """Create or change the routine of a creator, and plan today's remaining steps.

    `version` is the version that the member saw, 0 if there was none; None does not check it.
    Posts that are already proposed do not change. Raises BadInput `routine.…` for an invalid plan,
    NotFound for a channel or template that is not the creator's, and StaleVersion.
    """
    row = _lock_row(scope, creator_id, version)
    _check_plan(scope, creator_id, plan)
    stored = plan_to_json(plan)
    if row is None:
        row = Routine(tenant_id=scope.tenant_id, creator_id=creator_id, plan=stored)
        changed = ", ".join(sorted(stored))
        audit.record(scope, "routine.created", f"creator:{creator_id}", fields=changed)
    elif row.plan != stored:
        audit.record(
            scope, "routine.changed", f"creator:{creator_id}", **_describe_change(row.plan, stored)
        )
        row.plan = stored
        row.version += 1
    scope.add(row)
    scope.session.flush()
    if row.active:
        day_schedule.plan_today(scope, row)
    return RoutineView(row.id, creator_id, plan, row.active, row.version)


def pause_routine(scope: Scope, creator_id: UUID, *, version: int | None = None) -> None:
    """Pause a routine: its remaining steps of today are skipped. Proposed and scheduled posts do
    not change. Raises NotFound and StaleVersion; a paused routine is not changed."""
    row = _get_locked_row(scope, creator_id, version)
    if not row.active:
        return
    _set_active(scope, row, active=False)
    outbox.cancel(scope, RoutineDayDue.kind, row.id)
    today = local_day(scope.now, queries.get_creator(scope, creator_id).zone)
    for step in steps.list_step_rows(scope, creator_id, today, lock=True):
        if step.state == StepState.DUE and step.kind not in steps.FOLLOWING:
            steps.skip_step(scope, step, steps.PAUSED)


def resume_routine(scope: Scope, creator_id: UUID, *, version: int | None = None) -> None:
    """Resume a paused routine with the steps of today that are not over. Raises NotFound and
    StaleVersion; an active routine is not changed."""
    row = _get_locked_row(scope, creator_id, version)
    if row.active:
        return
    _set_active(scope, row, active=True)
    today = local_day(scope.now, queries.get_creator(scope, creator_id).zone)
    for step in steps.list_step_rows(scope, creator_id, today, lock=True):
        view = steps.step_from_row(step)
        if view.reason == steps.PAUSED and view.can_run_again(scope.now):
            steps.restore_step(scope, step)
    day_schedule.plan_today(scope, row)


def _set_active(scope: Scope, row: Routine, *, active: bool) -> None:
    row.active = active
    row.version += 1
    scope.add(row)
    act = "routine.resumed" if active else "routine.paused"
    audit.record(scope, act, f"creator:{row.creator_id}")
    scope.session.flush()


def _check_plan(scope: Scope, creator_id: UUID, plan: RoutinePlan) -> None:
    creator = queries.get_creator(scope, creator_id)
    plan.check_plan()
    usable = {
        one.id
        for one in list_creator_channels(scope, creator_id)
        if one.surface and not one.is_disconnected
    }
    if not set(plan.channels) <= usable:
        raise NotFound("routine.channel_unknown")
    known = {one.name for one in list_recipes(scope, creator_id)}
    for name in plan.template_names:
        if name not in known:
            raise NotFound("routine.template_unknown", name=name)
    able = {one.id for one in list_creator_approvers(scope, creator)}
    if not set(plan.approvers) <= able:
        raise BadInput("routine.approver_unfit")


def _describe_change(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Return the changed fields of a plan with their old and new values, as texts."""
    changed = [name for name in after if before.get(name) != after[name]]
    described: dict[str, Any] = {"fields": ", ".join(changed)}
    for name in changed:
        described[f"{name}_before"] = _format_value(before.get(name))
        described[f"{name}_after"] = _format_value(after[name])
    return described


def _format_value(value: object) -> str:
    return str(value)[:500]


def _find_row(scope: Scope, creator_id: UUID, *, lock: bool = False) -> Routine | None:
    query = select(Routine).where(
        Routine.tenant_id == scope.tenant_id, Routine.creator_id == creator_id
    )
    query = query.with_for_update() if lock else query
    return scope.session.exec(query.execution_options(populate_existing=True)).first()


def _lock_row(scope: Scope, creator_id: UUID, version: int | None) -> Routine | None:
    """Lock and return the routine of a creator, or None; no other transaction can create one.
    Raises StaleVersion."""
    scope.lock(f"{scope.tenant_id}:routine:{creator_id}")
    row = _find_row(scope, creator_id, lock=True)
    if version is not None and version != (row.version if row is not None else 0):
        raise StaleVersion("routine.changed_meanwhile")
    return row


def _get_locked_row(scope: Scope, creator_id: UUID, version: int | None) -> Routine:
    row = _lock_row(scope, creator_id, version)
    if row is None:
        raise NotFound("routine.unknown")
    return row
