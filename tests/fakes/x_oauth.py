"""Applications, codes and tokens of the fake X.

Honest where clients stumble over the real one: a code lives half a minute and is good once, a challenge is not
optional, a refresh token is good once and its use ends it at once, and an application with a secret shows it in a Basic
header alone. Refusals of codes and tokens say `invalid_request`, as those that people report; `word` changes it.
"""

import base64
import binascii
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from tests.fakes.x_world import SCOPES, Json, Member, Refusal, World, problem

CODE_LIVES = timedelta(seconds=30)
ACCESS_LIVES = timedelta(seconds=7200)
NO_HEADER = "Missing valid authorization header"
SOMETHING_WRONG = "Something went wrong. You weren't able to give access to the App."
OTHER_SCOPES = ("dm.read", "dm.write", "like.read", "like.write", "follows.read", "users.email")


@dataclass(frozen=True)
class App:
    """An application as its developer set it up in X's portal. Without a secret it is a public one."""

    client_id: str
    secret: str | None
    redirects: tuple[str, ...]


@dataclass
class Grant:
    """What stands behind a code."""

    app: App
    member: Member
    redirect: str
    scopes: tuple[str, ...]
    challenge: str
    at: datetime
    used: bool = False


@dataclass
class Token:
    """What stands behind an access token; an account's own has no end and no application."""

    member: Member
    scopes: tuple[str, ...]
    client_id: str
    at: datetime
    lives: timedelta | None = None
    revoked: bool = False


@dataclass
class Refresh:
    """What stands behind a refresh token. `generation` counts from 1, `access` is the token given with it."""

    app: App
    member: Member
    scopes: tuple[str, ...]
    access: str
    generation: int
    at: datetime
    used: bool = False
    revoked: bool = False


