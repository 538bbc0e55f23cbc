"""The page on which an owner removes the demonstration: plain HTML, because the session may have to
move to the agency that remains."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dashboard.auth import session_cookies
from dashboard.shell import session
from dashboard.shell.plain_pages import is_cross_site, plain_page
from dashboard.shell.session import VIEWER_SCOPE_KEY, Viewer
from foundation.errors import GreenroomError
from foundation.i18n.translation import Message
from tenants.auth import demo_removal, sessions
from tenants.auth.demo_removal import RemovableDemo

DEMO_PATH = "/auth/demo"
BACK = ("/start", "dashboard.go_back")


def show_demo_removal(request: Request) -> Response:
    """Ask the owner to confirm the removal."""
    who: Viewer = request.scope[VIEWER_SCOPE_KEY]
    found = _find_demo(who)
    if found is None:
        return _message_page(request, who, "demo.none_to_remove", 404)
    if found.own is None:
        return _message_page(request, who, "demo.own_first", 409)
    return plain_page(
        request,
        "demo.remove_asked",
        action=DEMO_PATH,
        button="demo.remove",
        link=BACK,
        language=who.member.language,
    )


def remove_demo(request: Request) -> Response:
    """Move the session to the agency that remains, and request the removal there."""
    if is_cross_site(request):
        return plain_page(request, "dashboard.foreign", status=403)
    who: Viewer = request.scope[VIEWER_SCOPE_KEY]
    found = _find_demo(who)
    if found is None:
        return _message_page(request, who, "demo.none_to_remove", 404)
    if found.own is None:
        return _message_page(request, who, "demo.own_first", 409)
    try:
        if found.own == who.tenant_id:
            _request_removal(who)
            return _message_page(request, who, "demo.removal_started", 200)
        opened = sessions.switch_agency(
            session.session_scope_opener(),
            request.cookies.get(session.session_cookie_name(), ""),
            found.own,
        )
        other = session.find_viewer(opened)
        if other is None:  # The other agency requires a second factor first.
            return session_cookies.sign_in_response(request, opened, to=DEMO_PATH)
        _request_removal(other)
    except GreenroomError as refused:
        return _message_page(request, who, refused.message.code, 403, refused.message)
    return session_cookies.sign_in_response(request, opened, to="/start")


def _find_demo(who: Viewer) -> RemovableDemo | None:
    return demo_removal.find_removable_demo(
        session.session_scope_opener(), who.tenant_id, who.member
    )


def _request_removal(who: Viewer) -> None:
    with session.session_scope_opener()(who.tenant_id, who.actor) as scope:
        demo_removal.request_demo_removal(scope)


def _message_page(
    request: Request, who: Viewer, code: str, status: int, message: Message | None = None
) -> Response:
    params = message.params if message is not None else None
    return plain_page(
        request, code, params=params, status=status, link=BACK, language=who.member.language
    )


ROUTES = [
    Route(DEMO_PATH, show_demo_removal, methods=["GET"]),
    Route(DEMO_PATH, remove_demo, methods=["POST"]),
]
