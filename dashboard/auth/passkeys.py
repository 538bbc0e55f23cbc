"""Passkeys: sign-in, registration, and signatures of actions. The browser's part is
`assets/passkey.js`."""

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

from dashboard.auth import passkey_confirmations, session_cookies
from dashboard.shell import session, widgets
from dashboard.shell.localization import MemberLocalizer
from dashboard.shell.plain_pages import NO_STORE, PasskeyForm, is_cross_site, plain_page
from dashboard.shell.session import VIEWER_SCOPE_KEY, Viewer
from foundation.errors import GreenroomError, NotFound, Refused, Unavailable
from foundation.http.request_bodies import read_body
from foundation.i18n.browser_languages import preferred_language
from foundation.i18n.translation import Message, render_message
from foundation.ops.wall_time import load_zone
from tenants.auth import ceremonies, challenges, passkeys, sessions
from tenants.auth.challenges import (
    ACT_ADD_PASSKEY,
    ACT_SECOND_FACTOR,
    ACT_SIGN_IN,
    ChallengedMember,
    RelyingParty,
)

PASSKEYS_PATH = "/auth/passkeys"
MAX_SENT = 16_384
"""Maximum bytes of a request from the script: IDs, a key and a signature."""

TOLD = ("added", "removed", "password")
"""Names of the notices that can be shown above the list of passkeys. The message code of each is
`passkey.told_<name>`."""

NAMED = (("name", "passkey.name"),)
FIRST_NAME = "Passkey"


@dataclass(frozen=True)
class _Sent:
    """A request from the script: the action, its form fields, and the authenticator's response if
    there is one."""

    act: str
    fields: Mapping[str, str]
    credential: dict[str, Any]


async def create_challenge(request: Request) -> Response:
    """Return the challenge that the authenticator signs."""
    return await _handle_passkey_request(request, _create_challenge)


async def verify_answer(request: Request) -> Response:
    """Verify the authenticator's response and perform the action."""
    return await _handle_passkey_request(request, _verify_credential)


async def _handle_passkey_request(request: Request, act: Any) -> Response:
    language = preferred_language(request.headers.get("accept-language", ""))
    if is_cross_site(request):
        return _message_response(Message("dashboard.foreign"), language, 403)
    try:
        sent = _parse_passkey_request(await _read_request_body(request))
        made: Response = await run_in_threadpool(act, request, _get_relying_party(), sent)
        return made
    except GreenroomError as refused:
        return _message_response(refused.message, language, 403)


async def _read_request_body(request: Request) -> bytes:
    body = await read_body(request.stream(), max_bytes=MAX_SENT)
    if body is None:
        raise Refused("passkey.wrong")
    return body


