"""Queries of public holiday settings of a creator and of the agency."""

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
    """The effective setting of a creator (`now`) and the settings of the creator (`own`) and the
    agency (`usual`), each None if it is not set."""

    now: HolidaySetting | None
    own: HolidaySetting | None
    usual: HolidaySetting | None
    for_all: bool
    """True if the member works for every creator and may therefore change the agency's setting."""


def load_holidays(scope: Scope, mine: Sequence[Creator], creator_id: UUID) -> HolidayChoices:
    """Return the holiday settings that affect a creator."""
    every = {one.id for one in queries.list_creators(scope)}
    return HolidayChoices(
        now=public_holidays.effective_holiday_settings(scope, [creator_id]).get(creator_id),
        own=public_holidays.get_holiday_setting(scope, creator_id),
        usual=public_holidays.get_holiday_setting(scope, scope.tenant_id),
        for_all=every <= {one.id for one in mine},
    )
