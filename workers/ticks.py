"""What the beat writes. Apart from the handlers: the relay need not load the rooms whose rows it only writes."""

from datetime import timedelta

from channels import menus, subscribing, tokens
from channels.events import AgeForget, LimitsDue
from foundation import outbox, telemetry
from foundation.database import OpenScope, Scope
from foundation.errors import BadInput
from foundation.ids import HOUSE
from gate import resuming
from gate.events import CheckpointDue, CopyProbe, IntakeDue, RulesDue
from gate.expiring import PapersDue
from gate.recalibrating import ComparisonsDue
from insights import following
from insights.events import RollupDue
from schedules.calendar import local_day
from schedules.events import ClocksDue, SweepDue
from studio.events import FolderDue
from subscribers import earning, reconciling, remarks
from subscribers.events import RolesDue
from tenants import mails
from tenants import reads as tenant_reads
from tenants.keeping import KeepingDue
from tenants.reads import Creator
from tenants.scope import all_tenants
from workers.beat import Tick

BEAT = "system:beat"
ROLLUP_SECONDS = 300
CHECKPOINT_SECONDS = 30
"""How late a checkpoint may be."""

WATCH_SECONDS = 3600
"""How long a place may be other than it was while something above General stands there."""

KEEPING_SECONDS = 6 * 3600
"""How late something that is over may go."""
INTAKE_SECONDS = 300
"""Between two looks at the form for removal requests: eleven may fail before nothing for adults leaves."""

FOLLOWERS_SECONDS = 6 * 3600
"""Between two questions how many follow an account."""

EARNINGS_SECONDS = 6 * 3600
"""Between two questions what an account earned."""

RAIL_SECONDS = 900
"""Between two comparisons of the books with what platforms list: how late what a fan paid for may come."""

FOLDER_SECONDS = 30
"""Between two looks into the folder that files are brought in from."""

CALLS_SECONDS = 300
"""How late an account that was just connected may be signed up for calls."""

DAY_SECONDS = 24 * 3600

log = telemetry.log("workers.ticks")


def _each_tenant_sweeps(tenant: OpenScope) -> None:
    for tenant_id in all_tenants(tenant):
        with tenant(tenant_id, BEAT) as scope:
            outbox.put(scope, SweepDue(tenant_id, tenant_id), dedupe="sweep")


def _each_creator_is_rolled_up(tenant: OpenScope) -> None:
    for tenant_id in all_tenants(tenant):
        with tenant(tenant_id, BEAT) as scope:
            for creator in tenant_reads.creators(scope):
                _roll_up(scope, creator)


def _roll_up(scope: Scope, creator: Creator) -> None:
    """Yesterday and today of one creator; a zone nobody knows stops this creator's numbers, not everybody's."""
    try:
        day = local_day(scope.now, creator.zone)
    except BadInput as error:
        log.warning("rollup.no_zone", creator=str(creator.id), error=telemetry.describe(error))
        return
    for each in (day - timedelta(days=1), day):
        outbox.put(scope, RollupDue(scope.tenant_id, creator.id, each), dedupe=f"rollup:{creator.id}:{each}")


def _each_tenant_renews_its_tokens(tenant: OpenScope) -> None:
    for tenant_id in all_tenants(tenant):
        with tenant(tenant_id, BEAT) as scope:
            tokens.renew_due(scope)


def _each_member_is_written_to(tenant: OpenScope) -> None:
    for tenant_id in all_tenants(tenant):
        with tenant(tenant_id, BEAT) as scope:
            mails.plan(scope)


def _the_house_looks_at_its_logs(tenant: OpenScope) -> None:
    with tenant(HOUSE, BEAT) as scope:
        outbox.put(scope, CheckpointDue(HOUSE, HOUSE), dedupe="checkpoint")


def _the_house_looks_at_its_rules(tenant: OpenScope) -> None:
    with tenant(HOUSE, BEAT) as scope:
        outbox.put(scope, RulesDue(HOUSE, HOUSE), dedupe="rules")


def _the_house_looks_at_its_people(tenant: OpenScope) -> None:
    with tenant(HOUSE, BEAT) as scope:
        outbox.put(scope, PapersDue(HOUSE, HOUSE), dedupe="people")


def _the_house_looks_at_its_form(tenant: OpenScope) -> None:
    with tenant(HOUSE, BEAT) as scope:
        outbox.put(scope, IntakeDue(HOUSE, HOUSE), dedupe="intake")


def _the_house_looks_into_its_folder(tenant: OpenScope) -> None:
    with tenant(HOUSE, BEAT) as scope:
        outbox.put(scope, FolderDue(HOUSE, HOUSE), dedupe="folder")


def _each_tenant_forgets_ages(tenant: OpenScope) -> None:
    for tenant_id in all_tenants(tenant):
        with tenant(tenant_id, BEAT) as scope:
            outbox.put(scope, AgeForget(tenant_id, tenant_id), dedupe="age_forget")


