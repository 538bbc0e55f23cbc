"""Monthly statement of a creator as a PDF: totals, then every ledger line. It uses core fonts only,
so that it does not depend on fonts of the machine."""

from collections.abc import Sequence
from dataclasses import dataclass

from fpdf import FPDF
from fpdf.enums import XPos, YPos

from channels.accounts.queries import Channel
from channels.limits import request_costs
from dashboard.shell.localization import MemberLocalizer
from foundation.money import Money
from studio.costs.cost_report import SpendingTotal
from subscribers.ledger.entries import SalesTotals, StatementLineView
from subscribers.ledger.month_close import LedgerMonth

ENCODING = "cp1252"
WIDE = 190.0
"""Width of a text line in millimetres."""
NARROW = 6.0
"""Base height of a line in millimetres."""

COLUMNS = (30.0, 34.0, 86.0, 40.0)
_SIGNS = str.maketrans({"\u202f": "\u00a0", "\u2212": "-", "\u2011": "-"})
"""Characters that the core PDF fonts lack, with their replacements."""


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
    paper = FPDF(format="A4")
    paper.core_fonts_encoding = ENCODING
    paper.set_title(sheet.title)
    # A fixed date, so that the same month always produces the same file.
    paper.set_creation_date(sheet.month.until)
    paper.set_auto_page_break(auto=True, margin=18)
    paper.add_page()
    _write_text_line(paper, sheet.title, size=16, bold=True)
    _write_text_line(paper, sheet.agency, size=10)
    if sheet.about:
        _write_text_line(paper, sheet.about, size=10)
    for total in sheet.month.totals:
        paper.ln(3)
        for label, amount in _list_totals(sheet, total):
            _write_table_row(paper, (60.0, 60.0), (label, amount), size=10)
    _render_content_costs(paper, sheet)
    _render_api_costs(paper, sheet)
    paper.ln(5)
    word = sheet.voice.text
    heading = (word("shop.when"), word("shop.for"), word("shop.account"), word("shop.amount"))
    _write_table_row(paper, COLUMNS, heading, size=9, bold=True)
    for line in sheet.month.lines:
        _write_table_row(paper, COLUMNS, _build_line_cells(sheet, line), size=8)
    return bytes(paper.output())


def _render_content_costs(paper: FPDF, sheet: MonthlyStatement) -> None:
    """Write the content costs by currency, with the note that no total above includes them."""
    if not sheet.spent.exact:
        return
    word = sheet.voice.text
    money = sheet.voice.format_money
    paper.ln(3)
    for one in sheet.spent.spent:
        _write_table_row(paper, (60.0, 60.0), (word("shop.spent"), money(one)), size=10)
    _write_text_line(paper, word("shop.spent_beside"), size=8)


def _render_api_costs(paper: FPDF, sheet: MonthlyStatement) -> None:
    """Write the API costs of each account, with the note that no total above includes them."""
    if not sheet.requests:
        return
    word = sheet.voice.text
    money = sheet.voice.format_money
    paper.ln(3)
    _write_text_line(paper, word("shop.requests"), size=10)
    for account, bill in sheet.requests:
        named = {"platform": word(f"platform.{account.platform}"), "account": account.name}
        _write_text_line(paper, word("shop.requests_of", **named, money=money(bill.total)), size=10)
    _write_text_line(paper, word("shop.requests_beside"), size=8)


def _list_totals(sheet: MonthlyStatement, total: SalesTotals) -> list[tuple[str, str]]:
    word = sheet.voice.text
    parts = (
        (word("shop.gross"), total.gross_minor),
        (word("shop.refunds"), total.refunds_minor),
        (word("shop.net"), total.net_minor),
        (sheet.creator, total.creator_minor),
        (word("shop.agency"), total.agency_minor),
        (word("shop.staff"), total.staff_minor),
    )
    return [
        (label, sheet.voice.format_money(Money(minor, total.currency))) for label, minor in parts
    ]


def _build_line_cells(
    sheet: MonthlyStatement, line: StatementLineView
) -> tuple[str, str, str, str]:
    voice = sheet.voice
    (name, *rest) = line.account.split(":")
    account = voice.text(f"shop.ledger.{name}") + (f" · {rest[-1]}" if rest else "")
    kind = voice.text(f"shop.kind.{line.kind}")
    return (
        voice.format_moment(line.at, sheet.month.until),
        kind,
        account,
        voice.format_money(line.money),
    )


def _write_text_line(paper: FPDF, text: str, *, size: int, bold: bool = False) -> None:
    paper.set_font("Helvetica", "B" if bold else "", size)
    paper.cell(
        WIDE, NARROW + size / 4, _replace_unprintable(text), new_x=XPos.LMARGIN, new_y=YPos.NEXT
    )


def _write_table_row(
    paper: FPDF, widths: tuple[float, ...], cells: tuple[str, ...], *, size: int, bold: bool = False
) -> None:
    paper.set_font("Helvetica", "B" if bold else "", size)
    for place, (width, cell) in enumerate(zip(widths, cells, strict=True)):
        last = place == len(cells) - 1
        paper.cell(width, NARROW - 1, _replace_unprintable(cell)[:60], align="R" if last else "L")
    paper.ln(NARROW - 1)


def _replace_unprintable(text: str) -> str:
    return text.translate(_SIGNS).encode(ENCODING, "replace").decode(ENCODING)
