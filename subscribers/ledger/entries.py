"""The double-entry ledger, append-only. Debits are positive, credits negative, and each transaction
sums to zero in each currency."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any, Literal
from uuid import UUID

from foundation.db.database import Scope
from foundation.ids import uuid7
from foundation.money import BASIS_POINTS, Money, split_amount
from subscribers.ledger import sale_notices
from subscribers.ledger.models import LedgerEntry

TransactionKind = Literal[
    "sale", "refund", "fee", "split", "commission", "payout", "chargeback", "adjustment"
]

SALES_ACCOUNT = "sales"
REFUNDS_ACCOUNT = "refunds"
ALLOCATED = "allocated"
SUSPENSE_ACCOUNT = "suspense"
FEES_ACCOUNT = "platform_fee"
"""Fees of platforms, minus those they return."""
AGENCY_DUE_ACCOUNT = "agency_due"
CREATOR_DUE_ACCOUNT = "creator_due"
CHATTER_DUE_ACCOUNT = "chatter_due"
PARTY_DUE_ACCOUNT = "party_due"
"""Prefix of the accounts of other parties: `party_due:<ID of the party>`."""
PAYMENT_SOURCE = "payment"
"""The `source_kind` of a payment's transaction. Its split and commission use other kinds with the
same key."""


@dataclass(frozen=True)
class LedgerLine:
    """One line of a transaction: an account and a signed amount."""

    account: str
    money: Money


@dataclass(frozen=True)
class StatementLineView:
    """A ledger entry as a statement shows it."""

    at: datetime
    kind: str
    source_kind: str
    source_key: str
    account: str
    money: Money


@dataclass(frozen=True)
class SalesTotals:
    """Sales of a period in one currency, in minor units. The shares are net of refunds."""

    currency: str
    orders: int
    gross_minor: int
    refunds_minor: int
    creator_minor: int
    agency_minor: int
    staff_minor: int
    others_minor: int = 0
    fees_minor: int = 0

    @property
    def net_minor(self) -> int:
        """Gross sales minus refunds."""
        return self.gross_minor - self.refunds_minor


@dataclass(frozen=True)
class PartyShare:
    """The share of another party, in basis points of the sale."""

    party_id: UUID
    share: int


@dataclass(frozen=True)
class SplitShares:
    """A revenue split in basis points of the sale.

    Agency, creator and `others` sum to the whole, together with `chatter` if `chatter_of` is
    "sale". If it is "agency", `chatter` is a share of the agency's part.
    """

    agency: int
    creator: int
    chatter: int
    others: tuple[PartyShare, ...] = ()
    chatter_of: Literal["agency", "sale"] = "agency"


def party_account(party_id: UUID) -> str:
    """Return the ledger account of what is due to another party."""
    return f"{PARTY_DUE_ACCOUNT}:{party_id}"


def rail_ledger_account(rail: str, account: str) -> str:
    """Return the ledger account of the money on a rail account."""
    return f"rail:{rail}:{account}"


def post_transaction(
    scope: Scope,
    kind: TransactionKind,
    source_kind: str,
    source_key: str,
    entries: Sequence[LedgerLine],
    *,
    occurred_at: datetime,
    creator_id: UUID,
    fan_id: UUID | None = None,
) -> bool:
    """Post a transaction once for each (source_kind, source_key). Return True if it is new.

    Raises ValueError if there are no entries or they do not sum to zero in each currency; the
    database rejects that too.
    """
    sums: defaultdict[str, int] = defaultdict(int)
    for entry in entries:
        sums[entry.money.currency] += entry.money.minor
    if not entries or any(sums.values()):
        raise ValueError(f"a ledger transaction must balance: {dict(sums)}")
    transaction_id = uuid7()
    done = scope.run(
        "INSERT INTO ledger_transactions (tenant_id, id, creator_id, kind, source_kind, "
        "source_key, fan_id,"
        " occurred_at) VALUES (:tenant, :id, :creator, :kind, :source_kind, :source_key, :fan, :at)"
        " ON CONFLICT (tenant_id, source_kind, source_key) DO NOTHING",
        tenant=scope.tenant_id,
        id=transaction_id,
        creator=creator_id,
        kind=kind,
        source_kind=source_kind,
        source_key=source_key,
        fan=fan_id,
        at=occurred_at,
    )
    if done.rowcount == 0:
        return False
    scope.add(
        *[
            LedgerEntry(
                tenant_id=scope.tenant_id,
                creator_id=creator_id,
                transaction_id=transaction_id,
                account=entry.account,
                currency=entry.money.currency,
                amount_minor=entry.money.minor,
            )
            for entry in entries
            if entry.money.minor
        ]
    )
    return True


def set_revenue_split(
    scope: Scope, creator_id: UUID, shares: SplitShares, *, effective_from: datetime
) -> None:
    """Set the revenue split of a creator from `effective_from` on. Existing rules are never
    changed."""
    scope.run(
        "INSERT INTO split_rules (tenant_id, id, creator_id, effective_from, agency_bp, "
        "creator_bp, chatter_bp)"
        " VALUES (:tenant, :id, :creator_id, :since, :agency, :creator, :chatter) ON CONFLICT DO "
        "NOTHING",
        tenant=scope.tenant_id,
        id=uuid7(),
        creator_id=creator_id,
        since=effective_from,
        agency=shares.agency,
        creator=shares.creator,
        chatter=shares.chatter,
    )


def revenue_split_at(scope: Scope, creator_id: UUID, at: datetime) -> SplitShares | None:
    """Return the revenue split in force at `at`, or None if there is none."""
    row = scope.run(
        "SELECT agency_bp, creator_bp, chatter_bp, others, chatter_of FROM split_rules"
        " WHERE tenant_id = :tenant AND creator_id = :creator AND effective_from <= :at"
        " ORDER BY effective_from DESC, revision DESC LIMIT 1",
        tenant=scope.tenant_id,
        creator=creator_id,
        at=at,
    ).one_or_none()
    return shares_from_row(row) if row else None


def shares_from_row(row: Any) -> SplitShares:
    """Return the shares of a row of `split_rules`."""
    others = tuple(PartyShare(UUID(one["party"]), one["bp"]) for one in row.others)
    return SplitShares(row.agency_bp, row.creator_bp, row.chatter_bp, others, row.chatter_of)


def party_names(scope: Scope, creator_id: UUID) -> Mapping[str, str]:
    """Return the names of a creator's other parties by ledger account."""
    rows = scope.run(
        "SELECT id, name FROM revenue_parties WHERE tenant_id = :tenant AND creator_id = :creator",
        tenant=scope.tenant_id,
        creator=creator_id,
    )
    return {party_account(row.id): row.name for row in rows}


