"""The second factor at sign-in: set up an authenticator app or passkey, then verify codes or
signatures."""

from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from dashboard.auth import session_cookies
from dashboard.shell import session, widgets
from dashboard.shell.plain_pages import (
    NO_STORE,
    PageFormField,
    PasskeyForm,
    is_cross_site,
    plain_page,
)
from foundation.errors import Refused, Unavailable
from foundation.http.request_bodies import read_form
from tenants.agencies import queries
from tenants.auth import challenges, passkeys, second_factor, sessions
from tenants.auth.second_factor import TotpEnrolment

CODE_FIELDS = (PageFormField("code", "text", "second.code", "one-time-code"),)
SETUP_PROMPT = "second.set_up"
"""Prompt for a new app. It includes the secret as text for members who cannot scan the QR code;
with any other prompt, the secret is shown below it."""


async def show_second_factor(request: Request) -> Response:
    """Show the form, with a QR code if no app is set up yet."""
    return await run_in_threadpool(_render_second_factor, request)


def _render_second_factor(request: Request) -> Response:
    try:
        ways = _load_factor_options(request)
    except Refused:
        return RedirectResponse("/auth/login", status_code=303, headers=NO_STORE)
    except Unavailable as missing:
        return plain_page(request, missing.message.code, status=503)
    return _render_code_form(request, SETUP_PROMPT if ways.offer else ways.prompt_code, ways)


@dataclass(frozen=True)
class SecondFactorOptions:
    """The ways to complete sign-in: `offer` sets up an app; `app` and `passkeys` are True if the
    member has one."""

    offer: TotpEnrolment | None
    app: bool
    passkeys: bool

    @property
    def prompt_code(self) -> str:
        """The message code of the prompt."""
        return "second.welcome" if self.app else "second.by_passkey"

    @property
    def passkey_form(self) -> PasskeyForm | None:
        """The form to use a passkey or to register the first one, or None."""
        if self.passkeys:
            return PasskeyForm(challenges.ACT_SECOND_FACTOR, "passkey.enter", first=not self.app)
        return (
            PasskeyForm(challenges.ACT_ADD_PASSKEY, "passkey.set_up")
            if self.offer is not None
            else None
        )


def _load_factor_options(request: Request) -> SecondFactorOptions:
    found = sessions.find_pending_session(
        session.session_scope_opener(), request.cookies.get(session.session_cookie_name(), "")
    )
    if found is None:
        raise Refused("login.link_spent")
    with session.session_scope_opener()(found[0], f"member:{found[1]}") as scope:
        offer = second_factor.pending_enrolment(
            scope,
            session.second_factor_key(),
            found[1],
            name=queries.get_member(scope, found[1]).email,
        )
        return SecondFactorOptions(
            offer,
            passkeys.has_authenticator_app(scope, found[1]),
            bool(passkeys.list_passkeys(scope, found[1])),
        )


def _render_code_form(
    request: Request,
    code: str,
    ways: SecondFactorOptions,
    *,
    status: int = 200,
    **params: str | int,
) -> Response:
    told = {**params, "letters": ways.offer.letters} if ways.offer is not None else params
    types = ways.app or ways.offer is not None
    return plain_page(
        request,
        code,
        params=told,
        action=session_cookies.SECOND_FACTOR_PATH if types else "",
        button="dashboard.enter" if types else "",
        fields=CODE_FIELDS if types else (),
        picture=widgets.qr_svg(ways.offer.address) if ways.offer is not None else "",
        below="second.letters" if ways.offer is not None and code != SETUP_PROMPT else "",
        key=ways.passkey_form,
        status=status,
    )


async def verify_second_factor(request: Request) -> Response:
    """Verify the six-digit code and complete the pending session."""
    if is_cross_site(request):
        return plain_page(request, "dashboard.foreign", status=403)
    typed = await read_form(request.stream())
    return await run_in_threadpool(_verify_entered_code, request, typed.get("code", ""))


def _verify_entered_code(request: Request, code: str) -> Response:
    waiting = request.cookies.get(session.session_cookie_name(), "")
    browser = request.headers.get("user-agent", "")
    try:
        opened = second_factor.verify_code(
            session.session_scope_opener(),
            session.second_factor_key(),
            waiting,
            code,
            browser=browser,
        )
    except Refused as refused:
        if refused.message.code == "login.link_spent":
            return RedirectResponse("/auth/login", status_code=303, headers=NO_STORE)
        return _render_code_form(
            request,
            refused.message.code,
            _load_factor_options(request),
            status=403,
            **refused.message.params,
        )
    return session_cookies.sign_in_response(request, opened)


ROUTES = [
    Route(session_cookies.SECOND_FACTOR_PATH, show_second_factor, methods=["GET"]),
    Route(session_cookies.SECOND_FACTOR_PATH, verify_second_factor, methods=["POST"]),
]
