"""The page of a share link of Analytics: tables and bars for people without an account, and the
same tables as a workbook. There are no scripts, no cookies and no data about fans."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response

from foundation.db.database import OpenScope
from foundation.errors import NotFound
from foundation.i18n.browser_languages import preferred_language
from foundation.money import Money
from insights.reports.tables.analytics_tables import AnalyticsTable, column_name, to_sheets
from insights.reports.tables.table_files import XLSX_TYPE, render_xlsx
from insights.reports.value_text import format_value
from insights.sharing import share_links
from insights.sharing.share_links import SHARE_PATH, SharedPage
from web.api.common import rate_limits
from web.api.common.errors import ApiError
from web.api.common.rate_limits import ApiRateLimit
from web.http import responses
from web.http.localization import VisitorLocalizer
from web.http.responses import READ_METHODS
from web.removal.subject_portal import PORTAL_HEADERS
from web.site.pages import missing_page, render_template

ACTOR = "system:analytics-link"
READ_RATE = ApiRateLimit(120, timedelta(hours=1))
"""Request limit of one link."""

MAX_ROWS = 60
"""Maximum number of rows of a table on the page. The workbook contains all."""

BAR_WIDTH = 10
BAR_HEIGHT = 80


def router(tenant: OpenScope) -> APIRouter:
    """Create the routes of share links."""
    routes = APIRouter(prefix=SHARE_PATH.rstrip("/"))

    @routes.api_route("/{token}/analytics.xlsx", methods=READ_METHODS)
    def workbook(request: Request, token: str) -> Response:
        return _respond(tenant, request, token, _workbook_response)

    @routes.api_route("/{token}", methods=READ_METHODS)
    def show(request: Request, token: str) -> Response:
        return _respond(tenant, request, token, partial(_page_response, token=token))

    return routes


_Respond = Callable[[Request, SharedPage, str], Response]


def _respond(tenant: OpenScope, request: Request, token: str, respond: _Respond) -> Response:
    """Return what a link shows. Return 404 for a link that is unknown or no longer works, without
    saying which, and 429 for too many requests."""
    found = share_links.find_share_link(tenant, token)
    if found is None:
        return missing_page(request)
    tenant_id, link_id = found
    language = preferred_language(request.headers.get("accept-language", ""))
    try:
        who = f"shared:{link_id}"
        rate_limits.count_request(tenant, READ_RATE, tenant_id=tenant_id, who=who)
        with tenant(tenant_id, ACTOR) as scope:
            page = share_links.open_share_link(scope, link_id, language)
    except ApiError as fast:
        headers = {**PORTAL_HEADERS, "retry-after": fast.headers["retry-after"]}
        return PlainTextResponse("", fast.status, headers)
    except NotFound:
        return missing_page(request)
    return respond(request, page, language)


def _page_response(request: Request, page: SharedPage, language: str, *, token: str) -> Response:
    voice = VisitorLocalizer(language, ZoneInfo(page.creators[0].zone))
    body = render_template(
        "links/templates/analytics_link.html",
        voice,
        page=page,
        token=token,
        heading=lambda column: voice.message_text(column_name(column)),
        cell=partial(format_value, language=language),
        is_number=_is_number,
        bars=partial(_list_bars, language=language),
        most=MAX_ROWS,
        bar_width=BAR_WIDTH,
        bar_height=BAR_HEIGHT,
    )
    return responses.html_response(request, body, headers=PORTAL_HEADERS, fresh=False)


def _workbook_response(request: Request, page: SharedPage, language: str) -> Response:
    tables = [table for tables in page.views.values() for table in tables]
    name = f"analytics-{page.period.first}-{page.period.last}.xlsx"
    headers = {**PORTAL_HEADERS, "content-disposition": f'attachment; filename="{name}"'}
    return Response(render_xlsx(to_sheets(tables, language)), 200, headers, XLSX_TYPE)


def _is_number(value: object) -> bool:
    return value is not None and not isinstance(value, str)


@dataclass(frozen=True)
class Bar:
    """A bar of the chart of days, in its own units, with its text."""

    left: int
    top: int
    height: int
    text: str


def _list_bars(table: AnalyticsTable, *, language: str) -> dict[str, list[Bar]]:
    """Return the bars of the net amount of each day with sales, by currency."""
    net = table.columns.index("net")
    rows: dict[str, list[tuple[str, Money]]] = {}
    for row in table.rows:
        money = row[net]
        if isinstance(money, Money):
            day = format_value("day", row[0], language)
            rows.setdefault(money.currency, []).append((day, money))
    return {code: _scale(found, language) for code, found in rows.items() if len(found) > 1}


def _scale(found: list[tuple[str, Money]], language: str) -> list[Bar]:
    top = max(1, *(money.minor for _, money in found))
    bars = []
    for number, (day, money) in enumerate(found):
        height = max(round(BAR_HEIGHT * max(money.minor, 0) / top), 1)
        text = f"{day}: {format_value('net', money, language)}"
        bars.append(Bar(number * BAR_WIDTH, BAR_HEIGHT - height, height, text))
    return bars
