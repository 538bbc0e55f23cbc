"""Applications, codes and tokens of the fake Reddit.

Honest where clients stumble over the real one: a wrong code is answered 200, one that is shown again ends all that was
given for it (as announced by Reddit in 2021), a wrong refresh token 400, the way back ends in `#_`, only
`duration=permanent` gives a refresh token, scopes come back divided by spaces, and parameters of PKCE mean nothing.
"""

import base64
import binascii
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.fakes.reddit_spec import Json, Refusal, bad_request
from tests.fakes.reddit_world import SCOPES, Member, World

KNOWN = frozenset(
    {
        *SCOPES,
        *("account", "creddits", "modconfig", "modcontributors", "modflair", "modlog", "modmail", "modothers"),
        *("modposts", "modself", "modwiki", "mysubreddits", "report", "save", "structuredstyles", "subscribe", "vote"),
        *("wikiedit", "wikiread", "livemanage", "modtraffic"),
    }
)
CODE_LIVES = timedelta(minutes=10)


@dataclass(frozen=True)
class App:
    """An application as its developer set it up: of the kind `web`, with one address to come back to."""

    client_id: str
    secret: str
    redirect: str


@dataclass
class Grant:
    """One yes of a person. `code` is good once; all its tokens end with it."""

    app: App
    member: Member
    scopes: tuple[str, ...]
    permanent: bool
    at: datetime
    used: bool = False
    revoked: bool = False


@dataclass
class Token:
    """What stands behind an access token; an account's own has no end."""

    member: Member
    scopes: tuple[str, ...]
    client_id: str
    until: datetime | None
    grant: Grant | None = None


