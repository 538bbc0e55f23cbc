"""The table of acquisition links as a file, with the same columns in every language."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

from foundation.money import Money
from insights.attribution.link_results import WINDOWS, LinkReport, LinkResult
from insights.reports.tables.table_files import Sheet, TableValue

LINK_COLUMNS = (
    *("link", "creator", "source", "destination", "short_url", "target", "owner", "first_day"),
    *("last_day", "clicks", "visitors", "bots", "joins", "chats", "first_purchases", "conversion"),
    *("currency", "net_after_fees", *(f"net_after_fees_{days}_days" for days in WINDOWS)),
    *("net_after_fees_to_date", "cost", "cost_currency", "roi", "cost_per_buyer"),
)


def build_link_sheet(report: LinkReport, base: str, owners: Mapping[UUID, str]) -> Sheet:
    """Return the results of all links, one row for each link and currency, with the sales that no
    link of the table is credited with. `base` is the address of short links.

    Counts, costs and the return stand in the first row of a link.
    """
    rows: list[Sequence[TableValue]] = []
    for one in report.results:
        rows += _link_rows(one, base, owners)
    rows += _sum_rows("other_links", report.others)
    rows += _sum_rows("no_link", report.unattributed, report.unattributed_buyers)
    rows += _sum_rows("all_sales", report.net_after_fees)
    return Sheet("links", LINK_COLUMNS, rows)


def _link_rows(
    one: LinkResult, base: str, owners: Mapping[UUID, str]
) -> list[Sequence[TableValue]]:
    details = one.link.details
    named: list[TableValue] = [
        *(details.name, one.creator.name, str(details.source), str(one.link.destination)),
        *(one.link.short_url(base), one.link.target),
        owners.get(details.owner_id, "") if details.owner_id is not None else "",
        *(details.first_day, details.last_day),
    ]
    counts: list[TableValue] = [
        *(one.clicks.people, one.clicks.visitors, one.clicks.machines, one.joins, one.chats),
        *(_part(one.buyers), one.conversion),
    ]
    cost = details.cost
    returns: list[TableValue] = [
        cost,
        cost.currency if cost is not None else "",
        one.roi,
        one.cost_per_buyer,
    ]
    currencies = sorted({each.currency for each in one.net_after_fees_to_date}) or [""]
    rows: list[Sequence[TableValue]] = []
    for number, currency in enumerate(currencies):
        amounts = [
            _amount(one.net_after_fees, currency),
            *(
                _amount(one.windows[days].amounts, currency) if days in one.windows else None
                for days in WINDOWS
            ),
            _amount(one.net_after_fees_to_date, currency),
        ]
        if not one.link.reports_chats:
            amounts = [None] * len(amounts)
        rows.append(
            [
                *named,
                *(counts if number == 0 else [None] * len(counts)),
                currency,
                *amounts,
                *(returns if number == 0 else [None] * len(returns)),
            ]
        )
    return rows


def _sum_rows(
    name: str, amounts: Sequence[Money], buyers: Fraction | None = None
) -> list[Sequence[TableValue]]:
    rows: list[Sequence[TableValue]] = []
    for number, money in enumerate(amounts):
        row: list[TableValue] = [None] * len(LINK_COLUMNS)
        row[0] = name
        if number == 0:
            row[LINK_COLUMNS.index("first_purchases")] = _part(buyers)
        row[LINK_COLUMNS.index("currency")] = money.currency
        row[LINK_COLUMNS.index("net_after_fees")] = money
        rows.append(row)
    return rows


def _amount(amounts: Sequence[Money], currency: str) -> Money | None:
    """Return the amount in a currency, 0 if there is none; None without any currency."""
    if not currency:
        return None
    return next((one for one in amounts if one.currency == currency), Money(0, currency))


def _part(count: Fraction | None) -> TableValue:
    """Return a count with up to four decimals. A Fraction would be shown in per cent."""
    if count is None:
        return None
    return round(Decimal(count.numerator) / Decimal(count.denominator), 4).normalize()
