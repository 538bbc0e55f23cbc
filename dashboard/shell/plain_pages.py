"""Plain HTML pages without Streamlit: sign-in forms, passkeys and single messages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from dashboard.shell import session
from dashboard.shell.localization import preferred_language
from dashboard.shell.widgets import render_template
from foundation.i18n.translation import Message, render_message
from tenants.auth import challenges

NO_STORE = {"cache-control": "no-store"}


@dataclass(frozen=True)
class PageFormField:
    """A field of a form on these pages; `fill` is what browsers and password keepers put there."""

    name: str
    kind: str
    label: str
    fill: str


@dataclass(frozen=True)
class PasskeyForm:
    """A form that a passkey answers: the act it is for, what goes along unseen, and what is typed
    (name, label)."""

    act: str
    button: str
    hidden: Mapping[str, str] = field(default_factory=dict)
    asked: Sequence[tuple[str, str]] = ()
    first: bool = False
    """Whether it is what the page is there for."""


SIGN_IN_FIELDS = (
    PageFormField("email", "email", "signing.email", "username"),
    PageFormField("password", "password", "signing.password", "current-password"),
)


PASSKEY_SIGN_IN = PasskeyForm(challenges.ACT_SIGN_IN, "passkey.enter")


NEW_PASSWORD_FIELDS = (
    PageFormField("password", "password", "signing.new_password", "new-password"),
)


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
    key: PasskeyForm | None = None,
    status: int = 200,
) -> HTMLResponse:
    """One sentence, a picture with what stands `below` it, the fields to fill in, and a button
    where there is something to press; a passkey where this door can ask for one."""
    language = preferred_language(request.headers.get("accept-language", ""))
    body = render_template(
        "shell/templates/plain_page.html",
        language=language,
        said=render_message(Message(code, params or {}), language),
        picture=picture,
        below=render_message(Message(below, params or {}), language) if below else "",
        action=action,
        button=render_message(Message(button), language) if button else "",
        fields=[(each, render_message(Message(each.label), language)) for each in fields],
        key=key if session.passkey_site() is not None else None,
        word=lambda code: render_message(Message(code), language),
    )
    return HTMLResponse(body, status, NO_STORE)


def is_cross_site(request: Request) -> bool:
    """Whether another site's page sent this form: nobody is signed in, or out, by somebody else's
    button."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site not in {"same-origin", "none"}
    origin = request.headers.get("origin")  # "null" from a page of ours too: it sends no referrer
    return origin is not None and origin.partition("://")[2] != request.headers.get("host", "")
