"""One account of a post: how it stands there, everything that happened, and what stands in its way.

One post with its whole story, on each of its accounts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from channels.accounts.queries import Channel, list_creator_channels
from channels.attempts.queries import AttemptSummary, list_attempts_by_subject
from channels.limits import send_limits
from channels.limits.send_limits import SendingBlock
from channels.links import short_links
from channels.links.short_links import LinkClicks
from channels.manual_tasks import task_lifecycle
from connectors.shared.options import ReadableOption
from dashboard.pages.posts.accounts import describe_options
from dashboard.pages.posts.recurrence_choice import occurrence_entries
from dashboard.pages.posts.uncertain_delivery_queries import (
    UncertainDelivery,
    load_uncertain_deliveries,
)
from dashboard.shell.platforms import platform_connectors
from foundation.db.database import Scope
from foundation.errors import NotFound
from foundation.i18n.translation import Message
from gate.contract.units import Subject
from gate.copies import live_copies
from gate.policy import active_policy
from gate.policy.emergency_stops import StoppedScope
from schedules.approvals.release import has_one_of_two_approvals, needs_no_approval
from schedules.calendar import next_steps
from schedules.calendar.next_steps import (
    Objection,
    is_editable,
    is_next_step_stopped,
    is_waiting_for_approval,
    pending_approver_names,
    pending_objection,
)
from schedules.downtime import account_blocks, misfires
from schedules.drafts.previews import DestinationRules, rules_of_destination
from schedules.edits import queries
from schedules.edits.queries import EditView
from schedules.posts import dry_run_state, labels
from schedules.posts.channel_overrides import PostContent
from schedules.posts.delivery_units import delivery_subject
from schedules.posts.labels import Label
from schedules.posts.queries import (
    DeliveryEntry,
    DeliveryStep,
    StoredPost,
    delivery_timelines,
    entries_of_post,
    get_stored_post,
)
from schedules.posts.states import CANCELLABLE, PENDING_STATES, SCHEDULABLE, DeliveryState
from schedules.publishing import preflight
from schedules.recurrence import evergreen_pools
from tenants.agencies.queries import Creator, list_members

JUDGED = 8
"""Places of a post that are checked ahead each time it is looked at; the others are ten minutes
before their time."""


@dataclass(frozen=True)
class PostChannel:
    """One account of a post: how it stands, what happened and what was asked of the platform."""

    entry: DeliveryEntry
    steps: Sequence[DeliveryStep]
    attempts: Sequence[AttemptSummary]
    clicks: LinkClicks | None = None
    """How often its short addresses were followed; None where it has none."""
    dry: bool = False
    """Whether it is only rehearsed, as things stand."""
    in_the_way: Message | None = None
    """Why its account would let nothing leave at the hour of its next try."""
    troubles: Sequence[Message] = ()
    """What would stop it at its time, as things stand; the first few places alone are judged."""
    doubt: UncertainDelivery | None = None
    """What is known of it, where it is in doubt."""
    by_hand: bool = False
    """Whether somebody has to take it away by hand."""
    first: DeliveryEntry | None = None
    """The one it is posted once more of."""
    edits: Sequence[EditView] = ()
    """Other words that were asked for there, while it stands."""

    @property
    def publishes_at(self) -> datetime:
        """When it goes: its time, or that of its next try."""
        return next_steps.publish_time(self.entry)

    @property
    def is_movable(self) -> bool:
        """Whether a person may give it another time."""
        return self.entry.state in SCHEDULABLE or self.entry.state in (
            DeliveryState.DRAFT,
            DeliveryState.APPROVED,
        )


def _needs_manual_removal(scope: Scope, what: Subject) -> bool:
    return bool(
        task_lifecycle.awaiting_removal(
            scope, {one.jti for one in live_copies.list_consumed_permits(scope, what)}
        )
    )


def _find_original_delivery(
    whole: Sequence[DeliveryEntry], entry: DeliveryEntry
) -> DeliveryEntry | None:
    """The delivery that one was asked for once more of, on the same account."""
    key = misfires.original_occurrence_key(entry.occurrence_key)
    if key == entry.occurrence_key:
        return None
    known = (
        one for one in whole if (one.channel_id, one.occurrence_key) == (entry.channel_id, key)
    )
    return next((one for one in known if one.state is not DeliveryState.CANCELLED), None)


def load_post_channels(
    scope: Scope,
    entries: Sequence[DeliveryEntry],
    whole: Sequence[DeliveryEntry],
    accounts: Mapping[UUID, Channel],
) -> list[PostChannel]:
    """Each account of a post, with its story; what is known of all of them is read at once. `whole`
    is all of it."""
    about = {one.delivery_id: delivery_subject(one.delivery_id) for one in entries}
    stories = delivery_timelines(scope, list(about))
    tried = list_attempts_by_subject(scope, about.values())
    clicked = short_links.clicks_of(scope, list(about.values()))
    dry = dry_run_state.load_dry_run_check(scope)
    held = send_limits.send_blocks(
        scope, {one.channel_id for one in entries}, brake=True, posts=True
    )
    known = load_uncertain_deliveries(scope, entries)
    reworded = queries.edits_of_deliveries(scope, list(about))
    found = []
    for one in entries:
        what = about[one.delivery_id]
        only = one.state in CANCELLABLE and (one.dry or dry(one.post_id, one.channel_id))
        place = replace(
            PostChannel(one, stories[one.delivery_id], tried[what], clicked.get(what), only),
            doubt=known.get(one.delivery_id),
            by_hand=one.state is DeliveryState.REMOVING and _needs_manual_removal(scope, what),
            first=_find_original_delivery(whole, one),
            edits=reworded.get(one.delivery_id, ()),
        )
        found.append(_add_expected_block(place, accounts[one.channel_id], held.get(one.channel_id)))
    return _add_preflight_troubles(scope, found)


def _add_preflight_troubles(scope: Scope, found: Sequence[PostChannel]) -> list[PostChannel]:
    """With what would stop those that are to leave, the first ones due."""
    ahead = [one for one in found if not one.dry and one.entry.state in PENDING_STATES]
    judged = {
        one.entry.delivery_id for one in sorted(ahead, key=lambda one: one.entry.due_at)[:JUDGED]
    }
    return [
        replace(
            one,
            troubles=preflight.troubles_of_delivery(
                scope, one.entry.delivery_id, platform_connectors()
            ),
        )
        if one.entry.delivery_id in judged
        else one
        for one in found
    ]


def _add_expected_block(place: PostChannel, on: Channel, held: SendingBlock | None) -> PostChannel:
    """With what stands in its way there, where it is to leave by itself."""
    if place.dry or place.entry.state not in (
        DeliveryState.APPROVED,
        DeliveryState.SCHEDULED,
        DeliveryState.PARTLY,
    ):
        return place
    return replace(place, in_the_way=send_limits.expected_block(on, held, place.publishes_at))


@dataclass(frozen=True)
class PostView:
    """One post with its story; `by` is who wrote it, `approvers` who may say yes to it, where that
    is missing."""

    now: datetime
    post: StoredPost
    creator: Creator
    by: str
    places: Sequence[PostChannel]
    approvers: Sequence[str]
    half: bool
    """Whether one yes of two was said."""
    free: bool
    """Whether what is draft, or on hold for want of a yes, waits for nobody's any more, only for a
    press."""
    people: Mapping[str, str]
    """Names of members by how they sign."""
    rules: Mapping[UUID, DestinationRules]
    """What each account's place allows."""
    halt: StoppedScope
    said: Mapping[UUID, PostContent]
    """What the post says on each account it goes to."""
    everywhere: Sequence[DeliveryState]
    """How all of it stands: `places` are those of one time where it repeats."""
    rehearsed: bool = False
    """Whether the post is only rehearsed for now."""
    platforms: Mapping[UUID, str] = field(default_factory=dict)
    """Of its creator's accounts."""
    chosen: Mapping[UUID, Sequence[ReadableOption]] = field(default_factory=dict)
    """What it chooses on each account it goes to beside its words."""
    labels: Sequence[Label] = ()
    comes_back: bool = False
    """Whether a pool posts it again and again."""
    sent_back: Objection | None = None
    """Whose word its author has to answer before anybody says yes."""

    def is_stopped(self, place: PostChannel) -> bool:
        """Whether an emergency stop keeps it back there."""
        return is_next_step_stopped(self.halt, place.entry)

    @property
    def zone(self) -> str:
        """The clock it is planned on: its creator's, unless another one was chosen."""
        return self.places[0].entry.zone if self.places else self.creator.zone

    def has_override(self, place: PostChannel) -> bool:
        """Whether the post says something else there."""
        return self.said[place.entry.channel_id].texts != self.post.base_content

    @property
    def is_editable(self) -> bool:
        """Whether its words may still change."""
        return is_editable(self.everywhere)


