"""Handlers of viewer events: confirm an age, or withdraw an assurance, for the actor who requested
it."""

from collections.abc import Callable

from foundation.db.database import OpenScope, Scope
from foundation.errors import GreenroomError, Refused
from gate.viewers import age_assurance
from gate.viewers.events import AgeAssuranceWithdrawn, ViewerConfirmed
from tenants import audit
from tenants.agencies import queries
from tenants.agencies.rights import Right, require_right
from tenants.notices import notices


def handle_viewer_confirmed(event: ViewerConfirmed, *, tenant: OpenScope) -> None:
    """Record an age that a custodian confirmed, if they still have the right. Otherwise notify the
    agency of the reason."""

    def confirm(scope: Scope) -> None:
        age_assurance.confirm_age(
            scope, event.platform, event.user_id, method=event.method, receipt=event.why
        )

    _run_or_notify(event, tenant, confirm)


def handle_age_assurance_withdrawn(event: AgeAssuranceWithdrawn, *, tenant: OpenScope) -> None:
    """Withdraw an age assurance as the member who requested it. Adult content is locked for the
    viewer again."""

    def withdraw(scope: Scope) -> None:
        _may_review(scope)
        if age_assurance.get_assurance(scope, event.platform, event.user_id).over_18:
            age_assurance.reset_assurance(scope, event.platform, event.user_id)
            audit.record(scope, "viewer.withdrawn", f"viewer.withdraw:{event.subject_id}")

    _run_or_notify(event, tenant, withdraw)


def _run_or_notify(
    event: ViewerConfirmed | AgeAssuranceWithdrawn, tenant: OpenScope, act: Callable[[Scope], None]
) -> None:
    try:
        with tenant(event.tenant_id, event.by) as scope:
            act(scope)
    except GreenroomError as refused:
        with tenant(event.tenant_id, event.by) as scope:
            notices.put(scope, refused.message, cause=f"{event.kind}:{event.subject_id}")


def _may_review(scope: Scope) -> None:
    """Raise Refused unless the actor is a member with the right to review."""
    role = {f"member:{one.id}": one.role for one in queries.list_members(scope)}.get(scope.actor)
    if role is None:
        raise Refused("viewer.person_decides")
    require_right(role, Right.REVIEW)
