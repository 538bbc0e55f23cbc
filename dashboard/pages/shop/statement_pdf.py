"""Monthly statement of a creator as a PDF: totals, then every ledger line."""

from collections.abc import Sequence
from dataclasses import dataclass

from fpdf import FPDF

from channels.accounts.queries import Channel
from channels.limits import request_costs
from dashboard.shell.localization import MemberLocalizer
from foundation.money import Money
from insights.reports.pdf_tables import create_document, write_table_row, write_text_line
from studio.costs.cost_report import SpendingTotal
from subscribers.ledger.entries import SalesTotals, StatementLineView
from subscribers.ledger.month_close import LedgerMonth

COLUMNS = (30.0, 34.0, 86.0, 40.0)


@dataclass(frozen=True)
class MonthlyStatement:
    """The content of a statement in the language of `voice`. `title` names the creator and the
    month; `about` states who closed the month and when, and is empty for an open month."""

    title: str
    agency: str
    creator: str
    about: str
    month: LedgerMonth
    spent: SpendingTotal
    voice: MemberLocalizer
    requests: Sequence[tuple[Channel, request_costs.AccountBill]] = ()


def render_statement_pdf(sheet: MonthlyStatement) -> bytes:
    """Return the statement as a PDF. Characters outside Windows-1252 are printed as
    question marks."""
    paper = create_document(sheet.title, sheet.month.until)
    write_text_line(paper, sheet.title, size=16, bold=True)
    write_text_line(paper, sheet.agency, size=10)
    if sheet.about:
        write_text_line(paper, sheet.about, size=10)
    for total in sheet.month.totals:
        paper.ln(3)
        for label, amount in _list_totals(sheet, total):
            write_table_row(paper, (60.0, 60.0), (label, amount), size=10)
    _render_content_costs(paper, sheet)
    _render_api_costs(paper, sheet)
    paper.ln(5)
    word = sheet.voice.text
    heading = (word("shop.when"), word("shop.for"), word("shop.account"), word("shop.amount"))
    write_table_row(paper, COLUMNS, heading, size=9, bold=True)
    for line in sheet.month.lines:
        write_table_row(paper, COLUMNS, _build_line_cells(sheet, line), size=8)
    return bytes(paper.output())


def _render_content_costs(paper: FPDF, sheet: MonthlyStatement) -> None:
    """Write the content costs by currency, with the note that no total above includes them."""
    if not sheet.spent.exact:
        return
    word = sheet.voice.text
    money = sheet.voice.format_money
    paper.ln(3)
    for one in sheet.spent.spent:
        write_table_row(paper, (60.0, 60.0), (word("shop.spent"), money(one)), size=10)
    write_text_line(paper, word("shop.spent_beside"), size=8)


def _render_api_costs(paper: FPDF, sheet: MonthlyStatement) -> None:
    """Write the API costs of each account, with the note that no total above includes them."""
    if not sheet.requests:
        return
    word = sheet.voice.text
    money = sheet.voice.format_money
    paper.ln(3)
    write_text_line(paper, word("shop.requests"), size=10)
    for account, bill in sheet.requests:
        named = {"platform": word(f"platform.{account.platform}"), "account": account.name}
        write_text_line(paper, word("shop.requests_of", **named, money=money(bill.total)), size=10)
    write_text_line(paper, word("shop.requests_beside"), size=8)


def _list_totals(sheet: MonthlyStatement, total: SalesTotals) -> list[tuple[str, str]]:
    word = sheet.voice.text
    parts = (
        (word("shop.gross"), total.gross_minor),
        (word("shop.refunds"), total.refunds_minor),
        (word("shop.net"), total.net_minor),
        (sheet.creator, total.creator_minor),
        (word("shop.agency"), total.agency_minor),
        (word("shop.staff"), total.staff_minor),
        *([(word("shop.others"), total.others_minor)] if total.others_minor else []),
    )
    return [
        (label, sheet.voice.format_money(Money(minor, total.currency))) for label, minor in parts
    ]


def account_label(account: str, month: LedgerMonth, voice: MemberLocalizer) -> str:
    """Return the name of an account of the ledger. Other parties are named; a recorded payout names
    its recipient."""
    name, _, rest = account.partition(":")
    label = voice.text(f"shop.ledger.{name}")
    if account in month.parties:
        return f"{label} · {month.parties[account]}"
    if name == "payout" and rest.partition(":")[0].endswith("_due"):
        return f"{label} · {account_label(rest, month, voice)}"
    return f"{label} · {rest.rpartition(':')[2]}" if rest else label


def _build_line_cells(
    sheet: MonthlyStatement, line: StatementLineView
) -> tuple[str, str, str, str]:
    voice = sheet.voice
    account = account_label(line.account, sheet.month, voice)
    kind = voice.text(f"shop.kind.{line.kind}")
    return (
        voice.format_moment(line.at, sheet.month.until),
        kind,
        account,
        voice.format_money(line.money),
    )
