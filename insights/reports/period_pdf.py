"""The PDF of a report: brand, brief, facts, charts, creators and posts."""

import io
from collections.abc import Sequence
from datetime import datetime

from fpdf import FPDF

from foundation.ops import telemetry
from insights.reports import fact_texts
from insights.reports.documents import ReportDocument
from insights.reports.fact_texts import FactLine, format_count, render_text
from insights.reports.pdf_tables import (
    NARROW,
    WIDE,
    create_document,
    replace_unprintable,
    write_table_row,
    write_text_line,
)

FACT_COLUMNS = (78.0, 40.0, 40.0, 32.0)
CREATOR_COLUMNS = (48.0, 52.0, 22.0, 18.0, 25.0, 25.0)
POST_COLUMNS = (92.0, 48.0, 25.0, 25.0)
"""Widths of the columns in millimetres."""

CHART_HEIGHT = 52.0
LOGO_HEIGHT = 12.0

log = telemetry.get_logger("insights.reports.period_pdf")


def render_period_pdf(document: ReportDocument) -> bytes:
    """Return a report as PDF."""
    facts = document.facts
    language = document.language
    accent = document.brand.color
    made_at = datetime.fromisoformat(facts.made_at)
    paper = create_document(document.title, made_at)
    _write_head(paper, document)
    for line in document.brief.lines:
        paper.set_font("Helvetica", "", 10)
        words = replace_unprintable(line)
        paper.multi_cell(WIDE, NARROW, words, align="L", new_x="LMARGIN", new_y="NEXT")
    for title, svg in document.pictures:
        _write_chart(paper, title, svg, accent)
    _write_facts(paper, fact_texts.list_fact_lines(facts, language), accent, language)
    _write_creators(paper, fact_texts.list_creator_rows(facts, language), accent, language)
    _write_posts(paper, document, accent)
    paper.ln(4)
    paper.set_text_color(110, 105, 125)
    at = fact_texts.format_instant(made_at, document.zone, language)
    write_text_line(paper, render_text("reports.made_at", language, at=at), size=8)
    paper.multi_cell(
        WIDE, 4, replace_unprintable(render_text("reports.definitions", language)), align="L"
    )
    return bytes(paper.output())


def _write_head(paper: FPDF, document: ReportDocument) -> None:
    brand = document.brand
    if brand.logo:
        paper.image(io.BytesIO(brand.logo), h=LOGO_HEIGHT)
        paper.ln(3)
    paper.set_text_color(110, 105, 125)
    write_text_line(paper, brand.name, size=9)
    _use_accent(paper, brand.color)
    paper.set_font("Helvetica", "B", 16)
    paper.multi_cell(WIDE, 8, replace_unprintable(document.title), new_x="LMARGIN", new_y="NEXT")
    _use_ink(paper)
    paper.ln(2)


def _use_accent(paper: FPDF, accent: str) -> None:
    paper.set_text_color(*(int(accent[place : place + 2], 16) for place in (1, 3, 5)))


def _use_ink(paper: FPDF) -> None:
    paper.set_text_color(29, 27, 38)


def _write_heading(paper: FPDF, words: str, accent: str, *, needs: float = 30) -> None:
    """Write the heading of a section on a page that has space for `needs` millimetres of it."""
    if paper.will_page_break(needs):
        paper.add_page()
    paper.ln(4)
    _use_accent(paper, accent)
    write_text_line(paper, words, size=12, bold=True)
    _use_ink(paper)


def _write_facts(paper: FPDF, lines: Sequence[FactLine], accent: str, language: str) -> None:
    _write_heading(paper, render_text("reports.section.facts", language), accent)
    names = ("name", "value", "before", "change")
    heads = tuple(render_text(f"reports.column.{name}", language) for name in names)
    write_table_row(paper, FACT_COLUMNS, heads, size=9, bold=True)
    for one in lines:
        cells = (one.name, one.value, one.before, one.change or "–")
        write_table_row(paper, FACT_COLUMNS, cells, size=9)


def _write_chart(paper: FPDF, name: str, svg: str, accent: str) -> None:
    _write_heading(paper, name, accent, needs=CHART_HEIGHT + 14)
    try:
        paper.image(io.BytesIO(svg.encode()), w=WIDE, h=CHART_HEIGHT, keep_aspect_ratio=True)
    except (ValueError, KeyError, IndexError) as error:
        # The PDF library reads a part of SVG only; the numbers of the chart are in the workbook.
        log.warning("chart.unreadable", error=telemetry.describe_error(error))


def _write_creators(
    paper: FPDF, rows: Sequence[tuple[str, ...]], accent: str, language: str
) -> None:
    if not rows:
        return
    _write_heading(paper, render_text("reports.section.creators", language), accent)
    names = [
        render_text(fact_texts.metric_code(one), language) for one in fact_texts.CREATOR_COLUMNS
    ]
    heads = (render_text("reports.column.creator", language), *names)
    write_table_row(paper, CREATOR_COLUMNS, heads, size=8, bold=True)
    for name, *cells in rows:
        write_table_row(paper, CREATOR_COLUMNS, (name[:26], *cells), size=8)


def _write_posts(paper: FPDF, document: ReportDocument, accent: str) -> None:
    posts = document.facts.posts
    language = document.language
    if not posts:
        return
    _write_heading(paper, render_text("reports.section.posts", language), accent)
    names = ("post", "channel", "views", "interactions")
    heads = tuple(render_text(f"reports.column.{name}", language) for name in names)
    write_table_row(paper, POST_COLUMNS, heads, size=9, bold=True)
    for one in posts:
        numbers = (format_count(value, language) for value in (one.views, one.interactions))
        at = fact_texts.format_instant(datetime.fromisoformat(one.at), document.zone, language)
        called = one.title[:52] or at
        write_table_row(paper, POST_COLUMNS, (called, one.channel[:26], *numbers), size=9)
