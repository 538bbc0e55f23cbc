"""Queries of one post: its state, timeline and blockers on each account."""

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
from dashboard.pages.posts.hold_reasons import load_hold_reasons
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
"""Maximum number of deliveries that are checked in advance on each page view, earliest first. The
others are checked ten minutes before they are due."""


@dataclass(frozen=True)
class PostChannel:
    """The delivery of a post to one account with its timeline and its requests to the platform."""

    entry: DeliveryEntry
    steps: Sequence[DeliveryStep]
    attempts: Sequence[AttemptSummary]
    clicks: LinkClicks | None = None
    """Clicks on the short links of the post. None if it has no short links."""
    dry: bool = False
    """True if the delivery is currently a dry run."""
    in_the_way: Message | None = None
    """Reason why the account would block the delivery at its next attempt."""
    troubles: Sequence[Message] = ()
    """Problems that would stop the delivery at its time. Checked for the first few deliveries only.
    """
    doubt: UncertainDelivery | None = None
    """Details of the lookups if the delivery is uncertain."""
    by_hand: bool = False
    """True if the post must be removed manually."""
    first: DeliveryEntry | None = None
    """The original delivery if this one is a repost."""
    edits: Sequence[EditView] = ()
    """Edits of the published text on this account."""

    @property
    def publishes_at(self) -> datetime:
        """Due time of the delivery or of its next attempt."""
        return next_steps.publish_time(self.entry)

    @property
    def is_movable(self) -> bool:
        """Return True if a user may reschedule the delivery."""
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
    """Return the delivery on the same account that this one reposts, or None."""
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
    """Return the deliveries of a post with their timelines, read in bulk. `whole` contains all
    deliveries of the post; `entries` contains those to return."""
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
    """Add the problems that would stop pending deliveries, for the earliest ones only."""
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
    """Add the expected block of the account if the delivery is to be published automatically."""
    if place.dry or place.entry.state not in (
        DeliveryState.APPROVED,
        DeliveryState.SCHEDULED,
        DeliveryState.PARTLY,
    ):
        return place
    return replace(place, in_the_way=send_limits.expected_block(on, held, place.publishes_at))


@dataclass(frozen=True)
class PostView:
    """A post with its timeline. `by` is the name of its author; `approvers` are the members who may
    give a missing approval."""

    now: datetime
    post: StoredPost
    creator: Creator
    by: str
    places: Sequence[PostChannel]
    approvers: Sequence[str]
    half: bool
    """True if the first of two approvals was given."""
    free: bool
    """True if drafts and held deliveries require no further approval and wait only for a user to
    schedule them."""
    people: Mapping[str, str]
    """Names of members, keyed by actor."""
    rules: Mapping[UUID, DestinationRules]
    """Rules of the destination of each account."""
    halt: StoppedScope
    said: Mapping[UUID, PostContent]
    """Content of the post for each account."""
    everywhere: Sequence[DeliveryState]
    """States of all deliveries. `places` contains only one occurrence of a recurring post."""
    rehearsed: bool = False
    """True if the post is currently a dry run."""
    platforms: Mapping[UUID, str] = field(default_factory=dict)
    """Platforms of the creator's accounts, keyed by account ID."""
    chosen: Mapping[UUID, Sequence[ReadableOption]] = field(default_factory=dict)
    """Platform options of the post for each account."""
    labels: Sequence[Label] = ()
    comes_back: bool = False
    """True if the post is in an evergreen queue."""
    hold_reasons: Mapping[UUID, Message] = field(default_factory=dict)
    """Missing consents of deliveries on hold, keyed by delivery."""
    sent_back: Objection | None = None
    """Objection of a reviewer that the author must resolve before the post can be approved."""

    def is_stopped(self, place: PostChannel) -> bool:
        """Return True if an emergency stop blocks the delivery."""
        return is_next_step_stopped(self.halt, place.entry)

    @property
    def zone(self) -> str:
        """Time zone of the schedule: the creator's, unless another one was selected."""
        return self.places[0].entry.zone if self.places else self.creator.zone

    def has_override(self, place: PostChannel) -> bool:
        """Return True if the post has different text on this account."""
        return self.said[place.entry.channel_id].texts != self.post.base_content

    @property
    def is_editable(self) -> bool:
        """Return True if the text of the post can still be changed."""
        return is_editable(self.everywhere)


def load_post(
    scope: Scope, mine: Sequence[Creator], post_id: UUID, occurrence: str = ""
) -> PostView:
    """Return a post with the timeline of each account.

    For a recurring post, return the deliveries of one occurrence: the one with the given key, or
    the next. Raise NotFound for a post of a creator the member does not work for.
    """
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
        hold_reasons=load_hold_reasons(scope, entries),
        sent_back=pending_objection(scope, creator.id, post_id) if wished else None,
    )
