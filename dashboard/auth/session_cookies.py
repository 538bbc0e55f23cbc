"""Sessions after sign-in: set cookies, record the device, and require the second factor."""

import secrets

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dashboard.shell import session
from dashboard.shell.session import Viewer
from foundation.i18n.browser_languages import preferred_language
from tenants.agencies import queries
from tenants.agencies.rights import Right, has_right
from tenants.auth import device_fingerprints, members, second_factor, sessions

SESSION_SECONDS = int(sessions.SESSION_LIFETIME.total_seconds())
YEAR = 365 * 24 * 3600
SECOND_FACTOR_PATH = "/auth/second"
SETUP_PAGE = "/start"


def sign_in_response(request: Request, secret: str, *, to: str = "/") -> Response:
    """Redirect to `to` with the cookies of a new session, or to the second factor if the session
    waits for it. An owner whose agency is not set up yet gets to the setup wizard instead of Home.

    Raises Unavailable if the key for second factors is missing.
    """
    waiting = sessions.find_pending_session(session.session_scope_opener(), secret)
    if waiting is not None:
        tenant_id, member_id = waiting
        with session.session_scope_opener()(tenant_id, f"member:{member_id}") as scope:
            second_factor.begin_enrolment(scope, session.second_factor_key(), member_id)
            who: Viewer | None = Viewer(tenant_id, queries.get_member(scope, member_id))
    else:
        who = session.find_viewer(secret)
    device = read_device_cookie(request) or secrets.token_urlsafe(24)
    if who is not None:
        record_session_device(request, who, device=device)
        _adopt_browser_language(request, who)
        to = SETUP_PAGE if to == "/" and _continues_setup(who) else to
    return _build_cookie_redirect(secret, device, to if waiting is None else SECOND_FACTOR_PATH)


def _adopt_browser_language(request: Request, who: Viewer) -> None:
    """Give a member who has not chosen a language that of the browser, if it requests one."""
    language = preferred_language(request.headers.get("accept-language", ""), otherwise="")
    if language and language != who.member.language:
        with session.session_scope_opener()(who.tenant_id, who.actor) as scope:
            members.adopt_browser_language(scope, who.member.id, language)


def _continues_setup(who: Viewer) -> bool:
    if not has_right(who.member.role, Right.STAFF):
        return False
    with session.session_scope_opener()(who.tenant_id, who.actor) as scope:
        return not queries.is_set_up(scope)


def record_session_device(request: Request, who: Viewer, *, device: str = "") -> None:
    """Record the device and address of a member."""
    address = request.client.host if request.client else ""
    with session.session_scope_opener()(who.tenant_id, who.actor) as scope:
        device_fingerprints.record_device(
            scope,
            session.second_factor_key(),
            who.member,
            address=address,
            device=device or read_device_cookie(request),
        )


def read_device_cookie(request: Request) -> str:
    """Return the device ID of the browser, or "" on the first visit."""
    return request.cookies.get(session.device_cookie_name(), "")[:64]


def _build_cookie_redirect(secret: str, device: str, to: str) -> Response:
    answer = RedirectResponse(to, status_code=303, headers={"cache-control": "no-store"})
    kept = (
        (session.session_cookie_name(), secret, SESSION_SECONDS),
        (session.device_cookie_name(), device, YEAR),
    )
    for name, value, life in kept:
        answer.set_cookie(
            name,
            value,
            max_age=life,
            path="/",
            httponly=True,
            secure=session.is_tls(),
            samesite="lax",
        )
    return answer
