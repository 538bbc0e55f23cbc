"""Clients, codes and tokens of the fake Google.

Honest where clients stumble over the real one: only `access_type=offline` with `prompt=consent` gives a refresh token,
refreshing gives none, people may untick scopes (`unticks`), a secret is needed with PKCE too, and the oldest refresh
token ends without a word when there are more than a hundred of an account for a client.
"""

import base64
import binascii
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from tests.fakes.google_spec import Json, Refusal
from tests.fakes.google_world import AUTH, SCOPES, App, Member, World

KNOWN = frozenset(
    {
        *SCOPES,
        *(f"{AUTH}{one}" for one in ("youtube", "youtubepartner", "yt-analytics.readonly", "userinfo.email")),
        *("openid", "email", "profile"),
    }
)
CODE_LIVES = timedelta(minutes=10)
ACCESS_LIVES = timedelta(seconds=3599)


@dataclass
class Grant:
    """One yes of a person. `code` is good once; `refresh` is empty where none was asked for."""

    app: App
    member: Member
    redirect: str
    scopes: tuple[str, ...]
    challenge: str
    lasting: bool
    at: datetime
    used: bool = False
    refresh: str = ""
    revoked: bool = False


@dataclass
class Token:
    """What stands behind an access token; an account's own has no grant and no end."""

    member: Member
    app: App
    scopes: tuple[str, ...]
    grant: Grant | None = None
    until: datetime | None = None


