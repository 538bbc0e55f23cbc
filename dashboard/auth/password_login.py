"""Sign-in with email and password, password changes, and the switch to another agency:
plain HTML."""

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from dashboard.auth import session_cookies
from dashboard.auth.passkeys import PASSKEYS_PATH
from dashboard.shell import index_page, session
from dashboard.shell.plain_pages import (
    EMAIL_FIELDS,
    FORGOT_PASSWORD,
    NEW_PASSWORD_FIELDS,
    NO_STORE,
    PASSKEY_SIGN_IN,
    SIGN_IN_FIELDS,
    is_cross_site,
    plain_page,
)
from foundation.errors import BadInput, GreenroomError, Refused
from foundation.http.request_bodies import read_form
from tenants.auth import members, password_links, passwords, sessions
from tenants.auth.passkeys import list_passkeys

BACK_TO_SIGN_IN = ("/auth/login", "signing.back")


async def show_sign_in(request: Request) -> Response:
    """Show the sign-in form."""
    return plain_page(
        request,
        "signing.welcome",
        action="/auth/login",
        button="dashboard.enter",
        fields=SIGN_IN_FIELDS,
        key=PASSKEY_SIGN_IN,
        link=FORGOT_PASSWORD,
    )


async def sign_in(request: Request) -> Response:
    """Sign in with email and password. A wrong password and an unknown address get the same
    response."""
    if is_cross_site(request):
        return plain_page(request, "dashboard.foreign", status=403)
    typed = await read_form(request.stream())
    try:
        opened = await run_in_threadpool(
            passwords.sign_in_with_password,
            session.session_scope_opener(),
            email=typed.get("email", ""),
            password=typed.get("password", ""),
            address=request.client.host if request.client else "",
            browser=request.headers.get("user-agent", ""),
            device=session_cookies.read_device_cookie(request),
            door_key=session.second_factor_key(),
        )
    except Refused as refused:
        return plain_page(
            request,
            refused.message.code,
            params=refused.message.params,
            action="/auth/login",
            button="dashboard.enter",
            fields=SIGN_IN_FIELDS,
            key=PASSKEY_SIGN_IN,
            status=403,
            values={"email": typed.get("email", "")},
            link=FORGOT_PASSWORD,
        )
    return await run_in_threadpool(session_cookies.sign_in_response, request, opened)


async def show_forgot_password(request: Request) -> Response:
    """Show the form that requests a link to set a new password, or who can create one if this
    installation sends no email."""
    if session.missing_mail_settings():
        return plain_page(request, "signing.no_mail", link=BACK_TO_SIGN_IN)
    return plain_page(
        request,
        "signing.forgot_asked",
        action=FORGOT_PASSWORD[0],
        button="signing.send_link",
        fields=EMAIL_FIELDS,
        link=BACK_TO_SIGN_IN,
    )


async def request_password_link(request: Request) -> Response:
    """Request a password link. Known and unknown addresses get the same response after the same
    work: a worker looks up the account."""
    if is_cross_site(request):
        return plain_page(request, "dashboard.foreign", status=403)
    if session.missing_mail_settings():
        return plain_page(request, "signing.no_mail", link=BACK_TO_SIGN_IN)
    typed = await read_form(request.stream())
    email = typed.get("email", "")
    try:
        await run_in_threadpool(
            password_links.request_password_link,
            session.session_scope_opener(),
            email=email,
            address=request.client.host if request.client else "",
        )
    except GreenroomError as refused:
        return plain_page(
            request,
            refused.message.code,
            params=refused.message.params,
            action=FORGOT_PASSWORD[0],
            button="signing.send_link",
            fields=EMAIL_FIELDS,
            values={"email": email},
            status=403,
            link=BACK_TO_SIGN_IN,
        )
    return plain_page(request, "signing.link_sent", link=BACK_TO_SIGN_IN)


async def show_password_link(request: Request) -> Response:
    """Show the form of a password link. Opening it does not use the link, because mail scanners
    open URLs."""
    found = await run_in_threadpool(
        sessions.find_link, session.session_scope_opener(), request.path_params["secret"]
    )
    if found is None or found.purpose is not sessions.LinkPurpose.PASSWORD:
        return _spent_password_link(request)
    return _render_password_link(request, "signing.choose")


async def reset_password(request: Request) -> Response:
    """Set the password with a password link and start a session. All other sessions end."""
    if is_cross_site(request):
        return plain_page(request, "dashboard.foreign", status=403)
    typed = await read_form(request.stream())

    def keep() -> Response:
        opened = passwords.reset_password(
            session.session_scope_opener(),
            request.path_params["secret"],
            typed.get("password", ""),
            browser=request.headers.get("user-agent", ""),
        )
        return session_cookies.sign_in_response(request, opened)

    try:
        return await run_in_threadpool(keep)
    except BadInput as wrong:
        return _render_password_link(
            request, wrong.message.code, params=wrong.message.params, status=400
        )
    except GreenroomError:
        return _spent_password_link(request)


