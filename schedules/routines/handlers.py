"""Handler of a routine's steps. A step that waits for runs, approvals or posts returns to the
outbox; a killed worker continues with the stored results."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import chain
from typing import Protocol
from uuid import UUID

from channels.accounts.queries import list_creator_channels
from foundation.db.database import OpenScope, Scope
from foundation.errors import BadInput, Conflict, NotFound, Refused
from foundation.i18n.translation import Message
from foundation.ids import derived_uuid
from foundation.ops.wall_time import WallTime
from foundation.outbox.heartbeat import heartbeat
from foundation.outbox.outbox import RetryLater
from gate.contract.units import Rating
from generators.contract.engines import EngineError
from schedules.approvals.approvers import count_needed_approvers, list_creator_approvers
from schedules.posts.queries import DeliveryEntry, entries_of_post, post_ids_by_origin_key
from schedules.posts.states import MISSING_APPROVAL_CODES, DeliveryState
from schedules.routines import day_posts, generation, proposal_notices, steps
from schedules.routines.day_posts import CaptionWriter, DayPost
from schedules.routines.events import RoutineStepDue
from schedules.routines.models import Routine
from schedules.routines.plans import RoutinePlan, RoutineSlot, SlotMedia, plan_from_json
from schedules.routines.states import ENDED_STEP_STATES, StepKind, StepState
from schedules.routines.steps import NO_RESULTS, ROUTINE_ACTOR, StepResults, StepView
from schedules.suggestions.weekly_plans import proposals
from schedules.suggestions.weekly_plans.brief import WeekBrief
from studio.costs import quotas
from studio.recipes.queries import list_recipes
from studio.runs.queries import get_run
from studio.runs.runner import stop_run
from studio.runs.states import JobState
from tenants.agencies import queries
from tenants.agencies.queries import Creator

ORIGIN = "routine"
"""`origin` of the posts of routines, and prefix of the keys of their runs and clips."""

POLL = timedelta(seconds=30)
FIRST_POST_LEAD = timedelta(minutes=15)
"""Time before a slot at which posts are proposed with the pictures that exist."""

REVIEW_TIME = timedelta(minutes=30)
"""Minimum time that approvers have before the deadline reminds them."""

REFUSALS = (BadInput, Conflict, NotFound, Refused, EngineError)
"""Errors that fail a step, because a retry cannot succeed."""

NO_APPROVER = Message("routine.no_approver")
NO_PICTURE = Message("routine.no_picture")
NO_CHANNEL = Message("routine.no_channel")
NO_POST = Message("routine.no_post")
MOVED = Message("routine.post_moved")
NOT_PUBLISHED = Message("routine.not_published")
OUR_ERROR = Message("routine.our_error")

CLIP_REASON = "clip"
"""Key of the reason why there is no clip, beside those of prompt templates."""

UNSETTLED_STATES = frozenset(
    {
        DeliveryState.DRAFT,
        DeliveryState.APPROVED,
        DeliveryState.SCHEDULED,
        DeliveryState.PUBLISHING,
        DeliveryState.PROCESSING,
        DeliveryState.UNCERTAIN,
        DeliveryState.PARTLY,
    }
)
LIVE_STATES = frozenset({DeliveryState.PUBLISHED, DeliveryState.REMOVING, DeliveryState.REMOVED})


@dataclass(frozen=True)
class StepOutcome:
    """The end of a step: its state, the reason unless it succeeded, and its results."""

    state: StepState
    reason: Message | None = None
    results: StepResults = NO_RESULTS


@dataclass(frozen=True)
class StepContext:
    """A step that has begun, with its creator and the current plan."""

    tenant_id: UUID
    step: StepView
    creator: Creator
    plan: RoutinePlan

    def key(self, what: str) -> str:
        """Return a key that is the same for each repeat of the day."""
        return f"{self.creator.id}:{self.step.day}:{what}"

    def instant(self, slot: RoutineSlot) -> datetime:
        """Return the time of a slot on the step's day, UTC-aware."""
        return self.wall_time(slot).instant()

    def wall_time(self, slot: RoutineSlot) -> WallTime:
        """Return the local time of a slot on the step's day."""
        return WallTime(self.step.day, slot.at, self.creator.zone)


class FinishStep(Protocol):
    """Runs a step whose results come from another package."""

    def __call__(self, tenant: OpenScope, context: StepContext) -> StepOutcome: ...


@dataclass(frozen=True)
class TextStyle:
    """The style of a creator's texts: tone and words that are never used."""

    tone: str = ""
    forbidden: tuple[str, ...] = ()


