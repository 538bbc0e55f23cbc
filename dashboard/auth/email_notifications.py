"""The page on which members confirm their address for email notifications: plain HTML, for all
roles."""

from collections.abc import Callable, Mapping

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from dashboard.shell import session, widgets
from dashboard.shell.localization import MemberLocalizer
from dashboard.shell.plain_pages import NO_STORE, is_cross_site, plain_page
from dashboard.shell.session import VIEWER_SCOPE_KEY, Viewer
from foundation.db.database import Scope
from foundation.errors import GreenroomError, Unavailable
from foundation.http.request_bodies import read_form
from foundation.i18n.translation import Message
from foundation.ops.wall_time import load_zone
from tenants.notices import emails, mail_servers
from tenants.notices.notice_pages import EMAIL_SETTINGS_PATH

NOTICE_CODES = ("sent", "confirmed", "ended", "wrong")

_Act = Callable[[Request, Mapping[str, str]], Response]
_In = Callable[[Scope, Viewer], str]
"""A function that runs in a scope of the member and returns the code of the notice to show."""


def show_preferences(request: Request) -> Response:
    """Show the address and the forms that confirm it."""
    told = request.query_params.get("told", "")
    return _render_emails_page(
        request, Message(f"mails.told_{told}") if told in NOTICE_CODES else None
    )


def _render_emails_page(request: Request, told: Message | None, status: int = 200) -> Response:
    who: Viewer = request.scope[VIEWER_SCOPE_KEY]
    voice = MemberLocalizer(who.member.language, load_zone(who.member.zone))
    with session.session_scope_opener()(who.tenant_id, who.actor) as scope:
        wish = emails.get_email_preference(scope, who.member)
        own_server = mail_servers.find_mail_server(scope)
    body = widgets.render_template(
        "auth/templates/email_notifications.html",
        language=voice.language,
        said=voice.text("mails.own"),
        told=voice.message_text(told) if told is not None else "",
        action="",
        button="",
        fields=(),
        wish=wish,
        missing=", ".join(() if own_server is not None else session.missing_mail_settings()),
        word=voice.text,
    )
    return HTMLResponse(body, status, NO_STORE)


async def send_code(request: Request) -> Response:
    """Send a confirmation code to the member's address."""
    return await _handle_form_post(request, _request_email_code)


async def confirm_address(request: Request) -> Response:
    """Verify the confirmation code."""
    return await _handle_form_post(request, _confirm_email)


async def end_notifications(request: Request) -> Response:
    """Turn off all email notifications of the member."""
    return await _handle_form_post(request, _unsubscribe_member)


async def _handle_form_post(request: Request, act: _Act) -> Response:
    if is_cross_site(request):
        return plain_page(request, "dashboard.foreign", status=403)
    typed = await read_form(request.stream())
    return await run_in_threadpool(act, request, typed)


def _run_email_action(request: Request, act: _In) -> Response:
    who: Viewer = request.scope[VIEWER_SCOPE_KEY]
    try:
        with session.session_scope_opener()(who.tenant_id, who.actor) as scope:
            told = act(scope, who)
    except GreenroomError as refused:
        return _render_emails_page(request, refused.message, 409)
    return RedirectResponse(f"{EMAIL_SETTINGS_PATH}?told={told}", status_code=303, headers=NO_STORE)


def _request_email_code(request: Request, _: Mapping[str, str]) -> Response:
    def act(scope: Scope, who: Viewer) -> str:
        if session.missing_mail_settings() and mail_servers.find_mail_server(scope) is None:
            raise Unavailable("mails.no_server")
        emails.send_confirmation_code(scope, who.member.id)
        return "sent"

    return _run_email_action(request, act)


def _confirm_email(request: Request, typed: Mapping[str, str]) -> Response:
    def act(scope: Scope, who: Viewer) -> str:
        return (
            "confirmed"
            if emails.confirm_email_code(scope, who.member.id, typed.get("code", ""))
            else "wrong"
        )

    return _run_email_action(request, act)


def _unsubscribe_member(request: Request, _: Mapping[str, str]) -> Response:
    def act(scope: Scope, who: Viewer) -> str:
        emails.unsubscribe(scope, who.member.id)
        return "ended"

    return _run_email_action(request, act)


ROUTES = [
    Route(EMAIL_SETTINGS_PATH, show_preferences, methods=["GET"]),
    Route(f"{EMAIL_SETTINGS_PATH}/ask", send_code, methods=["POST"]),
    Route(f"{EMAIL_SETTINGS_PATH}/confirm", confirm_address, methods=["POST"]),
    Route(f"{EMAIL_SETTINGS_PATH}/end", end_notifications, methods=["POST"]),
]
