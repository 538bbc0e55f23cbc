"""Public holidays of a creator or of the agency, as they are chosen and as they would be."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from foundation.database import Scope
from schedules import public_holidays
from schedules.public_holidays import Choice
from tenants import reads as tenant_reads
from tenants.reads import Creator


@dataclass(frozen=True)
class Holidays:
    """What holds for a creator (`now`), and what the creator and the agency chose, none where nobody did."""

    now: Choice | None
    own: Choice | None
    usual: Choice | None
    for_all: bool
    """Whether this member works for every creator, and so may choose for the agency."""


def holidays(scope: Scope, mine: Sequence[Creator], creator_id: UUID) -> Holidays:
    """The choices around a creator."""
    every = {one.id for one in tenant_reads.creators(scope)}
    return Holidays(
        now=public_holidays.in_force(scope, [creator_id]).get(creator_id),
        own=public_holidays.choice(scope, creator_id),
        usual=public_holidays.choice(scope, scope.tenant_id),
        for_all=every <= {one.id for one in mine},
    )
