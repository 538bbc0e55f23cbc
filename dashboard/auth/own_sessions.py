"""The page on which members see their open sessions and paired phone, sign out, and remove the
phone: plain HTML, for all roles."""

from uuid import UUID

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from channels.manual_tasks import assignees
from dashboard.shell import session, widgets
from dashboard.shell.localization import MemberLocalizer, browser_label
from dashboard.shell.plain_pages import NO_STORE, is_cross_site, plain_page
from dashboard.shell.session import VIEWER_SCOPE_KEY, Viewer
from foundation.ops.wall_time import load_zone
from tenants.auth import sessions

SESSIONS_PATH = "/auth/sessions"


def show_sessions(request: Request) -> Response:
    """List the open sessions of the member, the current one included."""
    who: Viewer = request.scope[VIEWER_SCOPE_KEY]
    voice = MemberLocalizer(who.member.language, load_zone(who.member.zone))
    with session.session_scope_opener()(who.tenant_id, who.actor) as scope:
        found = sessions.list_own_sessions(scope, who.member.id, _read_session(request))
        phone = assignees.find_phone(scope, who.member.id)
        now = scope.now
    body = widgets.render_template(
        "auth/templates/own_sessions.html",
        language=voice.language,
        said=voice.text("sessions.own"),
        action="",
        button="",
        fields=(),
        seats=found,
        phone=phone,
        now=now,
        voice=voice,
        word=voice.text,
        browser_of=browser_label,
    )
    return HTMLResponse(body, headers=NO_STORE)


def end_session(request: Request) -> Response:
    """End one session of the member. A session that has already ended is ignored."""
    if is_cross_site(request):
        return plain_page(request, "dashboard.foreign", status=403)
    who: Viewer = request.scope[VIEWER_SCOPE_KEY]
    try:
        session_id = UUID(request.path_params["id"])
    except ValueError:
        return _back_to_list()
    with session.session_scope_opener()(who.tenant_id, who.actor) as scope:
        sessions.revoke_session(scope, who.member.id, session_id)
    return _back_to_list()


def end_other_sessions(request: Request) -> Response:
    """End all sessions of the member except the current one."""
    if is_cross_site(request):
        return plain_page(request, "dashboard.foreign", status=403)
    who: Viewer = request.scope[VIEWER_SCOPE_KEY]
    with session.session_scope_opener()(who.tenant_id, who.actor) as scope:
        sessions.revoke_sessions(scope, who.member.id, but=_read_session(request))
    return _back_to_list()


def remove_phone(request: Request) -> Response:
    """Remove the paired phone of the member and end all sessions except the current one."""
    if is_cross_site(request):
        return plain_page(request, "dashboard.foreign", status=403)
    who: Viewer = request.scope[VIEWER_SCOPE_KEY]
    with session.session_scope_opener()(who.tenant_id, who.actor) as scope:
        assignees.unpair_phone(scope, who.member.id, keep_session=_read_session(request))
    return _back_to_list()


def _read_session(request: Request) -> str:
    return request.cookies.get(session.session_cookie_name(), "")


def _back_to_list() -> Response:
    return RedirectResponse(SESSIONS_PATH, status_code=303, headers=NO_STORE)


ROUTES = [
    Route(SESSIONS_PATH, show_sessions, methods=["GET"]),
    Route(f"{SESSIONS_PATH}/end-others", end_other_sessions, methods=["POST"]),
    Route(f"{SESSIONS_PATH}/remove-phone", remove_phone, methods=["POST"]),
    Route(f"{SESSIONS_PATH}/end/{{id}}", end_session, methods=["POST"]),
]