@dataclass
class OAuth:
    """All of them."""

    world: World
    apps: dict[str, App] = field(default_factory=dict)
    grants: dict[str, Grant] = field(default_factory=dict)
    """By their codes."""
    tokens: dict[str, Token] = field(default_factory=dict)
    refreshes: dict[str, Grant] = field(default_factory=dict)
    access_lives: timedelta = timedelta(days=1)
    refresh_lives: timedelta = timedelta(days=36500)
    """How long refresh tokens of one yes are good: for ever. One year was announced in 2021."""
    rotates: bool = False
    """Whether a refresh token is good once; otherwise the same one is told again."""
    tells_refresh: bool = True
    """Whether a refresh tells a refresh token at all."""
    refresh_refusal: Json = field(default_factory=lambda: {"message": "Bad Request", "error": 400})
    """The body under 400 for a refresh token that is none."""

    def application(self, redirect: str) -> App:
        """Set an application up."""
        made = App(secrets.token_urlsafe(16), secrets.token_urlsafe(22), redirect)
        self.apps[made.client_id] = made
        return made

    def known(self, token: str) -> Token | None:
        """What a token stands for, unless it is over."""
        own = next((one for one in self.world.members.values() if token and one.token == token), None)
        if own is not None:
            return None if own.revoked else Token(own, own.scopes, own.client or f"own-{own.id}", None)
        found = self.tokens.get(token)
        if found is None or found.until is None or (found.grant and found.grant.revoked):
            return None
        return found if self.world.clock() < found.until else None

    def revoke_all(self, member: Member) -> None:
        """The person threw the applications out."""
        member.revoked = True
        for grant in self.grants.values():
            grant.revoked |= grant.member is member

    def asked(self, query: Mapping[str, str]) -> App:
        """The application somebody is asked to trust. Raises Refusal: a page is shown, nobody is sent back."""
        app = self.apps.get(query.get("client_id", ""))
        if app is None or query.get("redirect_uri") != app.redirect:
            raise bad_request(explanation="invalid client id." if app is None else "invalid redirect_uri parameter.")
        return app

    def trouble(self, query: Mapping[str, str]) -> str:
        """What is wrong with a request for trust, in a word that its application is told; "" when it is fine."""
        if query.get("response_type") != "code":
            return "unsupported_response_type"
        if not query.get("state") or query.get("duration", "temporary") not in {"temporary", "permanent"}:
            return "invalid_request"
        scopes = set(_scopes(query))
        return "" if scopes and scopes <= KNOWN else "invalid_scope"

    def approve(self, query: Mapping[str, str] | str, name: str) -> str:
        """Where the browser goes after the account `name` said yes; "" is nobody, who says no.

        `query` is what was asked, or the whole address of the page. Raises Refusal.
        """
        if isinstance(query, str):
            query = dict(parse_qsl(urlsplit(query).query))
        app, told = self.asked(query), {"state": query.get("state", "")}
        error = self.trouble(query) or ("" if name else "access_denied")
        if error:
            return _sent(app.redirect, told | {"error": error})
        member = self.world.who(name)
        if member is None or member.suspended:
            raise Refusal(403, {"message": "Forbidden", "error": 403})
        code, permanent = secrets.token_urlsafe(22), query.get("duration") == "permanent"
        self.grants[code] = Grant(app, member, _scopes(query), permanent, self.world.clock())
        return _sent(app.redirect, told | {"code": code})

    def exchange(self, said: Mapping[str, str], header: str) -> Json:
        """The answer to a form at the token endpoint, errors that come as 200 included. Raises Refusal."""
        app = self._client(header)
        match said.get("grant_type", ""):
            case "authorization_code":
                return self._redeemed(app, said)
            case "refresh_token":
                return self._renewed(app, said)
            case _:
                return {"error": "unsupported_grant_type"}

    def revoke(self, said: Mapping[str, str], header: str) -> None:
        """End an access token, or a refresh token and all that came with it; one that is none is no error.

        Raises Refusal.
        """
        app, named = self._client(header), said.get("token", "")
        grant, token = self.refreshes.get(named), self.tokens.get(named)
        if grant is not None and grant.app is app:
            grant.revoked = True
        if token is not None and token.client_id == app.client_id:
            del self.tokens[named]

    def _client(self, header: str) -> App:
        name, secret = _basic(header)
        app = self.apps.get(name)
        if app is None or not hmac.compare_digest(app.secret.encode(), secret.encode()):
            raise Refusal(401, {"message": "Unauthorized", "error": 401})
        return app

    def _redeemed(self, app: App, said: Mapping[str, str]) -> Json:
        grant = self.grants.get(said.get("code", ""))
        if grant is None or self.world.clock() - grant.at >= CODE_LIVES or grant.app is not app:
            return {"error": "invalid_grant"}
        grant.revoked |= grant.used
        if grant.used or said.get("redirect_uri") != app.redirect:
            return {"error": "invalid_grant"}
        grant.used = True
        told = self._given(grant)
        if grant.permanent:
            told["refresh_token"] = self._refresh(grant)
        return told

    def _renewed(self, app: App, said: Mapping[str, str]) -> Json:
        named = said.get("refresh_token", "")
        grant = self.refreshes.get(named)
        late = grant is not None and self.world.clock() - grant.at >= self.refresh_lives
        if grant is None or late or grant.app is not app or grant.revoked or grant.member.suspended:
            raise Refusal(400, self.refresh_refusal)
        told = self._given(grant)
        if self.rotates:
            del self.refreshes[named]
            named = self._refresh(grant)
        return told | ({"refresh_token": named} if self.rotates or self.tells_refresh else {})

    def _refresh(self, grant: Grant) -> str:
        made = f"{grant.member.number}-{secrets.token_urlsafe(22)}"
        self.refreshes[made] = grant
        return made

    def _given(self, grant: Grant) -> Json:
        name, lives = f"ey.{secrets.token_urlsafe(48)}", self.access_lives
        self.tokens[name] = Token(grant.member, grant.scopes, grant.app.client_id, self.world.clock() + lives, grant)
        told: Json = {"access_token": name, "token_type": "bearer", "expires_in": int(lives.total_seconds())}
        return told | {"scope": " ".join(grant.scopes)}


def _scopes(query: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(query.get("scope", "").replace(",", " ").split()))


def _sent(back: str, told: Mapping[str, str]) -> str:
    return f"{back}{'&' if '?' in back else '?'}{urlencode(told)}#_"


def _basic(header: str) -> tuple[str, str]:
    kind, _, told = header.partition(" ")
    if kind.lower() != "basic":
        return "", ""
    try:
        name, _, secret = base64.b64decode(told, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return name, secret
