"""Weekly plan proposals: requested from a brief, then accepted, changed or dropped post by post.

A proposal schedules nothing. An accepted post becomes a draft with a proposed time, as if the
member had written it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlmodel import col, select

from channels.accounts import queries
from foundation.db.database import Scope
from foundation.errors import BadInput, Conflict, NotFound
from foundation.ids import derived_uuid
from foundation.ops.wall_time import WallTime, day_bounds, parse_wall_time
from foundation.outbox import outbox
from schedules.availability import slots
from schedules.drafts import drafts
from schedules.drafts.drafts import Draft
from schedules.posts import deliveries
from schedules.posts.deliveries import PLANNING_HORIZON
from schedules.posts.states import WEEK_LINE_STATES
from schedules.posts.transitions import get_delivery
from schedules.suggestions.events import WeekTextsDue
from schedules.suggestions.models import WeekLine, WeekPlan
from schedules.suggestions.shared import request_rows
from schedules.suggestions.shared.forbidden_words import reject_forbidden_words
from schedules.suggestions.shared.results import load_results
from schedules.suggestions.shared.stored_briefs import dump_brief, load_brief
from schedules.suggestions.states import WeekLineState
from schedules.suggestions.weekly_plans import prompts, time_layout
from schedules.suggestions.weekly_plans.brief import WeekBrief
from studio.library import assets
from studio.recipes.queries import list_recipes
from studio.runs import runner
from tenants.agencies.queries import get_creator

ORIGIN = "week"
"""`origin` of posts created from proposals."""

LASTS = timedelta(days=7)
"""Time after which a proposal expires; it also expires when its days are over."""

MAX_LINE_LENGTH = 5000
"""Maximum number of characters in a text; limits of platforms are shown when the draft is opened.
"""


@dataclass(frozen=True)
class WeekLineView:
    """A post of a proposal. `hour_from` is slot, best, usual or plain; `words_by` is brief, model,
    person or both."""

    id: UUID
    creator_id: UUID
    channels: tuple[UUID, ...]
    at: WallTime
    hour_from: str
    recipe_id: UUID | None
    topic: str
    body: str
    words_by: str
    state: WeekLineState
    post_id: UUID | None
    version: int


@dataclass(frozen=True)
class WeekProposal:
    """A proposed week with its posts by time; `written` is True once a model has processed its
    texts."""

    id: UUID
    brief: WeekBrief
    expires_at: datetime
    written: bool
    lines: Sequence[WeekLineView]

    @property
    def open_lines(self) -> list[WeekLineView]:
        """The posts that are neither accepted nor dropped."""
        return [one for one in self.lines if one.state is WeekLineState.PROPOSED]


@dataclass(frozen=True)
class WeekLineChange:
    """A member's change of a proposed post."""

    body: str
    at: WallTime
    recipe_id: UUID | None


def request_week(scope: Scope, brief: WeekBrief, *, key: UUID) -> UUID:
    """Propose a week once per `key`: days and hours immediately, generated texts soon after.

    Raises BadInput for an invalid brief and a week without a free hour, NotFound for accounts and
    recipes that are not the creator's.
    """
    assets.lock_library(scope, "week", key)
    known = request_rows.find_by_key(scope, WeekPlan, key)
    if known is not None:
        return known
    _check_day(scope, brief.first)
    brief.check_brief()
    brief = replace(brief, results=load_results(scope, brief.creator_id))
    zone = get_creator(scope, brief.creator_id).zone
    _check_owner(scope, brief)
    end = day_bounds(brief.posting_days[-1], zone)[1]
    if end <= scope.now:
        raise BadInput("week.not_ahead", most=PLANNING_HORIZON.days)
    hours = time_layout.lay_out_week(scope, brief, zone)
    if not hours:
        raise BadInput("week.no_room")
    row = WeekPlan(
        tenant_id=scope.tenant_id,
        creator_id=brief.creator_id,
        key=str(key),
        by=scope.actor,
        brief=dump_brief(brief),
        expires_at=min(scope.now + LASTS, end),
    )
    scope.add(row)
    for number, hour in enumerate(hours):
        topic = brief.topic_of_line(number)
        line = WeekLine(
            tenant_id=scope.tenant_id,
            creator_id=brief.creator_id,
            plan_id=row.id,
            number=number,
            channels=[str(one) for one in brief.channels],
            wall_time=str(hour.at),
            zone=hour.at.zone,
            hour_from=hour.source,
            recipe_id=brief.recipes[number % len(brief.recipes)] if brief.recipes else None,
            topic=topic,
            body=prompts.brief_text(topic, brief.goal, brief.link),
            words_by="brief",
        )
        scope.add(line)
    outbox.put(scope, WeekTextsDue(scope.tenant_id, row.id), at=scope.now)
    return row.id


