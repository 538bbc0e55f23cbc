"""The rows that the beat writes. They are separate from the handlers, so that the relay need not
load the packages that handle them."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from uuid import UUID

from channels.accounts import credentials, token_expiry
from channels.age_verification.events import AgeRetentionDue
from channels.connections import command_menu
from channels.connections.events import TenantLimitsDue
from channels.listening import webhook_subscriptions
from foundation.db.database import OpenScope, Scope
from foundation.errors import BadInput
from foundation.ids import INSTALLATION_ID
from foundation.ops import telemetry
from foundation.ops.clock import monotonic, sleep
from foundation.ops.wall_time import local_day
from foundation.outbox import outbox
from foundation.outbox.outbox import Event
from gate.consent.expiry import PaperReminderDue
from gate.faces import known_faces
from gate.log.events import CheckpointDue
from gate.permits.events import PlaceProbeDue
from gate.removal.events import IntakeDue
from gate.reviews.calibration import CalibrationReminderDue
from gate.reviews.events import RuleReminderDue
from insights.alerts.events import AlertsDue
from insights.metrics import followers
from insights.metrics.events import RollupDue
from insights.predictions import schedule
from insights.reports import due_reports
from schedules.publishing.events import SweepDue
from schedules.recurrence.events import ClocksDue
from schedules.routines import day_schedule
from studio.ingest.events import WatchFolderDue
from subscribers.acquisition import invites
from subscribers.checkout import platform_earnings, rail_reconciliation
from subscribers.comments import incoming_comments
from subscribers.safety.events import RolesDue
from tenants.agencies import queries
from tenants.agencies.queries import Creator
from tenants.api_keys import remote_workers
from tenants.notices import member_messages
from tenants.retention import RetentionDue
from tenants.scope import list_tenant_ids
from workers.relay.beat import Tick

BEAT_ACTOR = "system:beat"
ROLLUP_SECONDS = 300
REPORT_SECONDS = 300
"""Maximum delay of a scheduled report."""

CHECKPOINT_SECONDS = 30
"""Maximum delay of a checkpoint of the log."""

DESTINATION_CHECK_SECONDS = 3600
"""Maximum time for which a changed destination with content above General goes unnoticed."""

RETENTION_SECONDS = 6 * 3600
"""Maximum delay of the deletion of expired rows."""
INTAKE_SECONDS = 300
"""Interval of the probes of the removal form. Eleven may fail before adult content is no longer
published."""

INVITES_SECONDS = 300
FOLLOWERS_SECONDS = 6 * 3600
"""Interval of the follower counts."""

EARNINGS_SECONDS = 6 * 3600
"""Interval of the earnings reads."""

RAIL_SECONDS = 900
"""Interval of the reconciliations with platform transactions, and so the maximum delay of a
purchase found by them."""

WATCH_FOLDER_SECONDS = 30
"""Interval of the scans of the watch folder."""

WEBHOOK_SUBSCRIPTION_SECONDS = 300
"""Maximum delay of the webhook subscription of a new account."""

ROUTINE_SECONDS = 900
"""Maximum delay of a routine's day whose event was lost, and of a changed time zone."""

PREDICTION_SECONDS = 1800
"""Maximum delay of the nightly predictions after the hour from which they are computed."""

SENTIMENT_SECONDS = 1800
"""Maximum delay of the sentiment of a new message or comment."""

DAY_SECONDS = 24 * 3600

WITHIN = timedelta(seconds=50)
ROLLED_UP_WITHIN = timedelta(seconds=250)
"""Time over which the rollups of all agencies are spread; `WITHIN` applies to other ticks. Both are
shorter than the interval of the tick, and a row that is still waiting is not written again."""

AT_ONCE = 20
ROLLED_UP_AT_ONCE = 4
LATER = timedelta(seconds=1)
"""Delay between groups of `AT_ONCE` agencies. A thousand agencies at the same moment every minute
would delay rows that are due on time."""

WriteRows = Callable[[OpenScope], None]

log = telemetry.get_logger("workers.relay.ticks")


