"""The page on which members turn on browser notifications: plain HTML with a script, for all roles.

`assets/push.js` subscribes the browser, and the service worker `assets/push_worker.js` shows the
messages.
"""

import json
from functools import cache

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from connectors.transport import web_push
from dashboard.shell import session, widgets
from dashboard.shell.localization import MemberLocalizer, browser_label
from dashboard.shell.plain_pages import NO_STORE, is_cross_site
from dashboard.shell.session import VIEWER_SCOPE_KEY, Viewer
from foundation.errors import BadInput, GreenroomError
from foundation.http.request_bodies import read_body
from foundation.i18n.translation import Message
from foundation.ops.wall_time import load_zone
from tenants.notices import push_subscriptions
from tenants.notices.member_messages import PushSubscription

PUSH_SETTINGS_PATH = "/auth/push"
MAX_SENT = 4096
"""Maximum bytes of a subscription."""


def show_push_settings(request: Request) -> Response:
    """Show the button that subscribes this browser."""
    who: Viewer = request.scope[VIEWER_SCOPE_KEY]
    voice = MemberLocalizer(who.member.language, load_zone(who.member.zone))
    key = web_push.derive_push_key(session.second_factor_key())
    body = widgets.render_template(
        "auth/templates/push_notifications.html",
        language=voice.language,
        said=voice.text("push.own"),
        action="",
        button="",
        fields=(),
        public_key=web_push.public_key_of(key),
        path=PUSH_SETTINGS_PATH,
        word=voice.text,
    )
    return HTMLResponse(body, headers=NO_STORE)


async def add_browser(request: Request) -> Response:
    """Store the subscription that the script sent."""
    who: Viewer = request.scope[VIEWER_SCOPE_KEY]
    if is_cross_site(request):
        return _answer(who, Message("dashboard.foreign"), 403)
    body = await read_body(request.stream(), max_bytes=MAX_SENT)
    try:
        given = _parse_subscription(body or b"")
        await run_in_threadpool(_store_browser, who, given, request.headers.get("user-agent", ""))
    except GreenroomError as refused:
        return _answer(who, refused.message, 400)
    return _answer(who, Message("push.on"), 200)


def _parse_subscription(body: bytes) -> PushSubscription:
    """Return the subscription of a `PushSubscription.toJSON()`. Raises BadInput."""
    try:
        sent = json.loads(body)
        given = [sent["endpoint"], sent["keys"]["p256dh"], sent["keys"]["auth"]]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BadInput("push.keys") from error
    if not all(isinstance(one, str) for one in given):
        raise BadInput("push.keys")
    return PushSubscription(*given)


def _store_browser(who: Viewer, given: PushSubscription, agent: str) -> None:
    with session.session_scope_opener()(who.tenant_id, who.actor) as scope:
        push_subscriptions.add_browser(scope, who.member.id, given, label=browser_label(agent))


def _answer(who: Viewer, said: Message, status: int) -> Response:
    voice = MemberLocalizer(who.member.language, load_zone(who.member.zone))
    return JSONResponse({"message": voice.message_text(said)}, status, NO_STORE)


@cache
def _read_script(name: str) -> str:
    return (widgets.PACKAGE_ROOT / f"auth/assets/{name}.js").read_text("utf-8")


async def serve_push_script(_: Request) -> Response:
    """Serve the script of the page."""
    return Response(_read_script("push"), media_type="text/javascript", headers=NO_STORE)


async def serve_push_worker(_: Request) -> Response:
    """Serve the service worker. Its scope is the folder of its address, which no page uses."""
    return Response(_read_script("push_worker"), media_type="text/javascript", headers=NO_STORE)


ROUTES = [
    Route(PUSH_SETTINGS_PATH, show_push_settings, methods=["GET"]),
    Route(f"{PUSH_SETTINGS_PATH}/subscribe", add_browser, methods=["POST"]),
    Route(f"{PUSH_SETTINGS_PATH}/push.js", serve_push_script, methods=["GET"]),
    Route(f"{PUSH_SETTINGS_PATH}/worker.js", serve_push_worker, methods=["GET"]),
]
