"""Creation and removal of the demo agencies, and the addresses that a start prints: the owner's
sign-in link, one creator's page, another's chat."""

from urllib.parse import urlsplit

from demo.agency import (
    accounting,
    alerts,
    backfill,
    channel_accounts,
    people,
    pictures,
    planned_posts,
    ratings_and_consents,
    scheduled_reports,
    shop,
    teardown,
    workspace,
)
from demo.agency.cast import DEMO_AGENCIES, LUMIERE, AgencyProfile
from foundation.db.database import Database, OpenScope
from foundation.errors import Conflict, NotFound, Refused, Unavailable
from foundation.i18n.translation import Message
from foundation.ops import telemetry
from foundation.ops.clock import wall_now
from foundation.ops.settings import Settings
from foundation.ops.wall_time import local_day
from foundation.storage.object_store import open_library_store
from gate.policy import active_policy
from gate.text import urls
from generators.provenance import content_credentials
from tenants.agencies.rights import Role
from tenants.auth import sessions
from tenants.auth.demo_removal import DemoRemovalRequested
from tenants.notices import notices
from tenants.scope import scope_opener
from workers.installation.first_owner import setup_address
from workers.terminal.output import print_message
from workers.terminal.tables import format_table

log = telemetry.get_logger("demo.agency.lifecycle")

REMOVED_MARKER = "demo.removed"
"""A file of this name in the installation's folder prevents the next start from restoring the demo.
"""


def seed_demo(settings: Settings) -> None:
    """Create the demo in the database, the object store and the test network. Repeatable: existing
    objects are kept.

    Raises Refused outside of demo and test.
    """
    _only_here(settings)
    if (settings.home / REMOVED_MARKER).exists():
        return
    active_policy.set_trusted_keys(settings.gate.policy_keys)
    urls.set_own_hosts((urlsplit(settings.web.public_url).netloc,))
    database = Database(settings.database.work_url.get_secret_value(), application="demo")
    try:
        _seed_agencies(scope_opener(database), settings)
    finally:
        database.close()


def _seed_agencies(tenant: OpenScope, settings: Settings) -> None:
    for company in DEMO_AGENCIES:
        people.create_demo_agency(tenant, company)
        channel_accounts.open_channels(tenant, settings, company)
    with tenant(LUMIERE.tenant_id, people.DEMO_ACTOR) as scope:
        today = local_day(scope.now, LUMIERE.zone)
    wanted = [
        pair
        for company in DEMO_AGENCIES
        for pair in pictures.find_missing_pictures(tenant, company)
    ]
    credential = content_credentials.load_credential(settings.home / "provenance", now=wall_now())
    with pictures.draw_in_background(wanted, credential=credential, today=today) as drawn:
        for company in DEMO_AGENCIES:
            for part in company.creators:
                pictures.ingest_pictures(tenant, open_library_store(settings), company, part, drawn)
                ratings_and_consents.rate_and_record_consents(tenant, company, part)
                shop.put_packs_on_sale(tenant, company, part)
                backfill.write_history(tenant, company, part)
    for company in DEMO_AGENCIES:
        workspace.fill_workspace(tenant, company)
        _go_on(tenant, settings, company)
    _check_alerts(tenant)


def _check_alerts(tenant: OpenScope) -> None:
    """Check the alerts of the demo. Stops without an error if members have changed the cast."""
    try:
        alerts.open_demo_alerts(tenant)
    except (NotFound, Conflict, Refused) as changed:
        log.info("demo.left_as_it_is", code=changed.message.code)


def _go_on(tenant: OpenScope, settings: Settings, company: AgencyProfile) -> None:
    """Update the demo at each start: close last month, schedule the coming days. Stops without an
    error if members have changed the cast."""
    try:
        people.pair_manager_phone(tenant, company)
        accounting.close_last_month(tenant, settings, company)
        for part in company.creators:
            planned_posts.schedule_coming_days(tenant, company, part)
        for part in company.creators:
            planned_posts.schedule_first_posts(tenant, company, part)
        scheduled_reports.schedule_reports(tenant, company)
    except (NotFound, Conflict, Refused) as changed:
        log.info("demo.left_as_it_is", code=changed.message.code)


def owner_link(settings: Settings) -> str:
    """Return a sign-in link of the demo's owner, valid once within an hour. Raises NotFound after
    the demo was removed."""
    database = Database(settings.database.work_url.get_secret_value(), application="demo")
    try:
        with scope_opener(database)(LUMIERE.tenant_id, people.DEMO_ACTOR) as scope:
            if not people.is_seeded(scope):
                raise NotFound("demo.absent")
            secret = sessions.create_sign_in_link(
                scope, people.first_member_with_role(scope, Role.OWNER).id
            )
    finally:
        database.close()
    return sessions.sign_in_url(settings.dashboard.public_url, secret)


def remove_demo(settings: Settings) -> dict[str, int]:
    """Delete both demo agencies, print the number of deleted rows and files by table, and return
    them. Repeatable."""
    gone = delete_demo(settings)
    if gone:
        print(format_table(("deleted_from", "count"), sorted(gone.items())))
    print_message(Message("demo.removed" if gone else "demo.nothing_left"))
    return gone


def delete_demo(settings: Settings) -> dict[str, int]:
    """Delete both demo agencies and return the number of deleted rows and files by table.
    Repeatable. The next start does not restore them; `allow_demo` permits it.

    Raises Unavailable without the database login that owns the tables.
    """
    if not settings.database.owner_url.get_secret_value():
        raise Unavailable("demo.no_owner_login")
    tenants = [company.tenant_id for company in DEMO_AGENCIES]
    (settings.home / REMOVED_MARKER).touch()
    teardown.sign_log_ends(settings, tenants)
    return {
        **teardown.delete_rows(settings, tenants),
        **teardown.delete_cross_agency_links(settings, tenants),
        **teardown.delete_sandbox_accounts(settings),
        **teardown.delete_files(settings, tenants),
    }


def remove_requested_demo(
    event: DemoRemovalRequested, *, tenant: OpenScope, settings: Settings
) -> None:
    """Delete the demo agencies for the owner who requested it. The owner's agency is notified if
    this process cannot delete them."""
    cause = f"demo:{event.subject_id}"
    try:
        delete_demo(settings)
    except Unavailable as missing:
        with tenant(event.tenant_id, people.DEMO_ACTOR) as scope:
            notices.put(scope, missing.message, cause=cause)
        return
    with tenant(event.tenant_id, people.DEMO_ACTOR) as scope:
        notices.close(scope, cause)


def allow_demo(settings: Settings) -> None:
    """Let the next start restore the demo. Raises Refused outside of demo and test."""
    _only_here(settings)
    (settings.home / REMOVED_MARKER).unlink(missing_ok=True)
    print_message(Message("demo.comes_back"))


def _only_here(settings: Settings) -> None:
    if settings.environment == "production":
        raise Refused("demo.not_here")


PAGE_CREATOR = "mia"
CHAT_CREATOR = "nova"


def welcome_addresses(settings: Settings) -> dict[str, str]:
    """Return the addresses `dashboard` (with a sign-in link), `page` and `chat`. After the demo was
    removed, return those of a production installation."""
    try:
        link = owner_link(settings)
    except NotFound:
        return setup_address(settings)
    parts = {part.slug: part for part in LUMIERE.creators}
    page = f"{settings.web.public_url.rstrip('/')}/{parts[PAGE_CREATOR].slug}"
    return {
        "dashboard": link,
        "page": page,
        "chat": channel_accounts.sandbox_chat_url(settings, parts[CHAT_CREATOR]),
    }