def _render_password_link(
    request: Request, code: str, *, params: Mapping[str, str | int] | None = None, status: int = 200
) -> Response:
    return plain_page(
        request,
        code,
        params=params,
        action=request.url.path,
        button="signing.keep",
        fields=NEW_PASSWORD_FIELDS,
        status=status,
    )


def _spent_password_link(request: Request) -> Response:
    return plain_page(request, "signing.link_spent", status=410, link=FORGOT_PASSWORD)


async def show_password_form(request: Request) -> Response:
    """Show the form to set a password."""
    return plain_page(
        request,
        "signing.choose",
        action="/auth/password",
        button="signing.keep",
        fields=NEW_PASSWORD_FIELDS,
    )


async def submit_password(request: Request) -> Response:
    """Set the password, end all sessions of the member and start a new one.

    Passkeys remain valid. Members with passkeys are shown their list, because an intruder may have
    added one.
    """
    if is_cross_site(request):
        return plain_page(request, "dashboard.foreign", status=403)
    who = await run_in_threadpool(
        session.find_viewer, request.cookies.get(session.session_cookie_name(), "")
    )
    if who is None:
        return RedirectResponse("/auth/login", status_code=303)
    typed = await read_form(request.stream())

    def keep() -> Response:
        with session.session_scope_opener()(who.tenant_id, who.actor) as scope:
            passwords.set_password(
                scope, who.member.id, typed.get("password", ""), email=who.member.email
            )
            # `set_password` ended all sessions, so a sign-in link starts a new one.
            secret = sessions.create_sign_in_link(scope, who.member.id)
            to = f"{PASSKEYS_PATH}?told=password" if list_passkeys(scope, who.member.id) else "/"
        opened = sessions.redeem_sign_in_link(
            session.session_scope_opener(), secret, browser=request.headers.get("user-agent", "")
        )
        return session_cookies.sign_in_response(request, opened, to=to)

    try:
        return await run_in_threadpool(keep)
    except BadInput as wrong:
        return plain_page(
            request,
            wrong.message.code,
            params=wrong.message.params,
            action="/auth/password",
            button="signing.keep",
            fields=NEW_PASSWORD_FIELDS,
            status=400,
        )


async def switch_member_agency(request: Request) -> Response:
    """Start a session of the same person in another of their agencies."""
    if is_cross_site(request):
        return plain_page(request, "dashboard.foreign", status=403)
    cookie = request.cookies.get(session.session_cookie_name(), "")
    try:
        other = UUID(request.path_params["tenant"])
        opened = await run_in_threadpool(
            sessions.switch_agency, session.session_scope_opener(), cookie, other
        )
    except (ValueError, GreenroomError):
        return plain_page(request, "login.not_tied", status=403)
    return await run_in_threadpool(session_cookies.sign_in_response, request, opened)


async def set_language(request: Request) -> Response:
    """Set the member's language."""
    if is_cross_site(request):
        return plain_page(request, "dashboard.foreign", status=403)
    who = await run_in_threadpool(
        session.find_viewer, request.cookies.get(session.session_cookie_name(), "")
    )

    def keep(viewer: session.Viewer) -> None:
        with session.session_scope_opener()(viewer.tenant_id, viewer.actor) as scope:
            members.set_member_language(scope, viewer.member.id, request.path_params["language"])

    if who is not None:
        try:
            await run_in_threadpool(keep, who)
        except GreenroomError as wrong:
            return plain_page(request, wrong.message.code, params=wrong.message.params, status=400)
    return RedirectResponse(
        _resolve_return_address(request.query_params.get("to", "")),
        status_code=303,
        headers=NO_STORE,
    )


def _resolve_return_address(address: str) -> str:
    """Return the dashboard page to go back to, with its query, or Home for any other address.

    The forms contain their address because the pages send no referrer (`dashboard/app.py`).
    """
    path, _, asked = address.partition("?")
    if path not in index_page.PAGE_ADDRESSES:
        return "/"
    return "?".join(filter(None, (path, urlencode(parse_qsl(asked)))))


ROUTES = [
    Route("/auth/login", show_sign_in, methods=["GET"]),
    Route("/auth/login", sign_in, methods=["POST"]),
    Route(FORGOT_PASSWORD[0], show_forgot_password, methods=["GET"]),
    Route(FORGOT_PASSWORD[0], request_password_link, methods=["POST"]),
    Route("/auth/reset/{secret}", show_password_link, methods=["GET"]),
    Route("/auth/reset/{secret}", reset_password, methods=["POST"]),
    Route("/auth/password", show_password_form, methods=["GET"]),
    Route("/auth/password", submit_password, methods=["POST"]),
    Route("/auth/over/{tenant}", switch_member_agency, methods=["POST"]),
    Route("/auth/language/{language}", set_language, methods=["POST"]),
]