@dataclass
class OAuth:
    """All of them."""

    world: World
    apps: dict[str, App] = field(default_factory=dict)
    grants: dict[str, Grant] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)
    """Those given for codes and refresh tokens; an account's own stands in the account."""
    refreshes: dict[str, Refresh] = field(default_factory=dict)
    revoked: set[str] = field(default_factory=set)
    """Accounts' own tokens that are none any more."""
    word: str = "invalid_request"
    """What a code or a refresh token that is no good is called."""
    refresh_lives: timedelta = timedelta(days=182)
    ends_access: bool = False
    """Whether a refresh ends the access token of before as well."""
    reuse_ends_all: bool = False
    """Whether a refresh token that is shown twice ends all the account gave (RFC 9700, 4.14.2); X tells nobody."""

    def application(self, *redirects: str, secret: bool = True) -> App:
        """Set an application up; `secret`: a confidential one."""
        made = App(secrets.token_urlsafe(25), secrets.token_urlsafe(37) if secret else None, redirects)
        self.apps[made.client_id] = made
        return made

    def known(self, token: str) -> Token | None:
        """What a token stands for, unless it is over."""
        own = next((one for one in self.world.members.values() if token and one.token == token), None)
        if own is not None:
            return None if token in self.revoked else Token(own, own.scopes, "", own.at)
        found = self.tokens.get(token)
        if found is None or found.revoked or (found.lives and self.world.clock() - found.at >= found.lives):
            return None
        return found

    def revoke_all(self, member: Member) -> None:
        """The person threw the applications out."""
        self.revoked.add(member.token)
        for token in self.tokens.values():
            token.revoked |= token.member is member
        for refresh in self.refreshes.values():
            refresh.revoked |= refresh.member is member

    def asked(self, query: Mapping[str, str]) -> App:
        """The application somebody is asked to trust. Raises Refusal: X shows a page, nobody is sent back."""
        app, challenge = self.apps.get(query.get("client_id", "")), query.get("code_challenge", "")
        scopes = query.get("scope", "").split()
        good = (
            app is not None
            and query.get("response_type") == "code"
            and query.get("redirect_uri") in app.redirects
            and bool(scopes)
            and set(scopes) <= {*SCOPES, *OTHER_SCOPES}
            and 0 < len(query.get("state", "")) <= 500
            and len(challenge) == 43
            and query.get("code_challenge_method") == "S256"
        )
        if app is None or not good:
            raise Refusal(400, problem(400, "Invalid Request", SOMETHING_WRONG))
        return app

    def approve(self, query: Mapping[str, str] | str, username: str) -> str:
        """Where the browser goes after `username` said yes; "" is nobody, who says no.

        `query` is what was asked, or the whole address of the page. Raises Refusal.
        """
        if isinstance(query, str):
            query = dict(parse_qsl(urlsplit(query).query))
        app, back = self.asked(query), query["redirect_uri"]
        joint = "&" if "?" in back else "?"
        if not username:
            return f"{back}{joint}{urlencode({'error': 'access_denied', 'state': query['state']})}"
        member = self.world.who(username)
        if member is None or member.state == "suspended":
            raise Refusal(403, problem(403, "Forbidden", SOMETHING_WRONG))
        code, scopes = secrets.token_urlsafe(64), tuple(dict.fromkeys(query["scope"].split()))
        self.grants[code] = Grant(app, member, back, scopes, query["code_challenge"], self.world.clock())
        return f"{back}{joint}{urlencode({'state': query['state'], 'code': code})}"

    def exchange(self, said: Mapping[str, str], header: str) -> Json:
        """Tokens for a code or a refresh token; `header` is what authorizes the request. Raises Refusal."""
        if not said.get("grant_type"):
            raise wrong("invalid_request", "Missing required parameter [grant_type].")
        app = self._client(said, header)
        match said["grant_type"]:
            case "authorization_code":
                return self._redeemed(app, said)
            case "refresh_token":
                return self._renewed(app, said)
            case other:
                raise wrong("unsupported_grant_type", f"Value passed for the grant type was invalid: {other[:40]}")

    def revoke(self, said: Mapping[str, str], header: str) -> Json:
        """End a token and what was given with it; once more is no error. Raises Refusal."""
        app, named = self._client(said, header), said.get("token", "")
        if not named:
            raise wrong("invalid_request", "Missing required parameter [token].")
        for name, pair in self.refreshes.items():
            if named in {name, pair.access} and pair.app is app:
                pair.revoked = self.tokens[pair.access].revoked = True
        token = self.tokens.get(named)
        if token is not None and token.client_id == app.client_id:
            token.revoked = True
        return {"revoked": True}

    def granted(self, app: App, member: Member) -> Json:
        """Tokens of an application that somebody said yes to, on a page of their own."""
        return self._given(app, member, (*SCOPES, "offline.access"), 1)

    def _client(self, said: Mapping[str, str], header: str) -> App:
        name, secret = _basic(header)
        app = self.apps.get(name or said.get("client_id", ""))
        if app is None:
            raise wrong("unauthorized_client", NO_HEADER, 401)
        if app.secret is not None and not (name and secrets.compare_digest(app.secret.encode(), secret.encode())):
            raise wrong("unauthorized_client", NO_HEADER, 401)
        if said.get("client_id", app.client_id) != app.client_id:
            raise wrong("invalid_request", "Value passed for the client id was invalid.")
        if app.secret is None and "client_id" not in said:
            raise wrong("invalid_request", "Missing required parameter [client_id].")
        return app

    def _redeemed(self, app: App, said: Mapping[str, str]) -> Json:
        grant = self.grants.get(said.get("code", ""))
        if grant is None or grant.used or grant.app is not app or self.world.clock() - grant.at >= CODE_LIVES:
            raise wrong(self.word, "Value passed for the authorization code was invalid.")
        if said.get("redirect_uri") != grant.redirect:
            raise wrong(self.word, "Value passed for the redirect uri did not match the uri of the authorization code.")
        if challenge(said.get("code_verifier", "")) != grant.challenge:
            raise wrong(self.word, "Value passed for the code verifier did not match the code challenge.")
        grant.used = True
        return self._given(app, grant.member, grant.scopes, 1)

    def _renewed(self, app: App, said: Mapping[str, str]) -> Json:
        old = self.refreshes.get(said.get("refresh_token", ""))
        ended = old is None or old.used or old.revoked or self.world.clock() - old.at >= self.refresh_lives
        if old is not None and old.used and self.reuse_ends_all:
            self.revoke_all(old.member)
        if old is None or ended or old.app is not app:
            raise wrong(self.word, "Value passed for the token was invalid.")
        old.used = True
        self.tokens[old.access].revoked |= self.ends_access
        return self._given(app, old.member, old.scopes, old.generation + 1)

    def _given(self, app: App, member: Member, scopes: tuple[str, ...], generation: int) -> Json:
        name, now = secrets.token_urlsafe(68), self.world.clock()
        self.tokens[name] = Token(member, scopes, app.client_id, now, ACCESS_LIVES)
        told = {"token_type": "bearer", "expires_in": int(ACCESS_LIVES.total_seconds()), "access_token": name}
        if "offline.access" in scopes:
            told["refresh_token"] = secrets.token_urlsafe(68)
            self.refreshes[str(told["refresh_token"])] = Refresh(app, member, scopes, name, generation, now)
        return told | {"scope": " ".join(scopes)}


def wrong(error: str, description: str, status: int = 400) -> Refusal:
    """A refusal of the token endpoint (RFC 6749, 5.2)."""
    return Refusal(status, {"error": error, "error_description": description})


def challenge(verifier: str) -> str:
    """The S256 challenge of a verifier (RFC 7636)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def _basic(header: str) -> tuple[str, str]:
    kind, _, told = header.partition(" ")
    if kind.lower() != "basic":
        return "", ""
    try:
        name, _, secret = base64.b64decode(told, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return unquote(name), unquote(secret)
