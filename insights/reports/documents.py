"""A stored report as a document in one language, its HTML page and the HTML body of its email.

The same report always gives the same bytes: its facts, charts and brand are stored, and no document
contains the time of its rendering.
"""

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from insights.reports import fact_texts
from insights.reports.brief import Brief
from insights.reports.charts import DEFAULT_ACCENT, chart_key, chart_title
from insights.reports.daily_report import report_templates
from insights.reports.facts import ReportFacts, parse_instant

MAX_LOGO_HEIGHT = 96
MAX_LOGO_WIDTH = 360


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

    @property
    def text_color(self) -> str:
        """Return the colour of text on `color`: white, or black if that has more contrast."""
        parts = (int(self.color[place : place + 2], 16) / 255 for place in (1, 3, 5))
        red, green, blue = (
            one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts
        )
        return "#ffffff" if 0.2126 * red + 0.7152 * green + 0.0722 * blue < 0.18 else "#000000"

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

    @property
    def pictures(self) -> list[tuple[str, str]]:
        """Return the title and the SVG of each chart."""
        return [
            (chart_title(one, self.language), self.charts[chart_key(one)])
            for one in self.facts.series
            if chart_key(one) in self.charts
        ]


def render_html(document: ReportDocument, files: Sequence[tuple[str, str]] = ()) -> str:
    """Return a page that contains its pictures and needs no scripts or external resources. `files`
    are the names and addresses of the report in other formats."""
    facts = document.facts
    language = document.language

    def word(code: str, **params: str | int) -> str:
        return fact_texts.render_text(code, language, **params)

    def instant(stored: str) -> str:
        at = parse_instant(stored)
        return fact_texts.format_instant(at, document.zone, language) if at is not None else ""

    page = report_templates().get_template("period.html")
    return page.render(
        document=document,
        facts=facts,
        brand=document.brand,
        files=files,
        logo=_data_url("image/png", document.brand.logo),
        lines=fact_texts.list_fact_lines(facts, language),
        highlights=fact_texts.list_highlights(facts, language),
        creators=fact_texts.list_creator_rows(facts, language),
        heads=[word(fact_texts.metric_code(one)) for one in fact_texts.CREATOR_COLUMNS],
        charts=[
            (title, _data_url("image/svg+xml", svg.encode())) for title, svg in document.pictures
        ],
        count=lambda value: fact_texts.format_count(value, language),
        instant=instant,
        word=word,
        language=language,
    )


EMAIL_COLUMNS = ("name", "value", "before", "change")


def render_email(document: ReportDocument, link: str) -> str:
    """Return the HTML body of an email: the brief, the facts as a table and the link to the report.
    It has no pictures, scripts or style sheets, and loads nothing."""
    language = document.language

    def word(code: str) -> str:
        return fact_texts.render_text(code, language)

    return (
        report_templates()
        .get_template("email.html")
        .render(
            document=document,
            brand=document.brand,
            lines=fact_texts.list_fact_lines(document.facts, language),
            heads=[word(f"reports.column.{name}") for name in EMAIL_COLUMNS],
            link=link,
            word=word,
            language=language,
        )
    )


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


def _data_url(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}" if data else ""
