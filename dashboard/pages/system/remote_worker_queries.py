"""The machines of an agency's own: when each was seen, what it has, what it does."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from foundation.db.database import Scope
from studio.runs import remote_routing
from studio.runs.remote_routing import RemoteActivity
from tenants.api_keys import keys, remote_workers
from tenants.api_keys.remote_workers import RemoteWorkerSummary


@dataclass(frozen=True)
class RemoteWorkersView:
    """Machines that live; `waiting` runs are made by them, some of which ask for what none has
    (`lacking`)."""

    living: Sequence[RemoteWorkerSummary]
    working: Mapping[UUID, RemoteActivity]
    waiting: int
    lacking: Sequence[str]
    now: datetime
    """By the people's clock."""


def load_remote_workers(scope: Scope) -> RemoteWorkersView:
    """Every machine whose key lives."""
    return RemoteWorkersView(
        [one for one in remote_workers.list_remote_workers(scope) if one.revoked_at is None],
        remote_routing.remote_activity(scope),
        remote_routing.count_remote_runs(scope),
        remote_routing.missing_models(scope),
        keys.people_now(scope),
    )
