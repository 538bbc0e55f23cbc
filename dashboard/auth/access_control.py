"""Access control of the dashboard: unauthenticated visitors can reach only the sign-in pages, which
are plain HTML without Streamlit."""

import re
from collections.abc import Sequence

from sqlalchemy.exc import OperationalError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Match

from dashboard.auth import session_cookies
from dashboard.shell import index_page, session
from dashboard.shell.navigation import PageEntry
from dashboard.shell.plain_pages import (
    FORGOT_PASSWORD,
    NO_STORE,
    PASSKEY_SIGN_IN,
    SIGN_IN_FIELDS,
    plain_page,
)
from dashboard.shell.session import VIEWER_SCOPE_KEY
from dashboard.shell.widgets import render_template
from foundation.http.host_guard import AsgiApp, AsgiMessage, AsgiReceive, AsgiSend
from foundation.i18n.translation import Message, render_message
from tenants.agencies import queries
from tenants.agencies.rights import has_right

PUBLIC_PATHS = re.compile(
    r"/healthz|/readyz|/static/.+"
    r"|/auth/((link|setup|reset)/[^/]+|forgot|leave|login|second)"
    r"|/auth/passkey(\.js|/(ask|answer))"
    r"|/phone/(in/[^/]+|manifest\.webmanifest|icon-\d+\.png|phone\.js)"
)
"""Paths that need no session: set-up and sign-in pages, Streamlit's scripts and fonts, and phone
pairing."""

STREAMLIT_PATHS = re.compile(
    r"/((_stcore|static|media|component|app/static)(/.*)?|favicon\.png|oauth2callback)"
)
"""Paths that Streamlit serves. It treats all other paths as pages."""

BLOCKED_PATHS = ("/_stcore/agent/", "/_stcore/metrics")
"""Streamlit endpoints that the dashboard does not use: the API for agents and the session metrics.
"""

UNKNOWN_PAGE = Message("dashboard.no_such_page")
UNKNOWN = 401