@dataclass(frozen=True)
class StepServices:
    """The services of the handler. `per_day` is the installation's quota of pictures, 0 for
    none."""

    tenant: OpenScope
    writer: CaptionWriter
    text_style: Callable[[Scope, UUID], TextStyle]
    report_day: FinishStep
    review_week: FinishStep
    per_day: int = 0


def run_routine_step(event: RoutineStepDue, *, services: StepServices) -> None:
    """Run a step once. Raises `outbox.RetryLater` while it waits."""
    with services.tenant(event.tenant_id, ROUTINE_ACTOR) as scope:
        step = steps.begin_step(scope, event.subject_id)
        context = _load_context(scope, step) if step is not None else None
    if context is None:
        return
    with heartbeat():
        outcome = _run_step(services, context)
    with services.tenant(event.tenant_id, ROUTINE_ACTOR) as scope:
        steps.end_step(
            scope, event.subject_id, outcome.state, outcome.reason, results=outcome.results
        )


def fail_routine_step(event: RoutineStepDue, *, tenant: OpenScope) -> None:
    """Fail a step after its last attempt; members may run it again."""
    with tenant(event.tenant_id, ROUTINE_ACTOR) as scope:
        steps.end_step(scope, event.subject_id, StepState.FAILED, OUR_ERROR)


def _load_context(scope: Scope, step: StepView) -> StepContext:
    row = scope.session.get_one(Routine, (scope.tenant_id, step.routine_id))
    creator = queries.get_creator(scope, step.creator_id)
    return StepContext(scope.tenant_id, step, creator, plan_from_json(row.plan))


def _run_step(services: StepServices, context: StepContext) -> StepOutcome:
    try:
        match context.step.kind:
            case StepKind.GENERATE:
                return _generate(services, context)
            case StepKind.PROPOSE:
                return _propose(services, context)
            case StepKind.APPROVE:
                return _check_approvals(services.tenant, context)
            case StepKind.PUBLISH:
                return _follow_slot(services.tenant, context)
            case StepKind.PLAN_WEEK:
                return _plan_week(services, context)
            case StepKind.REVIEW_WEEK:
                return services.review_week(services.tenant, context)
            case StepKind.REPORT:
                return services.report_day(services.tenant, context)
    except REFUSALS as refusal:
        return StepOutcome(StepState.FAILED, refusal.message)


# generation


def _generate(services: StepServices, context: StepContext) -> StepOutcome:
    tenant = services.tenant
    with tenant(context.tenant_id, ROUTINE_ACTOR) as scope:
        found = context.step.results
        if not found.runs:
            limit = _find_limit(scope, context, services.per_day)
            if limit is not None:
                return StepOutcome(StepState.SKIPPED, limit)
            found = _start_runs(scope, context)
            steps.save_step_results(scope, context.step.id, found)
    with tenant(context.tenant_id, ROUTINE_ACTOR) as scope:
        collected = _collect_pictures(scope, found, until=context.step.over_at)
        if collected is None:
            raise RetryLater(POLL)
        found = collected
        if context.plan.clips and not found.clip_jobs:
            found = _request_clips(scope, context, found)
            steps.save_step_results(scope, context.step.id, found)
    with tenant(context.tenant_id, ROUTINE_ACTOR) as scope:
        results = generation.read_clips(scope, found.clip_jobs)
    if not all(one.has_ended for one in results):
        raise RetryLater(POLL)
    failed = next((one.reason for one in results if one.reason is not None), None)
    reasons = dict(found.reasons) | ({CLIP_REASON: failed.to_json()} if failed else {})
    clips = tuple(chain.from_iterable(one.assets for one in results))
    return _sum_up_generation(replace(found, clips=clips, reasons=reasons))


def _find_limit(scope: Scope, context: StepContext, per_day: int) -> Message | None:
    """Return the reason why no picture can be generated before the step is over, or None."""
    wait = quotas.generation_wait(scope, context.creator.id, per_day=per_day)
    if wait is None or wait.until < context.step.over_at or not context.plan.template_names:
        return None
    return Message(f"routine.limit_{wait.why}")


