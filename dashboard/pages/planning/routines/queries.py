"""Queries of a creator's routine: the plan, the steps of today, the next days, and the choices of
the form."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from channels.accounts import queries
from foundation.db.database import Scope
from foundation.ops.wall_time import local_day
from schedules.approvals.approvers import list_creator_approvers
from schedules.routines import routines, steps
from schedules.routines.plans import PlannedStep, plan_day
from schedules.routines.routines import RoutineView
from schedules.routines.states import StepState
from schedules.routines.steps import StepView
from studio.recipes.queries import list_recipes
from tenants.agencies.queries import Creator

PREVIEWED_DAYS = 7


@dataclass(frozen=True)
class RoutinePageView:
    """The data of the page. `accounts` and `approvers` are names by ID, `templates` names of prompt
    templates; `next_days` are the planned steps of the days after today."""

    now: datetime
    creator: Creator
    routine: RoutineView | None
    today: date
    steps: Sequence[StepView]
    next_days: Sequence[tuple[date, Sequence[PlannedStep]]]
    accounts: Mapping[str, str]
    templates: Sequence[str]
    approvers: Mapping[str, str]

    @property
    def version(self) -> int:
        """The version of the routine, 0 without one."""
        return self.routine.version if self.routine is not None else 0

    def can_run_again(self, step: StepView) -> bool:
        """Return True if a member can run a step again now."""
        active = self.routine is not None and self.routine.active
        return active and step.can_run_again(self.now)

    def is_in_progress(self) -> bool:
        """Return True if a step of today is still ahead or running."""
        return any(one.state in (StepState.DUE, StepState.RUNNING) for one in self.steps)

    def posts_of(self, step: StepView) -> dict[str, UUID]:
        """Return the posts of a step by the time of their slot."""
        return dict(sorted(step.results.posts.items()))


def load_routine(scope: Scope, creator: Creator) -> RoutinePageView:
    """Return the data of a creator's routine page."""
    found = routines.find_routine(scope, creator.id)
    today = local_day(scope.now, creator.zone)
    ahead = [today + timedelta(days=number) for number in range(1, PREVIEWED_DAYS + 1)]
    return RoutinePageView(
        now=scope.now,
        creator=creator,
        routine=found,
        today=today,
        steps=steps.list_steps(scope, creator.id, today),
        next_days=[(day, plan_day(found.plan, day, creator.zone)) for day in ahead]
        if found is not None
        else (),
        accounts={
            str(one.id): one.name
            for one in queries.list_creator_channels(scope, creator.id)
            if one.surface and not one.is_disconnected
        },
        templates=[one.name for one in list_recipes(scope, creator.id)],
        approvers={str(one.id): one.name for one in list_creator_approvers(scope, creator)},
    )