def _parse_passkey_request(body: bytes) -> _Sent:
    try:
        said = json.loads(body)
        fields = said.get("fields", {})
        credential = said.get("credential", {})
        if not isinstance(fields, dict) or not isinstance(credential, dict):
            raise Refused("passkey.wrong")
        return _Sent(
            str(said["act"]), {str(name): str(value) for name, value in fields.items()}, credential
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise Refused("passkey.wrong") from error


def _get_relying_party() -> RelyingParty:
    found = session.passkey_site()
    if found is None:
        raise Unavailable("passkey.not_here")
    return found


def _message_response(message: Message, language: str, status: int) -> Response:
    return JSONResponse({"said": render_message(message, language)}, status, NO_STORE)


def _create_challenge(request: Request, site: RelyingParty, sent: _Sent) -> Response:
    tenant = session.session_scope_opener()
    if sent.act == ACT_SIGN_IN:
        made = challenges.create_sign_in_challenge(tenant, site, _client_address(request))
        return _options_response(made)
    who = _resolve_challenged_member(request, sent.act)
    with tenant(who.tenant_id, who.actor_id) as scope:
        if sent.act == ACT_ADD_PASSKEY:
            made = challenges.create_registration_challenge(scope, site, who.member_id)
        else:
            about = (
                ""
                if sent.act == ACT_SECOND_FACTOR
                else passkey_confirmations.describe_act(scope, sent.act, sent.fields)
            )
            made = challenges.create_signing_challenge(
                scope, site, act=sent.act, about=about, member_id=who.member_id
            )
    return _options_response(made)


def _options_response(made: str) -> Response:
    return Response(f'{{"options":{made}}}', media_type="application/json", headers=NO_STORE)


def _verify_credential(request: Request, site: RelyingParty, sent: _Sent) -> Response:
    tenant = session.session_scope_opener()
    browser = request.headers.get("user-agent", "")
    if sent.act == ACT_SIGN_IN:
        return _build_sign_in_response(
            request, ceremonies.sign_in_with_passkey(tenant, site, sent.credential, browser=browser)
        )
    cookie = request.cookies.get(session.session_cookie_name(), "")
    who = _resolve_challenged_member(request, sent.act)
    if sent.act == ACT_SECOND_FACTOR:
        return _build_sign_in_response(
            request,
            ceremonies.pass_second_factor(
                tenant, site, who, sent.credential, session=cookie, browser=browser
            ),
        )
    if sent.act == ACT_ADD_PASSKEY and sessions.find_pending_session(tenant, cookie) is not None:
        how = {"session": cookie, "name": FIRST_NAME, "browser": browser}
        return _build_sign_in_response(
            request, ceremonies.set_up_second_factor(tenant, site, who, sent.credential, **how)
        )
    if sent.act == ACT_ADD_PASSKEY:
        ceremonies.register_passkey(
            tenant, site, who, sent.credential, name=sent.fields.get("name", "")
        )
        return _redirect_json_response(f"{PASSKEYS_PATH}?told=added")
    with tenant(who.tenant_id, who.actor_id) as scope:
        about = passkey_confirmations.describe_act(scope, sent.act, sent.fields)
    signed = ceremonies.sign_act(tenant, site, who, sent.credential, act=sent.act, about=about)
    with tenant(who.tenant_id, who.actor_id) as scope:
        return _redirect_json_response(
            passkey_confirmations.execute_act(scope, sent.act, sent.fields, signed)
        )


def _resolve_challenged_member(request: Request, act: str) -> ChallengedMember:
    """Return the member to challenge: the one of the session, or of a session that waits for a
    second factor or its setup."""
    cookie = request.cookies.get(session.session_cookie_name(), "")
    if (
        act in (ACT_SECOND_FACTOR, ACT_ADD_PASSKEY)
        and (waiting := sessions.find_pending_session(session.session_scope_opener(), cookie))
        is not None
    ):
        return _check_first_passkey(ChallengedMember(*waiting), act)
    found = None if act == ACT_SECOND_FACTOR else session.find_viewer(cookie)
    if found is None:
        raise NotFound("dashboard.signed_out")
    return ChallengedMember(found.tenant_id, found.member.id)


def _check_first_passkey(who: ChallengedMember, act: str) -> ChallengedMember:
    """Raise Refused if a member who already has a second factor tries to add another with a sign-in
    link."""
    with session.session_scope_opener()(who.tenant_id, who.actor_id) as scope:
        if act == ACT_ADD_PASSKEY and passkeys.has_second_factor(scope, who.member_id):
            raise Refused("passkey.not_first")
    return who


def _client_address(request: Request) -> str:
    return request.client.host if request.client else ""


def _redirect_json_response(to: str) -> Response:
    return JSONResponse({"to": to}, headers=NO_STORE)


def _build_sign_in_response(request: Request, opened: str) -> Response:
    """Return a JSON redirect with the cookies of the new session."""
    let_in = session_cookies.sign_in_response(request, opened)
    made = JSONResponse({"to": let_in.headers["location"]}, headers=NO_STORE)
    # There are several Set-Cookie headers, and a mapping would keep only one.
    made.raw_headers.extend(pair for pair in let_in.raw_headers if pair[0] == b"set-cookie")
    return made


def _localizer_of_viewer(who: Viewer) -> MemberLocalizer:
    return MemberLocalizer(who.member.language, load_zone(who.member.zone))


def show_passkeys(request: Request) -> Response:
    """List the member's passkeys, with forms to add and remove one."""
    told = request.query_params.get("told", "")
    return _render_passkeys_page(request, Message(f"passkey.told_{told}") if told in TOLD else None)


def _render_passkeys_page(request: Request, told: Message | None, status: int = 200) -> Response:
    who: Viewer = request.scope[VIEWER_SCOPE_KEY]
    voice = _localizer_of_viewer(who)
    with session.session_scope_opener()(who.tenant_id, who.actor) as scope:
        found = passkeys.list_passkeys(scope, who.member.id)
        now = scope.now
    form = (
        PasskeyForm(ACT_ADD_PASSKEY, "passkey.add", asked=NAMED, first=True)
        if session.passkey_site() is not None
        else None
    )
    body = widgets.render_template(
        "auth/templates/passkeys.html",
        language=voice.language,
        said=voice.text("passkey.own"),
        told=voice.message_text(told) if told is not None else "",
        action="",
        button="",
        fields=(),
        keys=found,
        key=form,
        now=now,
        voice=voice,
        word=voice.text,
    )
    return HTMLResponse(body, status, NO_STORE)


def remove_own_passkey(request: Request) -> Response:
    """Remove one of the member's passkeys."""
    if is_cross_site(request):
        return plain_page(request, "dashboard.foreign", status=403)
    who: Viewer = request.scope[VIEWER_SCOPE_KEY]
    here = request.cookies.get(session.session_cookie_name(), "")
    try:
        with session.session_scope_opener()(who.tenant_id, who.actor) as scope:
            passkeys.remove_passkey(
                scope, who.member.id, UUID(request.path_params["key"]), session=here
            )
    except ValueError:
        return _render_passkeys_page(request, Message("passkey.unknown"), 404)
    except GreenroomError as refused:
        return _render_passkeys_page(request, refused.message, 409)
    return RedirectResponse(f"{PASSKEYS_PATH}?told=removed", status_code=303, headers=NO_STORE)


def serve_script(_: Request) -> Response:
    """Serve the browser's part."""
    return Response(
        _read_passkey_script(),
        media_type="text/javascript",
        headers={"cache-control": "max-age=3600"},
    )


@cache
def _read_passkey_script() -> str:
    return (widgets.PACKAGE_ROOT / "auth/assets/passkey.js").read_text("utf-8")


ROUTES = [
    Route("/auth/passkey.js", serve_script, methods=["GET"]),
    Route("/auth/passkey/ask", create_challenge, methods=["POST"]),
    Route("/auth/passkey/answer", verify_answer, methods=["POST"]),
    Route(PASSKEYS_PATH, show_passkeys, methods=["GET"]),
    Route(f"{PASSKEYS_PATH}/remove/{{key}}", remove_own_passkey, methods=["POST"]),
]
