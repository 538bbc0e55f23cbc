"""Passkeys at the door: signing in, one's own list, the signature under an act. The browser's half is one script."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from dashboard import arriving, confirming, entry, session, widgets
from dashboard.entry import KeyForm
from dashboard.session import Viewer
from dashboard.wording import Voice, asked
from foundation.errors import GreenroomError, NotFound, Refused, Unavailable
from foundation.words import Message, say
from schedules.calendar import zone_of
from tenants import ceremonies, challenges, login, passkeys
from tenants.challenges import ADD, ENTER, SECOND, Site, Who

PAGE = "/auth/passkeys"
MOST_SENT = 16_384
"""Bytes of an answer: ids, a key and a signature."""

TOLD = ("added", "removed", "password")
"""What the list of one's own passkeys may say first: `passkey.told_<word>`."""

NAMED = (("name", "passkey.name"),)
FIRST_NAME = "Passkey"


@dataclass(frozen=True)
class _Sent:
    """What a script sent: the act, its fields, and the authenticator's answer where there is one."""

    act: str
    fields: Mapping[str, str]
    credential: dict[str, Any]


async def ask(request: Request) -> Response:
    """What the browser's authenticator is to sign."""
    return await _answered(request, _ask)


async def answer(request: Request) -> Response:
    """What it signed, and the act that follows."""
    return await _answered(request, _answer)


async def _answered(request: Request, act: Any) -> Response:
    language = asked(request.headers.get("accept-language", ""))
    if entry.foreign(request):
        return _said(Message("dashboard.foreign"), language, 403)
    try:
        sent = _read(await _body(request))
        made: Response = await run_in_threadpool(act, request, _site(), sent)
        return made
    except GreenroomError as refused:
        return _said(refused.message, language, 403)


async def _body(request: Request) -> bytes:
    found = b""
    async for part in request.stream():
        found += part
        if len(found) > MOST_SENT:
            raise Refused("passkey.wrong")
    return found


def _read(body: bytes) -> _Sent:
    try:
        said = json.loads(body)
        fields, credential = said.get("fields", {}), said.get("credential", {})
        if not isinstance(fields, dict) or not isinstance(credential, dict):
            raise Refused("passkey.wrong")
        return _Sent(str(said["act"]), {str(name): str(value) for name, value in fields.items()}, credential)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise Refused("passkey.wrong") from error


def _site() -> Site:
    found = session.site()
    if found is None:
        raise Unavailable("passkey.not_here")
    return found


def _said(message: Message, language: str, status: int) -> Response:
    return JSONResponse({"said": say(message, language)}, status, entry.NO_STORE)


def _ask(request: Request, site: Site, sent: _Sent) -> Response:
    tenant = session.tenant()
    if sent.act == ENTER:
        made = challenges.ask_stranger(tenant, site, _address(request))
        return _options(made)
    who = _who(request, sent.act)
    with tenant(who.tenant_id, who.actor) as scope:
        if sent.act == ADD:
            made = challenges.ask_new(scope, site, who.member_id)
        else:
            about = "" if sent.act == SECOND else confirming.about(scope, sent.act, sent.fields)
            made = challenges.ask(scope, site, act=sent.act, about=about, member_id=who.member_id)
    return _options(made)


def _options(made: str) -> Response:
    return Response(f'{{"options":{made}}}', media_type="application/json", headers=entry.NO_STORE)


def _answer(request: Request, site: Site, sent: _Sent) -> Response:
    tenant, browser = session.tenant(), request.headers.get("user-agent", "")
    if sent.act == ENTER:
        return _in(request, ceremonies.enter(tenant, site, sent.credential, browser=browser))
    cookie, who = request.cookies.get(session.cookie_name(), ""), _who(request, sent.act)
    if sent.act == SECOND:
        return _in(request, ceremonies.second(tenant, site, who, sent.credential, session=cookie, browser=browser))
    if sent.act == ADD and login.waiting(tenant, cookie) is not None:
        how = {"session": cookie, "name": FIRST_NAME, "browser": browser}
        return _in(request, ceremonies.set_up(tenant, site, who, sent.credential, **how))
    if sent.act == ADD:
        ceremonies.keep_new(tenant, site, who, sent.credential, name=sent.fields.get("name", ""))
        return _on(f"{PAGE}?told=added")
    with tenant(who.tenant_id, who.actor) as scope:
        about = confirming.about(scope, sent.act, sent.fields)
    signed = ceremonies.sign(tenant, site, who, sent.credential, act=sent.act, about=about)
    with tenant(who.tenant_id, who.actor) as scope:
        return _on(confirming.done(scope, sent.act, sent.fields, signed))


