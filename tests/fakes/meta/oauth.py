"""Sign-in at the fake Instagram and the fake Threads.

Documented: a code can be used once, within an hour, with the redirect URI of its request; redirects
end in `#_`; a code returns a token of one hour, which the app's secret exchanges for one of 60
days; such a token can be renewed from one day after its issue until it expires, and the old one
remains valid; tokens are exchanged by GET with every parameter in the query, without a version, and
not by POST (as developers report); Instagram wraps the response to a code in a list, with the
permissions. Unverified: the error for a token that is too young (`young`); the response to a wrong
secret; that PKCE has no effect; that a denial returns the state.

Sources:
https://developers.facebook.com/docs/instagram-platform/instagram-api-with-instagram-login/business-login,
/docs/instagram-platform/reference/refresh_access_token,
/docs/threads/get-started/get-access-tokens-and-permissions,
/docs/threads/get-started/long-lived-tokens,
https://github.com/stevenschobert/instafeed.js/issues/654
"""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar
from urllib.parse import parse_qsl

from fastapi import Request
from fastapi.responses import JSONResponse, Response

from tests.fakes.meta.fetched_media import GraphApiError
from tests.fakes.oauth_server import App, Form, Grant, Json, OAuthServer, Token, read_text

HOUR, DAY, LIVES = timedelta(hours=1), timedelta(hours=24), timedelta(days=60)
EXPIRED, TAKEN_BACK, PASSWORD = 463, 458, 460
OFFICES = {
    "oauth/access_token": "tokens",
    "access_token": "exchanges",
    "refresh_access_token": "refreshes",
}
"""Kind of request for the fault book, by the path of each token endpoint."""


@dataclass(eq=False)
class LongToken(Token):
    """A token of an hour or of 60 days. `over` is the error subcode of the reason why it ended, or
    0."""

    over: int = 0

    @property
    def long(self) -> bool:
        """Return True for a token of 60 days."""
        return self.until is not None and self.until - self.issued_at > HOUR


class OAuthError(Exception):
    """An error in the format of the sign-in."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error_type": "OAuthException", "code": status, "error_message": message}


class OAuth(OAuthServer):
    """The clients, codes and tokens of one of the two platforms."""

    prefix: str  # Prefix of tokens.
    grant_prefix: str  # Prefix of the names of grants.
    basic: str  # The scope that every approval and renewal requires.
    wraps = False  # True if the response to a code is in a list, with its permissions.
    young = (100, 0)

    refusal = OAuthError
    errors: ClassVar = {
        "page.client": ("", "Invalid platform app"),
        "page.redirect": ("", "Invalid redirect_uri"),
        "page.account": ("", "Insufficient developer role"),
        "unsupported_response_type": ("", "Invalid response_type"),
        "invalid_scope": ("", "Invalid scope"),
        "client": ("", "Invalid platform app"),
        "client.secret": ("", "Error validating client secret."),
        "code": ("", "Matching code was not found or was already used"),
        "redirect": ("", "Error validating verification code: your redirect_uri is not identical"),
    }
    formats: ClassVar = {"code": "AQ{}"}
    client_auth = ("post",)
    grant_types = ("authorization_code",)
    scope_separators = ","
    pkce = "ignored"
    error_fields: ClassVar = {"error_reason": "user_denied", "error_description": "{}"}
    redirect_suffix = "#_"
    code_lives = HOUR

    def __init__(self, world: Any, **parameters: Any) -> None:
        super().__init__(world, **parameters)
        self.asked: list[str] = []  # The grants that were given, in order.

    def make_name(self, kind: str, member: Any = None) -> str:
        if kind == "client_id":
            return str(secrets.randbelow(10**15) + 10**15)
        return (self.prefix if kind == "access" else "") + super().make_name(kind, member)

    def build_error(self, error: str, description: str, status: int) -> Exception:
        return OAuthError(status, description)

    def show_error(self, refusal: Any) -> Response:
        return JSONResponse(refusal.body, refusal.status)

    def find_error(self, app: App, query: Form) -> str:
        missing = "" if self.basic in self.read_scopes(query) else "invalid_scope"
        return super().find_error(app, query) or missing

    def give(self, member: Any, lives: timedelta = LIVES, app: Any = None) -> str:
        """Return a new token of an account."""
        name, now = self.make_name("access"), self.world.clock()
        self.tokens[name] = LongToken(member, app, (), now, now + lives)
        return name

    def end(self, member: Any, why: int = TAKEN_BACK) -> None:
        """End every token of an account."""
        for one in self.tokens.values():
            one.over = why if one.member is member else one.over

    def known(self, shown: str) -> LongToken:
        """Return a token that is currently valid. Raise GraphApiError."""
        found: LongToken | None = self.tokens.get(shown)
        if found is None:
            message = "Invalid OAuth access token - Cannot parse access token"
            raise GraphApiError(190, message=message)
        expired = found.until is not None and self.world.clock() >= found.until
        if found.over or expired:
            message = "Error validating access token: Session has expired or is invalid"
            raise GraphApiError(190, found.over or EXPIRED, message=message)
        return found

    def issue(self, grant: Grant, scopes: tuple[str, ...], old: Token | None = None) -> Json:
        grant.member.rights = frozenset(scopes)
        self.asked.append("authorization_code")
        token = self.give(grant.member, HOUR, grant.app)
        answer = {"access_token": token, "user_id": int(grant.member.id)}
        return {"data": [answer | {"permissions": ",".join(scopes)}]} if self.wraps else answer

    def extend(self, form: Form, *, renewal: bool) -> Json:
        """Return a token of 60 days for one of an hour or for a previous one. Raise GraphApiError."""
        grant = f"{self.grant_prefix}_{'refresh' if renewal else 'exchange'}_token"
        fields = {"grant_type", "access_token", "client_secret"}
        if form.get("grant_type") != grant or set(form) - fields:
            raise GraphApiError(100, message="Unsupported request - method type: get")
        found = self.known(read_text(form, "access_token"))
        secret = found.app.secret if found.app is not None else ""
        matches = secrets.compare_digest(read_text(form, "client_secret"), secret)
        if not renewal and (found.long or not matches):
            raise GraphApiError(100, message="Error validating client secret.")
        if renewal and (not found.long or self.world.clock() - found.issued_at < DAY):
            raise GraphApiError(*self.young, message="The access token is not old enough")
        if self.basic not in found.member.rights:
            raise GraphApiError(
                10, message="(#10) Application does not have permission for this action"
            )
        self.asked.append(grant)
        made, lives = self.give(found.member, app=found.app), int(LIVES.total_seconds())
        return {"access_token": made, "token_type": "bearer", "expires_in": lives}


def answer_oauth_request(oauth: OAuth, request: Request, path: str, body: bytes) -> Response | None:
    """Return the response to a request of the sign-in; None for any other request."""
    query = dict(request.query_params)
    try:
        if path == "oauth/authorize" and request.method == "GET":
            return oauth.show_page(query)
        if path == "oauth/access_token" and request.method == "POST":
            return JSONResponse(oauth.exchange(dict(parse_qsl(body.decode()))))
        if path in OFFICES and request.method == "GET" and "/" not in path:
            return JSONResponse(oauth.extend(query, renewal=path == "refresh_access_token"))
        if path in OFFICES:
            message = f"Unsupported request - method type: {request.method.lower()}"
            raise GraphApiError(100, message=message)
    except (OAuthError, GraphApiError) as refusal:
        return JSONResponse(refusal.body, refusal.status)
    return None
