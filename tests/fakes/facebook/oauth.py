"""Apps, users, approvals and tokens of the fake Facebook, up to the access token of a Page.

Documented: a code can be used once (within ten minutes here) with the redirect URI of the request
and the app secret; permissions that a user declined are requested again only with
`auth_type=rerequest`; an approval returns a token for one or two hours, which the app secret
exchanges for one of sixty days; a user's Pages are listed with their tasks, and each returns its
token to its user; a Page token obtained with a sixty-day token does not expire, one obtained with
an hourly token expires with it. Unverified: the lifetime of a code; that the code verifier is
checked if a challenge was sent, and the error for a wrong one. Sources:
https://developers.facebook.com/docs/facebook-login/guides/advanced/manual-flow,
/docs/facebook-login/guides/access-tokens/get-long-lived,
/docs/facebook-login/guides/permissions/request-revoke, /docs/pages/getting-started,
https://github.com/jaredhanson/passport/issues/108
"""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response

from tests.fakes.facebook.state import SCOPES, Page, check, number, paged
from tests.fakes.instagram.comments import fields_of
from tests.fakes.meta.fetched_media import GraphApiError
from tests.fakes.oauth_server import App, challenge

CODE_LIVES, HOUR, LIVES = timedelta(minutes=10), timedelta(hours=1), timedelta(days=60)
READS = timedelta(days=90)
"""Period of access to a user's data after their last approval."""

ALL = ("ANALYZE", "ADVERTISE", "MESSAGING", "MODERATE", "CREATE_CONTENT", "MANAGE")


@dataclass
class Person:
    """A user with their tasks on Pages and the permissions they granted or declined."""

    username: str
    pages: dict[str, tuple[str, ...]] = field(default_factory=dict)
    granted: frozenset[str] = frozenset()
    declined: frozenset[str] = frozenset()
    unticks: frozenset[str] = frozenset()
    """Permissions that the user declines at the next request."""


@dataclass
class Authorization:
    """An approval that a code represents."""

    app: App
    person: Person
    challenge: str
    at: datetime
    used: bool = False


@dataclass
class Token:
    """A user access token."""

    app: App
    person: Person
    born: datetime
    until: datetime

    @property
    def long(self) -> bool:
        """Return True if the token is valid for sixty days."""
        return self.until - self.born > HOUR


