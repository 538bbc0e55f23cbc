"""What platforms list of their accounts' money, as rows: each movement once, and how far each list
was read."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, UniqueConstraint
from sqlmodel import Field

from channels.accounts.queries import Channel
from connectors.contract.balance import BalanceMovement
from foundation.db.database import Scope
from foundation.db.tables import CreatorOwnedRow, timestamp_column
from foundation.ids import uuid7
from foundation.money import Money
from subscribers.rails import installed_rails
from subscribers.table_columns import accounting_table_args, amount_column

READING_OVERLAP = 200
"""Movements that are read once more each time: one may be listed late."""


class RailCursor(CreatorOwnedRow, table=True):
    """How far the list of an account was read. `lies_minor` is what the platform says lies there;
    `differs_minor` by how much the books said otherwise at the last reading that came to its end;
    `unread` what nobody understood in it.
    """

    __tablename__ = "rail_readings"
    __table_args__ = accounting_table_args(
        UniqueConstraint("tenant_id", "rail", "account"), about="creator"
    )
    channel_id: UUID
    rail: str
    account: str
    position: int = amount_column()
    unread: int = 0
    read_at: datetime | None = timestamp_column(optional=True)
    deep_at: datetime | None = timestamp_column(optional=True)
    lies_minor: int | None = Field(default=None, sa_type=BigInteger)
    differs_minor: int = amount_column()


class RailMovement(CreatorOwnedRow, table=True):
    """A movement of an account's money. `beside_minor`: what was booked there for it that is no
    payment and no refund of one, negative for what left. Who paid stands in the payment."""

    __tablename__ = "rail_lines"
    __table_args__ = accounting_table_args(
        UniqueConstraint("tenant_id", "rail", "account", "native_id", "came"), about="creator"
    )
    rail: str
    account: str
    native_id: str
    came: bool
    kind: str
    amount_minor: int = amount_column()
    nano: int = 0
    currency: str
    beside_minor: int = amount_column()
    payload: str = ""
    at: datetime = timestamp_column()


@dataclass(frozen=True)
class RailAccount:
    """An account of a rail, and the channel that asks about it."""

    channel: Channel
    rail: str

    @property
    def name(self) -> str:
        """What the rail calls it."""
        return self.channel.account


@dataclass(frozen=True)
class RailProgress:
    """How far a list was read. What was charged before it `begins_at` with words that are not ours
    was not our sale."""

    begins_at: datetime
    position: int
    deep_at: datetime | None
    differs_minor: int


@dataclass(frozen=True)
class RailCharge:
    """A payment of ours, by the number of its charge."""

    id: UUID
    money: Money


@dataclass(frozen=True)
class RailBalance:
    """What a platform says lies on an account, by how much the books say otherwise, and what nobody
    understood."""

    account: str
    lies: Money
    differs: Money
    unread: int
    read_at: datetime


def reading_position(scope: Scope, rail: str, account: str) -> int:
    """The place up to which the list of an account was read, less what is read once more."""
    found = scope.run(
        "SELECT position FROM rail_readings WHERE tenant_id = :tenant AND rail = :rail AND "
        "account = :account",
        tenant=scope.tenant_id,
        rail=rail,
        account=account,
    ).scalar()
    return max(0, int(found or 0) - READING_OVERLAP)


def last_read_at(scope: Scope, rail: str, account: str) -> datetime | None:
    """When the list of an account was last read to its end."""
    found = scope.run(
        "SELECT read_at FROM rail_readings WHERE tenant_id = :tenant AND rail = :rail AND account "
        "= :account",
        tenant=scope.tenant_id,
        rail=rail,
        account=account,
    ).scalar()
    return found if isinstance(found, datetime) else None


def begin_reading(scope: Scope, of: RailAccount) -> RailProgress:
    """How far the list of an account was read; the first time it is at its beginning."""
    row = scope.run(
        "WITH made AS (INSERT INTO rail_readings (tenant_id, id, creator_id, channel_id, rail, "
        "account, position,"
        " unread, differs_minor) VALUES (:tenant, :id, :creator, :channel, :rail, :account, 0, 0, "
        "0)"
        " ON CONFLICT (tenant_id, rail, account) DO NOTHING RETURNING created_at, position, "
        "deep_at, differs_minor)"
        " SELECT * FROM made UNION ALL SELECT created_at, position, deep_at, differs_minor FROM "
        "rail_readings"
        " WHERE tenant_id = :tenant AND rail = :rail AND account = :account",
        tenant=scope.tenant_id,
        id=uuid7(),
        creator=of.channel.creator_id,
        channel=of.channel.id,
        rail=of.rail,
        account=of.name,
    ).one()
    return RailProgress(row.created_at, row.position, row.deep_at, row.differs_minor)


def record_position(scope: Scope, of: RailAccount, place: int, *, end: bool) -> None:
    """The list was read up to a place; its `end` is where it ends now, even before a place that was
    read once."""
    scope.run(
        "UPDATE rail_readings SET position = CASE WHEN :end THEN :place ELSE greatest(position, "
        ":place) END,"
        " updated_at = house_now() WHERE tenant_id = :tenant AND rail = :rail AND account = "
        ":account",
        tenant=scope.tenant_id,
        end=end,
        place=place,
        rail=of.rail,
        account=of.name,
    )


def finish_reading(
    scope: Scope, of: RailAccount, *, lies_minor: int, differs_minor: int, unread: int, deep: bool
) -> None:
    """A reading came to its end: what lies there, and by how much the books say otherwise."""
    scope.run(
        "UPDATE rail_readings SET read_at = :now, deep_at = CASE WHEN :deep THEN :now ELSE "
        "deep_at END,"
        " lies_minor = :lies, differs_minor = :differs, unread = :unread, updated_at = house_now()"
        " WHERE tenant_id = :tenant AND rail = :rail AND account = :account",
        tenant=scope.tenant_id,
        now=scope.now,
        deep=deep,
        lies=lies_minor,
        differs=differs_minor,
        unread=unread,
        rail=of.rail,
        account=of.name,
    )


def filter_new_movements(
    scope: Scope, of: RailAccount, rows: Sequence[BalanceMovement]
) -> list[BalanceMovement]:
    """Those of a page that are not written down yet; what came in before what left."""
    known = {
        (row.native_id, row.came)
        for row in scope.run(
            "SELECT native_id, came FROM rail_lines WHERE tenant_id = :tenant AND rail = :rail "
            "AND account = :account"
            " AND native_id = ANY(:ids)",
            tenant=scope.tenant_id,
            rail=of.rail,
            account=of.name,
            ids=[row.native_id for row in rows],
        )
    }
    new = {(row.native_id, row.came): row for row in rows if (row.native_id, row.came) not in known}
    return sorted(new.values(), key=lambda row: not row.came)


def record_movement(scope: Scope, of: RailAccount, row: BalanceMovement, currency: str) -> bool:
    """Write a movement down, once; whether it is new."""
    done = scope.run(
        "INSERT INTO rail_lines (tenant_id, id, creator_id, rail, account, native_id, came, kind, "
        "amount_minor,"
        " nano,"
        " currency, beside_minor, payload, at) VALUES (:tenant, :id, :creator, :rail, :account, "
        ":native, :came,"
        " :kind, :minor, :nano, :currency, 0, :payload, :at)"
        " ON CONFLICT (tenant_id, rail, account, native_id, came) DO NOTHING",
        tenant=scope.tenant_id,
        id=uuid7(),
        creator=of.channel.creator_id,
        rail=of.rail,
        account=of.name,
        native=row.native_id,
        came=row.came,
        kind=row.kind,
        minor=row.minor,
        nano=row.nano,
        currency=currency,
        payload=row.payload,
        at=row.at,
    )
    return bool(done.rowcount)


def record_other_booking(scope: Scope, of: RailAccount, row: BalanceMovement, minor: int) -> None:
    """What was booked for a movement that is no payment and no refund of one."""
    scope.run(
        "UPDATE rail_lines SET beside_minor = :minor, updated_at = house_now() WHERE tenant_id = "
        ":tenant"
        " AND rail = :rail AND account = :account AND native_id = :native AND came = :came",
        tenant=scope.tenant_id,
        minor=minor,
        rail=of.rail,
        account=of.name,
        native=row.native_id,
        came=row.came,
    )


def is_movement_recorded(scope: Scope, of: RailAccount, native_id: str, *, came: bool) -> bool:
    """Whether a movement is written down."""
    found = scope.run(
        "SELECT 1 FROM rail_lines WHERE tenant_id = :tenant AND rail = :rail AND account = :account"
        " AND native_id = :native AND came = :came",
        tenant=scope.tenant_id,
        rail=of.rail,
        account=of.name,
        native=native_id,
        came=came,
    )
    return found.scalar() is not None


def find_charge(scope: Scope, of: RailAccount, charge_id: str) -> RailCharge | None:
    """The payment of a charge; None for one that is not ours."""
    row = scope.run(
        "SELECT id, amount_minor, currency FROM payments WHERE tenant_id = :tenant AND rail = :rail"
        " AND account = :account AND charge_id = :charge",
        tenant=scope.tenant_id,
        rail=of.rail,
        account=of.name,
        charge=charge_id,
    ).one_or_none()
    return RailCharge(row.id, Money(row.amount_minor, row.currency)) if row is not None else None


def unlisted_payments(
    scope: Scope, of: RailAccount, before: datetime, *, most: int
) -> list[RailCharge]:
    """Payments that were written down `before` and that the platform's list does not have, the
    oldest first."""
    rows = scope.run(
        "SELECT p.id, p.amount_minor, p.currency FROM payments p WHERE p.tenant_id = :tenant AND "
        "p.rail = :rail"
        " AND p.account = :account AND p.created_at < :before AND NOT EXISTS (SELECT 1 FROM "
        "rail_lines l"
        "  WHERE l.tenant_id = p.tenant_id AND l.rail = p.rail AND l.account = p.account"
        "  AND l.native_id = p.charge_id AND l.came) ORDER BY p.created_at LIMIT :most",
        tenant=scope.tenant_id,
        rail=of.rail,
        account=of.name,
        before=before,
        most=most,
    )
    return [RailCharge(row.id, Money(row.amount_minor, row.currency)) for row in rows]


def unbooked_fraction(scope: Scope, of: RailAccount) -> int:
    """The billionths of a unit that came in, less those that left: the books hold whole units."""
    return int(
        scope.run(
            "SELECT coalesce(sum(CASE WHEN came THEN nano ELSE -nano END), 0) FROM rail_lines"
            " WHERE tenant_id = :tenant AND rail = :rail AND account = :account",
            tenant=scope.tenant_id,
            rail=of.rail,
            account=of.name,
        ).scalar_one()
    )


def other_bookings(
    scope: Scope, creators: Collection[UUID]
) -> dict[tuple[UUID, str, str, str], int]:
    """What was booked on each account that is no payment and no refund: by creator, rail, account
    and currency."""
    rows = scope.run(
        "SELECT creator_id, rail, account, currency, sum(beside_minor) AS minor FROM rail_lines"
        " WHERE tenant_id = :tenant AND creator_id = ANY(:creators) GROUP BY creator_id, rail, "
        "account, currency",
        tenant=scope.tenant_id,
        creators=list(creators),
    )
    return {(row.creator_id, row.rail, row.account, row.currency): int(row.minor) for row in rows}


def reported_balances(scope: Scope, creators: Collection[UUID]) -> list[RailBalance]:
    """What platforms said last of what lies on these creators' accounts."""
    rows = scope.run(
        "SELECT creator_id, rail, account, lies_minor, differs_minor, unread, read_at FROM "
        "rail_readings"
        " WHERE tenant_id = :tenant AND creator_id = ANY(:creators) AND read_at IS NOT NULL ORDER "
        "BY rail, account",
        tenant=scope.tenant_id,
        creators=list(creators),
    )
    currencies = {
        terms.name: terms.currency for terms in installed_rails.rail_terms_by_platform().values()
    }
    return [
        RailBalance(
            row.account,
            Money(row.lies_minor, currencies[row.rail]),
            Money(row.differs_minor, currencies[row.rail]),
            row.unread,
            row.read_at,
        )
        for row in rows
        if row.rail in currencies
    ]