def _start_runs(scope: Scope, context: StepContext) -> StepResults:
    """Start the run of each prompt template of the day. One that is refused does not stop the
    others."""
    recipes = {one.name: one.id for one in list_recipes(scope, context.creator.id)}
    runs: dict[str, UUID] = {}
    reasons = {}
    for use in context.plan.templates_on(context.step.day):
        try:
            if use.name not in recipes:
                raise NotFound("routine.template_unknown", name=use.name)
            runs[use.name] = generation.start_day_run(
                scope,
                context.creator.id,
                recipes[use.name],
                name=use.name,
                day=context.step.day,
                origin=ORIGIN,
                count=use.pictures,
            )
        except (BadInput, NotFound, Refused) as refusal:
            reasons[use.name] = refusal.message.to_json()
    return StepResults(runs=runs, reasons=reasons)


def _collect_pictures(scope: Scope, found: StepResults, *, until: datetime) -> StepResults | None:
    """Return the results with the pictures of the runs, or None while one has not ended. A run that
    a limit delays beyond `until` is stopped."""
    reasons = dict(found.reasons)
    for name, job_id in found.runs.items():
        limit = _stop_delayed_run(scope, job_id, until)
        if limit is not None:
            reasons[name] = limit.to_json()
    results = dict(zip(found.runs, generation.read_runs(scope, found.runs.values()), strict=True))
    if not all(one.has_ended for one in results.values()):
        return None
    for name, one in results.items():
        if one.state is not JobState.DONE and name not in reasons:
            reasons[name] = (one.reason or Message("routine.run_stopped")).to_json()
    pictures = {name: one.assets for name, one in results.items() if one.assets}
    return replace(found, pictures=pictures, reasons=reasons)


def _stop_delayed_run(scope: Scope, job_id: UUID, until: datetime) -> Message | None:
    """Stop a run that waits beyond `until`, so that its pictures do not use the quota of another
    day. Return the limit for which it waits, or None."""
    run = get_run(scope, job_id)
    if run.waits_until is None or run.waits_until < until:
        return None
    stop_run(scope, job_id)
    return Message(f"routine.limit_{run.waits_for}")


def _request_clips(scope: Scope, context: StepContext, found: StepResults) -> StepResults:
    daily = [use.name for use in context.plan.templates]
    pictures = [asset for name in daily for asset in found.pictures.get(name, ())]
    if not pictures:
        return found
    try:
        jobs = generation.request_day_clips(
            scope,
            context.creator.id,
            pictures,
            count=context.plan.clips,
            key=f"{ORIGIN}:{context.key(CLIP_REASON)}",
        )
    except REFUSALS as refusal:
        return replace(found, reasons={**found.reasons, CLIP_REASON: refusal.message.to_json()})
    return replace(found, clip_jobs=tuple(jobs))


def _sum_up_generation(found: StepResults) -> StepOutcome:
    pictures = sum(map(len, found.pictures.values()))
    found = replace(found, counts={"pictures": pictures, "clips": len(found.clips)})
    reason = next((Message.from_json(one) for one in found.reasons.values()), None)
    if pictures or reason is None:
        return StepOutcome(StepState.DONE, reason, found)
    # Members fix a missing or unreachable engine in the settings; the step itself did not fail.
    missing = reason.code.startswith("engine.")
    return StepOutcome(StepState.SKIPPED if missing else StepState.FAILED, reason, found)


# proposals


def _propose(services: StepServices, context: StepContext) -> StepOutcome:
    with services.tenant(context.tenant_id, ROUTINE_ACTOR) as scope:
        now = scope.now
        _wait_for_generation(scope, context)
        if len(list_creator_approvers(scope, context.creator)) < count_needed_approvers(
            context.creator
        ):
            return StepOutcome(StepState.SKIPPED, NO_APPROVER)
        sources = _load_sources(scope, context)
        style = services.text_style(scope, context.creator.id)
    posts: dict[str, UUID] = {}
    reasons: dict[str, Message] = {}
    turns: dict[str, int] = {}
    for slot in context.plan.slots_on(context.step.day):
        source = _source_of_slot(slot)
        turn = turns.get(source, 0)
        turns[source] = turn + 1
        assets = sources.assets.get(source, ())
        reason = _find_slot_obstacle(context, slot, sources, now)
        if reason is not None:
            reasons[slot.key] = reason
            continue
        post_id = _propose_post(services, context, slot, assets[turn % len(assets)], style)
        posts[slot.key] = post_id
    stored = {key: reason.to_json() for key, reason in reasons.items()}
    results = StepResults(posts=posts, reasons=stored, counts={"posts": len(posts)})
    first = next(iter(reasons.values()), None)
    if not posts:
        return StepOutcome(StepState.SKIPPED, first or NO_PICTURE, results)
    with services.tenant(context.tenant_id, ROUTINE_ACTOR) as scope:
        proposal_notices.announce_proposals(
            scope, context.creator, context.step.day, context.plan, posts=len(posts)
        )
    return StepOutcome(StepState.DONE, None, results)


