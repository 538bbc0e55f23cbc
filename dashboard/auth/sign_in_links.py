"""Routes of sign-in links: the page that a link opens and the session it starts."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dashboard.auth import session_cookies
from dashboard.shell import session
from dashboard.shell.plain_pages import is_cross_site, plain_page
from foundation.errors import Refused, Unavailable
from tenants.auth import sessions


async def show_link(request: Request) -> Response:
    """Show the page of a sign-in link. A button redeems it, because mail scanners and link previews
    open URLs."""
    return plain_page(
        request, "dashboard.welcome", action=request.url.path, button="dashboard.enter"
    )


async def redeem_link(request: Request) -> Response:
    """Redeem the link and start a session."""
    if is_cross_site(request):
        return plain_page(request, "dashboard.foreign", status=403)
    try:
        secret = request.path_params["secret"]
        browser = request.headers.get("user-agent", "")
        tenant = session.session_scope_opener()
        link = await run_in_threadpool(sessions.find_link, tenant, secret)
        opened = await run_in_threadpool(
            sessions.redeem_sign_in_link, tenant, secret, browser=browser
        )
        invited = link is not None and link.purpose is sessions.LinkPurpose.INVITATION
        return await run_in_threadpool(
            session_cookies.sign_in_response,
            request,
            opened,
            to="/auth/password" if invited else "/",
        )
    except Refused as refusal:
        return plain_page(request, refusal.message.code, status=410)
    except Unavailable as missing:
        return plain_page(request, missing.message.code, status=503)


async def show_sign_out(request: Request) -> Response:
    """Show the sign-out confirmation."""
    return plain_page(
        request, "dashboard.leave_asked", action="/auth/leave", button="dashboard.leave"
    )


async def sign_out(request: Request) -> Response:
    """End this session. Its open pages lock on their next refresh."""
    if is_cross_site(request):
        return plain_page(request, "dashboard.foreign", status=403)
    await run_in_threadpool(
        sessions.close_session,
        session.session_scope_opener(),
        request.cookies.get(session.session_cookie_name(), ""),
    )
    answer = plain_page(request, "dashboard.left")
    answer.delete_cookie(
        session.session_cookie_name(),
        path="/",
        httponly=True,
        secure=session.is_tls(),
        samesite="lax",
    )
    return answer


ROUTES = [
    Route("/auth/link/{secret}", show_link, methods=["GET"]),
    Route("/auth/link/{secret}", redeem_link, methods=["POST"]),
    Route("/auth/leave", show_sign_out, methods=["GET"]),
    Route("/auth/leave", sign_out, methods=["POST"]),
]