def load_post(
    scope: Scope, mine: Sequence[Creator], post_id: UUID, occurrence: str = ""
) -> PostView:
    """One post with the story of each account, of one that repeats as it leaves at one time (of
    those of its key, or the next). Raises NotFound for one of a creator who is not theirs."""
    post = get_stored_post(scope, post_id)
    creator = next((one for one in mine if one.id == post.creator_id), None)
    if creator is None:
        raise NotFound("post.unknown")
    accounts = {one.id: one for one in list_creator_channels(scope, creator.id)}
    whole = entries_of_post(scope, post_id, names={key: one.name for key, one in accounts.items()})
    entries = occurrence_entries(whole, occurrence, scope.now)
    members = list_members(scope)
    people = {f"member:{member.id}": member.name for member in members}
    rules = active_policy.current_bundle(scope)
    wished = any(
        one.state is DeliveryState.DRAFT or is_waiting_for_approval(one) for one in entries
    )
    said = {
        key: post.content_for_channel(accounts[key])
        for key in dict.fromkeys(one.channel_id for one in entries)
    }
    return PostView(
        now=scope.now,
        post=post,
        creator=creator,
        by=people.get(post.author, ""),
        places=load_post_channels(scope, entries, whole, accounts),
        approvers=pending_approver_names(scope, post_id) if wished else (),
        half=wished and has_one_of_two_approvals(scope, post_id),
        free=wished and needs_no_approval(scope, post_id),
        people=people,
        rules={
            key: rules_of_destination(rules, one.platform, one.surface, scope.now.date())
            for key, one in accounts.items()
        },
        halt=account_blocks.load_emergency_stops(scope),
        said=said,
        everywhere=[one.state for one in whole],
        rehearsed=post_id in dry_run_state.list_dry_runs(scope),
        platforms={key: one.platform for key, one in accounts.items()},
        chosen={
            key: describe_options(accounts[key].platform, one.options)
            for key, one in said.items()
            if one.options
        },
        labels=labels.labels_of_posts(scope, [post_id]).get(post_id, ()),
        comes_back=bool(evergreen_pools.pool_entries_of_post(scope, post_id)),
        sent_back=pending_objection(scope, creator.id, post_id) if wished else None,
    )
