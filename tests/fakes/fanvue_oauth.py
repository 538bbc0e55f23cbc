"""Applications, codes and tokens of the fake Fanvue, and the signatures of its webhooks.

Honest where clients stumble over the real one: a challenge is not optional, an application shows its secret in a Basic
header alone, forms are the only bodies, a refresh token is good once, and whoever shows one again ends all that came
from the same sign-in. A code shown again does so too, as in the server that Fanvue uses (Ory).
"""

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from tests.fakes.fanvue_spec import Json, Refusal
from tests.fakes.fanvue_world import SCOPES, Member, World

LOGIN = ("openid", "offline_access", "offline")
"""Scopes that every application asks for; without all of them there is no refresh token."""
CODE_LIVES, ACCESS_LIVES = timedelta(minutes=10), timedelta(hours=1)
VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
LEAST_STATE = 8


@dataclass(frozen=True)
class App:
    """An application as its developer set it up. `scopes` are those ticked there, `signing` signs its webhooks."""

    client_id: str
    secret: str
    redirects: tuple[str, ...]
    scopes: tuple[str, ...]
    signing: str


@dataclass
class Chain:
    """All that comes from one sign-in, and ends together."""

    app: App
    member: Member
    revoked: bool = False


@dataclass
class Grant:
    """What stands behind a code."""

    chain: Chain
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
    chain: Chain | None = None
    ended: bool = False


