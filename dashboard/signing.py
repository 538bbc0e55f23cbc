"""Signing in by e-mail and password, choosing a password, going over to another agency of one's own: plain HTML."""

from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from dashboard import arriving, entry, session, shell
from dashboard.passkeys import PAGE
from foundation.errors import BadInput, GreenroomError, Refused
from tenants import login, passwords, staffing
from tenants.passkeys import keys


async def ask(request: Request) -> Response:
    """The form."""
    return entry.page(
        request,
        "signing.welcome",
        action="/auth/login",
        button="dashboard.enter",
        fields=entry.SIGN_IN,
        key=entry.BY_KEY,
    )


async def enter(request: Request) -> Response:
    """Try e-mail and password; the same answer for a wrong one and for an account nobody has."""
    if entry.foreign(request):
        return entry.page(request, "dashboard.foreign", status=403)
    typed = await entry.form(request)
    try:
        opened = await run_in_threadpool(
            passwords.enter,
            session.tenant(),
            email=typed.get("email", ""),
            password=typed.get("password", ""),
            address=request.client.host if request.client else "",
            browser=request.headers.get("user-agent", ""),
        )
    except Refused as refused:
        return entry.page(
            request,
            refused.message.code,
            params=refused.message.params,
            action="/auth/login",
            button="dashboard.enter",
            fields=entry.SIGN_IN,
            key=entry.BY_KEY,
            status=403,
        )
    return await run_in_threadpool(arriving.let_in, request, opened)


async def ask_password(request: Request) -> Response:
    """Where a member chooses a password."""
    return entry.page(request, "signing.choose", action="/auth/password", button="signing.keep", fields=entry.CHOOSE)


async def choose(request: Request) -> Response:
    """Keep the password; every session of the member ends, this one too, and a new one begins.

    Passkeys outlive it: who has any is shown them, since whoever was here in their place may have added one.
    """
    if entry.foreign(request):
        return entry.page(request, "dashboard.foreign", status=403)
    who = await run_in_threadpool(session.viewer, request.cookies.get(session.cookie_name(), ""))
    if who is None:
        return RedirectResponse("/auth/login", status_code=303)
    typed = await entry.form(request)

    def keep() -> Response:
        with session.tenant()(who.tenant_id, who.actor) as scope:
            passwords.choose(scope, who.member.id, typed.get("password", ""), email=who.member.email)
            secret = login.invite(scope, who.member.id)
            to = f"{PAGE}?told=password" if keys(scope, who.member.id) else "/"
        opened = login.redeem(session.tenant(), secret, browser=request.headers.get("user-agent", ""))
        return arriving.let_in(request, opened, to=to)

    try:
        return await run_in_threadpool(keep)
    except BadInput as wrong:
        return entry.page(
            request,
            wrong.message.code,
            params=wrong.message.params,
            action="/auth/password",
            button="signing.keep",
            fields=entry.CHOOSE,
            status=400,
        )


async def go_over(request: Request) -> Response:
    """Open a session of the same human in another agency of theirs."""
    if entry.foreign(request):
        return entry.page(request, "dashboard.foreign", status=403)
    cookie = request.cookies.get(session.cookie_name(), "")
    try:
        other = UUID(request.path_params["tenant"])
        opened = await run_in_threadpool(login.goes_over, session.tenant(), cookie, other)
    except (ValueError, GreenroomError):
        return entry.page(request, "login.not_tied", status=403)
    return await run_in_threadpool(arriving.let_in, request, opened)


async def speak(request: Request) -> Response:
    """Read the house in another language from now on."""
    if entry.foreign(request):
        return entry.page(request, "dashboard.foreign", status=403)
    who = await run_in_threadpool(session.viewer, request.cookies.get(session.cookie_name(), ""))

    def keep(viewer: session.Viewer) -> None:
        with session.tenant()(viewer.tenant_id, viewer.actor) as scope:
            staffing.speak(scope, viewer.member.id, request.path_params["language"])

    if who is not None:
        try:
            await run_in_threadpool(keep, who)
        except GreenroomError as wrong:
            return entry.page(request, wrong.message.code, params=wrong.message.params, status=400)
    return RedirectResponse(_ours(request.query_params.get("to", "")), status_code=303, headers=entry.NO_STORE)


def _ours(address: str) -> str:
    """The page somebody came from, with what its address asks; Home for whatever is no page of ours.

    Our pages send no referrer (`dashboard/app.py`): so each of them says in its form where it is.
    """
    path, _, asked = address.partition("?")
    if path not in shell.ADDRESSES:
        return "/"
    return "?".join(filter(None, (path, urlencode(parse_qsl(asked)))))


ROUTES = [
    Route("/auth/login", ask, methods=["GET"]),
    Route("/auth/login", enter, methods=["POST"]),
    Route("/auth/password", ask_password, methods=["GET"]),
    Route("/auth/password", choose, methods=["POST"]),
    Route("/auth/over/{tenant}", go_over, methods=["POST"]),
    Route("/auth/language/{language}", speak, methods=["POST"]),
]
