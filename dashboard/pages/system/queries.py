"""How the house works for this agency: its queues, what gave up, the stops that hold, who did
what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import groupby
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
from tenants import audit
from tenants.agencies.queries import Creator, Member, list_creators, list_members
from tenants.audit import AuditRecord
from tenants.auth import passkeys

READ = 200
LINES = 50
"""Entries of the audit that are read, and lines made of them."""

LATE = timedelta(minutes=1)
"""A due task that waits for longer means that the workers are down, or far behind."""


@dataclass(frozen=True)
class QueueStatus:
    """How the agency's tasks move; alone, since an open page asks for it again and again."""

    queues: Sequence[QueueStats]
    now: datetime

    @property
    def oldest_wait(self) -> timedelta:
        """How long the oldest due task has been waiting."""
        return max((queue.oldest for queue in self.queues), default=timedelta())

    @property
    def is_behind(self) -> bool:
        """Whether tasks wait longer than they should."""
        return self.oldest_wait > LATE


@dataclass(frozen=True)
class SystemView:
    """The page's values; `names` are of members by id, for saying who did what."""

    moving: QueueStatus
    dead: Sequence[DeadEvent]
    stops: Sequence[ActiveStop]
    acts: Sequence[tuple[AuditRecord, int]]
    """What was done last, and how many times one after the other by the same hand: a hundred looks
    are one line. None for who works for some creators alone: an act does not say whose work it was
    about."""
    creators: Sequence[Creator]
    """Those this member works for."""
    names: Mapping[str, str]
    months: Sequence[date]
    """The months whose numbers can be taken away, by their first days."""
    humans: Mapping[UUID, str]
    now: datetime
    eyes: ClassifierStatus
    rules: Sequence[ExpiringRule] = ()
    """Rules of places that somebody has to read again."""
    limits: Sequence[PlaceLimitSummary] = ()
    places: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Each with the rules it is judged by, under whose names it is said in words."""
    strangers: Sequence[ThirdPartyRulesView] = ()
    kept: int = 0
    """Bytes of the library, each object once."""
    keyed: frozenset[UUID] = frozenset()
    """Members who have a passkey."""
    accounts: Sequence[Channel] = ()
    """Those of these creators."""
    above: Sequence[ActiveStop] = ()
    """Stops of the whole installation, which no agency ends."""
    others: bool = False
    """Whether there are creators this member does not work for."""

    def actor_name(self, actor: str) -> str:
        """The member's name; "" for the house itself."""
        return self.names.get(actor, "")

    def rule_reader(self, due: ExpiringRule) -> str:
        """Who read a rule, and waits for a second member; "" where nobody did."""
        return self.humans.get(due.waiting.by, "") if due.waiting is not None else ""


def _list_place_rules(
    scope: Scope, places: Sequence[tuple[str, str]], kept: Sequence[PlaceLimitSummary]
) -> Mapping[str, Sequence[str]]:
    """The rows of these places and of those that are kept tighter, each with the rules it is judged
    by, as a post's own page names them; of a place without a row nothing leaves anyway."""
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


def _group_repeated_acts(acts: Sequence[AuditRecord]) -> list[tuple[AuditRecord, int]]:
    """Each act with how often it was done without another between, the newest standing for all."""
    runs = [list(run) for _, run in groupby(acts, key=lambda act: (act.actor, act.act))]
    return [(run[0], len(run)) for run in runs[:LINES]]


def load_queue_status(scope: Scope) -> QueueStatus:
    """How this agency's tasks move."""
    return QueueStatus(outbox.queue_stats(scope), scope.now)


def load_system(scope: Scope, member: Member) -> SystemView:
    """The agency's own part of the machine, as far as this member may see; another agency's tasks
    are not counted."""
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
        acts=[] if others else _group_repeated_acts(audit.list_recent_acts(scope, limit=READ)),
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
