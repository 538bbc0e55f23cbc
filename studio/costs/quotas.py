"""Generation quotas: hours in which a creator's images are generated, daily quotas of the agency
and of creators, and monthly quotas of the agency.

Usage is counted from the library, which contains each image of a run once, so that no separate
counter can diverge.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlmodel import col, select

from foundation.db.database import Scope
from foundation.errors import BadInput
from foundation.ids import derived_uuid
from studio.costs.models import GenerationLimitRow
from tenants import audit
from tenants.agencies import queries

ONE_MINUTE = timedelta(minutes=1)
DAYS = 9
"""Days searched for the next opening: clock changes can skip an opening, or even a whole
local day."""

INACTIVE_RECHECK_INTERVAL = timedelta(hours=1)
"""Interval at which a run of a deactivated creator checks whether it may continue."""

MAX_PER_DAY = 100_000
MAX_CHARACTER_QUOTA = 100_000_000


@dataclass(frozen=True)
class GenerationHours:
    """Daily local hours in which images are generated. They extend past midnight if `closes` is
    earlier than `opens`.

    Raises BadInput if both are equal.
    """

    opens: time
    closes: time

    def __post_init__(self) -> None:
        if self.opens == self.closes:
            raise BadInput("quota.window_empty")

    def is_open_at(self, wall: time) -> bool:
        """Return True if a local time is within these hours."""
        if self.opens < self.closes:
            return self.opens <= wall < self.closes
        return wall >= self.opens or wall < self.closes


@dataclass(frozen=True)
class GenerationLimits:
    """The limits that apply to a creator: hours (None means always), images per day (None means
    unlimited), and the time zone."""

    own: GenerationHours | None
    agency: GenerationHours | None
    agency_per_day: int | None
    per_day: int | None
    """The effective limit of the agency: the lower of its own and the installation's."""

    zone: str
    own_per_day: int | None = None
    """The limit of this creator alone."""

    @property
    def effective_hours(self) -> GenerationHours | None:
        """The creator's hours, or the agency's if the creator has none."""
        return self.own or self.agency


@dataclass(frozen=True)
class GenerationWait:
    """The time until which a run waits (UTC-aware), and the limit that causes it."""

    until: datetime
    why: Literal["window", "quota", "inactive"]


def next_opening(window: GenerationHours, zone: ZoneInfo, now: datetime) -> datetime:
    """Return `now` if it is within the hours, otherwise the next opening (both UTC-aware).

    An opening skipped by a clock change takes place at the change if the hours continue after it;
    otherwise the day is skipped. An opening that occurs twice counts both times (PEP 495,
    https://peps.python.org/pep-0495/).
    """
    local = now.astimezone(zone)
    if window.is_open_at(local.time()):
        return now
    for ahead in range(-1, DAYS):
        found = _next_opening(window, zone, local.date() + timedelta(days=ahead), now)
        if found is not None:
            return found
    # no time zone skips the same hours on nine days; if one did, generating is better than never
    # starting
    return now


def _next_opening(
    window: GenerationHours, zone: ZoneInfo, day: date, now: datetime
) -> datetime | None:
    """Return the first opening of a day that is not in the past, or None.

    There are two instants of an opening if the clocks are set back over it.
    """
    both = [
        datetime.combine(day, window.opens, zone).replace(fold=fold).astimezone(UTC)
        for fold in (0, 1)
    ]
    at = min(both)
    last = max(both)
    while at <= last:
        if at >= now and window.is_open_at(at.astimezone(zone).time()):
            return at
        at += ONE_MINUTE
    return None


def quota_day(zone: ZoneInfo, now: datetime) -> tuple[datetime, datetime]:
    """Return the start of the local day of `now` and that of the next day, UTC-aware."""
    today = now.astimezone(zone).date()
    began, ends = (
        datetime.combine(day, time(), zone).astimezone(UTC)
        for day in (today, today + timedelta(days=1))
    )
    return began, ends


