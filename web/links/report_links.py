"""Links to stored reports: a page and its files, without an account.

The token is the only credential, so nothing is cached or indexed, and no address of the page is
sent to other sites.
"""

from datetime import timedelta

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response

from foundation.db.database import OpenScope
from foundation.errors import GreenroomError
from insights.reports import deliveries, runs
from insights.reports.deliveries import LINK_PATH
from insights.reports.documents import render_html
from insights.reports.options import ATTACHABLE, ReportFormat
from insights.reports.outgoing_reports import file_stem
from insights.reports.post_facts import PAGE_SURFACE
from insights.reports.report_files import MEDIA_TYPES, render_report
from web.api.common import rate_limits
from web.api.common.errors import ApiError
from web.api.common.rate_limits import ApiRateLimit
from web.http import responses
from web.http.responses import READ_METHODS
from web.removal.subject_portal import PORTAL_HEADERS
from web.site.pages import missing_page

LINK_ACTOR = "system:web-report"
READ_RATE = ApiRateLimit(120, timedelta(hours=1))
"""Request limit of one link."""

PAGE_HEADERS = {
    **PORTAL_HEADERS,
    # The page is one file: its style and pictures are inside, and it runs nothing.
    "content-security-policy": (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none';"
        " form-action 'none'; frame-ancestors 'none'"
    ),
}


class ReportLinkPages:
    """Pages and files of all report links."""

    def __init__(self, tenant: OpenScope) -> None:
        self._tenant = tenant

    def show_report(self, request: Request, token: str, form: ReportFormat) -> Response:
        """Return the report as a page or as a file. Return 404 for a link that is unknown or has
        ended, and 429 for too many requests."""
        found = deliveries.find_link(self._tenant, token)
        if found is None:
            return missing_page(request)
        try:
            who = f"report:{found.delivery_id}"
            rate_limits.count_request(self._tenant, READ_RATE, tenant_id=found.tenant_id, who=who)
            with self._tenant(found.tenant_id, LINK_ACTOR) as scope:
                run = runs.get_shown_run(scope, found.run_id, PAGE_SURFACE)
        except ApiError as fast:
            again = {**PORTAL_HEADERS, "retry-after": fast.headers["retry-after"]}
            return PlainTextResponse("", fast.status, again)
        except GreenroomError:
            return missing_page(request)
        document = run.document(found.language, found.zone)
        if form is ReportFormat.HTML:
            files = [(one.upper(), f"{token}/report.{one}") for one in ATTACHABLE]
            data = render_html(document, files).encode()
            return responses.html_response(request, data, headers=PAGE_HEADERS, fresh=False)
        data = render_report(document, form)
        name = f'attachment; filename="{file_stem(document)}.{form}"'
        own = {**PORTAL_HEADERS, "content-disposition": name, "cache-control": "no-store"}
        return Response(data, headers=own, media_type=MEDIA_TYPES[form])


def router(tenant: OpenScope) -> APIRouter:
    """Create the routes of report links."""
    pages = ReportLinkPages(tenant)
    routes = APIRouter(prefix=LINK_PATH.rstrip("/"))

    @routes.api_route("/{token}", methods=READ_METHODS)
    def show(request: Request, token: str) -> Response:
        return pages.show_report(request, token, ReportFormat.HTML)

    @routes.api_route("/{token}/report.{form}", methods=READ_METHODS)
    def file(request: Request, token: str, form: str) -> Response:
        if form not in ATTACHABLE:
            return missing_page(request)
        return pages.show_report(request, token, ReportFormat(form))

    return routes
