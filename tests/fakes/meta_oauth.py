"""Applications, codes and tokens of the fake Instagram and the fake Threads.

Documented: a code is good once, for an hour, and with the address it was asked with; the way back ends in `#_`; a yes
gives a token of one hour, which with the application's secret gives one of sixty days; such a one is renewed once it
is a day old and before it ends, and the one before stays good; tokens are asked for by GET with all of it in the
address, without a version, and by POST not at all (told by those who tried); Instagram wraps the answer to a code in a
list, and tells what was allowed.
Unverified: how a token that is too young is refused (`young`); what a wrong secret is told; that parameters of PKCE
mean nothing; that a refused yes brings the state back.
Sources: https://developers.facebook.com/docs/instagram-platform/instagram-api-with-instagram-login/business-login,
/docs/instagram-platform/reference/refresh_access_token, /docs/threads/get-started/get-access-tokens-and-permissions,
/docs/threads/get-started/long-lived-tokens, https://github.com/stevenschobert/instafeed.js/issues/654
"""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlencode

from fastapi import Request
from fastapi.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response

from tests.fakes.instagram_fetching import Refused

HOUR, DAY, LIVES = timedelta(hours=1), timedelta(hours=24), timedelta(days=60)
EXPIRED, TAKEN_BACK, PASSWORD = 463, 458, 460
OFFICES = {"oauth/access_token": "tokens", "access_token": "exchanges", "refresh_access_token": "refreshes"}
"""Where tokens are given, and what such a request is called among the faults."""


class Owner(Protocol):
    """An account, as far as its tokens are concerned."""

    id: str
    username: str
    rights: frozenset[str]


@dataclass(frozen=True)
class App:
    """An application as its developer set it up, with the address people come back to."""

    client_id: str
    secret: str
    redirect: str


@dataclass
class Yes:
    """What a code stands for."""

    app: App
    owner: Owner
    scopes: tuple[str, ...]
    at: datetime
    used: bool = False


@dataclass
class Token:
    """What stands behind a token. `over`: the subcode of why it is none any more."""

    owner: Owner
    born: datetime
    until: datetime
    app: App | None = None
    over: int = 0

    @property
    def long(self) -> bool:
        """Whether it is one of sixty days."""
        return self.until - self.born > HOUR


