"""Getting in and out: plain HTML, before and without Streamlit. A stranger sees these pages and nothing else."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup
from sqlalchemy.exc import OperationalError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Match, Route

from dashboard import arriving, session, shell
from dashboard.pages import PageRow
from dashboard.widgets import render
from dashboard.wording import asked
from foundation.asgi import App, Message, Receive, Send
from foundation.errors import Refused, Unavailable
from foundation.words import Message as Words
from foundation.words import say
from tenants import challenges, login, reads
from tenants.roles import may

OPEN = re.compile(
    r"/healthz|/readyz|/auth/(link/[^/]+|leave|login|second|passkey\.js|passkey/(ask|answer))|/static/.+"
    r"|/phone/(in/[^/]+|manifest\.webmanifest|icon-\d+\.png|phone\.js)"
)
"""Paths a stranger may ask for: these pages, Streamlit's own scripts and fonts, the way in of a phone."""

STREAMLITS = re.compile(r"/((_stcore|static|media|component|app/static)(/.*)?|favicon\.png|oauth2callback)")
"""Paths Streamlit itself answers with something of its own; anything else it takes for a page."""

SHUT = ("/_stcore/agent/", "/_stcore/metrics")
"""Doors of Streamlit that nobody here uses: its interface for programs, and figures about sessions."""

NOWHERE = Words("dashboard.no_such_page")
UNKNOWN = 401
VIEWER = "greenroom.viewer"
"""Where our own routes find who asks, as the session said a moment ago."""

NO_STORE = {"cache-control": "no-store"}


MOST_TYPED = 4096
"""Bytes of a form; more is nobody's password."""


@dataclass(frozen=True)
class Input:
    """A field of a form on these pages; `fill` is what browsers and password keepers put there."""

    name: str
    kind: str
    label: str
    fill: str


@dataclass(frozen=True)
class KeyForm:
    """A form that a passkey answers: the act it is for, what goes along unseen, and what is typed (name, label)."""

    act: str
    button: str
    hidden: Mapping[str, str] = field(default_factory=dict)
    asked: Sequence[tuple[str, str]] = ()
    first: bool = False
    """Whether it is what the page is there for."""


SIGN_IN = (
    Input("email", "email", "signing.email", "username"),
    Input("password", "password", "signing.password", "current-password"),
)
BY_KEY = KeyForm(challenges.ENTER, "passkey.enter")
CHOOSE = (Input("password", "password", "signing.new_password", "new-password"),)


def page(
    request: Request,
    code: str,
    *,
    params: Mapping[str, str | int] | None = None,
    action: str = "",
    button: str = "",
    fields: Sequence[Input] = (),
    picture: Markup | str = "",
    below: str = "",
    key: KeyForm | None = None,
    status: int = 200,
) -> HTMLResponse:
    """One sentence, a picture with what stands `below` it, the fields to fill in, and a button where there is something
    to press; a passkey where this door can ask for one."""
    language = asked(request.headers.get("accept-language", ""))
    body = render(
        "entry.html",
        language=language,
        said=say(Words(code, params or {}), language),
        picture=picture,
        below=say(Words(below, params or {}), language) if below else "",
        action=action,
        button=say(Words(button), language) if button else "",
        fields=[(each, say(Words(each.label), language)) for each in fields],
        key=key if session.site() is not None else None,
        word=lambda code: say(Words(code), language),
    )
    return HTMLResponse(body, status, NO_STORE)


async def ask(request: Request) -> Response:
    """The link's page: a button, not the visit itself, uses the link; mail scanners and previews visit addresses."""
    return page(request, "dashboard.welcome", action=request.url.path, button="dashboard.enter")


async def enter(request: Request) -> Response:
    """Use the link and open a session."""
    if foreign(request):
        return page(request, "dashboard.foreign", status=403)
    try:
        secret, browser = request.path_params["secret"], request.headers.get("user-agent", "")
        opened = await run_in_threadpool(login.redeem, session.tenant(), secret, browser=browser)
        return await run_in_threadpool(arriving.let_in, request, opened)
    except Refused as refusal:
        return page(request, refusal.message.code, status=410)
    except Unavailable as missing:
        return page(request, missing.message.code, status=503)


async def ask_leave(request: Request) -> Response:
    """Whether to sign out."""
    return page(request, "dashboard.leave_asked", action="/auth/leave", button="dashboard.leave")


async def leave(request: Request) -> Response:
    """Close this session; its open pages lock at their next look."""
    if foreign(request):
        return page(request, "dashboard.foreign", status=403)
    await run_in_threadpool(login.leave, session.tenant(), request.cookies.get(session.cookie_name(), ""))
    answer = page(request, "dashboard.left")
    answer.delete_cookie(session.cookie_name(), path="/", httponly=True, secure=session.secure(), samesite="lax")
    return answer


def foreign(request: Request) -> bool:
    """Whether another site's page sent this form: nobody is signed in, or out, by somebody else's button."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site not in {"same-origin", "none"}
    origin = request.headers.get("origin")  # "null" from a page of ours too: it sends no referrer
    return origin is not None and origin.partition("://")[2] != request.headers.get("host", "")


async def form(request: Request) -> dict[str, str]:
    """What was typed into one of these pages' forms."""
    if int(request.headers.get("content-length") or 0) > MOST_TYPED:
        return {}
    async with request.form(max_fields=8, max_files=0) as filled:
        return {name: value for name, value in filled.items() if isinstance(value, str)}


