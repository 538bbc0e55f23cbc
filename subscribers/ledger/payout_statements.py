"""The payout statement of a creator and month: what was sold, how it was split, what was paid, and
what is due. Every amount is a sum of ledger entries."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from foundation.csv_tables import CsvCell, render_csv_table
from foundation.db.database import Scope
from foundation.errors import BadInput
from foundation.money import Money
from subscribers.ledger import entries, month_close, payouts
from subscribers.ledger.payouts import PayoutView
from tenants.agencies import agency_settings, queries
from tenants.agencies.queries import Creator

_MONTH = re.compile(r"(20\d\d)-(0[1-9]|1[0-2])", re.ASCII)
_EARNING_KINDS = frozenset({"sale", "split", "commission"})
_RETURNING_KINDS = frozenset({"refund", "chargeback"})


@dataclass(frozen=True)
class SplitLine:
    """The earnings of one party in the month, net of refunds. `account` is its account of the
    ledger and `name` is set for other parties."""

    account: str
    name: str
    money: Money


@dataclass(frozen=True)
class CurrencyStatement:
    """The statement in one currency.

    `opening + earned - reversed + adjustments - paid == closing` is what is due to the creator;
    `sales`, `refunds` and `fees` are totals of all parties. `commission` is the team's part of
    `split`. `unsplit` are net sales that no rule divided.
    """

    opening: Money
    sales: Money
    refunds: Money
    fees: Money
    split: tuple[SplitLine, ...]
    commission: Money
    unsplit: Money
    earned: Money
    reversed: Money
    adjustments: Money
    paid: Money
    closing: Money

    @property
    def currency(self) -> str:
        """Return the currency of all amounts."""
        return self.opening.currency

    @property
    def lines(self) -> tuple[tuple[str, Money], ...]:
        """Return the lines of the balance with their signs, from the opening to the closing
        balance."""
        return (
            ("opening", self.opening),
            ("earned", self.earned),
            ("reversed", -self.reversed),
            ("adjustments", self.adjustments),
            ("paid", -self.paid),
            ("closing", self.closing),
        )


@dataclass(frozen=True)
class PayoutStatement:
    """The statement of a month, one section for each currency with entries or a balance.

    `issuer` are the lines of the agency's name, address and VAT number. `since` and `until` bound
    the month in the creator's time zone. `closed` is False while the month can still change.
    """

    number: str
    agency: str
    issuer: tuple[str, ...]
    creator: Creator
    month: date
    since: datetime
    until: datetime
    sections: tuple[CurrencyStatement, ...]
    payouts: tuple[PayoutView, ...]
    closed: bool


def parse_month(text: str) -> date:
    """Return the first day of a month written as `2031-03`. Raises BadInput."""
    found = _MONTH.fullmatch(text)
    if found is None:
        raise BadInput("statement.bad_month", said=text[:10])
    return date(int(found[1]), int(found[2]), 1)


def load_payout_statement(scope: Scope, creator_id: UUID, first: date) -> PayoutStatement:
    """Return the statement of the month that contains `first`. Raises NotFound for an unknown
    creator."""
    creator = queries.get_creator(scope, creator_id)
    agency = agency_settings.get_agency_settings(scope)
    month = first.replace(day=1)
    since, until = month_close.month_bounds(creator.zone, month)
    names = entries.party_names(scope, creator_id)
    opening = _opening_balances(scope, creator_id, since)
    moved = _sum_entries(scope, creator_id, since, until)
    return PayoutStatement(
        number=f"{agency.invoice_prefix}{creator.slug}-{month:%Y-%m}".upper(),
        agency=agency.name,
        issuer=agency.issuer,
        creator=creator,
        month=month,
        since=since,
        until=until,
        sections=tuple(
            _build_section(currency, opening.get(currency, 0), moved.get(currency, {}), names)
            for currency in sorted(opening.keys() | moved.keys())
        ),
        payouts=tuple(payouts.list_payouts(scope, creator_id, since, until)),
        closed=month in month_close.list_closed_months(scope, creator_id),
    )


def _opening_balances(scope: Scope, creator_id: UUID, since: datetime) -> dict[str, int]:
    """Return what was due to the creator at `since`, by currency, without balances of zero."""
    rows = scope.run(
        "SELECT e.currency, -sum(e.amount_minor) AS due FROM ledger_transactions t"
        " JOIN ledger_entries e ON e.tenant_id = t.tenant_id AND e.transaction_id = t.id"
        " WHERE t.tenant_id = :tenant AND t.creator_id = :creator AND t.occurred_at < :since"
        " AND e.account = :account GROUP BY e.currency",
        tenant=scope.tenant_id,
        creator=creator_id,
        since=since,
        account=entries.CREATOR_DUE_ACCOUNT,
    )
    return {row.currency: int(row.due) for row in rows if row.due}


Sums = Mapping[tuple[str, str], int]
"""Sums of entries by account and kind of transaction, in minor units."""


def _sum_entries(
    scope: Scope, creator_id: UUID, since: datetime, until: datetime
) -> dict[str, Sums]:
    rows = scope.run(
        "SELECT e.currency, e.account, t.kind, sum(e.amount_minor) AS minor"
        " FROM ledger_transactions t"
        " JOIN ledger_entries e ON e.tenant_id = t.tenant_id AND e.transaction_id = t.id"
        " WHERE t.tenant_id = :tenant AND t.creator_id = :creator AND t.occurred_at >= :since"
        " AND t.occurred_at < :until GROUP BY e.currency, e.account, t.kind",
        tenant=scope.tenant_id,
        creator=creator_id,
        since=since,
        until=until,
    )
    found: defaultdict[str, dict[tuple[str, str], int]] = defaultdict(dict)
    for row in rows:
        found[row.currency][row.account, row.kind] = int(row.minor)
    return dict(found)


def _build_section(
    currency: str, opening: int, moved: Sums, names: Mapping[str, str]
) -> CurrencyStatement:
    def total(account: str, kinds: frozenset[str] | None = None) -> Money:
        """Return the credit of an account, of all kinds by default."""
        minor = -sum(
            value
            for (one, kind), value in moved.items()
            if one == account and (kinds is None or kind in kinds)
        )
        return Money(minor, currency)

    due = entries.CREATOR_DUE_ACCOUNT
    earned = total(due, _EARNING_KINDS)
    returned = -total(due, _RETURNING_KINDS)
    paid = -total(due, frozenset({"payout"}))
    change = total(due)
    split = _build_split_lines(currency, moved, names)
    divided = sum(line.money.minor for line in split)
    sales = total(entries.SALES_ACCOUNT)
    refunds = -total(entries.REFUNDS_ACCOUNT)
    return CurrencyStatement(
        opening=Money(opening, currency),
        sales=sales,
        refunds=refunds,
        fees=-total(entries.FEES_ACCOUNT),
        split=split,
        commission=_share_of(split, entries.CHATTER_DUE_ACCOUNT, currency),
        unsplit=sales - refunds - Money(divided, currency),
        earned=earned,
        reversed=returned,
        adjustments=change - earned + returned + paid,
        paid=paid,
        closing=Money(opening, currency) + change,
    )


def _build_split_lines(
    currency: str, moved: Sums, names: Mapping[str, str]
) -> tuple[SplitLine, ...]:
    """Return the net share of each party: creator, agency, team, then others by name."""
    own = (
        entries.CREATOR_DUE_ACCOUNT,
        entries.AGENCY_DUE_ACCOUNT,
        entries.CHATTER_DUE_ACCOUNT,
    )
    others = sorted(names, key=lambda account: names[account].casefold())
    sums: defaultdict[str, int] = defaultdict(int)
    for (account, kind), minor in moved.items():
        if kind in _EARNING_KINDS | _RETURNING_KINDS:
            sums[account] -= minor
    return tuple(
        SplitLine(account, names.get(account, ""), Money(sums[account], currency))
        for account in (*own, *others)
        if account in sums
    )


def _share_of(split: Sequence[SplitLine], account: str, currency: str) -> Money:
    found = next((line.money for line in split if line.account == account), None)
    return found or Money(0, currency)


def render_statement_csv(statement: PayoutStatement) -> str:
    """Return the statement as CSV, one line for each amount, with amounts in minor units. It has
    the same columns in every language."""
    about = (statement.number, statement.agency, statement.creator.name, f"{statement.month:%Y-%m}")
    rows: list[Sequence[CsvCell]] = [
        ["number", "agency", "creator", "month", "line", "detail", "amount_minor", "currency"]
    ]
    for section in statement.sections:
        for name, detail, money in _list_amounts(section):
            rows.append([*about, name, detail, money.minor, money.currency])
    for one in statement.payouts:
        detail = f"{one.paid_on.isoformat()} {one.account} {one.reference}"
        rows.append([*about, "payout", detail, one.money.minor, one.money.currency])
    return render_csv_table(rows)


def _list_amounts(section: CurrencyStatement) -> list[tuple[str, str, Money]]:
    totals = {
        "sales": section.sales,
        "refunds": section.refunds,
        "fees": section.fees,
        "commission": section.commission,
        "unsplit": section.unsplit,
    }
    found = [(name, "", money) for name, money in totals.items()]
    found += [
        ("split", f"{line.account.split(':')[0]} {line.name}".strip(), line.money)
        for line in section.split
    ]
    found += [(name, "", money) for name, money in section.lines]
    return found
