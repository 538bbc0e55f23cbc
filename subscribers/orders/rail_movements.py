"""Movements that platforms list for their accounts, as rows: each movement once, and the position
up to which each list was read."""

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
"""Number of movements that each reading repeats, because a platform may list one late."""


class RailCursor(CreatorOwnedRow, table=True):
    """The reading position of an account's list.

    `lies_minor` is the balance that the platform reports. `differs_minor` is its difference to the
    ledger at the last complete reading. `unread` counts the entries that could not be interpreted.
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
    """A movement of an account's money; the payer is stored in the payment.

    `beside_minor` is the amount booked for a movement that is neither a payment nor its refund,
    negative for outgoing money.
    """

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
    """An account of a rail, and the channel that queries it."""

    channel: Channel
    rail: str

    @property
    def name(self) -> str:
        """The rail's name for the account."""
        return self.channel.account


@dataclass(frozen=True)
class RailProgress:
    """The reading position of a list. A charge before `begins_at` whose payload is not ours is not
    a sale of this installation."""

    begins_at: datetime
    position: int
    deep_at: datetime | None
    differs_minor: int


@dataclass(frozen=True)
class RailCharge:
    """A recorded payment, found by its charge ID."""

    id: UUID
    money: Money


@dataclass(frozen=True)
class RailBalance:
    """The balance that a platform reports, its difference to the ledger, and the number of entries
    that could not be interpreted."""

    account: str
    lies: Money
    differs: Money
    unread: int
    read_at: datetime


def reading_position(scope: Scope, rail: str, account: str) -> int:
    """Return the position at which the next reading of a list starts, `READING_OVERLAP` before the
    recorded one."""
    found = scope.run(
        "SELECT position FROM rail_readings WHERE tenant_id = :tenant AND rail = :rail AND "
        "account = :account",
        tenant=scope.tenant_id,
        rail=rail,
        account=account,
    ).scalar()
    return max(0, int(found or 0) - READING_OVERLAP)


def last_read_at(scope: Scope, rail: str, account: str) -> datetime | None:
    """Return the time (UTC-aware) at which the list of an account was last read to its end, or
    None."""
    found = scope.run(
        "SELECT read_at FROM rail_readings WHERE tenant_id = :tenant AND rail = :rail AND account "
        "= :account",
        tenant=scope.tenant_id,
        rail=rail,
        account=account,
    ).scalar()
    return found if isinstance(found, datetime) else None


def begin_reading(scope: Scope, of: RailAccount) -> RailProgress:
    """Return the reading progress of an account, created at position 0 on first use."""
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
    """Record the position up to which a list was read.

    With `end`, `place` is the current end of the list, even if an earlier reading got further.
    """
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
    """Record the result of a complete reading: the platform's balance and its difference to the
    ledger."""
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
    """Return the movements of a page that are not recorded yet, incoming ones first."""
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
    """Insert a movement once. Return True if it is new."""
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
    """Record the amount booked for a movement that is neither a payment nor its refund."""
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
    """Return True if the movement is recorded."""
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
    """Return the payment of a charge, or None if it is unknown."""
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
    """Return at most `most` payments recorded before `before` that the platform's list lacks,
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
    """Return the net amount, in billionths of a unit, that is missing from the ledger because it
    books whole units: received minus spent."""
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
    """Return the amounts booked that are neither payments nor refunds, by creator, rail, account
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
    """Return the balances that platforms last reported for these creators' accounts."""
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