def sale_entries(money: Money, rail: str) -> list[LedgerLine]:
    """Return the entries of a sale."""
    return [LedgerLine(rail, money), LedgerLine(SALES_ACCOUNT, -money)]


def split_entries(money: Money, shares: SplitShares) -> tuple[list[LedgerLine], list[LedgerLine]]:
    """Return the entries of a split and of the chatter's commission from the agency's part. The
    parts sum to the sale exactly."""
    named = {AGENCY_DUE_ACCOUNT: shares.agency, CREATOR_DUE_ACCOUNT: shares.creator}
    named |= {party_account(one.party_id): one.share for one in shares.others}
    if shares.chatter_of == "sale":
        named[CHATTER_DUE_ACCOUNT] = shares.chatter
        parts = split_amount(money, named)
        cut = parts.pop(CHATTER_DUE_ACCOUNT)
        parts[AGENCY_DUE_ACCOUNT] += cut
    else:
        parts = split_amount(money, named)
        kept = BASIS_POINTS - shares.chatter
        cut = split_amount(
            parts[AGENCY_DUE_ACCOUNT],
            {CHATTER_DUE_ACCOUNT: shares.chatter, AGENCY_DUE_ACCOUNT: kept},
        )[CHATTER_DUE_ACCOUNT]
    divided = [
        LedgerLine(ALLOCATED, money),
        *(LedgerLine(account, -part) for account, part in sorted(parts.items())),
    ]
    return divided, [LedgerLine(AGENCY_DUE_ACCOUNT, cut), LedgerLine(CHATTER_DUE_ACCOUNT, -cut)]


