"""What the beat writes. Apart from the handlers: the relay need not load the rooms whose rows it only writes."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from uuid import UUID

from channels import menus, subscribing, tokens
from channels.events import AgeForget, LimitsDue
from foundation import outbox, telemetry
from foundation.clock import monotonic, pause
from foundation.database import OpenScope, Scope
from foundation.errors import BadInput
from foundation.ids import HOUSE
from foundation.outbox import Event
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

WITHIN, ROLLED_UP_WITHIN = timedelta(seconds=50), timedelta(seconds=250)
"""Before the next beat of the same: a row that still waits is not written again."""

AT_ONCE, ROLLED_UP_AT_ONCE, LATER = 20, 4, timedelta(seconds=1)
"""So many agencies have something to do at once, the next so much later: a thousand at the same moment, each minute,
would stand before what is due on time."""

Put = Callable[[OpenScope], None]

log = telemetry.log("workers.ticks")


def _each(tenant: OpenScope, within: timedelta = WITHIN, *, at_once: int = AT_ONCE) -> Iterator[tuple[UUID, timedelta]]:
    """Every agency, and how much later than now it has something to do; all of them `within` what is given.

    What is done for one of them is followed by as long a rest: this is the process that hands out what is due.
    """
    found = all_tenants(tenant)
    step = min(LATER, within * at_once / max(len(found), 1))
    for number, tenant_id in enumerate(found):
        began = monotonic()
        yield tenant_id, step * (number // at_once)
        pause(monotonic() - began)


def _for_each_tenant(event: Callable[[UUID, UUID], Event], dedupe: str, *, house: bool = False) -> Put:
    """One row for every agency, and for the house itself where that is said, unless one still waits."""

    def put(tenant: OpenScope) -> None:
        more = [(HOUSE, timedelta())] if house else []
        for tenant_id, later in (*more, *_each(tenant)):
            with tenant(tenant_id, BEAT) as scope:
                outbox.put(scope, event(tenant_id, tenant_id), at=scope.now + later, dedupe=dedupe)

    return put


def _for_the_house(event: Callable[[UUID, UUID], Event], dedupe: str) -> Put:
    """One row for the house, unless it still waits."""

    def put(tenant: OpenScope) -> None:
        with tenant(HOUSE, BEAT) as scope:
            outbox.put(scope, event(HOUSE, HOUSE), dedupe=dedupe)

    return put


def _as_planned(plan: Callable[[Scope], object]) -> Put:
    """Whatever a room plans for each agency now."""

    def put(tenant: OpenScope) -> None:
        for tenant_id, _ in _each(tenant):
            with tenant(tenant_id, BEAT) as scope:
                plan(scope)

    return put


def _each_creator_is_rolled_up(tenant: OpenScope) -> None:
    for tenant_id, later in _each(tenant, ROLLED_UP_WITHIN, at_once=ROLLED_UP_AT_ONCE):
        with tenant(tenant_id, BEAT) as scope:
            for creator in tenant_reads.creators(scope):
                _roll_up(scope, creator, later)


def _roll_up(scope: Scope, creator: Creator, later: timedelta) -> None:
    """Yesterday and today of one creator; a zone nobody knows stops this creator's numbers, not everybody's."""
    try:
        day = local_day(scope.now, creator.zone)
    except BadInput as error:
        log.warning("rollup.no_zone", creator=str(creator.id), error=telemetry.describe(error))
        return
    for each in (day - timedelta(days=1), day):
        due = RollupDue(scope.tenant_id, creator.id, each)
        outbox.put(scope, due, at=scope.now + later, dedupe=f"rollup:{creator.id}:{each}")


TICKS = (
    Tick(60, _for_each_tenant(SweepDue, "sweep"), "sweep"),
    Tick(60, _as_planned(tokens.renew_due), "tokens"),
    Tick(60, _as_planned(mails.plan), "mails"),
    Tick(60, _as_planned(remarks.plan), "remarks"),
    Tick(CHECKPOINT_SECONDS, _for_the_house(CheckpointDue, "checkpoint"), "checkpoints", "house"),
    Tick(INTAKE_SECONDS, _for_the_house(IntakeDue, "intake"), "intake", "house"),
    Tick(CALLS_SECONDS, _as_planned(subscribing.plan), "calls"),
    Tick(FOLDER_SECONDS, _for_the_house(FolderDue, "folder"), "folder", "house"),
    Tick(3600, _for_each_tenant(AgeForget, "age_forget"), "ages"),
    Tick(3600, _for_each_tenant(RolesDue, "roles"), "roles"),
    Tick(3600, _for_the_house(RulesDue, "rules"), "rules", "house"),
    Tick(3600, _for_the_house(PapersDue, "people"), "people", "house"),
    Tick(WATCH_SECONDS, _for_each_tenant(CopyProbe, "copy_probe"), "places"),
    Tick(KEEPING_SECONDS, _for_each_tenant(KeepingDue, "keeping", house=True), "keeping"),
    Tick(DAY_SECONDS, _for_the_house(ComparisonsDue, "comparisons"), "comparisons", "house"),
    Tick(DAY_SECONDS, _for_each_tenant(LimitsDue, "limits"), "limits"),
    Tick(DAY_SECONDS, _as_planned(menus.plan), "menus"),
    Tick(DAY_SECONDS, _as_planned(resuming.resume), "faces"),
    Tick(DAY_SECONDS, _for_each_tenant(ClocksDue, "clocks"), "clocks"),
    Tick(FOLLOWERS_SECONDS, _as_planned(following.plan), "followers"),
    Tick(RAIL_SECONDS, _as_planned(reconciling.plan), "rails"),
    Tick(EARNINGS_SECONDS, _as_planned(earning.plan), "earnings"),
    Tick(ROLLUP_SECONDS, _each_creator_is_rolled_up, "rollup"),
)
"""What the beat writes; it does none of it itself."""
