"""Accounting of the demo: last month closed by the accountant, and a statement of another platform
to import."""

from datetime import date, timedelta
from pathlib import Path

from demo.agency.cast import NOVA, AgencyProfile
from demo.agency.people import DEMO_ACTOR, creator_id_of, first_member_with_role
from foundation.db.database import OpenScope, Scope
from foundation.ops.settings import Settings
from foundation.ops.wall_time import local_day
from subscribers.ledger import month_close
from subscribers.statements import bookings, sample_file
from tenants.agencies.rights import Role
from workers.installation.folder import write_atomically

STATEMENT_OF = NOVA
"""The creator whose statement is expected."""


def first_of_last_month(scope: Scope, company: AgencyProfile) -> date:
    """Return the first day of last month on the agency's calendar."""
    this = local_day(scope.now, company.zone).replace(day=1)
    return (this - timedelta(days=1)).replace(day=1)


def statement_path(settings: Settings, month: date) -> Path:
    """Return the path of the statement of a month, for its upload from disk."""
    return demo_files_folder(settings) / sample_file.sample_file_name(month)


def demo_files_folder(settings: Settings) -> Path:
    """Return the folder of the demo's files that are in no object store."""
    return settings.home / "demo"


def statement_bytes(month: date) -> bytes:
    """Return the statement of a month; the bytes are the same at each call."""
    return sample_file.build_sample_statement(month, STATEMENT_OF.slug)


def close_last_month(tenant: OpenScope, settings: Settings, company: AgencyProfile) -> None:
    """Close last month and write its statement to disk, once for each month."""
    if STATEMENT_OF not in company.creators:
        return
    with tenant(company.tenant_id, DEMO_ACTOR) as scope:
        month = first_of_last_month(scope, company)
        bookings.expect_statement(
            scope, creator_id_of(scope, STATEMENT_OF), month, sample_file.SAMPLE_SOURCE
        )
        accountant = first_member_with_role(scope, Role.ACCOUNTANT)
    with tenant(company.tenant_id, f"member:{accountant.id}") as scope:
        for creator_id in (creator_id_of(scope, part) for part in company.creators):
            if month not in month_close.list_closed_months(scope, creator_id):
                month_close.close_month(scope, creator_id, month)
    file = statement_path(settings, month)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(file, statement_bytes(month).decode())
