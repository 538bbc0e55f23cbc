"""The machines of an agency's own: when each was seen, what it has, what it does."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from foundation.database import Scope
from studio import home
from studio.home import Working
from tenants import keys, machines
from tenants.machines import Machine


@dataclass(frozen=True)
class Machines:
    """Machines that live; `waiting` runs are made by them, some of which ask for what none has (`lacking`)."""

    living: Sequence[Machine]
    working: Mapping[UUID, Working]
    waiting: int
    lacking: Sequence[str]
    now: datetime
    """By the people's clock."""


def own_machines(scope: Scope) -> Machines:
    """Every machine whose key lives."""
    return Machines(
        [one for one in machines.machines(scope) if one.revoked_at is None],
        home.working(scope),
        home.waiting(scope),
        home.lacking(scope),
        keys.people_now(scope),
    )
