"""Tables of planning: hours of the week, quiet times, shifts; files, feeds, weeks, pools, labels;
who reads along."""

from datetime import date, time
from uuid import UUID

from sqlalchemy import (
    Date,
    ForeignKeyConstraint,
    Index,
    Time,
    UniqueConstraint,
)
from sqlmodel import Field

import schedules.posts.models
import schedules.rescheduling.models  # noqa: F401  foreign keys refer to its tables
from foundation.db.tables import CreatorOwnedRow, TenantRow, jsonb_column, table_arguments


class SlotRow(CreatorOwnedRow, table=True):
    """An hour of the week at which an account posts: wall time in `zone`, at most `jitter` minutes
    later."""

    __tablename__ = "slots"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "channel_id", "weekday", "local_time"),
        about="creator",
        keep="while the tenant is here",
    )
    channel_id: UUID
    weekday: int
    """0 is Monday."""
    local_time: time = Field(sa_type=Time)
    zone: str
    jitter: int = 0
    label: str = ""
    drawn_as: UUID | None = None
    """The slot of another account that it was copied from: what was planned there is at its minutes
    here too."""


class SlotUse(CreatorOwnedRow, table=True):
    """Which delivery has a slot on a local date: two writers cannot take one.

    It counts as long as the delivery is planned at `wall_time` there; else the slot is free again,
    whoever moved it.
    """

    __tablename__ = "slot_uses"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "slot_id", "local_date"),
        UniqueConstraint("tenant_id", "delivery_id"),
        ForeignKeyConstraint(["tenant_id", "slot_id"], ["slots.tenant_id", "slots.id"]),
        ForeignKeyConstraint(
            ["tenant_id", "delivery_id"], ["deliveries.tenant_id", "deliveries.id"]
        ),
        about="creator",
        keep="while the tenant is here",
    )
    slot_id: UUID
    local_date: date = Field(sa_type=Date)
    delivery_id: UUID
    wall_time: str
    zone: str


class QuietPeriodRow(CreatorOwnedRow, table=True):
    """When nothing is to be posted, on one account or on all of a creator's: local days, or hours
    of the week.

    A pause is one with the words it was announced with, and what it moved away.
    """

    __tablename__ = "quiet_periods"
    __table_args__ = table_arguments(
        ForeignKeyConstraint(["tenant_id", "shift_id"], ["shifts.tenant_id", "shifts.id"]),
        Index("quiet_periods_creator", "tenant_id", "creator_id"),
        about="creator",
        keep="while the tenant is here",
    )
    channel_id: UUID | None = None
    label: str
    zone: str
    first_day: date | None = Field(default=None, sa_type=Date)
    last_day: date | None = Field(default=None, sa_type=Date)
    weekday: int | None = None
    start_time: time | None = Field(default=None, sa_type=Time)
    end_time: time | None = Field(default=None, sa_type=Time)
    shift_id: UUID | None = None


class HolidaySettingRow(TenantRow, table=True):
    """Whose public holidays are quiet days: of one creator, or of all of the agency's that have no
    choice of their own.

    A country of "" is none at all.
    """

    __tablename__ = "holiday_choices"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "of_id"), about="creator", keep="while the tenant is here"
    )
    of_id: UUID
    """The creator, or the agency itself."""
    country: str
    """ISO 3166-1."""
    region: str = ""
    """As the library calls it there; empty for the whole country."""
    left_out: list[str] = jsonb_column(list)
    """Names of holidays on which posts leave all the same, each year."""