@dataclass
class OAuth:
    """All of them."""

    world: World
    apps: dict[str, App] = field(default_factory=dict)
    grants: dict[str, Grant] = field(default_factory=dict)
    """By their codes."""
    tokens: dict[str, Token] = field(default_factory=dict)
    """Those given for codes and refresh tokens."""
    revoked: set[str] = field(default_factory=set)
    """Accounts' own tokens that are none any more."""
    unticks: frozenset[str] = frozenset()
    """Scopes that people do not say yes to."""
    refresh_lives: timedelta | None = None
    """How long refresh tokens live; seven days while a client is in testing."""
    most_refreshes: int = 100
    """Refresh tokens of one account for one client: the oldest ends where there are more."""

    def application(self, redirect: str) -> App:
        """Set a client up."""
        number = secrets.token_hex(16)
        made = App(
            f"{number[:12]}-{number}.apps.googleusercontent.com", f"GOCSPX-{secrets.token_urlsafe(21)}", redirect
        )
        self.apps[made.client_id] = made
        return made

    def known(self, token: str) -> Token | None:
        """What a token stands for, unless it is over."""
        own = next((one for one in self.world.members.values() if token and one.token == token), None)
        if own is not None:
            return None if token in self.revoked else Token(own, own.app, own.scopes)
        found = self.tokens.get(token)
        if found is None or found.grant is None or found.grant.revoked:
            return None
        return None if found.until and self.world.clock() >= found.until else found

    def revoke_all(self, member: Member) -> None:
        """The person threw the clients out."""
        self.revoked.add(member.token)
        for grant in self.grants.values():
            grant.revoked |= grant.member is member

    def revoke(self, token: str) -> None:
        """End a token, and all that was given with it. Raises Refusal."""
        found = self.tokens.get(token)
        grant = found.grant if found else self._lasting(token)
        if grant is None or grant.revoked:
            raise refused("invalid_token", "Token expired or revoked")
        grant.revoked = True

    def asked(self, query: Mapping[str, str]) -> App:
        """The client somebody is asked to trust. Raises Refusal: Google shows a page, nobody is sent back."""
        app, scopes = self.apps.get(query.get("client_id", "")), query.get("scope", "").split()
        if app is None:
            raise refused("invalid_client", "The OAuth client was not found.", 401)
        if query.get("redirect_uri") != app.redirect:
            raise refused("redirect_uri_mismatch", "The redirect URI in the request does not match.")
        challenge, how = query.get("code_challenge", ""), query.get("code_challenge_method", "plain")
        if challenge and (how != "S256" or len(challenge) != 43):
            raise refused("invalid_request", "Invalid code_challenge.")
        if query.get("response_type") != "code" or query.get("access_type", "online") not in ("online", "offline"):
            raise refused("invalid_request", "Invalid response_type or access_type.")
        if not scopes or not set(scopes) <= KNOWN:
            raise refused("invalid_scope", "Some requested scopes were invalid.")
        return app

    def approve(self, query: Mapping[str, str] | str, name: str) -> str:
        """Where the browser goes after `name` said yes; "" is nobody, who says no.

        `query` is what was asked, or the whole address of the page. Raises Refusal.
        """
        if isinstance(query, str):
            query = dict(parse_qsl(urlsplit(query).query))
        app, state = self.asked(query), {"state": query["state"]} if "state" in query else {}
        joint = "&" if "?" in app.redirect else "?"
        if not name:
            return f"{app.redirect}{joint}{urlencode({'error': 'access_denied', **state})}"
        member = self.world.who(name)
        if member is None:
            raise refused("invalid_request", "Couldn't find your Google Account")
        scopes = tuple(one for one in dict.fromkeys(query["scope"].split()) if one not in self.unticks)
        lasting = query.get("access_type") == "offline" and "consent" in query.get("prompt", "").split()
        code = f"4/0A{secrets.token_urlsafe(52)}"
        challenge = query.get("code_challenge", "")
        self.grants[code] = Grant(app, member, app.redirect, scopes, challenge, lasting, self.world.clock())
        told = {
            **state,
            "code": code,
            "scope": " ".join(scopes),
            "authuser": "0",
            "prompt": query.get("prompt", "none"),
        }
        return f"{app.redirect}{joint}{urlencode(told)}"

    def exchange(self, said: Mapping[str, str], header: str) -> Json:
        """Tokens for a code or a refresh token; `header` is what authorizes the request. Raises Refusal."""
        app = self._client(said, header)
        match said.get("grant_type", ""):
            case "authorization_code":
                return self._redeemed(app, said)
            case "refresh_token":
                return self._renewed(app, said)
            case "":
                raise refused("invalid_request", "Missing required parameter: grant_type")
            case other:
                raise refused("unsupported_grant_type", f"Invalid grant_type: {other[:40]}")

    def _client(self, said: Mapping[str, str], header: str) -> App:
        name, secret = _basic(header) if header else (said.get("client_id", ""), said.get("client_secret", ""))
        app = self.apps.get(name)
        if app is None:
            raise refused("invalid_client", "The OAuth client was not found.", 401)
        if not secrets.compare_digest(app.secret.encode(), secret.encode()):
            raise refused("invalid_client", "Unauthorized", 401)
        return app

    def _redeemed(self, app: App, said: Mapping[str, str]) -> Json:
        grant = self.grants.get(said.get("code", ""))
        if grant is None or grant.app is not app or grant.revoked:
            raise refused("invalid_grant", "Malformed auth code.")
        if grant.used or self.world.clock() - grant.at >= CODE_LIVES:
            raise refused("invalid_grant", "Bad Request")
        if said.get("redirect_uri") != grant.redirect:
            raise refused("redirect_uri_mismatch", "Bad Request")
        verifier = said.get("code_verifier", "")
        if grant.challenge and challenge(verifier) != grant.challenge:
            raise refused("invalid_grant", "Invalid code verifier." if verifier else "Missing code verifier.")
        grant.used = True
        told = self._given(grant)
        if grant.lasting:
            told["refresh_token"] = grant.refresh = f"1//0{secrets.token_urlsafe(72)}"
            self._crowd_out(grant)
        return told

    def _renewed(self, app: App, said: Mapping[str, str]) -> Json:
        grant = self._lasting(said.get("refresh_token", ""))
        old = (
            grant is not None and self.refresh_lives is not None and self.world.clock() - grant.at >= self.refresh_lives
        )
        if grant is None or grant.app is not app or grant.revoked or old:
            raise refused("invalid_grant", "Token has been expired or revoked.")
        return self._given(grant)

    def _lasting(self, token: str) -> Grant | None:
        return next((one for one in self.grants.values() if token and one.refresh == token), None)

    def _crowd_out(self, new: Grant) -> None:
        same = [one for one in self.grants.values() if one.refresh and one.app is new.app and one.member is new.member]
        for old in same[: -self.most_refreshes]:
            old.revoked = True

    def _given(self, grant: Grant) -> Json:
        name = f"ya29.{secrets.token_urlsafe(120)}"
        until = self.world.clock() + ACCESS_LIVES
        self.tokens[name] = Token(grant.member, grant.app, grant.scopes, grant, until)
        told: Json = {"access_token": name, "expires_in": int(ACCESS_LIVES.total_seconds())}
        return told | {"scope": " ".join(grant.scopes), "token_type": "Bearer"}


def refused(error: str, description: str, status: int = 400) -> Refusal:
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
