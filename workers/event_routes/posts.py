"""Routes of the events of `schedules`: publishing, edits, imports, feeds, recurrence and
suggestions."""

from collections.abc import Callable
from functools import partial
from uuid import UUID

from channels.sending import address_lookup, edits, step_runner
from channels.sending.step_runner import PreparedStep, SettleAttempt
from foundation.db.database import Scope
from foundation.http import address_policy
from foundation.http.address_policy import AddressPolicy
from foundation.http.http_client import HttpClient
from foundation.outbox.outbox import Event
from gate.reviews.own_releases import OwnReleaseMatured
from generators.local_models import gpu_sharing
from schedules.edits.events import EditDue, EditResolved
from schedules.feeds import download, handlers
from schedules.feeds.download import DownloadFeed, DownloadResult
from schedules.feeds.events import FeedReadDue
from schedules.imports.events import ImportApply, ImportCheck
from schedules.imports.handlers import abandon_import, apply_import, check_import
from schedules.posts.events import ExtendDue, PreflightDue, PublishDue, ReconcileDue, StageDue
from schedules.publishing import (
    claims,
    dry_run_outcomes,
    expiring_posts,
    platform_edits,
    uncertain_deliveries,
)
from schedules.publishing.events import (
    AccountReconnected,
    ApprovalHoldsDue,
    CopyAddressDue,
    CreatorHoldsDue,
    ExpiryDue,
    LinkHoldsDue,
    ManualOutcomeDue,
    RemovedCopyDue,
    RuleHoldsDue,
    SweepDue,
    UncertainDeliveryResolved,
)
from schedules.publishing.handlers import (
    finish_posting_pause,
    hold_after_failed_publish,
    hold_for_raised_approvals,
    preflight_delivery,
    publish_delivery,
    reconcile_delivery,
    record_copy_address,
    record_copy_removed,
    record_manual_task_end,
    resume_for_confirmed_rules,
    resume_for_registered_link,
    resume_reactivated_creator,
    resume_reconnected_account,
    resume_released_delivery,
    stage_delivery,
    sweep_deliveries,
)
from schedules.recurrence import evergreen_planner
from schedules.recurrence.events import ClocksDue, PoolDue
from schedules.recurrence.handlers import handle_clocks_due, handle_extend_due
from schedules.rescheduling.events import PauseOver
from schedules.routines import day_schedule
from schedules.routines.day_posts import CaptionWriter
from schedules.routines.events import RoutineDayDue, RoutineStepDue
from schedules.routines.handlers import (
    StepServices,
    TextStyle,
    fail_routine_step,
    run_routine_step,
)
from schedules.suggestions.alt_texts.kind import AltTextKind
from schedules.suggestions.captions.kind import CaptionKind
from schedules.suggestions.events import AltTextDue, CaptionSetDue, IdeasDue, WeekTextsDue
from schedules.suggestions.ideas.kind import IdeaKind
from schedules.suggestions.shared.engine import (
    EngineT,
    PartT,
    RequestT,
    SuggestionKind,
    fail_suggestions,
    generate_suggestions,
)
from schedules.suggestions.weekly_plans.kind import WeekTextsKind
from subscribers.replies import persona
from workers.event_handlers import routine_reports
from workers.relay.dispatch import NETWORK_DEADLINE_SECONDS, EventRoute
from workers.wiring import Services, build_once, outside_reach

IMPORT_SECONDS = 120
"""Deadline of an import: four times the duration of one with ten thousand rows; heartbeats extend
it."""

FEED_SECONDS = 90
"""Deadline of a feed read: at most four requests, and the writes after them."""


def make_feed_fetcher(reach: AddressPolicy) -> DownloadFeed:
    """Return a function that downloads feeds from the addresses that `reach` allows."""
    # Members choose the URLs of feeds, so a separate client limits the addresses that they reach.
    client = build_once(partial(HttpClient, max_connections=8, reach=reach))
    may_reach = partial(address_policy.can_connect, reach=reach)

    def fetch(address: str, etag: str, modified: str) -> DownloadResult:
        return download.download_feed(address, etag, modified, http=client(), may_reach=may_reach)

    return fetch