def _check_day(scope: Scope, day: date) -> None:
    """Raise BadInput for a day beyond the planning horizon."""
    if abs((day - scope.now.date()).days) > PLANNING_HORIZON.days:
        raise BadInput("week.not_ahead", most=PLANNING_HORIZON.days)


def _check_owner(scope: Scope, brief: WeekBrief) -> None:
    ours = {one.id for one in queries.list_creator_channels(scope, brief.creator_id)}
    if not set(brief.channels) <= ours:
        raise NotFound("channel.unknown", channel="-")
    _check_recipes(scope, brief.creator_id, brief.recipes)


def _check_recipes(scope: Scope, creator_id: UUID, recipes: Collection[UUID]) -> None:
    if recipes and not set(recipes) <= {one.id for one in list_recipes(scope, creator_id)}:
        raise NotFound("recipe.unknown")


def list_week_proposals(scope: Scope, creator_id: UUID, *, limit: int = 1) -> list[WeekProposal]:
    """Return the current proposals of a creator, newest first."""
    rows = request_rows.list_latest(
        scope, WeekPlan, creator_id, col(WeekPlan.expires_at) > scope.now, limit=limit
    )
    return [_load_week_proposal(scope, row) for row in rows]


def _load_week_proposal(scope: Scope, row: WeekPlan) -> WeekProposal:
    lines = scope.session.exec(
        select(WeekLine)
        .where(WeekLine.tenant_id == scope.tenant_id, WeekLine.plan_id == row.id)
        .order_by(col(WeekLine.wall_time), col(WeekLine.number))
        .execution_options(populate_existing=True)
    )
    brief = load_brief(WeekBrief, row.creator_id, row.brief)
    return WeekProposal(
        row.id,
        brief,
        row.expires_at,
        row.written_at is not None,
        [_line_view_from_row(one) for one in lines],
    )


def get_week_proposal(scope: Scope, creators: Collection[UUID], plan_id: UUID) -> WeekProposal:
    """Return a proposal of one of these creators, even after it has expired.

    Raises NotFound, also for another tenant's proposal.
    """
    row = request_rows.get_row_of(scope, WeekPlan, creators, plan_id, unknown="week.unknown")
    return _load_week_proposal(scope, row)


def get_week_line(scope: Scope, line_id: UUID) -> WeekLineView:
    """Return a proposed post. Raises NotFound, also for another tenant's post."""
    return _line_view_from_row(_get_line_row(scope, line_id))


def update_week_line(scope: Scope, line_id: UUID, change: WeekLineChange, *, version: int) -> None:
    """Change the text, time or recipe of a proposed post, if it still has the version that the
    member saw.

    Raises BadInput for an empty text, forbidden words and a time in the past; NotFound; and
    Conflict for another version.
    """
    row, plan = _lock_open_line(scope, line_id, version)
    if not change.body.strip():
        raise BadInput("compose.empty").about("body")
    if len(change.body) > MAX_LINE_LENGTH:
        raise BadInput("week.too_long", most=MAX_LINE_LENGTH)
    _check_day(scope, change.at.day)
    if change.at.instant() <= scope.now:
        raise BadInput("week.not_ahead", most=PLANNING_HORIZON.days)
    reject_forbidden_words(change.body, plan.forbidden)
    _check_recipes(scope, row.creator_id, [change.recipe_id] if change.recipe_id else [])
    if change.body != row.body:
        row.words_by = "both" if row.words_by in ("model", "both") else "person"
        row.body = change.body
    row.wall_time = str(change.at)
    row.zone = change.at.zone
    row.recipe_id = change.recipe_id
    row.version += 1
    scope.add(row)


def drop_week_line(scope: Scope, line_id: UUID, *, version: int) -> None:
    """Drop a proposed post. Raises NotFound, and Conflict if it was accepted, dropped or
    changed."""
    row, _ = _lock_open_line(scope, line_id, version)
    _transition_line(scope, row, WeekLineState.DROPPED)