def record_sale(
    scope: Scope,
    payment_id: UUID,
    money: Money,
    *,
    rail: str,
    at: datetime,
    creator_id: UUID,
    fan_id: UUID | None,
) -> None:
    """Post a matched payment: the sale, its split by the rule in force, and the commission. Members
    are notified."""
    book = partial(post_transaction, scope, occurred_at=at, creator_id=creator_id, fan_id=fan_id)
    if book("sale", PAYMENT_SOURCE, str(payment_id), sale_entries(money, rail)):
        sale_notices.schedule_sale_notice(scope, creator_id, at)
    _post_split(scope, payment_id, money, book, at=at, creator_id=creator_id)


def _post_split(
    scope: Scope,
    payment_id: UUID,
    money: Money,
    book: Callable[..., bool],
    *,
    at: datetime,
    creator_id: UUID,
) -> None:
    key = str(payment_id)
    shares = revenue_split_at(scope, creator_id, at)
    if shares is None:
        return
    divided, commission = split_entries(money, shares)
    book("split", "split", key, divided)
    if shares.chatter:
        book("commission", "commission", key, commission)


def record_unmatched_refund(
    scope: Scope,
    payment_id: UUID,
    money: Money,
    *,
    rail: str,
    at: datetime,
    creator_id: UUID,
    fan_id: UUID | None,
) -> None:
    """Post a refund whose sale is unknown: the reversal of a sale of this amount, including its
    split."""
    divided: list[LedgerLine] = []
    shares = revenue_split_at(scope, creator_id, at)
    if shares is not None:
        parts, commission = split_entries(money, shares)
        divided = [LedgerLine(one.account, -one.money) for one in (*parts, *commission)]
    entries = [LedgerLine(rail, -money), LedgerLine(REFUNDS_ACCOUNT, money), *divided]
    post_transaction(
        scope,
        "refund",
        PAYMENT_SOURCE,
        str(payment_id),
        entries,
        occurred_at=at,
        creator_id=creator_id,
        fan_id=fan_id,
    )


def record_suspense(
    scope: Scope,
    payment_id: UUID,
    money: Money,
    *,
    rail: str,
    at: datetime,
    creator_id: UUID,
    fan_id: UUID | None,
) -> None:
    """Post a payment that is not a sale: a second charge of an order, or one that matches no
    order."""
    entries = [LedgerLine(rail, money), LedgerLine(SUSPENSE_ACCOUNT, -money)]
    post_transaction(
        scope,
        "adjustment",
        PAYMENT_SOURCE,
        str(payment_id),
        entries,
        occurred_at=at,
        creator_id=creator_id,
        fan_id=fan_id,
    )


def settle_suspense(
    scope: Scope,
    payment_id: UUID,
    money: Money,
    *,
    at: datetime,
    creator_id: UUID,
    fan_id: UUID | None,
) -> None:
    """Post a payment in suspense as a sale, with its split by the rule in force. Members are
    notified."""
    book = partial(post_transaction, scope, occurred_at=at, creator_id=creator_id, fan_id=fan_id)
    lines = [LedgerLine(SUSPENSE_ACCOUNT, money), LedgerLine(SALES_ACCOUNT, -money)]
    if book("sale", "settled", str(payment_id), lines):
        sale_notices.schedule_sale_notice(scope, creator_id, at)
    _post_split(scope, payment_id, money, book, at=at, creator_id=creator_id)


