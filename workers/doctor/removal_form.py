"""Checks of removal requests: the form responds, requests pending a decision, and profiles that
need the link to the form."""

from collections.abc import Iterator

from sqlalchemy.exc import SQLAlchemyError

from channels.accounts import queries
from foundation.db.database import Database, OpenScope, Scope
from foundation.ids import INSTALLATION_ID
from foundation.ops.settings import Settings
from gate.removal import installation_reports, intake_heartbeat
from gate.reviews import operator_requests
from tenants.agencies.queries import get_agency
from tenants.scope import list_tenant_ids, scope_opener
from workers.doctor.findings import Finding, finding_error, finding_ok, finding_warning

PART = "removals"
ACTOR = "system:doctor"
OWN_PAGES = "own_page"
"""The platform whose pages contain the link automatically."""


def check_removal_form(settings: Settings) -> Iterator[Finding]:
    """Yield the findings on removal requests. Yields none while the database does not respond,
    which another check reports."""
    url = settings.database.work_url.get_secret_value()
    if not url:
        return
    database = Database(url, application="doctor")
    try:
        yield from _check_form(
            scope_opener(database), f"{settings.web.public_url.rstrip('/')}/report"
        )
    except SQLAlchemyError:
        return
    finally:
        database.close()


def _check_form(tenant: OpenScope, form: str) -> Iterator[Finding]:
    with tenant(INSTALLATION_ID, ACTOR) as scope:
        reached = intake_heartbeat.is_form_reachable(scope)
        waiting = len(installation_reports.list_unmatched_reports(scope))
    yield (
        finding_ok(PART, "doctor.intake_reached", form=form)
        if reached
        else finding_error(PART, "doctor.intake_down", form=form)
    )
    profiles = []
    for tenant_id in list_tenant_ids(tenant):
        with tenant(tenant_id, ACTOR) as scope:
            waiting += len(operator_requests.list_operator_requests(scope))
            profiles += _check_profiles(scope, form)
    if waiting:
        yield finding_warning(PART, "doctor.complaints_wait", count=waiting)
    yield from profiles


def _check_profiles(scope: Scope, form: str) -> list[Finding]:
    """Return the accounts whose profiles need the link to the form. No platform API reads profiles,
    so members add the link manually."""
    accounts = (one for one in queries.list_channels(scope) if one.state == "active")
    names = sorted({one.name for one in accounts if one.platform != OWN_PAGES})
    part = f"{PART} {get_agency(scope).name}"
    return (
        [finding_ok(part, "doctor.profile_by_hand", accounts=", ".join(names), form=form)]
        if names
        else []
    )
