"""Notices of a routine: proposals that wait for approvers, their deadline, and a planned week."""

from datetime import date
from uuid import UUID

from foundation.db.database import Scope
from foundation.i18n.translation import Message
from schedules.approvals.approvers import list_creator_approvers
from schedules.routines.plans import RoutinePlan
from tenants.agencies.queries import Creator
from tenants.notices import notices

PROPOSED = "routine_approval:proposed:"
MISSING = "routine_approval:missing:"
WEEK = "routine_week:"
"""Prefixes of the notice causes, before the creator ID."""


def announce_proposals(
    scope: Scope, creator: Creator, day: date, plan: RoutinePlan, *, posts: int
) -> None:
    """Notify the approvers of a day's proposals and of the deadline."""
    message = Message(
        "routine.proposed",
        {"count": posts, "creator": creator.name, "at": f"{plan.approve_by:%H:%M}"},
    )
    _notify_approvers(scope, creator, plan, message, cause=f"{PROPOSED}{creator.id}:{day}")


def close_proposals(scope: Scope, creator: Creator) -> None:
    """Close the notices of proposals and of earlier deadlines."""
    for prefix in (PROPOSED, MISSING):
        notices.close_others(scope, f"{prefix}{creator.id}:", ())


def announce_deadline(
    scope: Scope, creator: Creator, day: date, plan: RoutinePlan, *, posts: int
) -> None:
    """Notify the approvers that posts are unapproved at the deadline."""
    message = Message("routine.deadline_passed", {"count": posts, "creator": creator.name})
    cause = f"{MISSING}{creator.id}:{day}"
    _notify_approvers(scope, creator, plan, message, cause=cause, urgent=True)


def announce_week(scope: Scope, creator: Creator, day: date) -> None:
    """Notify the members of a creator of the proposed week."""
    cause = f"{WEEK}{creator.id}:{day}"
    notices.close_others(scope, f"{WEEK}{creator.id}:", (cause,))
    message = Message("routine.week_planned", {"creator": creator.name})
    notices.put(scope, message, cause=cause, creator_id=creator.id)


def _notify_approvers(
    scope: Scope,
    creator: Creator,
    plan: RoutinePlan,
    message: Message,
    *,
    cause: str,
    urgent: bool = False,
) -> None:
    """Notify the chosen approvers, or all who may approve if none of them still may."""
    able = list_creator_approvers(scope, creator)
    chosen = [one for one in able if one.id in plan.approvers] or able
    principals: list[UUID] = [one.principal_id for one in chosen]
    for principal in principals:
        notices.put(
            scope,
            message,
            cause=f"{cause}:{principal}",
            urgent=urgent,
            creator_id=creator.id,
            to=principal,
        )