def accept_week_line(scope: Scope, line_id: UUID, *, version: int) -> UUID:
    """Create a draft of a proposed post with its time, and start the run of its recipe; return the
    post ID.

    Idempotent. It neither approves nor schedules the post. Raises BadInput for a time in the past
    and for forbidden words; NotFound; Conflict if the post was dropped or changed, or the proposal
    has expired.
    """
    slots.lock_queues(scope, *map(UUID, _get_line_row(scope, line_id).channels))
    row = _get_line_row(scope, line_id, lock=True)
    if row.state == WeekLineState.ACCEPTED and row.post_id is not None:
        return row.post_id
    row, brief = _lock_open_line(scope, line_id, version)
    at = parse_wall_time(row.wall_time, row.zone)
    if at.instant() <= scope.now:
        raise BadInput("delivery.time_passed")
    reject_forbidden_words(row.body, brief.forbidden)
    row.post_id = drafts.write_draft(
        scope,
        Draft(row.creator_id, "", row.body, (), (), text_ai=_text_ai_from_author(row.words_by)),
        key=row.id,
        author=scope.actor,
        origin=ORIGIN,
    )
    for channel_id in map(UUID, row.channels):
        delivery_id = deliveries.create_delivery(scope, row.post_id, channel_id, at=at)
        slots.adopt_deliveries(scope, channel_id, [get_delivery(scope, delivery_id)])
    if row.recipe_id is not None:
        seed = derived_uuid(row.id, "picture").int % 2**31
        runner.start_run(
            scope,
            creator_id=row.creator_id,
            recipe_id=row.recipe_id,
            seed=seed,
            key=f"{ORIGIN}:{row.id}",
            count=1,
            by=scope.actor,
        )
    _transition_line(scope, row, WeekLineState.ACCEPTED)
    return row.post_id


def _text_ai_from_author(words_by: str) -> str:
    return {"model": "generated", "both": "assisted"}.get(words_by, "none")


def store_week_texts(scope: Scope, plan_id: UUID, words: dict[UUID, tuple[int, str]]) -> list[UUID]:
    """Store generated texts (version and text by post) and return the posts that received one.

    A post that was changed or decided in the meantime is skipped.
    """
    given: list[UUID] = []
    rows = scope.session.exec(
        select(WeekLine)
        .where(WeekLine.tenant_id == scope.tenant_id, WeekLine.plan_id == plan_id)
        .order_by(col(WeekLine.id))
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    for row in rows:
        version, text = words.get(row.id, (0, ""))
        if (
            text
            and row.state == WeekLineState.PROPOSED
            and row.version == version
            and row.words_by == "brief"
        ):
            row.body = text
            row.words_by = "model"
            row.version += 1
            scope.add(row)
            given.append(row.id)
    plan = _get_plan_row(scope, plan_id)
    plan.written_at = scope.now
    scope.add(plan)
    return given


def pending_week(scope: Scope, plan_id: UUID) -> WeekProposal | None:
    """Return a proposal that is not written yet, or None if it is written, expired or unknown."""
    row = request_rows.get_unwritten(scope, WeekPlan, plan_id)
    if row is None or row.expires_at <= scope.now:
        return None
    return _load_week_proposal(scope, row)


def _lock_open_line(scope: Scope, line_id: UUID, version: int) -> tuple[WeekLine, WeekBrief]:
    """Lock a post that is still proposed and return it with its brief. Raises Conflict and
    NotFound."""
    row = _get_line_row(scope, line_id, lock=True)
    plan = _get_plan_row(scope, row.plan_id)
    if plan.expires_at <= scope.now:
        raise Conflict("week.over")
    if row.state != WeekLineState.PROPOSED or row.version != version:
        raise Conflict("week.changed")
    return row, load_brief(WeekBrief, plan.creator_id, plan.brief)


def _transition_line(scope: Scope, row: WeekLine, after: WeekLineState) -> None:
    WEEK_LINE_STATES.check(WeekLineState(row.state), after)
    row.state = str(after)
    row.version += 1
    scope.add(row)


def _get_plan_row(scope: Scope, plan_id: UUID) -> WeekPlan:
    row = request_rows.get_row(scope, WeekPlan, plan_id)
    if row is None:
        raise NotFound("week.unknown")
    return row


def _get_line_row(scope: Scope, line_id: UUID, *, lock: bool = False) -> WeekLine:
    row = (
        request_rows.lock_row(scope, WeekLine, line_id)
        if lock
        else request_rows.get_row(scope, WeekLine, line_id)
    )
    if row is None:
        raise NotFound("week.unknown")
    return row


def _line_view_from_row(row: WeekLine) -> WeekLineView:
    return WeekLineView(
        row.id,
        row.creator_id,
        tuple(map(UUID, row.channels)),
        parse_wall_time(row.wall_time, row.zone),
        row.hour_from,
        row.recipe_id,
        row.topic,
        row.body,
        row.words_by,
        WeekLineState(row.state),
        row.post_id,
        row.version,
    )