def _wait_for_generation(scope: Scope, context: StepContext) -> None:
    """Raise `RetryLater` while the pictures of the day are being generated and a slot is still far
    enough ahead."""
    step = steps.get_step(scope, context.creator.id, context.step.day, str(StepKind.GENERATE))
    if step is None or step.state in ENDED_STEP_STATES:
        return
    ahead = [
        at
        for slot in context.plan.slots_on(context.step.day)
        if (at := context.instant(slot)) > scope.now
    ]
    if ahead and scope.now < min(ahead) - FIRST_POST_LEAD:
        raise RetryLater(POLL)


@dataclass(frozen=True)
class _Sources:
    """Assets by source, the channels that can publish, and the reason why pictures are missing."""

    assets: Mapping[str, tuple[UUID, ...]]
    channels: frozenset[UUID]
    reason: Message | None


def _load_sources(scope: Scope, context: StepContext) -> _Sources:
    step = steps.get_step(scope, context.creator.id, context.step.day, str(StepKind.GENERATE))
    found = step.results if step is not None else NO_RESULTS
    daily = [use.name for use in context.plan.templates]
    photos = generation.list_library_photos(
        scope, context.creator.id, Rating(context.creator.rating_ceiling)
    )
    assets: dict[str, Iterable[UUID]] = {
        **{f"template:{name}": made for name, made in found.pictures.items()},
        SlotMedia.GENERATED: [one for name in daily for one in found.pictures.get(name, ())],
        SlotMedia.CLIP: found.clips,
        SlotMedia.LIBRARY: generation.choose_day_photos(photos, context.step.day),
    }
    usable = frozenset(
        one.id
        for one in list_creator_channels(scope, context.creator.id)
        if one.surface and not one.is_disconnected
    )
    reason = step.reason if step is not None else None
    return _Sources({name: tuple(some) for name, some in assets.items()}, usable, reason)


def _source_of_slot(slot: RoutineSlot) -> str:
    if slot.media is SlotMedia.GENERATED and slot.template:
        return f"template:{slot.template}"
    return str(slot.media)


def _find_slot_obstacle(
    context: StepContext, slot: RoutineSlot, sources: _Sources, now: datetime
) -> Message | None:
    """Return the reason why a slot gets no post, or None."""
    if context.instant(slot) <= now:
        return steps.TOO_LATE
    if not set(slot.channels) & sources.channels:
        return NO_CHANNEL
    if sources.assets.get(_source_of_slot(slot)):
        return None
    return NO_PICTURE if slot.media is SlotMedia.LIBRARY else (sources.reason or NO_PICTURE)


def _propose_post(
    services: StepServices,
    context: StepContext,
    slot: RoutineSlot,
    asset_id: UUID,
    style: TextStyle,
) -> UUID:
    wanted = DayPost(
        context.creator,
        ORIGIN,
        context.key(slot.key),
        asset_id,
        generation.derive_seed(context.creator.id, context.step.day, slot.key),
        ROUTINE_ACTOR,
        day_posts.caption_style(context.creator, context.plan.tone or style.tone),
        slot.theme,
    )
    made = day_posts.create_day_post(services.tenant, context.tenant_id, wanted, services.writer)
    with services.tenant(context.tenant_id, ROUTINE_ACTOR) as scope:
        usable = {
            one.id
            for one in list_creator_channels(scope, context.creator.id)
            if not one.is_disconnected
        }
        channels = [one for one in slot.channels if one in usable]
        day_posts.add_draft_deliveries(scope, made.post_id, channels, context.wall_time(slot))
    return made.post_id


# approvals and slots


def _check_approvals(tenant: OpenScope, context: StepContext) -> StepOutcome:
    with tenant(context.tenant_id, ROUTINE_ACTOR) as scope:
        proposed = _get_ended_proposals(scope, context)
        posts = _list_day_posts(scope, context)
        if not posts:
            return StepOutcome(StepState.SKIPPED, proposed.reason or NO_POST)
        waiting = sum(_is_unapproved(scope, post_id) for post_id in posts.values())
        if waiting and proposed.ended_at is not None:
            left = proposed.ended_at + REVIEW_TIME - scope.now
            if left > timedelta() and scope.now + left < context.step.over_at:
                raise RetryLater(left)
        proposal_notices.close_proposals(scope, context.creator)
        results = StepResults(counts={"posts": len(posts), "waiting": waiting})
        if not waiting:
            return StepOutcome(StepState.DONE, None, results)
        proposal_notices.announce_deadline(
            scope, context.creator, context.step.day, context.plan, posts=waiting
        )
        reason = Message("routine.approval_missing", {"count": waiting})
        return StepOutcome(StepState.FAILED, reason, results)