@dataclass
class Refresh:
    """What stands behind a refresh token. `generation` counts from 1, `access` is the token given with it."""

    chain: Chain
    scopes: tuple[str, ...]
    access: str
    generation: int
    at: datetime
    used: bool = False


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
    refresh_lives: timedelta = timedelta(days=30)

    def application(self, *redirects: str, scopes: tuple[str, ...] = SCOPES) -> App:
        """Set an application up with these scopes ticked."""
        made = App(
            secrets.token_urlsafe(18), secrets.token_urlsafe(30), redirects, scopes, f"whsec_{secrets.token_hex(24)}"
        )
        self.apps[made.client_id] = made
        return made

    def known(self, token: str) -> Token | None:
        """What a token stands for, unless it is over."""
        own = next((one for one in self.world.members.values() if token and one.token == token), None)
        if own is not None:
            return None if token in self.revoked else Token(own, own.scopes, "", own.at)
        found = self.tokens.get(token)
        if found is None or found.ended or found.chain is None or found.chain.revoked:
            return None
        return found if self.world.clock() - found.at < ACCESS_LIVES else None

    def revoke_all(self, member: Member) -> None:
        """The person threw the applications out."""
        self.revoked.add(member.token)
        for chain in [one.chain for one in self.grants.values()]:
            chain.revoked |= chain.member is member

    def asked(self, query: Mapping[str, str]) -> App:
        """The application somebody is asked to trust. Raises Refusal: a page is shown, nobody is sent back."""
        app = self.apps.get(query.get("client_id", ""))
        if app is None or query.get("redirect_uri") not in app.redirects:
            raise wrong("invalid_request", "The client or its redirect_uri is not known.")
        return app

    def trouble(self, query: Mapping[str, str]) -> str:
        """What is wrong with a request for trust, in a word that its application is told; "" when it is fine."""
        scopes = set(query.get("scope", "").split())
        if query.get("response_type") != "code":
            return "unsupported_response_type"
        if len(query.get("state", "")) < LEAST_STATE:
            return "invalid_state"
        if not scopes or not scopes <= {*LOGIN, *self.asked(query).scopes}:
            return "invalid_scope"
        proven = query.get("code_challenge_method") == "S256" and CHALLENGE.fullmatch(query.get("code_challenge", ""))
        return "" if proven else "invalid_request"

    def approve(self, query: Mapping[str, str] | str, username: str) -> str:
        """Where the browser goes after `username` said yes; "" is nobody, who says no.

        `query` is what was asked, or the whole address of the page. Raises Refusal.
        """
        if isinstance(query, str):
            query = dict(parse_qsl(urlsplit(query).query))
        app, back = self.asked(query), query["redirect_uri"]
        told = {"state": query.get("state", "")}
        error = self.trouble(query) or ("" if username else "access_denied")
        if error:
            return _sent(back, {"error": error, "error_description": error.replace("_", " ")} | told)
        member = self.world.who(username)
        if member is None or member.state == "suspended":
            raise Refusal(403, {"error": "access_denied", "error_description": "The account may not sign in."})
        code, scopes = f"ory_ac_{secrets.token_urlsafe(48)}", tuple(dict.fromkeys(query["scope"].split()))
        chain = Chain(app, member)
        self.grants[code] = Grant(chain, back, scopes, query["code_challenge"], self.world.clock())
        return _sent(back, {"code": code, "scope": " ".join(scopes)} | told)

    def exchange(self, said: Mapping[str, str], header: str, *, ends_access: bool) -> Json:
        """Tokens for a code or a refresh token; `header` is what authorizes the request. Raises Refusal."""
        app = self._client(said, header)
        match said.get("grant_type", ""):
            case "authorization_code":
                return self._redeemed(app, said)
            case "refresh_token":
                return self._renewed(app, said, ends_access=ends_access)
            case _:
                raise wrong("unsupported_grant_type", "The authorization grant type is not supported.")

    def granted(self, app: App, member: Member) -> Json:
        """Tokens of an application that somebody said yes to, on a page of their own."""
        return self._given(Chain(app, member), (*app.scopes, *LOGIN), 1)

    def revoke(self, said: Mapping[str, str], header: str) -> None:
        """End all that came from the sign-in of a token; one that is none is no error. Raises Refusal."""
        app, named = self._client(said, header), said.get("token", "")
        token, refresh = self.tokens.get(named), self.refreshes.get(named)
        chain = (token and token.chain) or (refresh and refresh.chain)
        if chain and chain.app is app:
            chain.revoked = True

    def _client(self, said: Mapping[str, str], header: str) -> App:
        name, secret = _basic(header)
        app = self.apps.get(name)
        if app is None or not hmac.compare_digest(app.secret.encode(), secret.encode()):
            raise wrong("invalid_client", "Client authentication failed.", 401)
        if "client_secret" in said or said.get("client_id", name) != name:
            raise wrong("invalid_client", "The client authenticates by client_secret_basic alone.", 401)
        return app

    def _redeemed(self, app: App, said: Mapping[str, str]) -> Json:
        grant, verifier = self.grants.get(said.get("code", "")), said.get("code_verifier", "")
        if grant is None or grant.chain.app is not app or self.world.clock() - grant.at >= CODE_LIVES:
            raise wrong("invalid_grant", "The authorization code is invalid or expired.")
        if grant.used:
            grant.chain.revoked = True
            raise wrong("invalid_grant", "The authorization code has already been used.")
        if said.get("redirect_uri") != grant.redirect:
            raise wrong("invalid_grant", "The redirect_uri does not match that of the authorization request.")
        if not VERIFIER.fullmatch(verifier) or challenge(verifier) != grant.challenge:
            raise wrong("invalid_grant", "The PKCE code challenge did not match the code verifier.")
        grant.used = True
        return self._given(grant.chain, grant.scopes, 1)

    def _renewed(self, app: App, said: Mapping[str, str], *, ends_access: bool) -> Json:
        old = self.refreshes.get(said.get("refresh_token", ""))
        if old is None or old.chain.app is not app or self.world.clock() - old.at >= self.refresh_lives:
            raise wrong("invalid_grant", "The refresh token is malformed, expired or not known.")
        if old.used:
            old.chain.revoked = True
        if old.chain.revoked or old.chain.member.state == "suspended":
            raise wrong("invalid_grant", "The refresh token is not active any more.")
        wanted = tuple(said.get("scope", "").split()) or old.scopes
        if not set(wanted) <= set(old.scopes):
            raise wrong("invalid_scope", "The requested scope was not granted.")
        old.used = True
        self.tokens[old.access].ended |= ends_access
        return self._given(old.chain, wanted, old.generation + 1)

    def _given(self, chain: Chain, scopes: tuple[str, ...], generation: int) -> Json:
        name, now = f"ory_at_{secrets.token_urlsafe(48)}", self.world.clock()
        self.tokens[name] = Token(chain.member, scopes, chain.app.client_id, now, chain)
        told: Json = {"access_token": name, "expires_in": int(ACCESS_LIVES.total_seconds())}
        told |= {"scope": " ".join(scopes), "token_type": "bearer"}
        told |= (
            {"id_token": f"e30.{secrets.token_urlsafe(60)}.{secrets.token_urlsafe(60)}"} if "openid" in scopes else {}
        )
        if set(LOGIN) <= set(scopes):
            told["refresh_token"] = f"ory_rt_{secrets.token_urlsafe(48)}"
            self.refreshes[told["refresh_token"]] = Refresh(chain, scopes, name, generation, now)
        return told


def signature(signing: str, at: int, body: bytes) -> str:
    """The header that signs a webhook: HMAC-SHA256 of the time in Unix seconds, a point and the body."""
    return f"t={at},v0={hmac.new(signing.encode(), f'{at}.'.encode() + body, hashlib.sha256).hexdigest()}"


def wrong(error: str, description: str, status: int = 400) -> Refusal:
    """A refusal of the token endpoint (RFC 6749, 5.2)."""
    return Refusal(status, {"error": error, "error_description": description})


def challenge(verifier: str) -> str:
    """The S256 challenge of a verifier (RFC 7636)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def _sent(back: str, told: Mapping[str, str]) -> str:
    return f"{back}{'&' if '?' in back else '?'}{urlencode(told)}"


def _basic(header: str) -> tuple[str, str]:
    kind, _, told = header.partition(" ")
    if kind.lower() != "basic":
        return "", ""
    try:
        name, _, secret = base64.b64decode(told, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return unquote(name), unquote(secret)
