"""The books of the demo: last month closed by the accountant, and a statement of another platform still to come in."""

from datetime import date, timedelta
from pathlib import Path

from foundation.database import OpenScope, Scope
from foundation.settings import Settings
from schedules.calendar import local_day
from subscribers import closing, statements
from subscribers.rails import sample
from tenants.roles import Role
from workers.demo_cast import NOVA
from workers.demo_parts import Company
from workers.demo_people import SEEDING, creator_id_of, member_with
from workers.home import write_whole

STATEMENT_OF = NOVA
"""Whose statement waits."""


def last_month(scope: Scope, company: Company) -> date:
    """The first day of the month before this one, on the agency's calendar."""
    this = local_day(scope.now, company.zone).replace(day=1)
    return (this - timedelta(days=1)).replace(day=1)


def statement_file(settings: Settings, month: date) -> Path:
    """Where the statement of a month lies, for whoever looks for it on the disk."""
    return folder(settings) / sample.file_name(month)


def folder(settings: Settings) -> Path:
    """The files of the demo that are in no store."""
    return settings.home / "demo"


def statement(month: date) -> bytes:
    """The file itself; whoever asks for the same month gets the same bytes."""
    return sample.statement(month, STATEMENT_OF.slug)


def keep(tenant: OpenScope, settings: Settings, company: Company) -> None:
    """Close last month and lay its statement ready; once for each month."""
    if STATEMENT_OF not in company.parts:
        return
    with tenant(company.tenant_id, SEEDING) as scope:
        month = last_month(scope, company)
        statements.expect(scope, creator_id_of(scope, STATEMENT_OF), month, sample.SOURCE)
        accountant = member_with(scope, Role.ACCOUNTANT)
    with tenant(company.tenant_id, f"member:{accountant.id}") as scope:
        for creator_id in (creator_id_of(scope, part) for part in company.parts):
            if month not in closing.closed_months(scope, creator_id):
                closing.close(scope, creator_id, month)
    file = statement_file(settings, month)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_whole(file, statement(month).decode())