def reverse_payment(scope: Scope, payment_id: UUID, *, at: datetime) -> bool:
    """Post the reversal of all transactions of a payment, once; `sales` become `refunds`. Return
    True if it is new."""
    rows = scope.run(
        "SELECT t.creator_id, (array_agg(t.fan_id) FILTER (WHERE t.fan_id IS NOT NULL))[1] AS "
        "fan_id, e.account,"
        " e.currency, sum(e.amount_minor) AS minor FROM ledger_transactions t"
        " JOIN ledger_entries e ON e.tenant_id = t.tenant_id AND e.transaction_id = t.id"
        " WHERE t.tenant_id = :tenant AND t.source_key = :key"
        " AND t.source_kind IN ('payment', 'settled', 'split', 'commission')"
        " GROUP BY t.creator_id, e.account, e.currency ORDER BY e.account",
        tenant=scope.tenant_id,
        key=str(payment_id),
    ).all()
    mirrored = {SALES_ACCOUNT: REFUNDS_ACCOUNT}
    entries = [
        LedgerLine(mirrored.get(row.account, row.account), Money(-int(row.minor), row.currency))
        for row in rows
    ]
    if not rows:
        return False
    whose = {
        "creator_id": rows[0].creator_id,
        "fan_id": next((row.fan_id for row in rows if row.fan_id), None),
    }
    return post_transaction(
        scope, "refund", "refund", str(payment_id), entries, occurred_at=at, **whose
    )


def account_balance(
    scope: Scope, account: str, *, creator_id: UUID | None = None
) -> Mapping[str, int]:
    """Return the balance of an account by currency, in minor units, for one creator or the whole
    agency."""
    rows = scope.run(
        "SELECT currency, sum(amount_minor) AS minor FROM ledger_entries WHERE tenant_id = :tenant"
        " AND account = :account AND (CAST(:creator AS uuid) IS NULL OR creator_id = :creator)"
        " GROUP BY currency ORDER BY currency",
        tenant=scope.tenant_id,
        account=account,
        creator=creator_id,
    )
    return {row.currency: int(row.minor) for row in rows}


def rail_balances(scope: Scope, creators: Sequence[UUID]) -> Mapping[tuple[UUID, str, str], int]:
    """Return the balances of all rail accounts of these creators, by creator, account and currency,
    in minor units."""
    rows = scope.run(
        "SELECT creator_id, account, currency, sum(amount_minor) AS minor FROM ledger_entries"
        " WHERE tenant_id = :tenant AND creator_id = ANY(:creators) AND account LIKE 'rail:%'"
        " GROUP BY creator_id, account, currency",
        tenant=scope.tenant_id,
        creators=list(creators),
    )
    return {(row.creator_id, row.account, row.currency): int(row.minor) for row in rows}


def entries_of_payments(scope: Scope, payments: Sequence[UUID]) -> list[StatementLineView]:
    """Return all entries of these payments, including reversals, oldest first."""
    return _list_lines(
        scope,
        "t.source_key = ANY(:keys) AND t.source_kind IN ('payment', 'settled', 'split', "
        "'commission', 'refund')",
        keys=[str(payment) for payment in payments],
    )


def creator_statement(
    scope: Scope, *, creator_id: UUID, since: datetime, until: datetime
) -> list[StatementLineView]:
    """Return all entries of a creator in [since, until), oldest first."""
    return _list_lines(
        scope,
        "t.creator_id = :creator AND t.occurred_at >= :since AND t.occurred_at < :until",
        creator=creator_id,
        since=since,
        until=until,
    )


def _list_lines(scope: Scope, condition: str, **named: object) -> list[StatementLineView]:
    rows = scope.run(
        "SELECT t.occurred_at, t.kind, t.source_kind, t.source_key,"  # noqa: S608  two constants
        " e.account, e.amount_minor, e.currency"
        " FROM ledger_transactions t JOIN ledger_entries e ON e.tenant_id = t.tenant_id AND "
        "e.transaction_id = t.id"
        f" WHERE t.tenant_id = :tenant AND {condition} ORDER BY t.occurred_at, t.id, e.id",
        tenant=scope.tenant_id,
        **named,
    )
    return [
        StatementLineView(
            row.occurred_at,
            row.kind,
            row.source_kind,
            row.source_key,
            row.account,
            Money(row.amount_minor, row.currency),
        )
        for row in rows
    ]


