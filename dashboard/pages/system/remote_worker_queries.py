"""Queries for the agency's remote workers: last contact, installed models and current run."""

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
    """Active remote workers.

    `waiting` is the number of runs that wait for them; `lacking` names models that some of these
    runs need and no remote worker has.
    """

    living: Sequence[RemoteWorkerSummary]
    working: Mapping[UUID, RemoteActivity]
    waiting: int
    lacking: Sequence[str]
    now: datetime
    """Wall-clock time. The clock of a demo tenant can be faster."""


def load_remote_workers(scope: Scope) -> RemoteWorkersView:
    """Return all remote workers with a valid key."""
    return RemoteWorkersView(
        [one for one in remote_workers.list_remote_workers(scope) if one.revoked_at is None],
        remote_routing.remote_activity(scope),
        remote_routing.count_remote_runs(scope),
        remote_routing.missing_models(scope),
        keys.people_now(scope),
    )
