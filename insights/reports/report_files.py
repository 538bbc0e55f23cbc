"""Reports as files: HTML, PDF, CSV and Excel."""

from collections.abc import Mapping

from insights.reports.documents import ReportDocument, render_html
from insights.reports.fact_tables import render_report_csv, render_report_xlsx
from insights.reports.options import ReportFormat
from insights.reports.period_pdf import render_period_pdf
from insights.reports.tables.table_files import XLSX_TYPE

MEDIA_TYPES: Mapping[ReportFormat, str] = {
    ReportFormat.HTML: "text/html",
    ReportFormat.PDF: "application/pdf",
    ReportFormat.CSV: "text/csv",
    ReportFormat.XLSX: XLSX_TYPE,
}


def render_report(document: ReportDocument, form: ReportFormat) -> bytes:
    """Return a report as a file. The same document always gives the same bytes."""
    match form:
        case ReportFormat.HTML:
            return render_html(document).encode()
        case ReportFormat.PDF:
            return render_period_pdf(document)
        case ReportFormat.CSV:
            return render_report_csv(document.facts, document.language)
        case ReportFormat.XLSX:
            return render_report_xlsx(document.facts, document.language)