def _who(request: Request, act: str) -> Who:
    """Who is asked: the member of the session; for a second factor, or the first of all, of one that waits."""
    cookie = request.cookies.get(session.cookie_name(), "")
    if act in (SECOND, ADD) and (waiting := login.waiting(session.tenant(), cookie)) is not None:
        return _waits(Who(*waiting), act)
    found = None if act == SECOND else session.viewer(cookie)
    if found is None:
        raise NotFound("dashboard.signed_out")
    return Who(found.tenant_id, found.member.id)


def _waits(who: Who, act: str) -> Who:
    """Raises Refused for somebody who has a factor, and comes with a link to add another one."""
    with session.tenant()(who.tenant_id, who.actor) as scope:
        if act == ADD and passkeys.factor(scope, who.member_id):
            raise Refused("passkey.not_first")
    return who


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _on(to: str) -> Response:
    return JSONResponse({"to": to}, headers=entry.NO_STORE)


def _in(request: Request, opened: str) -> Response:
    """On with the cookies of a new session."""
    let_in = arriving.let_in(request, opened)
    made = JSONResponse({"to": let_in.headers["location"]}, headers=entry.NO_STORE)
    made.raw_headers.extend(pair for pair in let_in.raw_headers if pair[0] == b"set-cookie")
    return made


def _voice(who: Viewer) -> Voice:
    return Voice(who.member.language, zone_of(who.member.zone))


def own(request: Request) -> Response:
    """A member's own passkeys: those there are, one more, one less."""
    told = request.query_params.get("told", "")
    return _own(request, Message(f"passkey.told_{told}") if told in TOLD else None)


def _own(request: Request, told: Message | None, status: int = 200) -> Response:
    who: Viewer = request.scope[entry.VIEWER]
    voice = _voice(who)
    with session.tenant()(who.tenant_id, who.actor) as scope:
        found, now = passkeys.keys(scope, who.member.id), scope.now
    form = KeyForm(ADD, "passkey.add", asked=NAMED, first=True) if session.site() is not None else None
    body = widgets.render(
        "passkeys.html",
        language=voice.language,
        said=voice.word("passkey.own"),
        told=voice.say(told) if told is not None else "",
        action="",
        button="",
        fields=(),
        keys=found,
        key=form,
        now=now,
        voice=voice,
        word=voice.word,
    )
    return HTMLResponse(body, status, entry.NO_STORE)


def remove(request: Request) -> Response:
    """Put one of one's own passkeys away."""
    if entry.foreign(request):
        return entry.page(request, "dashboard.foreign", status=403)
    who: Viewer = request.scope[entry.VIEWER]
    here = request.cookies.get(session.cookie_name(), "")
    try:
        with session.tenant()(who.tenant_id, who.actor) as scope:
            passkeys.remove(scope, who.member.id, UUID(request.path_params["key"]), session=here)
    except ValueError:
        return _own(request, Message("passkey.unknown"), 404)
    except GreenroomError as refused:
        return _own(request, refused.message, 409)
    return RedirectResponse(f"{PAGE}?told=removed", status_code=303, headers=entry.NO_STORE)


def script(_: Request) -> Response:
    """The browser's half."""
    return Response(_script(), media_type="text/javascript", headers={"cache-control": "max-age=3600"})


@cache
def _script() -> str:
    return (widgets.HERE / "templates" / "passkey.js").read_text("utf-8")


ROUTES = [
    Route("/auth/passkey.js", script, methods=["GET"]),
    Route("/auth/passkey/ask", ask, methods=["POST"]),
    Route("/auth/passkey/answer", answer, methods=["POST"]),
    Route(PAGE, own, methods=["GET"]),
    Route(f"{PAGE}/remove/{{key}}", remove, methods=["POST"]),
]
