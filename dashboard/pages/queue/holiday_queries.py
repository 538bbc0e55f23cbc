"""Public holidays of a creator or of the agency, as they are chosen and as they would be."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from foundation.db.database import Scope
from schedules.availability import public_holidays
from schedules.availability.public_holidays import HolidaySetting
from tenants.agencies import queries
from tenants.agencies.queries import Creator


@dataclass(frozen=True)
class HolidayChoices:
    """What holds for a creator (`now`), and what the creator and the agency chose, none where
    nobody did."""

    now: HolidaySetting | None
    own: HolidaySetting | None
    usual: HolidaySetting | None
    for_all: bool
    """Whether this member works for every creator, and so may choose for the agency."""


def load_holidays(scope: Scope, mine: Sequence[Creator], creator_id: UUID) -> HolidayChoices:
    """The choices around a creator."""
    every = {one.id for one in queries.list_creators(scope)}
    return HolidayChoices(
        now=public_holidays.effective_holiday_settings(scope, [creator_id]).get(creator_id),
        own=public_holidays.get_holiday_setting(scope, creator_id),
        usual=public_holidays.get_holiday_setting(scope, scope.tenant_id),
        for_all=every <= {one.id for one in mine},
    )
