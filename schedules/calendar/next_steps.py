"""The next step of a delivery: what happens, when, and who must act. Used by pages and the API."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from channels.accounts.queries import channel_names, get_channel
from channels.limits import send_limits
from channels.manual_tasks import task_lifecycle
from connectors.contract.connector import Connector
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from gate.copies import live_copies
from gate.policy.emergency_stops import StoppedScope
from schedules.approvals import client_links, review_queue
from schedules.approvals.release import approver_names, has_one_of_two_approvals, needs_no_approval
from schedules.availability.minimum_interval import OVERDUE_AFTER
from schedules.downtime import account_blocks
from schedules.posts import dry_run_state, lateness, queries
from schedules.posts.delivery_units import delivery_subject
from schedules.posts.queries import DeliveryEntry
from schedules.posts.states import CANCELLABLE, PENDING_STATES, RELEASED_BY_APPROVAL, DeliveryState
from schedules.publishing import preflight
from tenants.agencies.queries import list_members

PUBLISHES_BY_ITSELF = frozenset(
    {DeliveryState.APPROVED, DeliveryState.SCHEDULED, DeliveryState.PARTLY}
)
"""States in which a delivery is published without further action."""

MOMENT = timedelta(seconds=10)
"""Time after its turn during which a post is still described as on time."""

WILL_NOT_PUBLISH = "calendar.next.stays"
"""The step of a delivery that preflight checks would block at its publishing time."""


_WAITING_STEPS = frozenset(
    {
        "calendar.next.draft",
        "calendar.next.draft_until",
        "calendar.next.draft_nobody",
        "calendar.next.draft_no_second",
    }
)
"""Steps of a draft without an objection that needs an approval."""


@dataclass(frozen=True)
class Objection:
    """A rejection or a change request (`verdict`) on a draft. `who` is "" if the reviewer is no
    longer a member."""

    who: str
    verdict: str


@dataclass(frozen=True)
class NextStepContext:
    """Facts that determine the next step.

    `free` marks a draft that needs no approval; `approvers` are the names of the people who could
    approve it.
    """

    now: datetime
    stopped: bool
    dry: bool
    free: bool
    approvers: Sequence[str] = ()
    half: bool = False
    """True if the draft has the first of two approvals."""
    sent_back: Objection | None = None
    """The objection that the author of a draft must resolve before it can be approved."""
    in_the_way: Message | None = None
    """Reason that would prevent the account from sending at the time of the next attempt."""
    trouble: Message | None = None
    """Preflight problem that would block the delivery at its time."""
    by_hand: bool = False
    """True if a member must remove the post from the platform."""
    fixed: bool = False
    """True if the post can no longer be edited because a part of it is live."""


@dataclass(frozen=True)
class NextStep:
    """The next step of a delivery: the message `code`, and the names of the people who must act."""

    code: str
    who: str = ""
    why: Message | None = None
    """The obstacle that must end or be fixed first, or None if the delivery only waits for its
    time."""


def is_next_step_stopped(halt: StoppedScope, entry: DeliveryEntry) -> bool:
    """Return True if an emergency stop prevents a scheduled delivery from publishing; pure."""
    return entry.state in (DeliveryState.APPROVED, DeliveryState.SCHEDULED) and halt.covers(
        entry.creator_id, entry.channel_id
    )


def is_waiting_for_approval(entry: DeliveryEntry) -> bool:
    """Return True if a delivery is on hold only because an approval is missing; pure."""
    return (
        entry.state is DeliveryState.HELD
        and entry.reason is not None
        and entry.reason.code in RELEASED_BY_APPROVAL
    )


def is_editable(states: Iterable[DeliveryState]) -> bool:
    """Return True if a post with deliveries in these states may be edited: none is or may be live;
    pure."""
    live = [state for state in states if state is not DeliveryState.CANCELLED]
    return bool(live) and all(state in CANCELLABLE for state in live)


def is_pending_approval(step: NextStep) -> bool:
    """Return True if a draft was submitted and only waits for an approval; pure."""
    return step.code in _WAITING_STEPS


def publish_time(entry: DeliveryEntry) -> datetime:
    """Return the due time of a delivery or the time of its next attempt, whichever is
    later; pure."""
    return max(entry.due_at, entry.not_before or entry.due_at)


def find_next_step(entry: DeliveryEntry, found: NextStepContext) -> NextStep:
    """Return the next step of a delivery; pure."""
    if found.stopped:
        return NextStep(_stopped_step_code(entry, found.now))
    if entry.state is DeliveryState.DRAFT:
        return _next_step_of_draft(entry, found)
    if found.dry and entry.state is DeliveryState.SCHEDULED:
        return NextStep("calendar.next.dry")
    if found.in_the_way is not None:
        return NextStep(
            "calendar.next.waits" if entry.late_until else "calendar.next.waits_on",
            why=found.in_the_way,
        )
    if found.trouble is not None and entry.state in PUBLISHES_BY_ITSELF:
        return NextStep(WILL_NOT_PUBLISH, why=found.trouble)
    if (
        entry.state is DeliveryState.SCHEDULED
        and entry.not_before is not None
        and entry.not_before > found.now
    ):
        return NextStep("calendar.next.retry")
    if entry.state is DeliveryState.SCHEDULED and found.now - publish_time(entry) > OVERDUE_AFTER:
        return NextStep("calendar.next.turn" if entry.late_until else "calendar.next.turn_on")
    if entry.state is DeliveryState.SCHEDULED and found.now - publish_time(entry) > MOMENT:
        return NextStep("calendar.next.overdue")
    if found.by_hand:
        return NextStep("calendar.next.removing_by_hand")
    if entry.expires_at is not None:
        return NextStep(
            "calendar.next.ends" if found.now < entry.expires_at else "calendar.next.ended"
        )
    if entry.state is DeliveryState.FAILED and found.fixed:
        return NextStep("calendar.next.failed_fixed")
    return NextStep(
        _waiting_step_code(entry, found.now)
        if is_waiting_for_approval(entry)
        else f"calendar.next.{entry.display_state}"
    )


def _waiting_step_code(entry: DeliveryEntry, now: datetime) -> str:
    """Return the message code of a delivery on hold for an approval."""
    if entry.late_until is None:
        return "calendar.next.held_yes"
    late = lateness.is_too_late(entry.late_until, now)
    return "calendar.next.held_over" if late else "calendar.next.held_until"


def _stopped_step_code(entry: DeliveryEntry, now: datetime) -> str:
    """Return the message code of a stopped delivery.

    A stop does not extend the deadline: a post that becomes too late during it is not published
    afterwards.
    """
    if entry.late_until is None:
        return "calendar.next.stopped"
    return (
        "calendar.next.stopped_over"
        if lateness.is_too_late(entry.late_until, now)
        else "calendar.next.stopped_until"
    )


def _next_step_of_draft(entry: DeliveryEntry, found: NextStepContext) -> NextStep:
    if found.free:
        return NextStep("calendar.next.draft_free")
    if found.sent_back is not None:
        against = found.sent_back
        return NextStep(
            f"calendar.next.draft_{against.verdict if against.who else 'left'}", against.who
        )
    if not found.approvers:
        return NextStep(
            "calendar.next.draft_no_second" if found.half else "calendar.next.draft_nobody"
        )
    code = "calendar.next.draft_until" if entry.late_until else "calendar.next.draft"
    return NextStep(code, ", ".join(found.approvers))


def pending_approver_names(scope: Scope, post_id: UUID) -> tuple[str, ...]:
    """Return the names of the people who can approve a post: members, and the client who has an
    approval link."""
    return (*approver_names(scope, post_id), *client_links.pending_client_name(scope, post_id))


def pending_objection(scope: Scope, creator_id: UUID, post_id: UUID) -> Objection | None:
    """Return the latest objection that the author of a post must resolve, or None."""
    said = review_queue.latest_objections(scope, [post_id]).get(post_id)
    if said is None:
        return None
    members = {one.principal_id: one.name for one in list_members(scope)}
    return Objection(
        (client_links.client_names(scope, [creator_id]) | members).get(said[0], ""), said[1]
    )


@dataclass(frozen=True)
class NextStepReport:
    """The next step of a delivery, its time if it publishes automatically, and the problems that
    would block it."""

    next: NextStep
    at: datetime | None
    troubles: tuple[Message, ...]


def next_step_of_delivery(
    scope: Scope, entry: DeliveryEntry, connectors: Mapping[str, Connector]
) -> NextStepReport:
    """Return the current next step of a delivery."""
    draft = entry.state is DeliveryState.DRAFT
    dry = entry.state in CANCELLABLE and (
        entry.dry or dry_run_state.is_in_dry_run(scope, entry.post_id, entry.channel_id)
    )
    judged = not dry and entry.state in PENDING_STATES
    troubles = (
        preflight.troubles_of_delivery(scope, entry.delivery_id, connectors) if judged else ()
    )
    found = NextStepContext(
        now=scope.now,
        stopped=is_next_step_stopped(account_blocks.load_emergency_stops(scope), entry),
        dry=dry,
        free=draft and needs_no_approval(scope, entry.post_id),
        approvers=pending_approver_names(scope, entry.post_id) if draft else (),
        half=draft and has_one_of_two_approvals(scope, entry.post_id),
        sent_back=pending_objection(scope, entry.creator_id, entry.post_id) if draft else None,
        in_the_way=_find_sending_obstacle(scope, entry)
        if entry.state in PUBLISHES_BY_ITSELF and not dry
        else None,
        trouble=next(iter(troubles), None),
        by_hand=entry.state is DeliveryState.REMOVING and _needs_manual_removal(scope, entry),
        fixed=entry.state is DeliveryState.FAILED and not _is_post_editable(scope, entry.post_id),
    )
    leaving = draft or entry.state in PUBLISHES_BY_ITSELF
    return NextStepReport(
        find_next_step(entry, found), publish_time(entry) if leaving else None, tuple(troubles)
    )


def channels_not_publishing(
    scope: Scope, post_id: UUID, connectors: Mapping[str, Connector]
) -> dict[UUID, str]:
    """Return the IDs and names of the accounts on which a post, unchanged, would not be published.

    Only the first pending delivery on each account is checked. Missing approvals, emergency stops
    and limits of accounts are not considered.
    """
    first: dict[UUID, DeliveryEntry] = {}
    for one in queries.entries_of_post(scope, post_id, names=channel_names(scope)):
        if one.state in PENDING_STATES:
            first.setdefault(one.channel_id, replace(one, state=DeliveryState.SCHEDULED))
    return {
        key: one.channel
        for key, one in first.items()
        if next_step_of_delivery(scope, one, connectors).next.code == WILL_NOT_PUBLISH
    }


def _find_sending_obstacle(scope: Scope, entry: DeliveryEntry) -> Message | None:
    held = send_limits.send_block(scope, entry.channel_id, brake=True, posts=True)
    return send_limits.expected_block(
        get_channel(scope, entry.channel_id), held, publish_time(entry)
    )


def _is_post_editable(scope: Scope, post_id: UUID) -> bool:
    return is_editable(one.state for one in queries.entries_of_post(scope, post_id, names={}))


def _needs_manual_removal(scope: Scope, entry: DeliveryEntry) -> bool:
    return bool(
        task_lifecycle.awaiting_removal(
            scope,
            {
                one.jti
                for one in live_copies.list_consumed_permits(
                    scope, delivery_subject(entry.delivery_id)
                )
            },
        )
    )
