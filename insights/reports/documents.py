"""A stored report as a document: HTML page, PDF, CSV and Excel. The same report always gives the
same bytes: its facts, charts and brand are stored, and no document contains the time of its
rendering."""

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from insights.reports import charts, fact_tables, fact_texts
from insights.reports.brief import Brief
from insights.reports.charts import DEFAULT_ACCENT, chart_key
from insights.reports.daily_report import report_templates
from insights.reports.fact_texts import FactLine
from insights.reports.facts import ReportFacts, parse_instant
from insights.reports.period_pdf import render_period_pdf
from insights.reports.table_files import XLSX_TYPE

MAX_LOGO_HEIGHT = 96
MAX_LOGO_WIDTH = 360


class ReportFormat(StrEnum):
    """The formats of a report."""

    HTML = "html"
    PDF = "pdf"
    CSV = "csv"
    XLSX = "xlsx"


MEDIA_TYPES: Mapping[ReportFormat, str] = {
    ReportFormat.HTML: "text/html; charset=utf-8",
    ReportFormat.PDF: "application/pdf",
    ReportFormat.CSV: "text/csv; charset=utf-8",
    ReportFormat.XLSX: XLSX_TYPE,
}


@dataclass(frozen=True)
class ReportBrand:
    """The agency as a report names it: its name, colour (`#rrggbb` or "") and logo (PNG)."""

    name: str
    accent: str = ""
    logo: bytes = field(default=b"", repr=False)

    @property
    def color(self) -> str:
        """Return the colour of headings and charts."""
        return self.accent or DEFAULT_ACCENT

    def to_json(self) -> dict[str, Any]:
        """Return the stored form."""
        logo = base64.b64encode(self.logo).decode()
        return {"name": self.name, "accent": self.accent, "logo": logo}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "ReportBrand":
        """Parse the stored form."""
        logo = base64.b64decode(stored.get("logo", ""))
        return cls(stored["name"], stored["accent"], logo)


@dataclass(frozen=True)
class ReportDocument:
    """Everything that a report shows in one language; `zone` is the reader's time zone."""

    facts: ReportFacts
    brand: ReportBrand
    brief: Brief
    charts: Mapping[str, str]
    language: str
    zone: str

    @property
    def title(self) -> str:
        """Return the title of the report."""
        return fact_texts.report_title(self.facts, self.brand.name, self.language)


def render_document(document: ReportDocument, form: ReportFormat) -> bytes:
    """Return a report in a format."""
    match form:
        case ReportFormat.HTML:
            return render_html(document).encode()
        case ReportFormat.PDF:
            return render_pdf(document)
        case ReportFormat.CSV:
            return fact_tables.render_report_csv(document.facts, document.language)
        case ReportFormat.XLSX:
            return fact_tables.render_report_xlsx(document.facts, document.language)


def render_html(document: ReportDocument) -> str:
    """Return a page that contains its pictures and needs no scripts or external resources."""
    facts, language = document.facts, document.language

    def word(code: str, **params: str | int) -> str:
        return fact_texts.text(code, language, **params)

    def instant(stored: str) -> str:
        at = parse_instant(stored)
        return fact_texts.format_instant(at, document.zone, language) if at is not None else ""

    page = report_templates().get_template("period.html")
    return page.render(
        document=document,
        facts=facts,
        brand=document.brand,
        logo=_data_url("image/png", document.brand.logo),
        lines=fact_texts.list_fact_lines(facts, language),
        highlights=list_highlights(facts, language),
        creators=list_creator_rows(facts, language),
        charts=[
            (
                charts.chart_title(one, language),
                _data_url("image/svg+xml", document.charts[chart_key(one)].encode()),
            )
            for one in facts.series
            if chart_key(one) in document.charts
        ],
        count=lambda value: _count_or_unknown(value, language),
        instant=instant,
        word=word,
        language=language,
    )


def render_pdf(document: ReportDocument) -> bytes:
    """Return the report as PDF with its charts."""
    facts, language = document.facts, document.language
    return render_period_pdf(
        title=document.title,
        agency=document.brand.name,
        accent=document.brand.color,
        logo=document.brand.logo,
        brief=document.brief.lines,
        lines=fact_texts.list_fact_lines(facts, language),
        creators=list_creator_rows(facts, language),
        charts=[
            (charts.chart_title(one, language), document.charts[chart_key(one)])
            for one in facts.series
            if chart_key(one) in document.charts
        ],
        facts=facts,
        zone=document.zone,
        language=language,
    )


def list_highlights(facts: ReportFacts, language: str) -> list[FactLine]:
    """Return the facts that a report shows in large type."""
    lines = fact_texts.list_fact_lines(facts, language)
    chosen = {"net", "orders", "posts", "views", "followers"}
    return [one for one in lines if one.fact.metric in chosen and one.fact.value is not None]


@dataclass(frozen=True)
class CreatorRow:
    """The main figures of one creator in a report about several."""

    name: str
    net: str
    orders: str
    posts: str
    views: str
    followers: str


def list_creator_rows(facts: ReportFacts, language: str) -> list[CreatorRow]:
    """Return a row for each creator, or nothing in a report about one creator."""
    if len(facts.creators) == 1:
        return []
    rows: list[CreatorRow] = []
    for key, name in facts.creators.items():
        lines = fact_texts.list_fact_lines(facts, language, key)

        def told(metric: str, lines: list[FactLine] = lines) -> str:
            values = [one.value for one in lines if one.fact.metric == metric]
            return " · ".join(values) or "–"

        orders = sum(one.fact.value or 0 for one in lines if one.fact.metric == "orders")
        rows.append(
            CreatorRow(
                name=name,
                net=told("net"),
                orders=fact_texts.format_count(orders, language),
                posts=told("posts"),
                views=told("views"),
                followers=told("followers"),
            )
        )
    return rows


def shrink_logo(logo: bytes | None) -> bytes:
    """Return a logo as PNG of at most `MAX_LOGO_WIDTH` × `MAX_LOGO_HEIGHT` pixels, or b"" without a
    readable logo."""
    if not logo:
        return b""
    # Loaded late: only reports with a logo need it.
    from PIL import Image  # noqa: PLC0415  see above

    try:
        with Image.open(io.BytesIO(logo), formats=["PNG"]) as picture:
            small = picture.convert("RGBA")
            small.thumbnail((MAX_LOGO_WIDTH, MAX_LOGO_HEIGHT))
            out = io.BytesIO()
            small.save(out, "PNG", optimize=True)
    except (OSError, ValueError, Image.DecompressionBombError):
        return b""
    return out.getvalue()


def _count_or_unknown(value: int | None, language: str) -> str:
    return fact_texts.UNKNOWN if value is None else fact_texts.format_count(value, language)


def _data_url(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}" if data else ""
