"""Plain HTML pages without Streamlit: sign-in forms, passkeys and single messages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from dashboard.shell import session
from dashboard.shell.widgets import render_template
from foundation.i18n.browser_languages import preferred_language
from foundation.i18n.translation import Message, render_message
from tenants.auth import challenges

NO_STORE = {"cache-control": "no-store"}


@dataclass(frozen=True)
class PageFormField:
    """A field of a form. `fill` is the value of its `autocomplete` attribute."""

    name: str
    kind: str
    label: str
    fill: str


@dataclass(frozen=True)
class PasskeyForm:
    """A form that is submitted with a passkey: the action, hidden fields, and input fields (name,
    label)."""

    act: str
    button: str
    hidden: Mapping[str, str] = field(default_factory=dict)
    asked: Sequence[tuple[str, str]] = ()
    first: bool = False
    """True if it is the main action of the page."""


SIGN_IN_FIELDS = (
    PageFormField("email", "email", "signing.email", "username"),
    PageFormField("password", "password", "signing.password", "current-password"),
)


PASSKEY_SIGN_IN = PasskeyForm(challenges.ACT_SIGN_IN, "passkey.enter")


NEW_PASSWORD_FIELDS = (
    PageFormField("password", "password", "signing.new_password", "new-password"),
)
EMAIL_FIELDS = (SIGN_IN_FIELDS[0],)
FORGOT_PASSWORD = ("/auth/forgot", "signing.forgot")
"""Address and label of the link below the sign-in form."""


def plain_page(
    request: Request,
    code: str,
    *,
    params: Mapping[str, str | int] | None = None,
    action: str = "",
    button: str = "",
    fields: Sequence[PageFormField] = (),
    picture: Markup | str = "",
    below: str = "",
    below_params: Mapping[str, str | int] | None = None,
    key: PasskeyForm | None = None,
    status: int = 200,
    values: Mapping[str, str] | None = None,
    link: tuple[str, str] = ("", ""),
    language: str = "",
) -> HTMLResponse:
    """Render a page with one message, and optionally a picture, a text below it, a form, a passkey
    form and a link.

    `values` are the values of fields by name, and `link` is an address with the code of its label.
    `language` is that of the member, and by default the browser's. The passkey form is omitted if
    passkeys are not available at this address.
    """
    language = language or preferred_language(request.headers.get("accept-language", ""))
    body = render_template(
        "shell/templates/plain_page.html",
        language=language,
        said=render_message(Message(code, params or {}), language),
        picture=picture,
        below=render_message(Message(below, below_params or params or {}), language)
        if below
        else "",
        action=action,
        button=render_message(Message(button), language) if button else "",
        fields=[(each, render_message(Message(each.label), language)) for each in fields],
        key=key if session.passkey_site() is not None else None,
        values=values or {},
        link=link[0],
        link_text=link[1],
        word=lambda code: render_message(Message(code), language),
    )
    return HTMLResponse(body, status, NO_STORE)


def is_cross_site(request: Request) -> bool:
    """Return True if a page of another site submitted the form. Other sites must not be able to
    sign a member in or out."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site not in {"same-origin", "none"}
    # pages of this site send "null" too, because they send no referrer
    origin = request.headers.get("origin")
    return origin is not None and origin.partition("://")[2] != request.headers.get("host", "")
