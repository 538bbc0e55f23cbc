"""Queries of the System page: queues, failed jobs and the audit log."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from foundation.db.database import Scope
from foundation.outbox import outbox
from foundation.outbox.outbox import DeadEvent, QueueStats
from tenants import audit
from tenants.agencies.queries import Member, list_creators, list_members
from tenants.audit import AuditRecord

READ = 200
LINES = 50
"""Maximum number of lines in the audit log."""

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
    acts: Sequence[tuple[AuditRecord, int]]
    """Newest audit records with the number of repetitions: 100 equal actions in a row by one member
    are one line.

    Empty for members to whom only some creators are assigned, since a record does not name its
    creator.
    """
    names: Mapping[str, str]
    now: datetime
    others: bool = False
    """True if some creators are not assigned to this member."""

    def actor_name(self, actor: str) -> str:
        """Return the member's name, empty for Greenroom itself."""
        return self.names.get(actor, "")


def _group_repeated_acts(acts: Sequence[AuditRecord]) -> list[tuple[AuditRecord, int]]:
    """Return the newest of each run of equal actions, with the length of the run."""
    runs = [list(run) for _, run in groupby(acts, key=lambda act: (act.actor, act.act))]
    return [(run[0], len(run)) for run in runs[:LINES]]


def load_queue_status(scope: Scope) -> QueueStatus:
    """Return the state of the agency's queues."""
    return QueueStatus(outbox.queue_stats(scope), scope.now)


def load_system(scope: Scope, member: Member) -> SystemView:
    """Return the data of the page as far as the member may see it. Tasks of other agencies are not
    counted."""
    others = not all(member.works_for(one.slug) for one in list_creators(scope))
    return SystemView(
        moving=load_queue_status(scope),
        dead=outbox.list_dead(scope, limit=50),
        acts=[] if others else _group_repeated_acts(audit.list_recent_acts(scope, limit=READ)),
        names={f"member:{one.id}": one.name for one in list_members(scope)},
        now=scope.now,
        others=others,
    )
