"""The page of a setup link: the first owner enters a name, an address and a password."""

from collections.abc import Mapping

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dashboard.auth import session_cookies
from dashboard.shell import session
from dashboard.shell.plain_pages import PageFormField, is_cross_site, plain_page
from foundation.errors import BadInput, GreenroomError
from foundation.http.request_bodies import read_form
from foundation.i18n.browser_languages import preferred_language
from tenants.auth import owner_setup
from tenants.auth.owner_setup import NewOwner

NAME_FIELD = PageFormField("name", "text", "signing.name", "name")
EMAIL_FIELD = PageFormField("email", "email", "signing.email", "username")
PASSWORD_FIELD = PageFormField("password", "password", "signing.new_password", "new-password")


async def show_setup(request: Request) -> Response:
    """Show the form. Opening it does not use the link."""
    return await run_in_threadpool(_render_setup, request, "setup.welcome", {})


def _render_setup(
    request: Request,
    code: str,
    values: Mapping[str, str],
    *,
    params: Mapping[str, str | int] | None = None,
    status: int = 200,
) -> Response:
    """Draw the form with one message and the typed values; the password is never sent back."""
    try:
        found = owner_setup.find_setup(
            session.session_scope_opener(), request.path_params["secret"]
        )
    except GreenroomError as refused:
        return plain_page(
            request, refused.message.code, status=410, link=("/auth/login", "signing.back")
        )
    asked = (EMAIL_FIELD,) if not found.email else ()
    return plain_page(
        request,
        code,
        params=params,
        action=request.url.path,
        button="setup.create",
        fields=(NAME_FIELD, *asked, PASSWORD_FIELD),
        values=values,
        below="setup.invited" if found.email else "",
        below_params={"email": found.email},
        status=status,
    )


async def submit_setup(request: Request) -> Response:
    """Create the first owner and start a session, which continues with the setup wizard."""
    if is_cross_site(request):
        return plain_page(request, "dashboard.foreign", status=403)
    typed = await read_form(request.stream())
    answers = NewOwner(
        name=typed.get("name", ""),
        email=typed.get("email", ""),
        password=typed.get("password", ""),
        language=preferred_language(request.headers.get("accept-language", "")),
    )
    return await run_in_threadpool(_set_up, request, answers)


def _set_up(request: Request, answers: NewOwner) -> Response:
    try:
        opened = owner_setup.set_up_owner(
            session.session_scope_opener(),
            request.path_params["secret"],
            answers,
            browser=request.headers.get("user-agent", ""),
        )
    except GreenroomError as refused:
        return _render_setup(
            request,
            refused.message.code,
            {"name": answers.name, "email": answers.email},
            params=refused.message.params,
            status=400 if isinstance(refused, BadInput) else 410,
        )
    return session_cookies.sign_in_response(request, opened)


ROUTES = [
    Route("/auth/setup/{secret}", show_setup, methods=["GET"]),
    Route("/auth/setup/{secret}", submit_setup, methods=["POST"]),
]
