"""Progress of the tour, derived from the actual data. Steps can be skipped, repeated or undone."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from channels.accounts.queries import Channel, list_channels
from channels.manual_tasks import tasks
from channels.manual_tasks.tasks import ManualTask
from dashboard.pages.tour.events import (
    CHEAT_WAYS,
    COUNTED_EVENT,
    KILLED_EVENT,
    TOUR_ORIGIN,
    burst_audit_subject,
)
from foundation.db.database import Scope
from gate.contract.states import RemovalRequestState
from gate.log.queries import DecisionSummary, last_decisions
from gate.policy import active_policy
from gate.removal import removal_requests
from gate.removal.removal_requests import RequestStatus
from schedules.drafts.previews import DestinationRules, rules_of_destination
from schedules.posts.queries import DeliveryEntry, entries_of_origin
from schedules.posts.states import DASHBOARD_ORIGIN, DeliveryState
from subscribers.ledger import month_close
from subscribers.orders import queries
from subscribers.orders.queries import OrderHistory
from subscribers.orders.states import FulfilmentState, RefundState
from subscribers.statements import bookings
from subscribers.statements.bookings import ImportedStatement
from tenants import audit
from tenants.agencies.queries import Creator
from tenants.audit import AuditRecord

MIA = "mia"
NOVA = "nova"
VISITOR_PREFIX = "visite-"
"""Prefix of the names of fans that the tour sends to the chat."""

DELIVERY = "delivery"
TOUR_STEPS = ("publish", "talk", "cheat", "break", "remove", "count", "connect")


@dataclass(frozen=True)
class CheatAttempt:
    """One attempt to bypass the safety check: its post, the decision and the rules of the
    destination."""

    entry: DeliveryEntry
    verdict: DecisionSummary | None
    rule: DestinationRules | None

    @property
    def is_refused(self) -> bool:
        """Return True if the safety check blocked the attempt."""
        return (
            self.entry.state in (DeliveryState.HELD, DeliveryState.FAILED)
            and self.verdict is not None
        )


@dataclass(frozen=True)
class PostBurst:
    """A burst of posts with its deliveries, the audit record of the killed process and that of the
    received posts."""

    run: UUID
    entries: Sequence[DeliveryEntry]
    killed: AuditRecord | None
    counted: AuditRecord | None

    @property
    def state_counts(self) -> Mapping[DeliveryState, int]:
        """Number of deliveries by state."""
        return Counter(one.state for one in self.entries)


@dataclass(frozen=True)
class RemovalProgress:
    """A removal request for Mia's page: its status, the account names of its copies, and the
    remaining manual tasks."""

    standing: RequestStatus
    names: Mapping[UUID, str]
    left: Sequence[ManualTask]

    @property
    def removed_count(self) -> int:
        """Number of copies whose removal is verified."""
        return sum(one.removed_at is not None for one in self.standing.copies)

    @property
    def elapsed_seconds(self) -> float:
        """Seconds from the request to the last verified removal."""
        ends = [one.removed_at for one in self.standing.copies if one.removed_at is not None]
        return (max(ends) - self.standing.at).total_seconds() if ends else 0.0


@dataclass(frozen=True)
class TourView:
    """The progress of all steps. `page` is Mia's built-in page, `chat` Nova's account with the
    chat; each is None if it no longer exists."""

    now: datetime
    mia: Creator | None
    nova: Creator | None
    page: Channel | None
    chat: Channel | None
    places: Mapping[UUID, str]
    posted: DeliveryEntry | None
    bought: OrderHistory | None
    tries: Mapping[str, CheatAttempt]
    burst: PostBurst | None
    five: Sequence[DeliveryEntry]
    removed: RemovalProgress | None
    brought: ImportedStatement | None
    closed: Sequence[date]
    connected: Sequence[str]
    """Names of accounts outside this installation and its sandbox."""

    @property
    def completed_steps(self) -> Mapping[str, bool]:
        """Completion of each step, by step."""
        removed = self.removed
        return {
            "publish": self.posted is not None and self.posted.state is DeliveryState.PUBLISHED,
            "talk": self.bought is not None
            and is_refunded(self.bought)
            and is_delivered(self.bought),
            "cheat": len(self.tries) == len(CHEAT_WAYS)
            and all(one.is_refused for one in self.tries.values()),
            "break": self.burst is not None and self.burst.counted is not None,
            "remove": removed is not None
            and removed.standing.state is RemovalRequestState.CALLED
            and removed.removed_count > 0,
            "count": self.brought is not None,
            "connect": bool(self.connected),
        }


def is_refunded(story: OrderHistory) -> bool:
    """Return True if a duplicate charge of the order was refunded."""
    return any(one.kind == "duplicate" and one.refund is RefundState.DONE for one in story.charges)


def is_delivered(story: OrderHistory) -> bool:
    """Return True if the purchase was delivered."""
    return story.order.push is FulfilmentState.DELIVERED


def load_tour(scope: Scope, mine: Sequence[Creator]) -> TourView:
    """Return the progress of the agency's tour, limited to the creators of the member."""
    by_slug = {one.slug: one for one in mine}
    ids = [one.id for one in mine]
    mia = by_slug.get(MIA)
    nova = by_slug.get(NOVA)
    channels = [one for one in list_channels(scope) if one.creator_id in set(ids)]
    ours = entries_of_origin(scope, TOUR_ORIGIN, ids, limit=90)
    page = _find_own_page(channels, mia)
    return TourView(
        now=scope.now,
        mia=mia,
        nova=nova,
        page=page,
        chat=next(
            (one for one in channels if nova and one.creator_id == nova.id and one.chat_surface),
            None,
        ),
        places={one.id: one.name for one in channels},
        posted=_find_composed_post(scope, mia, page),
        bought=_find_visitor_order(scope, nova),
        tries=_load_cheat_attempts(scope, ours, channels),
        burst=_find_post_burst(scope, ours),
        five=_list_latest_run(ours, "five:"),
        removed=_find_removal_progress(scope, mia, channels),
        brought=next(iter(bookings.list_imported_statements(scope, ids, limit=1)), None),
        closed=sorted(month_close.list_closed_months(scope, mia.id)) if mia else (),
        connected=[one.name for one in channels if one.base_url.startswith("https://")],
    )


