"""Applications, people and their yes on the fake Facebook, and what leads to the token of a Page.

Documented: a code is good once, for ten minutes here, with the address it was asked with and the
application's secret; what somebody left unticked is asked for again with `auth_type=rerequest`
alone; a yes gives a token of an hour or two, which with the secret gives one of sixty days; a
person's Pages are listed with their tasks, and one tells its token to its person; of a token for
sixty days a Page's has no end, of one for an hour it has the same. Unverified: for how long a code
holds; that a verifier is looked at where a challenge came, and what a wrong one is told. Sources:
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
"""For so long after their last yes somebody's data may be read."""

ALL = ("ANALYZE", "ADVERTISE", "MESSAGING", "MODERATE", "CREATE_CONTENT", "MANAGE")


@dataclass
class Person:
    """Somebody with an account, the Pages they have tasks on, and the rights they said yes and no
    to."""

    username: str
    pages: dict[str, tuple[str, ...]] = field(default_factory=dict)
    granted: frozenset[str] = frozenset()
    declined: frozenset[str] = frozenset()
    unticks: frozenset[str] = frozenset()
    """What they leave out the next time they are asked."""


@dataclass
class Authorization:
    """What a code stands for."""

    app: App
    person: Person
    challenge: str
    at: datetime
    used: bool = False


@dataclass
class Token:
    """A person's token."""

    app: App
    person: Person
    born: datetime
    until: datetime

    @property
    def long(self) -> bool:
        """Whether it is one of sixty days."""
        return self.until - self.born > HOUR


@dataclass
class FacebookLogin:
    """All of them, over the Pages of the server."""

    clock: Callable[[], datetime]
    pages: dict[str, Page]
    people: dict[str, Person] = field(default_factory=dict)
    apps: dict[str, App] = field(default_factory=dict)
    codes: dict[str, Authorization] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)

    def application(self, redirect: str) -> App:
        """Set an application up."""
        made = App(number(), secrets.token_hex(16), (redirect,))
        self.apps[made.client_id] = made
        return made

    def person(self, username: str, *pages: Page) -> Person:
        """Somebody who runs these Pages."""
        made = self.people[username] = Person(username, {one.id: ALL for one in pages})
        return made

    def approve(self, query: Mapping[str, str], username: str) -> str:
        """Where the browser goes after somebody said yes; "" is nobody, who says no. Raises
        Refused: nobody goes."""
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
        """A person's token for a code, or one of sixty days for one of an hour. Raises Refused."""
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
        """What a token stands for. Raises Refused."""
        found = self.tokens.get(shown)
        if found is None or self.clock() >= found.until:
            raise GraphApiError(
                190, 463, message="Error validating access token: Session has expired"
            )
        return found

    def answer(
        self, parts: list[str], told: Mapping[str, Any], shown: str
    ) -> dict[str, Any] | None:
        """What a person's token is told; None for any other token. Raises Refused."""
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
    """The answer to a request about a yes or a person's token; None for any other. Raises
    Refused."""
    query = dict(request.query_params)
    if path == "dialog/oauth" and request.method == "GET":
        if (name := query.pop("approve", None)) is not None:
            return RedirectResponse(login.approve(query, name), 302)
        return PlainTextResponse(f"{login._asked(query).client_id} asks for {query['scope']}")
    if path == "oauth/access_token" and request.method == "GET":
        return JSONResponse(login.redeem(query))
    return None