def _each_tenant_compares_its_roles(tenant: OpenScope) -> None:
    for tenant_id in all_tenants(tenant):
        with tenant(tenant_id, BEAT) as scope:
            outbox.put(scope, RolesDue(tenant_id, tenant_id), dedupe="roles")


def _each_account_s_menu_is_looked_at(tenant: OpenScope) -> None:
    for tenant_id in all_tenants(tenant):
        with tenant(tenant_id, BEAT) as scope:
            menus.plan(scope)


def _each_account_s_limits_are_read(tenant: OpenScope) -> None:
    for tenant_id in all_tenants(tenant):
        with tenant(tenant_id, BEAT) as scope:
            outbox.put(scope, LimitsDue(tenant_id, tenant_id), dedupe="limits")


def _each_tenant_watches_its_places(tenant: OpenScope) -> None:
    for tenant_id in all_tenants(tenant):
        with tenant(tenant_id, BEAT) as scope:
            outbox.put(scope, CopyProbe(tenant_id, tenant_id), dedupe="copy_probe")


def _the_house_looks_who_compared_reviewers(tenant: OpenScope) -> None:
    with tenant(HOUSE, BEAT) as scope:
        outbox.put(scope, ComparisonsDue(HOUSE, HOUSE), dedupe="comparisons")


def _each_tenant_catches_up_with_faces(tenant: OpenScope) -> None:
    for tenant_id in all_tenants(tenant):
        with tenant(tenant_id, BEAT) as scope:
            resuming.resume(scope)


def _each_tenant_deletes_what_is_over(tenant: OpenScope) -> None:
    for tenant_id in (HOUSE, *all_tenants(tenant)):
        with tenant(tenant_id, BEAT) as scope:
            outbox.put(scope, KeepingDue(tenant_id, tenant_id), dedupe="keeping")


def _each_tenant_follows_the_clocks(tenant: OpenScope) -> None:
    for tenant_id in all_tenants(tenant):
        with tenant(tenant_id, BEAT) as scope:
            outbox.put(scope, ClocksDue(tenant_id, tenant_id), dedupe="clocks")


def _each_account_s_followers_are_counted(tenant: OpenScope) -> None:
    for tenant_id in all_tenants(tenant):
        with tenant(tenant_id, BEAT) as scope:
            following.plan(scope)


def _each_account_is_asked_what_people_say(tenant: OpenScope) -> None:
    for tenant_id in all_tenants(tenant):
        with tenant(tenant_id, BEAT) as scope:
            remarks.plan(scope)


def _each_account_is_called_about(tenant: OpenScope) -> None:
    for tenant_id in all_tenants(tenant):
        with tenant(tenant_id, BEAT) as scope:
            subscribing.plan(scope)


def _each_account_s_earnings_are_read(tenant: OpenScope) -> None:
    for tenant_id in all_tenants(tenant):
        with tenant(tenant_id, BEAT) as scope:
            earning.plan(scope)


def _each_account_s_money_is_compared(tenant: OpenScope) -> None:
    for tenant_id in all_tenants(tenant):
        with tenant(tenant_id, BEAT) as scope:
            reconciling.plan(scope)


TICKS = (
    Tick(60, _each_tenant_sweeps, "sweep"),
    Tick(60, _each_tenant_renews_its_tokens, "tokens"),
    Tick(60, _each_member_is_written_to, "mails"),
    Tick(60, _each_account_is_asked_what_people_say, "remarks"),
    Tick(CHECKPOINT_SECONDS, _the_house_looks_at_its_logs, "checkpoints"),
    Tick(INTAKE_SECONDS, _the_house_looks_at_its_form, "intake"),
    Tick(CALLS_SECONDS, _each_account_is_called_about, "calls"),
    Tick(FOLDER_SECONDS, _the_house_looks_into_its_folder, "folder"),
    Tick(3600, _each_tenant_forgets_ages, "ages"),
    Tick(3600, _each_tenant_compares_its_roles, "roles"),
    Tick(3600, _the_house_looks_at_its_rules, "rules"),
    Tick(3600, _the_house_looks_at_its_people, "people"),
    Tick(WATCH_SECONDS, _each_tenant_watches_its_places, "places"),
    Tick(KEEPING_SECONDS, _each_tenant_deletes_what_is_over, "keeping"),
    Tick(DAY_SECONDS, _the_house_looks_who_compared_reviewers, "comparisons"),
    Tick(DAY_SECONDS, _each_account_s_limits_are_read, "limits"),
    Tick(DAY_SECONDS, _each_account_s_menu_is_looked_at, "menus"),
    Tick(DAY_SECONDS, _each_tenant_catches_up_with_faces, "faces"),
    Tick(DAY_SECONDS, _each_tenant_follows_the_clocks, "clocks"),
    Tick(FOLLOWERS_SECONDS, _each_account_s_followers_are_counted, "followers"),
    Tick(RAIL_SECONDS, _each_account_s_money_is_compared, "rails"),
    Tick(EARNINGS_SECONDS, _each_account_s_earnings_are_read, "earnings"),
    Tick(ROLLUP_SECONDS, _each_creator_is_rolled_up, "rollup"),
)
"""What the beat writes; it does none of it itself."""
