"""When pictures are generated, and how many a day: hours of a creator or of the agency, and quotas
of the agency.

Pictures are counted from the library, where a run's picture stands once: no counter can lose or
double one.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from foundation.db.database import Scope
from foundation.errors import BadInput
from foundation.ids import derived_uuid
from studio.costs.models import GenerationLimitRow
from tenants.agencies import queries

ONE_MINUTE = timedelta(minutes=1)
DAYS = 9
"""Looked ahead for the hours to open: a day may lack them where the clocks leap over them, or lack
itself."""

MAX_PER_DAY = 100_000
MAX_CHARACTER_QUOTA = 100_000_000


@dataclass(frozen=True)
class GenerationHours:
    """The hours of a day on which pictures are generated, by wall clock; past midnight where
    `closes` is earlier.

    Raises BadInput for hours that open when they close.
    """

    opens: time
    closes: time

    def __post_init__(self) -> None:
        if self.opens == self.closes:
            raise BadInput("quota.window_empty")

    def is_open_at(self, wall: time) -> bool:
        """Whether the hours are open at a wall clock's time."""
        if self.opens < self.closes:
            return self.opens <= wall < self.closes
        return wall >= self.opens or wall < self.closes


@dataclass(frozen=True)
class GenerationLimits:
    """What a creator and the agency say: hours (None: all), pictures a day (None: no limit), and in
    which zone."""

    own: GenerationHours | None
    agency: GenerationHours | None
    agency_per_day: int | None
    per_day: int | None
    """What holds: the lower of the agency's and the house's."""

    zone: str

    @property
    def effective_hours(self) -> GenerationHours | None:
        """The hours that hold: a creator's own before the agency's."""
        return self.own or self.agency


@dataclass(frozen=True)
class GenerationWait:
    """A run waits: until when (UTC-aware), and for what."""

    until: datetime
    why: Literal["window", "quota"]


def next_opening(window: GenerationHours, zone: ZoneInfo, now: datetime) -> datetime:
    """`now` (UTC-aware) while the hours are open, else when they open next, UTC-aware.

    An opening that the clocks leap over is the leap itself if hours are left after it, and is left
    out if none are; one that comes twice is both (PEP 495, https://peps.python.org/pep-0495/).
    """
    local = now.astimezone(zone)
    if window.is_open_at(local.time()):
        return now
    for ahead in range(-1, DAYS):
        found = _next_opening(window, zone, local.date() + timedelta(days=ahead), now)
        if found is not None:
            return found
    return now  # no zone takes the same hours out of nine days: better drawn than never


def _next_opening(
    window: GenerationHours, zone: ZoneInfo, day: date, now: datetime
) -> datetime | None:
    """The first minute of a day's opening that is not past; two instants where the clocks move over
    it, else one."""
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
    """When the local day of `now` began and when the next begins, UTC-aware."""
    today = now.astimezone(zone).date()
    began, ends = (
        datetime.combine(day, time(), zone).astimezone(UTC)
        for day in (today, today + timedelta(days=1))
    )
    return began, ends


def set_generation_hours(
    scope: Scope, window: GenerationHours | None, *, creator_id: UUID | None = None
) -> None:
    """Generate in these hours only, at any time when None; without a creator, those of the whole
    agency."""
    row = _get_limit_row(scope, creator_id)
    row.opens = _minute_of_day(window.opens) if window else None
    row.closes = _minute_of_day(window.closes) if window else None
    scope.add(row)


def set_daily_quota(scope: Scope, pictures: int | None) -> None:
    """At most so many generated pictures a day in this agency; no limit of its own when None.
    Raises BadInput."""
    if pictures is not None and not 1 <= pictures <= MAX_PER_DAY:
        raise BadInput("quota.per_day", most=MAX_PER_DAY)
    row = _get_limit_row(scope, None)
    row.per_day = pictures
    scope.add(row)


def set_character_quota(scope: Scope, characters: int | None) -> None:
    """At most so many characters a month are said by engines that are paid for; no limit of its own
    when None.

    Raises BadInput.
    """
    if characters is not None and not 1 <= characters <= MAX_CHARACTER_QUOTA:
        raise BadInput("quota.characters", most=MAX_CHARACTER_QUOTA)
    row = _get_limit_row(scope, None)
    row.characters = characters
    scope.add(row)


def character_quota(scope: Scope) -> int | None:
    """How many characters a month the agency allows itself; None: no limit of its own."""
    found = _find_limit_row(scope, None)
    return found.characters if found else None


def get_generation_limits(scope: Scope, creator_id: UUID, *, per_day: int = 0) -> GenerationLimits:
    """What holds for a creator: its own hours before the agency's, the lower of the agency's quota
    and the house's.

    `per_day` is the house's (setting `generators.pictures_per_day`), 0 for none.
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
    )


def generation_wait(scope: Scope, creator_id: UUID, *, per_day: int = 0) -> GenerationWait | None:
    """Until when the next picture of a creator waits, the later of both where both say so; None: it
    may be made."""
    found = get_generation_limits(scope, creator_id, per_day=per_day)
    zone = ZoneInfo(found.zone)
    at = scope.now
    why = ""
    if found.per_day is not None:
        began, ends = quota_day(zone, scope.now)
        if count_generated_since(scope, began) >= found.per_day:
            at = ends
            why = "quota"
    opens = next_opening(found.effective_hours, zone, at) if found.effective_hours else at
    if opens > scope.now:
        return GenerationWait(opens, "quota" if why else "window")
    return None


def pictures_left_today(scope: Scope, creator_id: UUID, *, per_day: int = 0) -> int:
    """How many pictures may still be made today: MOST_PER_DAY where nothing limits them."""
    found = get_generation_limits(scope, creator_id, per_day=per_day)
    if found.per_day is None:
        return MAX_PER_DAY
    began, _ = quota_day(ZoneInfo(found.zone), scope.now)
    return max(found.per_day - count_generated_since(scope, began), 0)


def is_within_daily_quota(
    scope: Scope, creator_id: UUID, under_way: int, *, per_day: int = 0
) -> bool:
    """Whether so many pictures that are being bought, beside those made today, are within the
    quota."""
    return under_way <= pictures_left_today(scope, creator_id, per_day=per_day)


def count_generated_since(scope: Scope, since: datetime) -> int:
    """Pictures that runs of this agency made since then, also those that were erased; a film counts
    as one."""
    return int(
        scope.run(
            "SELECT (SELECT count(*) FROM creations"
            " WHERE tenant_id = :tenant AND job_id IS NOT NULL AND created_at >= :since)"
            " + (SELECT count(*) FROM erased_pictures"
            " WHERE tenant_id = :tenant AND job_id IS NOT NULL AND made_at >= :since)"
            " + (SELECT count(*) FROM clips"
            " WHERE tenant_id = :tenant AND kind = 'model' AND asset_id IS NOT NULL AND "
            "updated_at >= :since)",
            tenant=scope.tenant_id,
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
        queries.get_creator(scope, creator_id)  # another tenant's is unknown
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
