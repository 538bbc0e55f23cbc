"""The demo: two agencies of a house that shows itself. Seeded by a start, told apart everywhere, removed whole."""

from foundation import telemetry
from foundation.clock import wall_now
from foundation.database import Database, OpenScope
from foundation.errors import Conflict, NotFound, Refused
from foundation.settings import Settings
from foundation.storage import library
from foundation.words import Message
from gate import inforce
from generators import provenance
from schedules.calendar import local_day
from tenants import login
from tenants.roles import Role
from tenants.scope import opener
from workers import (
    demo_books,
    demo_channels,
    demo_evidence,
    demo_past,
    demo_people,
    demo_pictures,
    demo_plans,
    demo_removal,
    demo_shop,
)
from workers.demo_cast import COMPANIES, LUMIERE
from workers.demo_parts import Company
from workers.terminal import tell

log = telemetry.log("workers.demo")

REMOVED = "demo.removed"
"""A file of this name in the home says that the demo was removed: a start does not bring it back."""


def seed(settings: Settings) -> None:
    """Bring the demo into the database, the object store and the sandbox. Repeatable: what is there stays as it is.

    Raises Refused outside of demo and test.
    """
    _only_here(settings)
    if (settings.home / REMOVED).exists():
        return
    inforce.trust(settings.gate.policy_keys)
    database = Database(settings.database.work_url.get_secret_value(), application="demo")
    try:
        _seed(opener(database), settings)
    finally:
        database.close()


def _seed(tenant: OpenScope, settings: Settings) -> None:
    for company in COMPANIES:
        demo_people.found(tenant, company)
        demo_channels.open_accounts(tenant, settings, company)
    with tenant(LUMIERE.tenant_id, demo_people.SEEDING) as scope:
        today = local_day(scope.now, LUMIERE.zone)
    wanted = [pair for company in COMPANIES for pair in demo_pictures.missing(tenant, company)]
    credential = provenance.credential_in(settings.home / "provenance", now=wall_now())
    with demo_pictures.drawing(wanted, credential=credential, today=today) as drawn:
        for company in COMPANIES:
            for part in company.parts:
                demo_pictures.bring(tenant, library(settings), company, part, drawn)
                demo_evidence.look(tenant, company, part)
                demo_shop.stock(tenant, company, part)
                demo_past.remember(tenant, company, part)
    for company in COMPANIES:
        _go_on(tenant, settings, company)


def _go_on(tenant: OpenScope, settings: Settings, company: Company) -> None:
    """What each start looks at anew: the books of last month, the weeks ahead. A cast that people changed is theirs."""
    try:
        demo_people.on_duty(tenant, company)
        demo_books.keep(tenant, settings, company)
        for part in company.parts:
            demo_plans.plan_ahead(tenant, company, part)
        for part in company.parts:
            demo_plans.open_day(tenant, company, part)
    except (NotFound, Conflict, Refused) as changed:
        log.info("demo.left_as_it_is", code=changed.message.code)


def owner_link(settings: Settings) -> str:
    """An address that opens one session of the demo's owner within the hour. Raises NotFound once it was removed."""
    database = Database(settings.database.work_url.get_secret_value(), application="demo")
    try:
        with opener(database)(LUMIERE.tenant_id, demo_people.SEEDING) as scope:
            if not demo_people.is_founded(scope):
                raise NotFound("demo.absent")
            secret = login.invite(scope, demo_people.member_with(scope, Role.OWNER).id)
    finally:
        database.close()
    return login.address(settings.dashboard.public_url, secret)


def remove(settings: Settings) -> dict[str, int]:
    """Delete both demo agencies and say how many rows and files went where; again does nothing.

    The next start does not bring them back; `restore` lets it. Raises Refused outside of demo and test.
    """
    _only_here(settings)
    tenants = [company.tenant_id for company in COMPANIES]
    (settings.home / REMOVED).touch()
    demo_removal.logs(settings, tenants)
    gone = {
        **demo_removal.rows(settings, tenants),
        **demo_removal.ties(settings, tenants),
        **demo_removal.accounts(settings),
        **demo_removal.files(settings, tenants),
    }
    for place, count in gone.items():
        tell(Message("demo.removed_from", {"place": place, "count": count}))
    tell(Message("demo.removed" if gone else "demo.nothing_left"))
    return gone


def restore(settings: Settings) -> None:
    """Let the next start bring the demo back."""
    _only_here(settings)
    (settings.home / REMOVED).unlink(missing_ok=True)
    tell(Message("demo.comes_back"))


def _only_here(settings: Settings) -> None:
    if settings.environment == "production":
        raise Refused("demo.not_here")
