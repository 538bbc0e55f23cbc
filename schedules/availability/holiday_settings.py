"""Whose public holidays are quiet days, chosen: by an agency for all its creators, or for one of
them."""

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
"""Names of one choice."""


def set_holiday_country(
    scope: Scope, of_id: UUID, *, country: str, region: str = "", left_out: tuple[str, ...] = ()
) -> HolidaySetting:
    """Keep the public holidays of a country free, or of a region of it; of none where `country` is
    "".

    `of_id` is a creator, or the agency: that is for its creators who have no choice of their own.
    `left_out` are English names of holidays on which posts leave all the same. What is planned
    stays; what repeats is laid anew. Raises BadInput for a country or region nobody knows, NotFound
    for a creator.
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
    """Take a choice away: of a creator the agency's holds again. Once is as twice. Raises NotFound
    for a creator."""
    creators = _list_affected_creators(scope, of_id)
    scope.run(
        "DELETE FROM holiday_choices WHERE tenant_id = :tenant AND of_id = :of",
        tenant=scope.tenant_id,
        of=of_id,
    )
    _apply_setting_change(scope, of_id, creators)


def _list_affected_creators(scope: Scope, of_id: UUID) -> list[UUID]:
    """Whose days change. Raises NotFound."""
    if of_id != scope.tenant_id:
        return [queries.get_creator(scope, of_id).id]
    return [one.id for one in queries.list_creators(scope)]


def _apply_setting_change(scope: Scope, of_id: UUID, creators: list[UUID]) -> None:
    audit.record(scope, "holidays.chosen", str(of_id))
    for creator_id in creators:
        quiet_periods.reschedule_all_series(scope, creator_id)
