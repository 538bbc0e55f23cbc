"""Holiday settings: the country whose public holidays are quiet days, per agency or per creator."""

from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from foundation.db.database import Scope
from foundation.errors import NotFound
from foundation.ids import uuid7
from schedules.availability import public_holidays, quiet_periods
from schedules.availability.models import HolidaySettingRow
from schedules.availability.public_holidays import HolidaySetting
from tenants import audit
from tenants.agencies import queries

MAX_EXCLUDED_HOLIDAYS = 100
"""Maximum number of excluded holidays in one setting."""


def set_holiday_country(
    scope: Scope, of_id: UUID, *, country: str, region: str = "", left_out: tuple[str, ...] = ()
) -> HolidaySetting:
    """Make the public holidays of a country or region quiet days; "" as `country` means none.

    `of_id` is a creator, or the agency, whose setting applies to its creators without a setting.
    `left_out` lists the English names of holidays on which posts are published anyway. Existing
    deliveries are not moved; series are rescheduled. Raises BadInput for an unknown country or
    region, NotFound for an unknown creator.
    """
    creators = _list_affected_creators(scope, of_id)
    if country or region:
        public_holidays.check_country(country, region)
    values = {
        "country": country,
        "region": region,
        "left_out": sorted(set(left_out))[:MAX_EXCLUDED_HOLIDAYS],
    }
    put = insert(HolidaySettingRow).values(
        tenant_id=scope.tenant_id, id=uuid7(), of_id=of_id, **values
    )
    put = put.on_conflict_do_update(index_elements=("tenant_id", "of_id"), set_=values)
    scope.session.execute(put)
    _apply_setting_change(scope, of_id, creators)
    found = public_holidays.get_holiday_setting(scope, of_id)
    if found is None:
        raise NotFound("holidays.none")
    return found


def clear_holiday_country(scope: Scope, of_id: UUID) -> None:
    """Delete a holiday setting; a creator falls back to the agency's setting.

    Idempotent. Raises NotFound for an unknown creator.
    """
    creators = _list_affected_creators(scope, of_id)
    scope.run(
        "DELETE FROM holiday_choices WHERE tenant_id = :tenant AND of_id = :of",
        tenant=scope.tenant_id,
        of=of_id,
    )
    _apply_setting_change(scope, of_id, creators)


def _list_affected_creators(scope: Scope, of_id: UUID) -> list[UUID]:
    """Return the creators affected by a setting. Raises NotFound."""
    if of_id != scope.tenant_id:
        return [queries.get_creator(scope, of_id).id]
    return [one.id for one in queries.list_creators(scope)]


def _apply_setting_change(scope: Scope, of_id: UUID, creators: list[UUID]) -> None:
    audit.record(scope, "holidays.chosen", str(of_id))
    for creator_id in creators:
        quiet_periods.reschedule_all_series(scope, creator_id)
