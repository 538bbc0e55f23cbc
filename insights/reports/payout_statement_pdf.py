"""The payout statement of a creator and month as a PDF in a member's language."""

from fpdf import FPDF

from foundation.i18n.translation import (
    Message,
    currency_name,
    format_date,
    format_money,
    render_message,
)
from insights.reports.pdf_tables import create_document, write_table_row, write_text_line
from subscribers.ledger.payout_statements import CurrencyStatement, PayoutStatement, SplitLine
from subscribers.ledger.payouts import PayoutView

TWO_COLUMNS = (120.0, 60.0)
"""Widths of the columns of amounts in millimetres."""
PAYOUT_COLUMNS = (40.0, 80.0, 60.0)
"""Widths of the columns of payouts in millimetres."""


def render_payout_statement_pdf(statement: PayoutStatement, language: str) -> bytes:
    """Return the statement as a PDF in `language` ("fr" or "en")."""
    title = _text(
        language,
        "payout_statement.title",
        creator=statement.creator.name,
        month=f"{statement.month:%m/%Y}",
    )
    paper = create_document(title, statement.until)
    write_text_line(paper, title, size=16, bold=True)
    for line in statement.issuer:
        write_text_line(paper, line, size=10)
    number = _text(language, "payout_statement.number", number=statement.number)
    write_text_line(paper, number, size=10)
    state = "payout_statement.closed" if statement.closed else "payout_statement.open"
    write_text_line(paper, _text(language, state), size=10)
    for section in statement.sections:
        _write_section(paper, section, language)
    if not statement.sections:
        write_text_line(paper, _text(language, "payout_statement.empty"), size=10)
    _write_payouts(paper, statement, language)
    return bytes(paper.output())


def section_rows(section: CurrencyStatement, language: str) -> list[tuple[str, str]]:
    """Return the labels and amounts of a section without its balance: sales, refunds, platform
    fees, the share of each party, and sales without a split."""
    amounts = [
        ("payout_statement.sales", section.sales),
        ("payout_statement.refunds", -section.refunds),
        ("payout_statement.fees", -section.fees),
    ]
    rows = [(_text(language, code), format_money(money, language)) for code, money in amounts]
    rows += [
        (party_label(line, language), format_money(line.money, language)) for line in section.split
    ]
    if section.unsplit.minor:
        unsplit = _text(language, "payout_statement.unsplit")
        rows.append((unsplit, format_money(section.unsplit, language)))
    return rows


def balance_rows(section: CurrencyStatement, language: str) -> list[tuple[str, str]]:
    """Return the labels and amounts from the opening to the closing balance of the creator."""
    return [
        (_text(language, f"payout_statement.{name}"), format_money(money, language))
        for name, money in section.lines
        if money.minor or name != "adjustments"
    ]


def party_label(line: SplitLine, language: str) -> str:
    """Return the name of a party: its own, or the role of creator, agency or team."""
    role = _text(language, f"payout_statement.{line.account.split(':')[0]}")
    return f"{role} · {line.name}" if line.name else role


def _write_section(paper: FPDF, section: CurrencyStatement, language: str) -> None:
    paper.ln(4)
    write_text_line(paper, currency_name(section.currency, language), size=11, bold=True)
    for row in section_rows(section, language):
        write_table_row(paper, TWO_COLUMNS, row, size=10)
    paper.ln(2)
    rows = balance_rows(section, language)
    for row in rows:
        write_table_row(paper, TWO_COLUMNS, row, size=10, bold=row is rows[-1])


def _write_payouts(paper: FPDF, statement: PayoutStatement, language: str) -> None:
    if not statement.payouts:
        return
    paper.ln(4)
    write_text_line(paper, _text(language, "payout_statement.payouts"), size=11, bold=True)
    for one in statement.payouts:
        write_table_row(paper, PAYOUT_COLUMNS, _payout_cells(one, language), size=10)


def _payout_cells(one: PayoutView, language: str) -> tuple[str, str, str]:
    return (format_date(one.paid_on, language), one.reference, format_money(one.money, language))


def _text(language: str, code: str, **params: str | int) -> str:
    return render_message(Message(code, params), language)