def _list_day_posts(scope: Scope, context: StepContext) -> dict[str, UUID]:
    """Return the proposed posts of the day by the time of their slot, even those of a proposal that
    was interrupted."""
    prefix = context.key("")
    found = post_ids_by_origin_key(scope, ORIGIN, prefix)
    return {key.removeprefix(prefix): post_id for key, post_id in found.items()}


def _is_unapproved(scope: Scope, post_id: UUID) -> bool:
    entries = entries_of_post(scope, post_id, names={})
    return any(
        entry.state is DeliveryState.DRAFT
        or (entry.reason is not None and entry.reason.code in MISSING_APPROVAL_CODES)
        for entry in entries
    )


def _get_ended_proposals(scope: Scope, context: StepContext) -> StepView:
    """Return the step that proposed the day's posts. Raises `RetryLater` until it has ended."""
    step = steps.get_step(scope, context.creator.id, context.step.day, str(StepKind.PROPOSE))
    if step is None:
        raise NotFound("routine.no_post")
    if step.state not in ENDED_STEP_STATES:
        raise RetryLater(POLL)
    return step


def _follow_slot(tenant: OpenScope, context: StepContext) -> StepOutcome:
    """Record what became of the posts of a slot, once it is known."""
    slot = context.step.slot
    with tenant(context.tenant_id, ROUTINE_ACTOR) as scope:
        proposed = _get_ended_proposals(scope, context)
        post_id = _list_day_posts(scope, context).get(slot)
        if post_id is None:
            reason = proposed.results.reason_of(slot) or proposed.reason or NO_POST
            return StepOutcome(StepState.SKIPPED, reason)
        entries = entries_of_post(scope, post_id, names={})
        over = scope.now >= context.step.over_at
        moved = [entry for entry in entries if entry.due_at >= context.step.over_at]
    here = [entry for entry in entries if entry not in moved]
    if any(entry.state in UNSETTLED_STATES for entry in here) and not over:
        raise RetryLater(POLL)
    results = StepResults(
        posts={slot: post_id},
        counts={"published": sum(entry.state in LIVE_STATES for entry in here)},
    )
    return _sum_up_slot(here, results, moved=bool(moved))


def _sum_up_slot(entries: list[DeliveryEntry], results: StepResults, *, moved: bool) -> StepOutcome:
    if not entries:
        return StepOutcome(StepState.SKIPPED, MOVED if moved else NO_POST, results)
    missing = [entry for entry in entries if entry.state not in LIVE_STATES]
    if not missing:
        return StepOutcome(StepState.DONE, None, results)
    reason = next((entry.reason for entry in missing if entry.reason), NOT_PUBLISHED)
    # Held posts wait for a member, and cancelled ones were a member's decision.
    calm = {DeliveryState.HELD, DeliveryState.CANCELLED, DeliveryState.REHEARSED}
    skipped = len(missing) == len(entries) and all(one.state in calm for one in missing)
    return StepOutcome(StepState.SKIPPED if skipped else StepState.FAILED, reason, results)


# weeks


def _plan_week(services: StepServices, context: StepContext) -> StepOutcome:
    weekly = context.plan.weekly
    with services.tenant(context.tenant_id, ROUTINE_ACTOR) as scope:
        style = services.text_style(scope, context.creator.id)
        brief = WeekBrief(
            creator_id=context.creator.id,
            goal="",
            tone=context.plan.tone or style.tone,
            language=day_posts.caption_style(context.creator, "").language,
            channels=context.plan.channels,
            first=context.step.day,
            weekdays=tuple(range(7)),
            count=weekly.plan_posts,
            topics=weekly.topics,
            forbidden=style.forbidden,
        )
        key = derived_uuid(context.step.id, "week")
        plan_id = proposals.request_week(scope, brief, key=key)
        proposal_notices.announce_week(scope, context.creator, context.step.day)
        lines = len(proposals.get_week_proposal(scope, [context.creator.id], plan_id).lines)
    return StepOutcome(StepState.DONE, None, StepResults(counts={"posts": lines}))