def _find_own_page(channels: Sequence[Channel], mia: Creator | None) -> Channel | None:
    theirs = [one for one in channels if mia is not None and one.creator_id == mia.id]
    return next((one for one in theirs if not one.chat_surface and one.account == MIA), None)


def _find_composed_post(
    scope: Scope, mia: Creator | None, page: Channel | None
) -> DeliveryEntry | None:
    """Return the newest post that a user composed for Mia's page."""
    if mia is None or page is None:
        return None
    written = entries_of_origin(scope, DASHBOARD_ORIGIN, [mia.id], limit=20)
    return next((one for _, one in written if one.channel_id == page.id), None)


def _find_visitor_order(scope: Scope, nova: Creator | None) -> OrderHistory | None:
    if nova is None:
        return None
    sold = next(
        (
            one
            for one in queries.list_order_rows(scope, [nova.id])
            if one.fan.startswith(VISITOR_PREFIX)
        ),
        None,
    )
    return queries.load_order_history(scope, sold.id) if sold is not None else None


def _list_latest_run(ours: Sequence[tuple[str, DeliveryEntry]], step: str) -> list[DeliveryEntry]:
    """Return the deliveries of the latest run of a step."""
    first = next((key for key, _ in ours if key.startswith(step)), None)
    run = first.split(":")[1] if first is not None else ""
    return [entry for key, entry in ours if run and key.startswith(f"{step}{run}")]


def _load_cheat_attempts(
    scope: Scope, ours: Sequence[tuple[str, DeliveryEntry]], channels: Sequence[Channel]
) -> dict[str, CheatAttempt]:
    newest: dict[str, DeliveryEntry] = {}
    for key, entry in ours:
        step, _, rest = key.partition(":")
        if step == "cheat" and entry.state is not DeliveryState.CANCELLED:
            newest.setdefault(rest.partition(":")[0], entry)
    said = last_decisions(scope, DELIVERY, [one.delivery_id for one in newest.values()])
    places = {one.id: one for one in channels}
    found = {}
    rules = active_policy.current_bundle(scope)
    for way, entry in newest.items():
        verdict = said.get(entry.delivery_id)
        place = places.get(entry.channel_id)
        on = verdict.at.date() if verdict is not None else scope.now.date()
        rule = (
            rules_of_destination(rules, place.platform, place.surface, on)
            if place is not None
            else None
        )
        found[way] = CheatAttempt(entry, verdict, rule)
    return found


def _find_post_burst(scope: Scope, ours: Sequence[tuple[str, DeliveryEntry]]) -> PostBurst | None:
    first = next((key for key, _ in ours if key.startswith("burst:")), None)
    if first is None:
        return None
    run = UUID(first.split(":")[1])
    entries = [entry for key, entry in ours if key.startswith(f"burst:{run}")]
    return PostBurst(
        run,
        entries,
        audit.find_last_act(scope, KILLED_EVENT, burst_audit_subject(run)),
        audit.find_last_act(scope, COUNTED_EVENT, burst_audit_subject(run)),
    )


def _find_removal_progress(
    scope: Scope, mia: Creator | None, channels: Sequence[Channel]
) -> RemovalProgress | None:
    standing = removal_requests.latest_status(scope, mia.id) if mia is not None else None
    if standing is None or mia is None:
        return None
    left = [
        one
        for one in tasks.list_due_tasks(scope, creators=[mia.id])
        if one.is_removal and one.is_open
    ]
    return RemovalProgress(standing, {one.id: one.name for one in channels}, left)