def import_routes(s: Services) -> tuple[EventRoute, ...]:
    """Return the routes of imports and feeds."""
    tenant = s.tenant
    connectors = s.connectors
    gave_up = partial(abandon_import, tenant=tenant)
    check = partial(check_import, tenant=tenant, connectors=connectors)
    apply = partial(apply_import, tenant=tenant, connectors=connectors)
    feed = partial(
        handlers.read_feed, tenant=tenant, fetch=make_feed_fetcher(outside_reach(s.settings))
    )
    return (
        EventRoute(ImportCheck, check, deadline_seconds=IMPORT_SECONDS, on_dead=gave_up),
        EventRoute(
            FeedReadDue,
            feed,
            deadline_seconds=FEED_SECONDS,
            on_dead=partial(handlers.reschedule_feed, tenant=tenant),
        ),
        EventRoute(ImportApply, apply, deadline_seconds=IMPORT_SECONDS, on_dead=gave_up),
    )


RENDITION_DEADLINE_SECONDS = 120
"""Deadline for ninety days of a series on every account, or for all scheduled times of an agency.
"""

STAGE_SECONDS = 320
"""Deadline for all uploads of a post, including the writes around them."""

ROUTINE_SECONDS = 300
"""Deadline of a step: a caption for each of twenty-four slots; heartbeats extend it."""

TEXT_DEADLINE_SECONDS = 120
"""Deadline for twenty-one short texts; heartbeats extend it."""


def post_routes(s: Services) -> tuple[EventRoute, ...]:
    """Return the routes of the events of `schedules`."""
    claim = partial(dry_run_outcomes.claim_or_end_dry_run, mint=s.mint, connectors=s.connectors)
    stage = partial(claims.claim_upload, mint=s.mint, connectors=s.connectors)
    recorded = partial(step_runner.recorded_outcome, connectors=s.connectors)
    named = partial(
        address_lookup.look_up_address,
        tenant=s.tenant,
        transport=s.transport,
        connectors=s.connectors,
    )
    tenant = s.tenant
    return (
        EventRoute(
            PublishDue,
            partial(publish_delivery, tenant=tenant, claim=claim, carry=s.run_steps),
            deadline_seconds=NETWORK_DEADLINE_SECONDS,
            on_dead=partial(hold_after_failed_publish, tenant=tenant),
        ),
        EventRoute(
            PreflightDue, partial(preflight_delivery, tenant=tenant, connectors=s.connectors)
        ),
        EventRoute(
            StageDue,
            partial(stage_delivery, tenant=tenant, begin=stage, upload=s.run_upload_steps),
            deadline_seconds=STAGE_SECONDS,
        ),
        EventRoute(
            ReconcileDue,
            partial(reconcile_delivery, tenant=tenant, look=s.look_up_delivery, recorded=recorded),
            deadline_seconds=NETWORK_DEADLINE_SECONDS,
        ),
        EventRoute(
            UncertainDeliveryResolved,
            partial(uncertain_deliveries.apply_uncertain_resolution, tenant=tenant, look=named),
            deadline_seconds=NETWORK_DEADLINE_SECONDS,
        ),
        *_edit_routes(s),
        *_upkeep_routes(s),
        *_routine_routes(s),
        *_suggestion_routes(s),
        *import_routes(s),
    )


def _upkeep_routes(s: Services) -> tuple[EventRoute, ...]:
    """Return the routes that maintain scheduled and published posts: sweeps, holds, expiry,
    recurrence."""
    tenant = s.tenant
    return (
        EventRoute(SweepDue, partial(sweep_deliveries, tenant=tenant)),
        EventRoute(RemovedCopyDue, partial(record_copy_removed, tenant=tenant)),
        EventRoute(ExpiryDue, partial(expiring_posts.expire_delivery, tenant=tenant)),
        EventRoute(OwnReleaseMatured, partial(resume_released_delivery, tenant=tenant)),
        EventRoute(AccountReconnected, partial(resume_reconnected_account, tenant=tenant)),
        EventRoute(CreatorHoldsDue, partial(resume_reactivated_creator, tenant=tenant)),
        EventRoute(ApprovalHoldsDue, partial(hold_for_raised_approvals, tenant=tenant)),
        EventRoute(LinkHoldsDue, partial(resume_for_registered_link, tenant=tenant)),
        EventRoute(RuleHoldsDue, partial(resume_for_confirmed_rules, tenant=tenant)),
        EventRoute(CopyAddressDue, partial(record_copy_address, tenant=tenant)),
        EventRoute(PauseOver, partial(finish_posting_pause, tenant=tenant)),
        EventRoute(ManualOutcomeDue, partial(record_manual_task_end, tenant=tenant)),
        EventRoute(
            ExtendDue,
            partial(handle_extend_due, tenant=tenant),
            deadline_seconds=RENDITION_DEADLINE_SECONDS,
        ),
        EventRoute(
            PoolDue,
            partial(evergreen_planner.plan_pool, tenant=tenant, connectors=s.connectors),
            deadline_seconds=RENDITION_DEADLINE_SECONDS,
        ),
        EventRoute(
            ClocksDue,
            partial(handle_clocks_due, tenant=tenant),
            deadline_seconds=RENDITION_DEADLINE_SECONDS,
        ),
    )


