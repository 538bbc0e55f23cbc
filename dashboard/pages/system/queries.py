"""Queries of the System page: queues and failed jobs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from foundation.db.database import Scope
from foundation.outbox import outbox
from foundation.outbox.outbox import DeadEvent, QueueStats

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
    """The data of the page."""

    moving: QueueStatus
    dead: Sequence[DeadEvent]
    now: datetime


def load_queue_status(scope: Scope) -> QueueStatus:
    """Return the state of the agency's queues."""
    return QueueStatus(outbox.queue_stats(scope), scope.now)


def load_system(scope: Scope) -> SystemView:
    """Return the data of the page. Tasks of other agencies are not counted."""
    return SystemView(load_queue_status(scope), outbox.list_dead(scope, limit=50), scope.now)
