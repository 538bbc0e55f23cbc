"""The second factor: setting an authenticator app up at the first way in, its six digits at each later one."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from dashboard import arriving, entry, session, widgets
from dashboard.entry import Input
from foundation.errors import Refused, Unavailable
from tenants import factors, login, reads
from tenants.factors import Offer

CODE = (Input("code", "text", "second.code", "one-time-code"),)


async def ask(request: Request) -> Response:
    """The form; with something for the app's camera while it has nothing of ours yet."""
    return await run_in_threadpool(_ask, request)


def _ask(request: Request) -> Response:
    try:
        offered = _offered(request)
    except Refused:
        return RedirectResponse("/auth/login", status_code=303, headers=entry.NO_STORE)
    except Unavailable as missing:
        return entry.page(request, missing.message.code, status=503)
    return _form(request, "second.set_up" if offered else "second.welcome", offered)


def _offered(request: Request) -> Offer | None:
    found = login.waiting(session.tenant(), request.cookies.get(session.cookie_name(), ""))
    if found is None:
        raise Refused("login.link_spent")
    with session.tenant()(found[0], f"member:{found[1]}") as scope:
        return factors.offer(scope, session.door_key(), found[1], name=reads.member(scope, found[1]).email)


def _form(request: Request, code: str, offered: Offer | None, *, status: int = 200, **params: str | int) -> Response:
    told = {**params, "letters": offered.letters} if offered is not None else params
    return entry.page(
        request,
        code,
        params=told,
        action=arriving.SECOND,
        button="dashboard.enter",
        fields=CODE,
        picture=widgets.qr(offered.address) if offered is not None else "",
        status=status,
    )


async def enter(request: Request) -> Response:
    """Use the six digits; the session that waited is whole."""
    if entry.foreign(request):
        return entry.page(request, "dashboard.foreign", status=403)
    typed = await entry.form(request)
    return await run_in_threadpool(_enter, request, typed.get("code", ""))


def _enter(request: Request, code: str) -> Response:
    waiting, browser = request.cookies.get(session.cookie_name(), ""), request.headers.get("user-agent", "")
    try:
        opened = factors.enter(session.tenant(), session.door_key(), waiting, code, browser=browser)
    except Refused as refused:
        if refused.message.code == "login.link_spent":
            return RedirectResponse("/auth/login", status_code=303, headers=entry.NO_STORE)
        offered = _offered(request)
        return _form(request, refused.message.code, offered, status=403, **refused.message.params)
    return arriving.let_in(request, opened)


ROUTES = [
    Route(arriving.SECOND, ask, methods=["GET"]),
    Route(arriving.SECOND, enter, methods=["POST"]),
]