@dataclass
class FacebookLogin:
    """Apps, users, codes and tokens for the Pages of the server."""

    clock: Callable[[], datetime]
    pages: dict[str, Page]
    people: dict[str, Person] = field(default_factory=dict)
    apps: dict[str, App] = field(default_factory=dict)
    codes: dict[str, Authorization] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)

    def application(self, redirect: str) -> App:
        """Create an app."""
        made = App(number(), secrets.token_hex(16), (redirect,))
        self.apps[made.client_id] = made
        return made

    def person(self, username: str, *pages: Page) -> Person:
        """Create a user who manages these Pages."""
        made = self.people[username] = Person(username, {one.id: ALL for one in pages})
        return made

    def approve(self, query: Mapping[str, str], username: str) -> str:
        """Return the URL to which the browser is redirected after a user approves. An unknown
        `username`, such as "", denies. Raise GraphApiError if no redirect happens."""
        app, scopes = self._asked(query), frozenset(query.get("scope", "").split(","))
        state = {"state": query["state"]} if "state" in query else {}
        person = self.people.get(username)
        if person is None:
            no = {"error": "access_denied", "error_code": "200", "error_reason": "user_denied"}
            return f"{app.redirects[0]}?{urlencode({**no, **state})}"
        shown = scopes if query.get("auth_type") == "rerequest" else scopes - person.declined
        person.declined = (person.declined - shown) | (shown & person.unticks)
        person.granted = (person.granted | shown) - person.declined
        code = f"AQ{secrets.token_urlsafe(120)}"
        self.codes[code] = Authorization(app, person, query.get("code_challenge", ""), self.clock())
        return f"{app.redirects[0]}?{urlencode({'code': code, **state})}#_=_"

    def _asked(self, query: Mapping[str, str]) -> App:
        app = self.apps.get(query.get("client_id", ""))
        if app is None:
            raise GraphApiError(
                101, message="The application is not set up: it is in development, or no such one"
            )
        if query.get("redirect_uri") not in app.redirects:
            raise GraphApiError(
                191,
                message="URL blocked: the redirect URI is not white-listed in the app's settings",
            )
        if (
            query.get("response_type") != "code"
            or not set(query.get("scope", "").split(",")) <= SCOPES
        ):
            raise GraphApiError(100, message=f"Invalid Scopes: {query.get('scope')}")
        return app

    def redeem(self, said: Mapping[str, str]) -> dict[str, Any]:
        """Exchange a code for a user token, or an hourly token for one of sixty days. Raise
        GraphApiError."""
        app = self.apps.get(said.get("client_id", ""))
        if app is None:
            raise GraphApiError(
                101, message="Error validating application. Cannot get application info"
            )
        if not secrets.compare_digest(said.get("client_secret", ""), app.secret):
            raise GraphApiError(1, message="Error validating client secret.")
        if said.get("grant_type") == "fb_exchange_token":
            return self._given(self.known(said.get("fb_exchange_token", "")), LIVES)
        yes = self.codes.get(said.get("code", ""))
        if yes is None or yes.app is not app:
            raise GraphApiError(100, message="Invalid verification code format.")
        if yes.used:
            raise GraphApiError(100, 36009, message="This authorization code has been used.")
        if self.clock() - yes.at >= CODE_LIVES:
            raise GraphApiError(100, 36007, message="This authorization code has expired.")
        if said.get("redirect_uri") not in app.redirects:
            raise GraphApiError(
                100,
                36008,
                message="Error validating verification code. Is your redirect_uri identical?",
            )
        if yes.challenge and challenge(said.get("code_verifier", "")) != yes.challenge:
            raise GraphApiError(
                100, message="Error validating verification code. Invalid code_verifier."
            )
        yes.used = True
        return self._given(Token(app, yes.person, self.clock(), self.clock() + HOUR), HOUR)

    def _given(self, found: Token, lives: timedelta) -> dict[str, Any]:
        name, now = f"EAAU{secrets.token_urlsafe(90)}", self.clock()
        self.tokens[name] = Token(found.app, found.person, now, now + lives)
        return {
            "access_token": name,
            "token_type": "bearer",
            "expires_in": int(lives.total_seconds()),
        }

    def known(self, shown: str) -> Token:
        """Return a valid token. Raise GraphApiError."""
        found = self.tokens.get(shown)
        if found is None or self.clock() >= found.until:
            raise GraphApiError(
                190, 463, message="Error validating access token: Session has expired"
            )
        return found

    def answer(
        self, parts: list[str], told: Mapping[str, Any], shown: str
    ) -> dict[str, Any] | None:
        """Answer a request with a user token. Return None for any other token. Raise GraphApiError."""
        if shown not in self.tokens:
            return None
        found = self.known(shown)
        person, fields = (
            found.person,
            fields_of(str(told.get("fields", "id,name,access_token,tasks"))),
        )
        if "pages_show_list" not in person.granted:
            raise GraphApiError(
                200, status=403, message="(#200) Requires pages_show_list permission"
            )
        if parts == ["me", "accounts"]:
            check(fields, frozenset({"id", "name", "access_token", "tasks", "category"}))
            mine = [self.pages[one] for one in person.pages]
            return paged(mine, lambda one: self._told(found, one, set(fields)), told)
        if len(parts) == 1 and parts[0] in person.pages:
            check(fields, frozenset({"id", "name", "access_token", "followers_count"}))
            return self._told(found, self.pages[parts[0]], set(fields))
        raise GraphApiError(
            100, 33, message="Unsupported get request. It does not exist, or cannot be loaded"
        )

    def _told(self, found: Token, page: Page, fields: set[str]) -> dict[str, Any]:
        told: dict[str, Any] = {
            "id": page.id,
            "name": page.name,
            "tasks": list(found.person.pages[page.id]),
        }
        if "access_token" in fields:
            page.rights = found.person.granted
            page.expires_at = 0 if found.long else int(found.until.timestamp())
            page.reads_until = int((self.clock() + READS).timestamp())
            told["access_token"] = page.token
        return {name: value for name, value in told.items() if name in fields}


def answer_login_request(login: FacebookLogin, request: Request, path: str) -> Response | None:
    """Answer a request about a login or a user token. Return None for any other request. Raise
    GraphApiError."""
    query = dict(request.query_params)
    if path == "dialog/oauth" and request.method == "GET":
        if (name := query.pop("approve", None)) is not None:
            return RedirectResponse(login.approve(query, name), 302)
        return PlainTextResponse(f"{login._asked(query).client_id} asks for {query['scope']}")
    if path == "oauth/access_token" and request.method == "GET":
        return JSONResponse(login.redeem(query))
    return None
