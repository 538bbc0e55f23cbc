"""What a member wants told by mail: one's own page, plain HTML, whatever one's role."""

from collections.abc import Callable, Mapping

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from dashboard import entry, session, widgets
from dashboard.session import Viewer
from dashboard.wording import Voice
from foundation.database import Scope
from foundation.errors import GreenroomError, Unavailable
from foundation.words import Message
from schedules.calendar import zone_of
from tenants import mails

TOLD = ("sent", "confirmed", "kept", "ended", "wrong")
HOURS = range(24)

_Act = Callable[[Request, Mapping[str, str]], Response]
_In = Callable[[Scope, Viewer], str]
"""What is done in a scope of the member; the name of the sentence that says it."""


def own(request: Request) -> Response:
    """How it stands, and what can be done about it."""
    told = request.query_params.get("told", "")
    return _drawn(request, Message(f"mails.told_{told}") if told in TOLD else None)


def _drawn(request: Request, told: Message | None, status: int = 200) -> Response:
    who: Viewer = request.scope[entry.VIEWER]
    voice = Voice(who.member.language, zone_of(who.member.zone))
    with session.tenant()(who.tenant_id, who.actor) as scope:
        wish = mails.wish(scope, who.member)
    body = widgets.render(
        "mails.html",
        language=voice.language,
        said=voice.word("mails.own"),
        told=voice.say(told) if told is not None else "",
        action="",
        button="",
        fields=(),
        wish=wish,
        missing=", ".join(session.mail_missing()),
        hours=HOURS,
        zone=who.member.zone,
        word=voice.word,
    )
    return HTMLResponse(body, status, entry.NO_STORE)


async def ask(request: Request) -> Response:
    """Send a code to the address."""
    return await _done(request, _ask)


async def confirm(request: Request) -> Response:
    """The code was typed."""
    return await _done(request, _confirm)


async def choose(request: Request) -> Response:
    """What is written, and when."""
    return await _done(request, _choose)


async def end(request: Request) -> Response:
    """Nothing any more."""
    return await _done(request, _end)


async def _done(request: Request, act: _Act) -> Response:
    if entry.foreign(request):
        return entry.page(request, "dashboard.foreign", status=403)
    typed = await entry.form(request)
    return await run_in_threadpool(act, request, typed)


def _acted(request: Request, act: _In) -> Response:
    who: Viewer = request.scope[entry.VIEWER]
    try:
        with session.tenant()(who.tenant_id, who.actor) as scope:
            told = act(scope, who)
    except GreenroomError as refused:
        return _drawn(request, refused.message, 409)
    return RedirectResponse(f"{mails.PAGE}?told={told}", status_code=303, headers=entry.NO_STORE)


def _ask(request: Request, _: Mapping[str, str]) -> Response:
    def act(scope: Scope, who: Viewer) -> str:
        if session.mail_missing():
            raise Unavailable("mails.no_server")
        mails.ask(scope, who.member.id)
        return "sent"

    return _acted(request, act)


def _confirm(request: Request, typed: Mapping[str, str]) -> Response:
    def act(scope: Scope, who: Viewer) -> str:
        return "confirmed" if mails.confirm(scope, who.member.id, typed.get("code", "")) else "wrong"

    return _acted(request, act)


def _choose(request: Request, typed: Mapping[str, str]) -> Response:
    hour = typed.get("hour", "")

    def act(scope: Scope, who: Viewer) -> str:
        brief = int(hour) if hour.isascii() and hour.isdigit() else None
        mails.choose(scope, who.member.id, urgent=typed.get("urgent") == "on", brief_hour=brief)
        return "kept"

    return _acted(request, act)


def _end(request: Request, _: Mapping[str, str]) -> Response:
    def act(scope: Scope, who: Viewer) -> str:
        mails.end(scope, who.member.id)
        return "ended"

    return _acted(request, act)


ROUTES = [
    Route(mails.PAGE, own, methods=["GET"]),
    Route(f"{mails.PAGE}/ask", ask, methods=["POST"]),
    Route(f"{mails.PAGE}/confirm", confirm, methods=["POST"]),
    Route(f"{mails.PAGE}/choose", choose, methods=["POST"]),
    Route(f"{mails.PAGE}/end", end, methods=["POST"]),
]
