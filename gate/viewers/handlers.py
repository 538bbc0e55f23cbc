"""Handlers of viewers: confirm an age, or withdraw its proof, for the member who asked."""

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
    """Write down what a custodian confirmed, if they still may; else tell the agency why nothing
    came."""

    def confirm(scope: Scope) -> None:
        age_assurance.confirm_age(
            scope, event.platform, event.user_id, method=event.method, receipt=event.why
        )

    _run_or_notify(event, tenant, confirm)


def handle_age_assurance_withdrawn(event: AgeAssuranceWithdrawn, *, tenant: OpenScope) -> None:
    """Forget a reader's proof at once, as the member who asked; what is for adults is closed to
    them again."""

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
    """Raises Refused unless the actor is a member who carries the right to review, now."""
    roles = {f"member:{one.id}": one.role for one in queries.list_members(scope)}
    if scope.actor not in roles:
        raise Refused("viewer.person_decides")
    require_right(roles[scope.actor], Right.REVIEW)