class Impossible(Exception):
    """The sign-in refuses, in its own form."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.body = {"error_type": "OAuthException", "code": 400, "error_message": message}


@dataclass
class OAuth:
    """All of them. `who` finds an account by its name."""

    clock: Callable[[], datetime]
    letters: str
    """What tokens begin with."""
    grants: str
    """What the names of grants begin with."""
    scopes: frozenset[str]
    basic: str
    """The scope without which there is no yes, and no renewal."""
    who: Callable[[str], Owner | None]
    wraps: bool = False
    young: tuple[int, int] = (100, 0)
    unticks: frozenset[str] = frozenset()
    """Scopes that people do not say yes to."""
    apps: dict[str, App] = field(default_factory=dict)
    codes: dict[str, Yes] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    """Grants that were given, in order."""

    def application(self, redirect: str) -> App:
        """Set an application up."""
        made = App(str(secrets.randbelow(10**15) + 10**15), secrets.token_hex(16), redirect)
        self.apps[made.client_id] = made
        return made

    def give(self, owner: Owner, lives: timedelta = LIVES, app: App | None = None) -> str:
        """A new token of an account."""
        name, now = f"{self.letters}{secrets.token_urlsafe(90)}", self.clock()
        self.tokens[name] = Token(owner, now, now + lives, app)
        return name

    def end(self, owner: Owner, why: int = TAKEN_BACK) -> None:
        """No token of an account is good any more."""
        for one in self.tokens.values():
            one.over = why if one.owner is owner else one.over

    def known(self, shown: str) -> Token:
        """What a token stands for. Raises Refused."""
        found = self.tokens.get(shown)
        if found is None:
            raise Refused(190, message="Invalid OAuth access token - Cannot parse access token")
        over = found.over or (EXPIRED if self.clock() >= found.until else 0)
        if over:
            raise Refused(190, over, message="Error validating access token: Session has expired or is invalid")
        return found

    def page(self, query: Mapping[str, str]) -> tuple[App, tuple[str, ...]]:
        """Who asks for trust, and for what. Raises Impossible: a page is shown, nobody is sent back."""
        app, scopes = self.apps.get(query.get("client_id", "")), tuple(query.get("scope", "").split(","))
        if app is None:
            raise Impossible("Invalid platform app")
        if query.get("redirect_uri") != app.redirect:
            raise Impossible("Invalid redirect_uri")
        if query.get("response_type") != "code" or not set(scopes) <= self.scopes or self.basic not in scopes:
            raise Impossible(f"Invalid scope: {query.get('scope')}")
        return app, scopes

    def approve(self, query: Mapping[str, str], name: str) -> str:
        """Where the browser goes after an account said yes; "" is nobody, who says no. Raises Impossible."""
        (app, scopes), state = self.page(query), {"state": query["state"]} if "state" in query else {}
        if not name:
            no = {"error": "access_denied", "error_reason": "user_denied", "error_description": "The user denied it."}
            return f"{app.redirect}?{urlencode({**no, **state})}#_"
        owner = self.who(name)
        if owner is None:
            raise Impossible("Insufficient developer role")
        code = f"AQ{secrets.token_urlsafe(120)}"
        given = tuple(scope for scope in scopes if scope not in self.unticks)
        self.codes[code] = Yes(app, owner, given, self.clock())
        return f"{app.redirect}?{urlencode({'code': code, **state})}#_"

    def redeem(self, said: Mapping[str, str]) -> dict[str, Any]:
        """A token of one hour for a code. Raises Impossible."""
        app, yes = self.apps.get(said.get("client_id", "")), self.codes.get(said.get("code", ""))
        if app is None:
            raise Impossible("Invalid platform app")
        if not secrets.compare_digest(said.get("client_secret", ""), app.secret):
            raise Impossible("Error validating client secret.")
        if said.get("grant_type") != "authorization_code":
            raise Impossible("Invalid grant_type")
        if yes is None or yes.used or yes.app is not app or self.clock() - yes.at >= HOUR:
            raise Impossible("Matching code was not found or was already used")
        if said.get("redirect_uri") != app.redirect:
            raise Impossible("Error validating verification code. Please make sure your redirect_uri is identical")
        yes.used, yes.owner.rights = True, frozenset(yes.scopes)
        self.asked.append("authorization_code")
        told = {"access_token": self.give(yes.owner, HOUR, app), "user_id": int(yes.owner.id)}
        return {"data": [{**told, "permissions": ",".join(yes.scopes)}]} if self.wraps else told

    def follow(self, said: Mapping[str, str], *, renewal: bool) -> dict[str, Any]:
        """A token of sixty days for one of an hour, or for the one before. Raises Refused."""
        grant = f"{self.grants}_{'refresh' if renewal else 'exchange'}_token"
        if said.get("grant_type") != grant or set(said) - {"grant_type", "access_token", "client_secret"}:
            raise Refused(100, message="Unsupported request - method type: get")
        found = self.known(said.get("access_token", ""))
        secret = found.app.secret if found.app is not None else ""
        if not renewal and (found.long or not secrets.compare_digest(said.get("client_secret", ""), secret)):
            raise Refused(100, message="Error validating client secret.")
        if renewal and (not found.long or self.clock() - found.born < DAY):
            raise Refused(*self.young, message="The access token is not old enough")
        if self.basic not in found.owner.rights:
            raise Refused(10, message="(#10) Application does not have permission for this action")
        self.asked.append(grant)
        made = self.give(found.owner, app=found.app)
        return {"access_token": made, "token_type": "bearer", "expires_in": int(LIVES.total_seconds())}


def answered(oauth: OAuth, request: Request, path: str, body: bytes) -> Response | None:
    """The answer to a request about a yes or a token; None for any other."""
    query = dict(request.query_params)
    try:
        if path == "oauth/authorize" and request.method == "GET":
            if (name := query.pop("approve", None)) is not None:
                return RedirectResponse(oauth.approve(query, name), 302)
            app, scopes = oauth.page(query)
            return PlainTextResponse(f"{app.client_id} asks for {', '.join(scopes)}")
        if path == "oauth/access_token" and request.method == "POST":
            return JSONResponse(oauth.redeem(dict(parse_qsl(body.decode()))))
        if path in OFFICES and request.method == "GET" and "/" not in path:
            return JSONResponse(oauth.follow(query, renewal=path == "refresh_access_token"))
        if path in OFFICES:
            raise Refused(100, message=f"Unsupported request - method type: {request.method.lower()}")
    except Impossible as no:
        return JSONResponse(no.body, 400)
    except Refused as refused:
        return JSONResponse(refused.body, refused.status)
    return None
