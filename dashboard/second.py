"""The second factor: setting an app or a passkey up at the first way in, its digits or signature at each later one."""

from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from dashboard import arriving, entry, session, widgets
from dashboard.entry import Input, KeyForm
from foundation.errors import Refused, Unavailable
from tenants import challenges, factors, login, passkeys, reads
from tenants.factors import Offer

CODE = (Input("code", "text", "second.code", "one-time-code"),)
SET_UP = "second.set_up"
"""What is said of a new app, with the letters for who cannot scan; whatever else is said then, they stand below."""


async def ask(request: Request) -> Response:
    """The form; with something for the app's camera while it has nothing of ours yet."""
    return await run_in_threadpool(_ask, request)


def _ask(request: Request) -> Response:
    try:
        ways = _ways(request)
    except Refused:
        return RedirectResponse("/auth/login", status_code=303, headers=entry.NO_STORE)
    except Unavailable as missing:
        return entry.page(request, missing.message.code, status=503)
    return _form(request, SET_UP if ways.offer else ways.welcome, ways)


@dataclass(frozen=True)
class Ways:
    """How somebody who waits may go on: an app they set up now, one they have, a passkey to make, one they have."""

    offer: Offer | None
    app: bool
    passkeys: bool

    @property
    def welcome(self) -> str:
        """What to say first."""
        return "second.welcome" if self.app else "second.by_passkey"

    @property
    def key(self) -> KeyForm | None:
        """The form of a passkey: theirs, or the first one they make."""
        if self.passkeys:
            return KeyForm(challenges.SECOND, "passkey.enter", first=not self.app)
        return KeyForm(challenges.ADD, "passkey.set_up") if self.offer is not None else None


def _ways(request: Request) -> Ways:
    found = login.waiting(session.tenant(), request.cookies.get(session.cookie_name(), ""))
    if found is None:
        raise Refused("login.link_spent")
    with session.tenant()(found[0], f"member:{found[1]}") as scope:
        offer = factors.offer(scope, session.door_key(), found[1], name=reads.member(scope, found[1]).email)
        return Ways(offer, passkeys.has_app(scope, found[1]), bool(passkeys.keys(scope, found[1])))


def _form(request: Request, code: str, ways: Ways, *, status: int = 200, **params: str | int) -> Response:
    told = {**params, "letters": ways.offer.letters} if ways.offer is not None else params
    types = ways.app or ways.offer is not None
    return entry.page(
        request,
        code,
        params=told,
        action=arriving.SECOND if types else "",
        button="dashboard.enter" if types else "",
        fields=CODE if types else (),
        picture=widgets.qr(ways.offer.address) if ways.offer is not None else "",
        below="second.letters" if ways.offer is not None and code != SET_UP else "",
        key=ways.key,
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
        return _form(request, refused.message.code, _ways(request), status=403, **refused.message.params)
    return arriving.let_in(request, opened)


ROUTES = [
    Route(arriving.SECOND, ask, methods=["GET"]),
    Route(arriving.SECOND, enter, methods=["POST"]),
]