ROUTES = [
    Route("/auth/link/{secret}", ask, methods=["GET"]),
    Route("/auth/link/{secret}", enter, methods=["POST"]),
    Route("/auth/leave", ask_leave, methods=["GET"]),
    Route("/auth/leave", leave, methods=["POST"]),
]


class Members:
    """Lets members through and shows everybody else the way in; Streamlit never runs for a stranger."""

    def __init__(self, app: App, *, ours: Sequence[BaseRoute] = ()) -> None:
        """`ours` are the routes beside Streamlit's."""
        self._app, self._ours = app, ours

    async def __call__(self, scope: dict[str, object], receive: Receive, send: Send) -> None:
        """Serve one connection."""
        path = str(scope.get("path", ""))
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif OPEN.fullmatch(path):
            await self._let(scope, receive, send)
        elif f"{path}/".startswith(SHUT):
            await self._shut(scope, receive, send)
        else:
            await self._ask(scope, receive, send, path)

    async def _ask(self, scope: dict[str, object], receive: Receive, send: Send, path: str) -> None:
        try:
            known = await run_in_threadpool(session.viewer, _cookie(scope))
        except OperationalError:  # the database restarts: nobody is let in on trust
            await self._answer(scope, receive, send, "dashboard.away", 503)
            return
        if known is not None and scope["type"] == "http" and path in shell.ADDRESSES:
            await self._shell(scope, receive, send, shell.ADDRESSES[path], known)
        elif known is not None and self._leads_nowhere(scope, path):
            bare = path.rstrip("/")
            elsewhere = RedirectResponse(bare) if bare in shell.ADDRESSES else _sent_home(known, NOWHERE, 404)
            await elsewhere(scope, receive, send)
        elif known is not None:
            await self._let({**scope, VIEWER: known}, receive, send)
        else:
            await self._answer(scope, receive, send, "dashboard.signed_out", UNKNOWN)

    async def _let(self, scope: dict[str, object], receive: Receive, send: Send) -> None:
        """Let somebody through; where the database went away before there was an answer, that is the answer."""
        begun = False

        async def sent(told: Message) -> None:
            nonlocal begun
            begun = True
            await send(told)

        try:
            await self._app(scope, receive, sent)
        except OperationalError:
            if begun:
                raise
            await self._answer(scope, receive, send, "dashboard.away", 503)

    def _leads_nowhere(self, scope: dict[str, object], path: str) -> bool:
        """Whether nobody answers here, so that Streamlit would open a box in English over Home."""
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD") or STREAMLITS.fullmatch(path):
            return False
        return all(route.matches(scope)[0] is Match.NONE for route in self._ours)

    async def _shell(
        self, scope: dict[str, object], receive: Receive, send: Send, row: PageRow, known: session.Viewer
    ) -> None:
        """Streamlit's page, or for whom it is not: left to Streamlit, a box in English says there is none."""
        if not any(may(known.member.role, right) for right in row.rights):
            role = say(Words(f"role.{known.member.role}"), known.member.language)
            answer = _sent_home(known, Words("dashboard.not_for_role", {"role": role}), 403)
        elif row.demo_only and not await run_in_threadpool(_is_demo, known):
            answer = _sent_home(known, NOWHERE, 404)
        else:
            await run_in_threadpool(arriving.seen, Request(scope), known)
            answer = shell.page(known.member.language)
        await answer(scope, receive, send)

    async def _shut(self, scope: dict[str, object], receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await _hang_up(receive, send)
        else:
            await Response(status_code=404)(scope, receive, send)

    async def _answer(self, scope: dict[str, object], receive: Receive, send: Send, code: str, status: int) -> None:
        if scope["type"] == "websocket":
            await _hang_up(receive, send)
        else:
            signing = status == UNKNOWN
            answer = page(
                Request(scope, receive),
                code,
                action="/auth/login" if signing else "",
                button="dashboard.enter" if signing else "",
                fields=SIGN_IN if signing else (),
                key=BY_KEY if signing else None,
                status=status,
            )
            await answer(scope, receive, send)


def _is_demo(known: session.Viewer) -> bool:
    with session.tenant()(known.tenant_id, known.actor) as scope:
        return reads.agency(scope).demo


def _sent_home(known: session.Viewer, said: Words, status: int) -> Response:
    """One sentence in the member's language, and the way home."""
    language = known.member.language
    body = render(
        "entry.html",
        language=language,
        said=say(said, language),
        action="",
        button="",
        fields=(),
        home=say(Words("dashboard.go_home"), language),
    )
    return HTMLResponse(body, status, NO_STORE)


def _cookie(scope: dict[str, object]) -> str:
    """The session's cookie, of a request or of a WebSocket's first one."""
    headers: list[tuple[bytes, bytes]] = scope["headers"]  # type: ignore[assignment]  # the ASGI scope is untyped
    request = Request({"type": "http", "headers": headers})
    return request.cookies.get(session.cookie_name(), "")


async def _hang_up(receive: Receive, send: Send) -> None:
    await receive()
    told: Message = {"type": "websocket.close", "code": 1008}
    await send(told)