def creator_totals(
    scope: Scope, creator_id: UUID, since: datetime, until: datetime
) -> list[SalesTotals]:
    """Return the sales and fees of a creator in [since, until), one item for each currency."""
    rows = scope.run(
        "SELECT e.currency, count(*) FILTER (WHERE e.account = 'sales') AS orders,"
        " coalesce(sum(-e.amount_minor) FILTER (WHERE e.account = 'sales'), 0) AS gross,"
        " coalesce(sum(e.amount_minor) FILTER (WHERE e.account = 'refunds'), 0) AS refunds,"
        " coalesce(sum(-e.amount_minor) FILTER (WHERE e.account = 'creator_due'), 0) AS "
        "creator_due,"
        " coalesce(sum(-e.amount_minor) FILTER (WHERE e.account = 'agency_due'), 0) AS agency_due,"
        " coalesce(sum(-e.amount_minor) FILTER (WHERE e.account = 'chatter_due'), 0) AS "
        "chatter_due,"
        " coalesce(sum(-e.amount_minor) FILTER (WHERE e.account LIKE 'party_due:%'), 0) AS others,"
        " coalesce(sum(e.amount_minor) FILTER (WHERE e.account = 'platform_fee'), 0) AS fees"
        " FROM ledger_transactions t JOIN ledger_entries e ON e.tenant_id = t.tenant_id AND "
        "e.transaction_id = t.id"
        " WHERE t.tenant_id = :tenant AND t.creator_id = :creator AND t.occurred_at >= :since"
        " AND t.occurred_at < :until"
        " AND t.kind IN ('sale', 'split', 'commission', 'refund', 'fee') GROUP BY e.currency"
        " ORDER BY e.currency",
        tenant=scope.tenant_id,
        creator=creator_id,
        since=since,
        until=until,
    )
    return [
        SalesTotals(row.currency, *(int(value) for value in row[1:]))
        for row in rows
        if any(row[1:])
    ]


@dataclass(frozen=True)
class DailyTotals:
    """Gross sales, refunds and fees in minor units by local day and currency, and the days with
    transactions that were booked so recently that their rollups may be missing."""

    totals: Mapping[tuple[date, str], tuple[int, int, int]]
    unsettled: frozenset[date]


def daily_totals(
    scope: Scope, creator_id: UUID, *, zone: str, settled_before: datetime
) -> DailyTotals:
    """Return all sales, refunds and fees of a creator by local day in the IANA time zone `zone`.
    Days with transactions booked since `settled_before` are unsettled."""
    rows = scope.run(
        "SELECT CAST(t.occurred_at AT TIME ZONE :zone AS date) AS day, e.currency,"
        " coalesce(-sum(e.amount_minor) FILTER (WHERE e.account = 'sales'), 0) AS gross,"
        " coalesce(sum(e.amount_minor) FILTER (WHERE e.account = 'refunds'), 0) AS refunds,"
        " coalesce(sum(e.amount_minor) FILTER (WHERE e.account = 'platform_fee'), 0) AS fees,"
        " max(t.created_at) AS newest"
        " FROM ledger_transactions t JOIN ledger_entries e ON e.tenant_id = t.tenant_id"
        " AND e.transaction_id = t.id WHERE t.tenant_id = :tenant AND t.creator_id = :creator"
        " AND e.account IN ('sales', 'refunds', 'platform_fee')"
        " AND t.kind IN ('sale', 'split', 'commission', 'refund', 'fee') GROUP BY 1, 2",
        tenant=scope.tenant_id,
        creator=creator_id,
        zone=zone,
    ).all()
    return DailyTotals(
        {
            (row.day, row.currency): (int(row.gross), int(row.refunds), int(row.fees))
            for row in rows
        },
        frozenset(row.day for row in rows if row.newest >= settled_before),
    )
