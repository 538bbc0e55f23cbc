"""Tables of availability: slots and their use, quiet periods, holiday settings."""

from datetime import date, time
from uuid import UUID

from sqlalchemy import (
    Date,
    ForeignKeyConstraint,
    Index,
    Time,
    UniqueConstraint,
    false,
)
from sqlmodel import Field

import schedules.posts.models
import schedules.rescheduling.models  # noqa: F401  foreign keys refer to its tables
from foundation.db.tables import CreatorOwnedRow, TenantRow, jsonb_column, table_arguments


class SlotRow(CreatorOwnedRow, table=True):
    """A weekly posting time of an account: local time in `zone`, plus up to `jitter` minutes."""

    __tablename__ = "slots"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "channel_id", "weekday", "local_time"),
        about="creator",
        keep="while the tenant exists",
    )
    channel_id: UUID
    weekday: int
    """0 is Monday."""
    local_time: time = Field(sa_type=Time)
    zone: str
    jitter: int = 0
    label: str = ""
    automatic: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    """The hour follows the account's results, and one date in ten uses a random hour."""
    drawn_as: UUID | None = None
    """The slot of another account that this one was copied from; both draw the same jitter, so a
    post is published at the same minute on both."""


class SlotUse(CreatorOwnedRow, table=True):
    """The delivery that occupies a slot on a local date; two writers cannot take the same one.

    The row counts as long as the delivery is planned at `wall_time`. If it has been moved, the slot
    is free again.
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
        keep="while the tenant exists",
    )
    slot_id: UUID
    local_date: date = Field(sa_type=Date)
    delivery_id: UUID
    wall_time: str
    zone: str


class TimingTrial(CreatorOwnedRow, table=True):
    """A delivery whose hour an automatic slot assigned, at random or as the best one.

    The row counts as long as the delivery is planned at `wall_time`. It outlives its slot.
    """

    __tablename__ = "timing_trials"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "delivery_id"),
        ForeignKeyConstraint(
            ["tenant_id", "delivery_id"], ["deliveries.tenant_id", "deliveries.id"]
        ),
        Index("timing_trials_channel", "tenant_id", "channel_id"),
        about="creator",
        keep="while the tenant exists",
    )
    channel_id: UUID
    delivery_id: UUID
    wall_time: str
    random: bool


class QuietPeriodRow(CreatorOwnedRow, table=True):
    """A period without posts on one account or on all accounts of a creator: local days or weekly
    hours.

    A pause is a quiet period with `shift_id`, the bulk move that rescheduled its posts.
    """

    __tablename__ = "quiet_periods"
    __table_args__ = table_arguments(
        ForeignKeyConstraint(["tenant_id", "shift_id"], ["shifts.tenant_id", "shifts.id"]),
        Index("quiet_periods_creator", "tenant_id", "creator_id"),
        about="creator",
        keep="while the tenant exists",
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
    """The public holidays that are quiet days of one creator, or of all creators without a setting.

    An empty country means no holidays.
    """

    __tablename__ = "holiday_choices"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "of_id"), about="creator", keep="while the tenant exists"
    )
    of_id: UUID
    """The creator, or the tenant itself."""
    country: str
    """ISO 3166-1."""
    region: str = ""
    """Subdivision code of the `holidays` library; empty for the whole country."""
    left_out: list[str] = jsonb_column(list)
    """English names of holidays on which posts are published anyway, every year."""