def set_generation_hours(
    scope: Scope, window: GenerationHours | None, *, creator_id: UUID | None = None
) -> None:
    """Limit generation to these hours for a creator or, without a creator, for the agency. None
    removes the limit."""
    row = _get_limit_row(scope, creator_id)
    row.opens = _minute_of_day(window.opens) if window else None
    row.closes = _minute_of_day(window.closes) if window else None
    scope.add(row)


def set_daily_quota(scope: Scope, pictures: int | None, *, creator_id: UUID | None = None) -> None:
    """Set the maximum number of generated images per day of a creator or, without a creator, of the
    agency; None removes it. Raises BadInput."""
    if pictures is not None and not 1 <= pictures <= MAX_PER_DAY:
        raise BadInput("quota.per_day", most=MAX_PER_DAY)
    row = _get_limit_row(scope, creator_id)
    before = row.per_day
    row.per_day = pictures
    scope.add(row)
    if before != pictures:
        act = "quota.changed" if creator_id is None else "creator.pictures_per_day"
        about = f"creator:{creator_id}" if creator_id else f"agency:{scope.tenant_id}"
        audit.record(scope, act, about, before=before or 0, after=pictures or 0)


def creator_quotas(scope: Scope) -> dict[UUID, int]:
    """Return the maximum number of images per day of each creator who has one."""
    rows = scope.session.exec(
        select(GenerationLimitRow.creator_id, GenerationLimitRow.per_day).where(
            GenerationLimitRow.tenant_id == scope.tenant_id,
            col(GenerationLimitRow.creator_id).is_not(None),
            col(GenerationLimitRow.per_day).is_not(None),
        )
    )
    return {creator_id: most for creator_id, most in rows if creator_id and most}


def set_character_quota(scope: Scope, characters: int | None) -> None:
    """Set the agency's maximum number of characters per month for paid speech engines; None removes
    it.

    Raises BadInput.
    """
    if characters is not None and not 1 <= characters <= MAX_CHARACTER_QUOTA:
        raise BadInput("quota.characters", most=MAX_CHARACTER_QUOTA).about("characters")
    row = _get_limit_row(scope, None)
    row.characters = characters
    scope.add(row)


def agency_daily_quota(scope: Scope) -> int | None:
    """Return the agency's maximum number of images per day, or None if it has none."""
    found = _find_limit_row(scope, None)
    return found.per_day if found else None


def character_quota(scope: Scope) -> int | None:
    """Return the agency's monthly maximum of characters, or None if it has none."""
    found = _find_limit_row(scope, None)
    return found.characters if found else None


def get_generation_limits(scope: Scope, creator_id: UUID, *, per_day: int = 0) -> GenerationLimits:
    """Return the limits that apply to a creator.

    `per_day` is the limit of the installation (setting `generators.pictures_per_day`), or 0 for
    none.
    """
    own = _find_limit_row(scope, creator_id)
    agency = _find_limit_row(scope, None)
    set_by_agency = agency.per_day if agency else None
    quotas = [each for each in (set_by_agency, per_day or None) if each is not None]
    return GenerationLimits(
        own=_generation_hours(own),
        agency=_generation_hours(agency),
        agency_per_day=set_by_agency,
        per_day=min(quotas) if quotas else None,
        zone=queries.get_agency(scope).zone,
        own_per_day=own.per_day if own else None,
    )


def generation_wait(
    scope: Scope, creator_id: UUID, *, per_day: int = 0, left: int | None = None
) -> GenerationWait | None:
    """Return the time until which the next image of a creator waits, or None if it may be
    generated.

    The later of hours and quota applies. Runs of an inactive creator check again every hour. `left`
    is the result of `pictures_left_today` if the caller has read it: another run may store an image
    between two reads.
    """
    if not queries.get_creator(scope, creator_id).is_active:
        return GenerationWait(scope.now + INACTIVE_RECHECK_INTERVAL, "inactive")
    found = get_generation_limits(scope, creator_id, per_day=per_day)
    zone = ZoneInfo(found.zone)
    at = scope.now
    why = ""
    if left is None:
        left = _count_left_today(scope, creator_id, found)
    if left == 0:
        _, at = quota_day(zone, scope.now)
        why = "quota"
    opens = next_opening(found.effective_hours, zone, at) if found.effective_hours else at
    if opens > scope.now:
        return GenerationWait(opens, "quota" if why else "window")
    return None