def _routine_routes(s: Services) -> tuple[EventRoute, ...]:
    """Return the routes of creators' routines."""
    services = StepServices(
        s.tenant,
        CaptionWriter(s.text_engine, s.billing),
        _load_text_style,
        partial(routine_reports.report_routine_day, settings=s.settings),
        routine_reports.review_routine_week,
        per_day=s.settings.generators.pictures_per_day,
    )
    return (
        EventRoute(RoutineDayDue, partial(day_schedule.plan_routine_day, tenant=s.tenant)),
        EventRoute(
            RoutineStepDue,
            partial(run_routine_step, services=services),
            deadline_seconds=ROUTINE_SECONDS,
            on_dead=partial(fail_routine_step, tenant=s.tenant),
        ),
    )


def _load_text_style(scope: Scope, creator_id: UUID) -> TextStyle:
    style = persona.writing_style_of_creator(scope, creator_id)
    return TextStyle(style.tone, style.forbidden)


def _suggestion_routes(s: Services) -> tuple[EventRoute, ...]:
    free_gpu = partial(gpu_sharing.free_gpu, s.settings.generators)
    return (
        _build_suggestion_route(s, WeekTextsDue, WeekTextsKind(), s.text_engine),
        _build_suggestion_route(s, CaptionSetDue, _caption_kind(s), s.text_engine),
        _build_suggestion_route(s, AltTextDue, AltTextKind(s.store, free_gpu), s.vision_engine),
        _build_suggestion_route(s, IdeasDue, IdeaKind(), s.text_engine),
    )


def _caption_kind(s: Services) -> CaptionKind:
    return CaptionKind(s.connectors, s.settings.generators.caption_seconds)


def _build_suggestion_route(
    s: Services,
    event: type[Event],
    kind: SuggestionKind[RequestT, EngineT, PartT],
    open_engine: Callable[[], EngineT],
) -> EventRoute:
    return EventRoute(
        event,
        partial(
            generate_suggestions,
            kind=kind,
            tenant=s.tenant,
            open_engine=open_engine,
            billing=s.billing,
        ),
        deadline_seconds=TEXT_DEADLINE_SECONDS,
        on_dead=partial(fail_suggestions, kind=kind, tenant=s.tenant),
    )


def _edit_routes(s: Services) -> tuple[EventRoute, ...]:
    """Return the routes of edits of live posts."""
    send = partial(
        platform_edits.send_edit,
        tenant=s.tenant,
        mint=s.mint,
        connectors=s.connectors,
        carry=_build_edit_runner(s),
    )
    gave_up = partial(platform_edits.hold_failed_edit, tenant=s.tenant)
    return (
        EventRoute(EditDue, send, deadline_seconds=NETWORK_DEADLINE_SECONDS, on_dead=gave_up),
        EventRoute(EditResolved, partial(platform_edits.apply_edit_resolution, tenant=s.tenant)),
    )


def _build_edit_runner(s: Services) -> platform_edits.RunEditSteps:
    """Return the step runner for edits."""
    arm_next = partial(edits.prepare_next_edit_step, connectors=s.connectors, mint=s.mint)

    def carry(armed: PreparedStep, settle: SettleAttempt) -> object:
        return step_runner.run_steps(
            armed, tenant=s.tenant, transport=s.transport, arm_next=arm_next, settle=settle
        )

    return carry