def _spread_agencies(
    tenant: OpenScope, within: timedelta = WITHIN, *, at_once: int = AT_ONCE
) -> Iterator[tuple[UUID, timedelta]]:
    """Yield every agency and the delay of its row, all `within` the given time.

    Each agency is followed by a pause as long as its work took, because this process also
    dispatches due rows.
    """
    found = list_tenant_ids(tenant)
    step = min(LATER, within * at_once / max(len(found), 1))
    for number, tenant_id in enumerate(found):
        began = monotonic()
        yield tenant_id, step * (number // at_once)
        sleep(monotonic() - began)


def _for_each_tenant(
    event: Callable[[UUID, UUID], Event], dedupe: str, *, house: bool = False
) -> WriteRows:
    """Write one row for every agency and, if `house` is True, for the installation, unless one is
    still waiting."""

    def put(tenant: OpenScope) -> None:
        more = [(INSTALLATION_ID, timedelta())] if house else []
        for tenant_id, later in (*more, *_spread_agencies(tenant)):
            with tenant(tenant_id, BEAT_ACTOR) as scope:
                outbox.put(scope, event(tenant_id, tenant_id), at=scope.now + later, dedupe=dedupe)

    return put


def _write_installation_row(event: Callable[[UUID, UUID], Event], dedupe: str) -> WriteRows:
    """Write one row for the installation unless one is still waiting."""

    def put(tenant: OpenScope) -> None:
        with tenant(INSTALLATION_ID, BEAT_ACTOR) as scope:
            outbox.put(scope, event(INSTALLATION_ID, INSTALLATION_ID), dedupe=dedupe)

    return put


def _as_planned(plan: Callable[[Scope], object]) -> WriteRows:
    """Call a function of a package for each agency."""

    def put(tenant: OpenScope) -> None:
        for tenant_id, _ in _spread_agencies(tenant):
            with tenant(tenant_id, BEAT_ACTOR) as scope:
                plan(scope)

    return put


def _each_creator_is_rolled_up(tenant: OpenScope) -> None:
    for tenant_id, later in _spread_agencies(tenant, ROLLED_UP_WITHIN, at_once=ROLLED_UP_AT_ONCE):
        with tenant(tenant_id, BEAT_ACTOR) as scope:
            for creator in queries.list_creators(scope):
                _roll_up(scope, creator, later)


def _roll_up(scope: Scope, creator: Creator, later: timedelta) -> None:
    """Schedule yesterday's and today's rollups of one creator. An invalid time zone affects this
    creator only."""
    try:
        day = local_day(scope.now, creator.zone)
    except BadInput as error:
        log.warning(
            "rollup.no_zone", creator=str(creator.id), error=telemetry.describe_error(error)
        )
        return
    for each in (day - timedelta(days=1), day):
        due = RollupDue(scope.tenant_id, creator.id, each)
        outbox.put(scope, due, at=scope.now + later, dedupe=f"rollup:{creator.id}:{each}")


TICKS = (
    Tick(60, _for_each_tenant(SweepDue, "sweep"), "sweep"),
    Tick(60, _as_planned(credentials.schedule_due_renewals), "tokens"),
    Tick(60, _as_planned(member_messages.schedule_messages), "mails"),
    Tick(60, _as_planned(remote_workers.report_silent_workers), "machines"),
    Tick(60, _as_planned(incoming_comments.schedule_comment_readings), "remarks"),
    Tick(INVITES_SECONDS, _as_planned(invites.schedule_invite_readings), "invites"),
    Tick(
        CHECKPOINT_SECONDS,
        _write_installation_row(CheckpointDue, "checkpoint"),
        "checkpoints",
        "house",
    ),
    Tick(INTAKE_SECONDS, _write_installation_row(IntakeDue, "intake"), "intake", "house"),
    Tick(WEBHOOK_SUBSCRIPTION_SECONDS, _as_planned(webhook_subscriptions.plan_checks), "calls"),
    Tick(
        WATCH_FOLDER_SECONDS, _write_installation_row(WatchFolderDue, "folder"), "folder", "house"
    ),
    Tick(3600, _as_planned(token_expiry.report_expiring_tokens), "expiry"),
    Tick(3600, _for_each_tenant(AlertsDue, "alerts"), "alerts"),
    Tick(3600, _for_each_tenant(AgeRetentionDue, "age_forget"), "ages"),
    Tick(3600, _for_each_tenant(RolesDue, "roles"), "roles"),
    Tick(ROUTINE_SECONDS, _as_planned(day_schedule.plan_routines), "routines"),
    Tick(3600, _write_installation_row(RuleReminderDue, "rules"), "rules", "house"),
    Tick(3600, _write_installation_row(PaperReminderDue, "people"), "people", "house"),
    Tick(DESTINATION_CHECK_SECONDS, _for_each_tenant(PlaceProbeDue, "copy_probe"), "places"),
    Tick(RETENTION_SECONDS, _for_each_tenant(RetentionDue, "keeping", house=True), "keeping"),
    Tick(
        DAY_SECONDS,
        _write_installation_row(CalibrationReminderDue, "comparisons"),
        "comparisons",
        "house",
    ),
    Tick(DAY_SECONDS, _for_each_tenant(TenantLimitsDue, "limits"), "limits"),
    Tick(DAY_SECONDS, _as_planned(command_menu.plan_menu_checks), "menus"),
    Tick(DAY_SECONDS, _as_planned(known_faces.resume_face_work), "faces"),
    Tick(DAY_SECONDS, _for_each_tenant(ClocksDue, "clocks"), "clocks"),
    Tick(FOLLOWERS_SECONDS, _as_planned(followers.schedule_follower_counts), "followers"),
    Tick(RAIL_SECONDS, _as_planned(rail_reconciliation.schedule_reconciliations), "rails"),
    Tick(EARNINGS_SECONDS, _as_planned(platform_earnings.schedule_earnings_readings), "earnings"),
    Tick(PREDICTION_SECONDS, _as_planned(schedule.plan_predictions), "predictions"),
    Tick(SENTIMENT_SECONDS, _as_planned(schedule.plan_sentiments), "sentiments"),
    Tick(ROLLUP_SECONDS, _each_creator_is_rolled_up, "rollup"),
    Tick(REPORT_SECONDS, _as_planned(due_reports.plan_due_reports), "reports"),
)
"""The periodic ticks. They only write rows; handlers do the work."""
