"""Tables of the ledger: revenue splits, transactions, entries and payouts."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

import subscribers.fans.models  # noqa: F401  foreign keys refer to its tables
from foundation.db.tables import CreatorOwnedRow, tenant_foreign_key, timestamp_column
from subscribers.table_columns import accounting_table_args, amount_column


class SplitRule(CreatorOwnedRow, table=True):
    """A creator's revenue split from a time on; immutable.

    `chatter_bp` is a share of the agency's part, or of the sale if `chatter_of` is "sale". `others`
    lists the shares of other parties: `{"party": ID, "bp": share}`. A coming rule is replaced by a
    higher `revision` with the same start.
    """

    __tablename__ = "split_rules"
    __table_args__ = accounting_table_args(
        UniqueConstraint("tenant_id", "creator_id", "effective_from", "revision"),
        CheckConstraint(
            "agency_bp + creator_bp + others_bp"
            " + CASE WHEN chatter_of = 'sale' THEN chatter_bp ELSE 0 END = 10000",
            name="split_rules_whole",
        ),
        CheckConstraint("chatter_bp BETWEEN 0 AND 10000", name="split_rules_chatter"),
        CheckConstraint("others_bp BETWEEN 0 AND 10000", name="split_rules_others"),
        CheckConstraint("chatter_of IN ('agency', 'sale')", name="split_rules_chatter_of"),
        about="creator",
    )
    effective_from: datetime = timestamp_column()
    agency_bp: int
    creator_bp: int
    chatter_bp: int
    others: list[dict[str, Any]] = Field(
        default_factory=list, sa_column=Column(JSONB, nullable=False, server_default="[]")
    )
    others_bp: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    chatter_of: str = Field(default="agency", sa_column_kwargs={"server_default": "agency"})
    revision: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    by: str = Field(default="", sa_column_kwargs={"server_default": ""})


class RevenueParty(CreatorOwnedRow, table=True):
    """A party other than creator, agency and team that receives a share of a creator's sales."""

    __tablename__ = "revenue_parties"
    __table_args__ = accounting_table_args(
        UniqueConstraint("tenant_id", "creator_id", "name"),
        about="creator",
    )
    name: str


class Payout(CreatorOwnedRow, table=True):
    """A payout that a member recorded. `account` is the account of the ledger that it reduces and
    `booked_at` its time there."""

    __tablename__ = "payouts"
    __table_args__ = accounting_table_args(
        Index("payouts_of_creator", "tenant_id", "creator_id", "booked_at"),
        CheckConstraint("amount_minor > 0", name="payouts_positive"),
        about="creator",
    )
    account: str
    amount_minor: int = amount_column()
    currency: str
    paid_on: date
    booked_at: datetime = timestamp_column()
    reference: str
    by: str


class CostEntry(CreatorOwnedRow, table=True):
    """A cost of a creator that a member entered. It is voided, never changed or deleted."""

    __tablename__ = "cost_entries"
    __table_args__ = accounting_table_args(
        Index("cost_entries_by_day", "tenant_id", "creator_id", "spent_on"),
        CheckConstraint("amount_minor > 0", name="cost_entries_positive"),
        CheckConstraint(
            "kind IN ('engines', 'api', 'chatters', 'ads', 'other')", name="cost_entries_kind"
        ),
        about="creator",
    )
    kind: str
    amount_minor: int = amount_column()
    currency: str
    spent_on: date
    note: str
    by: str
    voided_at: datetime | None = timestamp_column(optional=True)
    voided_by: str = ""


class LedgerTransaction(CreatorOwnedRow, table=True):
    """A ledger transaction, append-only. Its entries sum to zero in each currency; the database
    checks this at commit."""

    __tablename__ = "ledger_transactions"
    __table_args__ = accounting_table_args(
        UniqueConstraint("tenant_id", "source_kind", "source_key"),
        Index("ledger_by_day", "tenant_id", "creator_id", "occurred_at"),
        Index("ledger_of_fan", "tenant_id", "fan_id", "occurred_at"),
        tenant_foreign_key("fan_id", "fans"),
    )
    kind: str
    source_kind: str
    source_key: str
    fan_id: UUID | None = None
    occurred_at: datetime = timestamp_column()


class LedgerEntry(CreatorOwnedRow, table=True):
    """One entry of a transaction: debits are positive, credits negative."""

    __tablename__ = "ledger_entries"
    __table_args__ = accounting_table_args(
        Index("ledger_entries_account", "tenant_id", "account"),
        Index("ledger_entries_of", "tenant_id", "transaction_id"),
        tenant_foreign_key("transaction_id", "ledger_transactions"),
        about="none",
    )
    transaction_id: UUID
    account: str
    currency: str
    amount_minor: int = amount_column()