class MemberAccess:
    """ASGI middleware that forwards requests of members and sends others to sign in. Streamlit
    never runs for unauthenticated visitors."""

    def __init__(self, app: AsgiApp, *, ours: Sequence[BaseRoute] = ()) -> None:
        """Initialize the middleware. `ours` contains the routes served next to Streamlit."""
        self._app = app
        self._ours = ours

    async def __call__(
        self, scope: dict[str, object], receive: AsgiReceive, send: AsgiSend
    ) -> None:
        """Serve one connection."""
        path = str(scope.get("path", ""))
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif PUBLIC_PATHS.fullmatch(path):
            await self._forward_request(scope, receive, send)
        elif f"{path}/".startswith(BLOCKED_PATHS):
            await self._reject_request(scope, receive, send)
        else:
            await self._authenticate_request(scope, receive, send, path)

    async def _authenticate_request(
        self, scope: dict[str, object], receive: AsgiReceive, send: AsgiSend, path: str
    ) -> None:
        try:
            known = await run_in_threadpool(session.find_viewer, _read_session_cookie(scope))
        # database unavailable: reject, because the session cannot be verified
        except OperationalError:
            await self._send_plain_page(scope, receive, send, "dashboard.away", 503)
            return
        if known is not None and scope["type"] == "http" and path in index_page.PAGE_ADDRESSES:
            await self._serve_page_shell(
                scope, receive, send, index_page.PAGE_ADDRESSES[path], known
            )
        elif known is not None and self._is_unknown_path(scope, path):
            bare = path.rstrip("/")
            elsewhere = (
                RedirectResponse(bare)
                if bare in index_page.PAGE_ADDRESSES
                else _build_home_link_page(known, UNKNOWN_PAGE, 404)
            )
            await elsewhere(scope, receive, send)
        elif known is not None:
            await self._forward_request({**scope, VIEWER_SCOPE_KEY: known}, receive, send)
        else:
            await self._send_plain_page(scope, receive, send, "dashboard.signed_out", UNKNOWN)

    async def _forward_request(
        self, scope: dict[str, object], receive: AsgiReceive, send: AsgiSend
    ) -> None:
        """Forward a request. If the database becomes unavailable before the response starts, send
        the error page."""
        begun = False

        async def sent(told: AsgiMessage) -> None:
            nonlocal begun
            begun = True
            await send(told)

        try:
            await self._app(scope, receive, sent)
        except OperationalError:
            if begun:
                raise
            await self._send_plain_page(scope, receive, send, "dashboard.away", 503)

    def _is_unknown_path(self, scope: dict[str, object], path: str) -> bool:
        """Return True if no route serves the path. Streamlit would show its own error dialog, which
        is always in English."""
        if (
            scope["type"] != "http"
            or scope["method"] not in ("GET", "HEAD")
            or STREAMLIT_PATHS.fullmatch(path)
        ):
            return False
        return all(route.matches(scope)[0] is Match.NONE for route in self._ours)

    async def _serve_page_shell(
        self,
        scope: dict[str, object],
        receive: AsgiReceive,
        send: AsgiSend,
        row: PageEntry,
        known: session.Viewer,
    ) -> None:
        """Serve the page, or an error page if the member's role lacks the right. Streamlit would
        show its own error dialog, which is always in English."""
        if not any(has_right(known.member.role, right) for right in row.rights):
            role = render_message(Message(f"role.{known.member.role}"), known.member.language)
            answer = _build_home_link_page(
                known, Message("dashboard.not_for_role", {"role": role}), 403
            )
        elif row.demo_only and not await run_in_threadpool(_is_demo, known):
            answer = _build_home_link_page(known, UNKNOWN_PAGE, 404)
        else:
            await run_in_threadpool(session_cookies.record_session_device, Request(scope), known)
            answer = index_page.index_response(known.member.language)
        await answer(scope, receive, send)

    async def _reject_request(
        self, scope: dict[str, object], receive: AsgiReceive, send: AsgiSend
    ) -> None:
        if scope["type"] == "websocket":
            await _hang_up(receive, send)
        else:
            await Response(status_code=404)(scope, receive, send)

    async def _send_plain_page(
        self, scope: dict[str, object], receive: AsgiReceive, send: AsgiSend, code: str, status: int
    ) -> None:
        if scope["type"] == "websocket":
            await _hang_up(receive, send)
        else:
            signing = status == UNKNOWN
            answer = plain_page(
                Request(scope, receive),
                code,
                action="/auth/login" if signing else "",
                button="dashboard.enter" if signing else "",
                fields=SIGN_IN_FIELDS if signing else (),
                key=PASSKEY_SIGN_IN if signing else None,
                link=FORGOT_PASSWORD if signing else ("", ""),
                status=status,
            )
            await answer(scope, receive, send)


def _is_demo(known: session.Viewer) -> bool:
    with session.session_scope_opener()(known.tenant_id, known.actor) as scope:
        return queries.get_agency(scope).demo


def _build_home_link_page(known: session.Viewer, said: Message, status: int) -> Response:
    language = known.member.language
    body = render_template(
        "shell/templates/plain_page.html",
        language=language,
        said=render_message(said, language),
        action="",
        button="",
        fields=(),
        home=render_message(Message("dashboard.go_home"), language),
    )
    return HTMLResponse(body, status, NO_STORE)


def _read_session_cookie(scope: dict[str, object]) -> str:
    """Return the session cookie of an HTTP request or of a WebSocket handshake."""
    # the ASGI scope is untyped
    headers: list[tuple[bytes, bytes]] = scope["headers"]  # type: ignore[assignment]  # see above
    request = Request({"type": "http", "headers": headers})
    return request.cookies.get(session.session_cookie_name(), "")


async def _hang_up(receive: AsgiReceive, send: AsgiSend) -> None:
    await receive()
    # 1008: policy violation (RFC 6455, 7.4.1).
    told: AsgiMessage = {"type": "websocket.close", "code": 1008}
    await send(told)
