"""The doctor on asking for removal: whether the form is reached, what waits for the house, where its link belongs."""

from collections.abc import Iterator

from sqlalchemy.exc import SQLAlchemyError

from channels import reads as channel_reads
from foundation.database import Database, OpenScope, Scope
from foundation.ids import HOUSE
from foundation.settings import Settings
from gate import intake, officer, reports
from tenants import reads as tenants
from tenants import scope as tenant_scope
from workers.findings import Finding, bad, fine, warn

PART, ACTOR = "removals", "system:doctor"
OWN_PAGES = "own_page"
"""The platform whose pages bear the link by themselves."""


def removals(settings: Settings) -> Iterator[Finding]:
    """A line for each; nothing while the database is away, which is said elsewhere."""
    url = settings.database.work_url.get_secret_value()
    if not url:
        return
    database = Database(url, application="doctor")
    try:
        yield from _found(tenant_scope.opener(database), f"{settings.web.public_url.rstrip('/')}/report")
    except SQLAlchemyError:
        return
    finally:
        database.close()


def _found(tenant: OpenScope, form: str) -> Iterator[Finding]:
    with tenant(HOUSE, ACTOR) as scope:
        reached, waiting = intake.reached(scope), len(reports.unplaced(scope))
    yield fine(PART, "doctor.intake_reached", form=form) if reached else bad(PART, "doctor.intake_down", form=form)
    profiles = []
    for tenant_id in tenant_scope.all_tenants(tenant):
        with tenant(tenant_id, ACTOR) as scope:
            waiting += len(officer.waiting(scope))
            profiles += _profiles(scope, form)
    if waiting:
        yield warn(PART, "doctor.complaints_wait", count=waiting)
    yield from profiles


def _profiles(scope: Scope, form: str) -> list[Finding]:
    """No platform of ours tells us the words of a profile: the link stands there by hand, and nobody can check it."""
    accounts = (one for one in channel_reads.every_channel(scope) if one.state == "active")
    names = sorted({one.name for one in accounts if one.platform != OWN_PAGES})
    part = f"{PART} {tenants.agency(scope).name}"
    return [fine(part, "doctor.profile_by_hand", accounts=", ".join(names), form=form)] if names else []
