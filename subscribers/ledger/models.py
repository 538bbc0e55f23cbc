"""Tables of the ledger: revenue splits, transactions and entries."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint

import subscribers.fans.models  # noqa: F401  foreign keys refer to its tables
from foundation.db.tables import CreatorOwnedRow, tenant_foreign_key, timestamp_column
from subscribers.table_columns import accounting_table_args, amount_column


class SplitRule(CreatorOwnedRow, table=True):
    """A creator's revenue split from a time on; immutable. `chatter_bp` is a share of the agency's
    part."""

    __tablename__ = "split_rules"
    __table_args__ = accounting_table_args(
        UniqueConstraint("tenant_id", "creator_id", "effective_from"),
        CheckConstraint("agency_bp + creator_bp = 10000", name="split_rules_whole"),
        CheckConstraint("chatter_bp BETWEEN 0 AND 10000", name="split_rules_chatter"),
        about="creator",
    )
    effective_from: datetime = timestamp_column()
    agency_bp: int
    creator_bp: int
    chatter_bp: int


class LedgerTransaction(CreatorOwnedRow, table=True):
    """A ledger transaction, append-only. Its entries sum to zero in each currency; the database
    checks this at commit."""

    __tablename__ = "ledger_transactions"
    __table_args__ = accounting_table_args(
        UniqueConstraint("tenant_id", "source_kind", "source_key"),
        Index("ledger_by_day", "tenant_id", "creator_id", "occurred_at"),
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
