"""A report of any past period as a file, without a schedule."""

from dataclasses import dataclass
from functools import partial

import streamlit as st

from dashboard.pages.reports.queries import ReportsView
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.i18n.translation import LANGUAGES
from foundation.ops.wall_time import local_day
from insights.reports import brief, charts, fact_texts, runs
from insights.reports.documents import ReportBrand, ReportDocument
from insights.reports.facts import ReportFacts
from insights.reports.options import AUDIENCES, Audience, ReportFormat
from insights.reports.periods import ReportKind, period_before, period_with
from insights.reports.report_files import MEDIA_TYPES, render_report
from insights.rollups.periods import DateRange


@dataclass(frozen=True)
class _Choice:
    """The chosen report. `creators` are IDs; all creators if empty."""

    kind: ReportKind
    period: DateRange
    audience: Audience
    creators: tuple[str, ...]
    language: str


KIND = "reports:kind"
CREATORS = "reports:creators"
AUDIENCE = "reports:audience"
LANGUAGE = "reports:language"
DAY = "reports:day"


def render_download(page: PageContext, found: ReportsView) -> None:
    """Draw the choices, the key figures of the report, and its files."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind = st.segmented_control(
            page.text("reports.kind"),
            list(ReportKind),
            default=ReportKind.WEEKLY,
            required=True,
            format_func=lambda one: page.text(f"reports.kind.{one}"),
            key=KIND,
        )
        today = local_day(found.now, page.viewer.member.zone)
        usual = period_before(ReportKind(kind or ReportKind.WEEKLY), today).last
        day = st.date_input(
            page.text("reports.day"),
            usual,
            max_value=today,
            format="DD/MM/YYYY",
            help=page.text("reports.day_why"),
            key=f"{DAY}:{kind}",
            width=190,
        )
        audience = st.selectbox(
            page.text("reports.audience_label"),
            AUDIENCES,
            format_func=lambda one: page.text(f"reports.audience.{one}"),
            key=AUDIENCE,
            width=220,
        )
        language = st.selectbox(
            page.text("reports.language"),
            LANGUAGES,
            index=LANGUAGES.index(page.localizer.language),
            format_func=lambda one: page.text(f"settings.language_{one}"),
            key=LANGUAGE,
            width=160,
        )
    chosen = _choose_creators(page, found)
    wanted = ReportKind(kind or ReportKind.WEEKLY)
    period = period_with(wanted, day or usual)
    asked = _Choice(wanted, period, audience, tuple(chosen), language)
    facts, brand = page.read(partial(_load_facts, page, asked))
    own = page.localizer.language
    _render_files(page, asked)
    if period.last >= today:
        draw_template("shell/templates/note.html", note=page.text("reports.not_over"))
    draw_template(
        "pages/reports/templates/figures.html",
        title=fact_texts.report_title(facts, brand.name, own),
        lines=fact_texts.list_fact_lines(facts, own),
        voice=page.localizer,
        word=page.text,
    )


def _choose_creators(page: PageContext, found: ReportsView) -> list[str]:
    names = {str(one.id): one.name for one in found.creators}
    return st.multiselect(
        page.text("reports.creators"),
        list(names),
        format_func=lambda one: names[one],
        placeholder=page.text("reports.all_creators"),
        key=CREATORS,
        select_all=False,
    )


def _load_facts(page: PageContext, asked: _Choice, scope: Scope) -> tuple[ReportFacts, ReportBrand]:
    """Return the facts of the chosen creators, or of all that the member may access."""
    creators = [
        one
        for one in page.list_creators(scope)
        if not asked.creators or str(one.id) in asked.creators
    ]
    return runs.load_direct_report(scope, creators, asked.kind, asked.period, asked.audience)


def _render_files(page: PageContext, asked: _Choice) -> None:
    def make(form: ReportFormat) -> bytes:
        facts, brand = page.read(partial(_load_facts, page, asked))
        language = asked.language
        needed = form in (ReportFormat.HTML, ReportFormat.PDF)
        document = ReportDocument(
            facts,
            brand,
            brief.build_brief(facts, language),
            charts.render_charts(facts, language, brand.accent) if needed else {},
            language,
            page.viewer.member.zone,
        )
        return render_report(document, form)

    with st.container(horizontal=True, gap="small"):
        for form in ReportFormat:
            st.download_button(
                page.text(f"reports.take_{form}"),
                data=partial(make, form),
                file_name=f"report-{asked.kind}-{asked.period.first}.{form}",
                mime=MEDIA_TYPES[form],
                on_click="ignore",
                key=f"reports:take:{form}",
            )
