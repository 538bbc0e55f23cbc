"""Applications, codes and tokens of the fake Mastodon.

Honest where clients stumble over the real one: a code is good once and for ten minutes, a challenge must be kept, a
token has no end, and signing in again to the same application with the same scopes gives the same token. Errors bear
the real names; what describes them is in words of our own.
"""

import hashlib
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlencode

from tests.fakes.mastodon_world import Json, Member, Refusal, World

CODE_LIVES = timedelta(minutes=10)
NO_CLIENT = "No such client, or not with this secret."
NO_GRANT = "No such code, or it is used, expired, not yours, or not for this redirect."
NO_SCOPE = "The application never asked for this scope."
DENIED = "The person said no."


@dataclass(frozen=True)
class App:
    """An application that somebody registered."""

    id: str
    name: str
    secret: str
    redirects: tuple[str, ...]
    scopes: tuple[str, ...]
    website: str | None

    @property
    def client_id(self) -> str:
        """What it is called by in requests."""
        return f"client-{self.id}"


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
    """What stands behind a token."""

    member: Member
    scopes: tuple[str, ...]
    client_id: str
    at: datetime
    revoked: bool = False


@dataclass
class OAuth:
    """All of them."""

    world: World
    apps: dict[str, App] = field(default_factory=dict)
    grants: dict[str, Grant] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)
    """Those given for codes; an account's own stands in the account."""
    revoked: set[str] = field(default_factory=set)
    """Accounts' own tokens that are none any more."""

    def known(self, token: str) -> Token | None:
        """What a token stands for, revoked ones included: one that was given here, or an account's own."""
        mine = next((one for one in self.world.members.values() if one.token == token), None)
        if mine is None or token in self.tokens:
            return self.tokens.get(token)
        return Token(mine, tuple(mine.scopes.split()), "", mine.at, revoked=token in self.revoked)

    def revoke_all(self, member: Member) -> None:
        """The person threw the applications out."""
        self.revoked.add(member.token)
        for token in self.tokens.values():
            token.revoked |= token.member is member

    def described(self) -> Json:
        """What the server says of its own sign-in (RFC 8414), challenges included since 4.3."""
        home = self.world.url
        return {
            "issuer": f"{home}/",
            "service_documentation": "https://docs.joinmastodon.org/",
            "authorization_endpoint": f"{home}/oauth/authorize",
            "token_endpoint": f"{home}/oauth/token",
            "userinfo_endpoint": f"{home}/oauth/userinfo",
            "app_registration_endpoint": f"{home}/api/v1/apps",
            "revocation_endpoint": f"{home}/oauth/revoke",
            "scopes_supported": ["read", "write", "profile"],
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code"],
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
            "code_challenge_methods_supported": ["S256"],
        }

    def register(self, said: Mapping[str, object]) -> Json:
        """A new application. Raises Refusal."""
        name, redirects = str(said.get("client_name") or ""), _redirects(said.get("redirect_uris"))
        if not name:
            raise Refusal(422, "Validation failed: Name can't be blank")
        if not redirects:
            raise Refusal(422, "Validation failed: Redirect URI can't be blank")
        scopes, website = str(said.get("scopes") or "read").split(), str(said.get("website") or "") or None
        made = App(self.world.snowflake(), name, secrets.token_hex(16), redirects, tuple(scopes), website)
        self.apps[made.client_id] = made
        return {
            "id": made.id,
            "name": name,
            "website": website,
            "scopes": scopes,
            "redirect_uris": list(redirects),
            "redirect_uri": "\n".join(redirects),
            "client_id": made.client_id,
            "client_secret": made.secret,
            "client_secret_expires_at": 0,
            "vapid_key": "",
        }

    def approve(self, query: Mapping[str, str], username: str) -> str:
        """Where the browser goes after `username` said yes; "" is nobody, who says no. Raises Refusal."""
        app = self.apps.get(query.get("client_id", ""))
        if app is None:
            raise Refusal(401, "invalid_client", NO_CLIENT)
        back = query.get("redirect_uri", "")
        if back not in app.redirects:
            raise Refusal(400, "invalid_redirect_uri", "Not one of the application's.")
        told = {"state": query["state"]} if "state" in query else {}
        scopes = tuple(query.get("scope", "read").replace("+", " ").split())
        trouble = _trouble(app, query, scopes)
        if trouble or not username:
            error, words = trouble or ("access_denied", DENIED)
            return f"{back}?{urlencode({'error': error, 'error_description': words, **told})}"
        member = self.world.who(username)
        if member is None or member.state != "active":
            raise Refusal(403, "Your login is currently disabled")
        code = secrets.token_urlsafe(32)
        self.grants[code] = Grant(app, member, back, scopes, query.get("code_challenge", ""), self.world.clock())
        return f"{back}?{urlencode({'code': code, **told})}"

    def exchange(self, said: Mapping[str, object]) -> Json:
        """A token for a code. Raises Refusal."""
        app = self._client(said)
        if said.get("grant_type") != "authorization_code":
            raise Refusal(400, "unsupported_grant_type", "Codes alone are taken here.")
        grant = self.grants.get(str(said.get("code") or ""))
        if grant is None or grant.used or grant.app is not app or self.world.clock() - grant.at >= CODE_LIVES:
            raise Refusal(400, "invalid_grant", NO_GRANT)
        verifier = str(said.get("code_verifier") or "")
        if grant.challenge and not verifier:
            raise Refusal(400, "invalid_request", "code_verifier is missing.")
        if said.get("redirect_uri") != grant.redirect or (challenge(verifier) if verifier else "") != grant.challenge:
            raise Refusal(400, "invalid_grant", NO_GRANT)
        grant.used = True
        name = self._token(grant)
        token = self.tokens[name]
        made = {"access_token": name, "token_type": "Bearer", "scope": " ".join(token.scopes)}
        return made | {"created_at": int(token.at.timestamp())}

    def revoke(self, said: Mapping[str, object]) -> Json:
        """End a token of an application; once more is no error. Raises Refusal."""
        app, known = self._client(said), self.tokens.get(str(said.get("token") or ""))
        if known is not None and known.client_id != app.client_id:
            raise Refusal(403, "unauthorized_client", "You are not authorized to revoke this token")
        if known is not None:
            known.revoked = True
        return {}

    def _client(self, said: Mapping[str, object]) -> App:
        app = self.apps.get(str(said.get("client_id") or ""))
        if app is None or not secrets.compare_digest(app.secret, str(said.get("client_secret") or "")):
            raise Refusal(401, "invalid_client", NO_CLIENT)
        return app

    def _token(self, grant: Grant) -> str:
        same = (grant.member.id, grant.scopes, grant.app.client_id)
        for name, token in self.tokens.items():
            if (token.member.id, token.scopes, token.client_id) == same and not token.revoked:
                return name
        name = f"token-{secrets.token_hex(16)}"
        self.tokens[name] = Token(grant.member, grant.scopes, grant.app.client_id, self.world.clock())
        return name


def challenge(verifier: str) -> str:
    """The S256 challenge of a verifier (RFC 7636)."""
    return urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def covers(scopes: tuple[str, ...], wanted: tuple[str, ...]) -> bool:
    """Whether one of the wanted scopes is there, itself or as part of a wider one."""
    return any(each in scopes or each.partition(":")[0] in scopes for each in wanted)


def _redirects(told: object) -> tuple[str, ...]:
    listed = told if isinstance(told, list) else str(told or "").split()
    return tuple(str(each) for each in listed)


def _trouble(app: App, query: Mapping[str, str], scopes: tuple[str, ...]) -> tuple[str, str] | None:
    """What the browser brings back instead of a code."""
    if query.get("response_type") != "code":
        return "unsupported_response_type", "Codes alone are given here."
    if not set(scopes) <= set(app.scopes):
        return "invalid_scope", NO_SCOPE
    if query.get("code_challenge") and query.get("code_challenge_method") != "S256":
        return "invalid_code_challenge_method", "S256 alone is taken here."
    return None
