"""Queries of the Settings page: queues, failed jobs, emergency stops and rules."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import UUID

from channels.accounts import queries
from channels.accounts.queries import Channel
from dashboard.pages.system.third_party_rule_queries import (
    ThirdPartyRulesView,
    list_third_party_rules,
)
from dashboard.shell.queries import list_stop_rows
from foundation.db.database import Scope
from foundation.ids import INSTALLATION_ID
from foundation.outbox import outbox
from foundation.outbox.outbox import DeadEvent, QueueStats
from gate.policy import active_policy, emergency_stops
from gate.policy.emergency_stops import ActiveStop
from gate.ratings import inspections
from gate.ratings.inspections import ClassifierStatus
from gate.reviews import place_limits, rule_expiry
from gate.reviews.place_limits import PlaceLimitSummary
from gate.reviews.rule_expiry import ExpiringRule
from insights.reports import transparency_report
from studio.library import storage_quota
from tenants.agencies.queries import Creator, Member, list_creators, list_members
from tenants.auth import passkeys

LATE = timedelta(minutes=1)
"""Waiting time of a due task after which the workers count as stopped or overloaded."""


@dataclass(frozen=True)
class QueueStatus:
    """State of the agency's queues. It is separate from the page because open pages poll it."""

    queues: Sequence[QueueStats]
    now: datetime

    @property
    def oldest_wait(self) -> timedelta:
        """Return the waiting time of the oldest due task."""
        return max((queue.oldest for queue in self.queues), default=timedelta())

    @property
    def is_behind(self) -> bool:
        """Return True if tasks wait for longer than they should."""
        return self.oldest_wait > LATE


@dataclass(frozen=True)
class SystemView:
    """The data of the page; `names` maps actors to names of members."""

    moving: QueueStatus
    dead: Sequence[DeadEvent]
    stops: Sequence[ActiveStop]
    creators: Sequence[Creator]
    """Creators assigned to this member."""
    names: Mapping[str, str]
    months: Sequence[date]
    """First days of the months that have a report."""
    humans: Mapping[UUID, str]
    now: datetime
    eyes: ClassifierStatus
    rules: Sequence[ExpiringRule] = ()
    """Platform rules that are due for verification."""
    limits: Sequence[PlaceLimitSummary] = ()
    places: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Places with the names of the rules that apply to them."""
    strangers: Sequence[ThirdPartyRulesView] = ()
    kept: int = 0
    """Bytes used by the library; each object counts once."""
    keyed: frozenset[UUID] = frozenset()
    """Members who have a passkey."""
    accounts: Sequence[Channel] = ()
    """Channels of these creators."""
    above: Sequence[ActiveStop] = ()
    """Stops of the whole installation, which agencies cannot lift."""
    others: bool = False
    """True if some creators are not assigned to this member."""

    def actor_name(self, actor: str) -> str:
        """Return the member's name, empty for Greenroom itself."""
        return self.names.get(actor, "")

    def rule_reader(self, due: ExpiringRule) -> str:
        """Return the name of the member who confirmed a rule first, or an empty string."""
        return self.humans.get(due.waiting.by, "") if due.waiting is not None else ""


def _list_place_rules(
    scope: Scope, places: Sequence[tuple[str, str]], kept: Sequence[PlaceLimitSummary]
) -> Mapping[str, Sequence[str]]:
    """Return these places and those with stricter rules, each with the rules that apply to it.

    Places without a rule are omitted, because nothing can be published there.
    """
    rules = active_policy.current_bundle(scope)
    today = scope.now.date()
    names = {
        surface if surface.startswith(f"{platform}.") else f"{platform}.{surface}"
        for platform, surface in places
    }
    known = sorted(name for name in names | {one.place for one in kept} if name in rules.rows)
    return {
        name: [rule for rule, _ in rules.source_rows(rules.rows[name].platform, name, on=today)]
        for name in known
    }


def load_queue_status(scope: Scope) -> QueueStatus:
    """Return the state of the agency's queues."""
    return QueueStatus(outbox.queue_stats(scope), scope.now)


def load_system(scope: Scope, member: Member) -> SystemView:
    """Return the data of the page as far as the member may see it. Tasks of other agencies are not
    counted."""
    people = list_members(scope)
    places = queries.posting_surfaces(scope)
    kept = place_limits.list_place_limits(scope)
    every = list_creators(scope)
    mine = {one.id: one for one in every if member.works_for(one.slug)}
    others = len(mine) < len(every)
    return SystemView(
        moving=load_queue_status(scope),
        dead=outbox.list_dead(scope, limit=50),
        stops=list_stop_rows(scope, member),
        above=emergency_stops.list_stops(scope, of=INSTALLATION_ID),
        creators=list(mine.values()),
        others=others,
        months=transparency_report.list_report_months(scope),
        names={f"member:{one.id}": one.name for one in people},
        humans={one.principal_id: one.name for one in people},
        now=scope.now,
        eyes=inspections.classifier_status(scope),
        rules=rule_expiry.list_expiring_rules(scope, places),
        limits=kept,
        places=_list_place_rules(scope, places, kept),
        strangers=list_third_party_rules(scope),
        kept=storage_quota.used_bytes(scope),
        keyed=passkeys.members_with_passkeys(scope),
        accounts=[one for one in queries.list_channels(scope) if one.creator_id in mine],
    )