def pictures_left_today(scope: Scope, creator_id: UUID, *, per_day: int = 0) -> int:
    """Return the number of images left in today's quotas of the agency and of the creator, or
    `MAX_PER_DAY` without a quota."""
    found = get_generation_limits(scope, creator_id, per_day=per_day)
    return _count_left_today(scope, creator_id, found)


def _count_left_today(scope: Scope, creator_id: UUID, found: GenerationLimits) -> int:
    began, _ = quota_day(ZoneInfo(found.zone), scope.now)
    left = MAX_PER_DAY
    if found.per_day is not None:
        left = found.per_day - count_generated_since(scope, began)
    if found.own_per_day is not None:
        own = count_generated_since(scope, began, creator_id=creator_id)
        left = min(left, found.own_per_day - own)
    return max(left, 0)


def is_within_daily_quota(
    scope: Scope, creator_id: UUID, under_way: int, *, per_day: int = 0
) -> bool:
    """Return True if the images being purchased (`under_way`) fit into the rest of today's
    quota."""
    return under_way <= pictures_left_today(scope, creator_id, per_day=per_day)


def count_generated_since(scope: Scope, since: datetime, *, creator_id: UUID | None = None) -> int:
    """Return the number of images generated by runs of the agency, or of a creator, including
    erased ones.

    A generated video counts as one.
    """
    return int(
        scope.run(
            "SELECT (SELECT count(*) FROM creations"
            " WHERE tenant_id = :tenant AND job_id IS NOT NULL AND created_at >= :since"
            "  AND (CAST(:creator AS uuid) IS NULL OR creator_id = :creator))"
            " + (SELECT count(*) FROM erased_pictures"
            " WHERE tenant_id = :tenant AND job_id IS NOT NULL AND made_at >= :since"
            "  AND (CAST(:creator AS uuid) IS NULL OR creator_id = :creator))"
            " + (SELECT count(*) FROM clips"
            " WHERE tenant_id = :tenant AND kind = 'model' AND asset_id IS NOT NULL AND "
            "updated_at >= :since AND (CAST(:creator AS uuid) IS NULL OR creator_id = :creator))",
            tenant=scope.tenant_id,
            creator=creator_id,
            since=since,
        ).scalar_one()
    )


def _limit_row_id(scope: Scope, creator_id: UUID | None) -> UUID:
    return derived_uuid(scope.tenant_id, "generation limit", creator_id or "")


def _find_limit_row(scope: Scope, creator_id: UUID | None) -> GenerationLimitRow | None:
    return scope.session.get(
        GenerationLimitRow, (scope.tenant_id, _limit_row_id(scope, creator_id))
    )


def _get_limit_row(scope: Scope, creator_id: UUID | None) -> GenerationLimitRow:
    if creator_id is not None:
        queries.get_creator(scope, creator_id)  # raises NotFound for another tenant's creator
    found = _find_limit_row(scope, creator_id)
    new = GenerationLimitRow(
        tenant_id=scope.tenant_id, id=_limit_row_id(scope, creator_id), creator_id=creator_id
    )
    return found or new


def _minute_of_day(wall: time) -> int:
    return wall.hour * 60 + wall.minute


def _generation_hours(row: GenerationLimitRow | None) -> GenerationHours | None:
    if row is None or row.opens is None or row.closes is None:
        return None
    return GenerationHours(*(time(*divmod(each, 60)) for each in (row.opens, row.closes)))
